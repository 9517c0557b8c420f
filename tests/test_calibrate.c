/* P-values, tails and thresholds: against plain counting, and against distributions whose quantiles are known. */
#include "core/rng.h"
#include "kmeans/calibrate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20000 };
static double sample[N], order[N];

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A generalised Pareto quantile of a uniform number. */
static double pareto(double g, double sigma, double xi) { return fabs(xi) > 0 ? sigma / xi * (pow(g, -xi) - 1) : -sigma * log(g); }

Test(calibrate, tail_finds_its_shape) {
    static const double xi[] = { -0.4, -0.2, 0, 0.2, 0.4 };
    for (size_t k = 0; k < SV_LEN(xi); k++) {
        uint64_t rng = 7 + k;
        struct sv_tail t;
        for (size_t i = 0; i < N; i++) sample[i] = pareto(1 - sv_rng_unit(&rng), 0.003, xi[k]);
        qsort(sample, N, sizeof *sample, by_value);
        sv_tail_fit(&t, 1, sample, N);
        cr_expect(fabs(t.xi - xi[k]) < 0.04, "xi %g, found %g", xi[k], t.xi);
        cr_expect(fabs(t.sigma / 0.003 - 1) < 0.05, "sigma %g at xi %g", t.sigma, xi[k]);
        for (double g = 1; g > 1e-6; g /= 3) {
            const double s = sv_tail_inverse(&t, g);
            cr_expect(fabs(sv_tail_beyond(&t, s) - g) < 1e-9 * g + 1e-15, "G of its own quantile %g: %g", g, sv_tail_beyond(&t, s));
        }
    }
}

Test(calibrate, tail_of_little) {
    static const double same[12] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 }, few[3] = { 1, 2, 6 };
    struct sv_tail t;
    sv_tail_fit(&t, 0, few, 3);
    cr_expect(fabs(t.xi) <= 0 && fabs(t.sigma - 3) < 1e-12, "an exponential of the mean: %g %g", t.xi, t.sigma);
    sv_tail_fit(&t, 0, same, 12);
    cr_expect(isfinite(t.xi) && t.sigma > 0 && sv_tail_beyond(&t, 1.9) > 0.2, "%g %g", t.xi, t.sigma);
    sv_tail_fit(&t, 5, NULL, 0);
    cr_expect(t.n == 0 && sv_tail_beyond(&t, 5) >= 1 && sv_tail_beyond(&t, 5.1) <= 0);
}

Test(calibrate, p_values_are_uniform) {
    uint64_t rng = 3;
    struct sv_normal d;
    struct sv_err e = {0};
    for (size_t i = 0; i < N / 2; i++) sample[i] = pareto(1 - sv_rng_unit(&rng), 0.002, 0.1);
    qsort(sample, N / 2, sizeof *sample, by_value);
    cr_assert_eq(sv_normal_init(&d, sample, N / 2, &e), 0);
    static const double at[] = { 0.5, 0.1, 0.05, 0.01, 0.002, 0.0005 };
    size_t below[SV_LEN(at)] = {0};
    for (size_t i = 0; i < 10 * N; i++) {
        const double p = sv_p_value(&d, pareto(1 - sv_rng_unit(&rng), 0.002, 0.1));
        for (size_t k = 0; k < SV_LEN(at); k++) below[k] += p <= at[k];
    }
    for (size_t k = 0; k < SV_LEN(at); k++) {
        const double share = (double)below[k] / (10 * N), wrong = fabs(share / at[k] - 1);
        cr_expect(wrong < (at[k] < 0.001 ? 0.8 : at[k] < 0.01 ? 0.4 : 0.15), "p <= %g for %g of normal scores", at[k], share);
    }
    double last = 2;
    for (double s = 0; s < 1; s = s * 1.3 + 1e-5) {
        const double p = sv_p_value(&d, s);
        cr_expect(p <= last && p >= SV_P_LEAST && p <= 1, "p %g after %g", p, last);
        last = p;
    }
    cr_expect(isnan(sv_p_value(&d, NAN)));
    cr_expect(sv_p_value(&d, -1) >= 1 && sv_p_value(&d, INFINITY) <= SV_P_LEAST);
}

/* Alarms by the words of the header: positions of windows of `length` high samples, joined over gaps. */
static size_t plain_alarms(const struct sv_footage *f, const struct sv_alarm_rule *r, double u) {
    size_t alarms = 0, first = 0;
    for (size_t b = 0; b < f->blocks; first += (size_t)f->block[b++]) {
        const size_t n = (size_t)f->block[b];
        size_t end = SIZE_MAX;          /* behind the last alarm */
        for (size_t t = 0; t + r->length <= n; t++) {
            bool high = true;
            for (size_t k = 0; k < r->length; k++) high = high && f->score[first + t + k] >= u;
            if (!high) continue;
            if (end == SIZE_MAX || t > end + r->gap) alarms++;
            end = t + r->length;
        }
    }
    return alarms;
}

/* Scores that hold on for a while, as those of people who cross a picture do. */
static void footage(double *score, size_t n, uint64_t seed) {
    double level = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 25 == 0) level = pareto(1 - sv_rng_unit(&seed), 0.002, 0);
        score[i] = level * (0.8 + 0.2 * sv_rng_unit(&seed));
    }
}

Test(calibrate, alarms_are_counted_as_said) {
    static const int32_t block[] = { 1, 700, 3, 0, 296, 1000 };
    footage(sample, 2000, 5);
    const struct sv_footage f = { sample, 2000, block, SV_LEN(block), 10 };
    memcpy(order, sample, 2000 * sizeof *order);
    qsort(order, 2000, sizeof *order, by_value);
    for (size_t length = 1; length < 6; length += 2)
        for (size_t gap = 0; gap < 40; gap += 13) {
            const struct sv_alarm_rule r = { length, gap };
            for (size_t k = 0; k < 2000; k += 37)
                cr_expect_eq(sv_alarms(&f, &r, order[k]), plain_alarms(&f, &r, order[k]), "length %zu, gap %zu, score %zu", length, gap, k);
        }
}

/* A counted threshold keeps the footage's own alarms at what was asked, and the next lower sample would not. */
Test(calibrate, counted_thresholds) {
    static const int32_t block[] = { 5000, 1, 4999, 10000 };
    footage(sample, N, 9);
    const struct sv_footage f = { sample, N, block, SV_LEN(block), 10 };
    const double hours = N / 10.0 / 3600;
    for (size_t want = 10; want < 90; want += 7) {
        const struct sv_alarm_rule r = { 2, 20 };
        struct sv_threshold t;
        struct sv_err e = {0};
        cr_assert_eq(sv_alarm_threshold(&t, &f, &r, ((double)want + 0.01) / hours, &e), 0);
        cr_expect(t.counted && !t.beyond && fabs(t.hours - hours) < 1e-12);
        const size_t alarms = sv_alarms(&f, &r, t.score);
        cr_expect(alarms <= want && alarms + 2 > want, "%zu alarms, asked for %zu", alarms, want);
        memcpy(order, sample, sizeof order);
        qsort(order, N, sizeof *order, by_value);
        for (size_t i = N; i-- && order[i] >= t.score; )
            cr_assert(plain_alarms(&f, &r, order[i]) <= want, "never more alarms above the threshold");
    }
}

/* From one footage to another of the same kind, at rates that it shows and beyond: on the average of some footages. */
Test(calibrate, rates_hold_on_other_footage) {
    enum { SOME = 8 };
    static double other[10 * N];
    static const int32_t block[] = { N }, more[] = { 10 * N };
    static const double want[] = { 40, 12, 5, 2, 0.5 };         /* in the held-out time */
    double got[SV_LEN(want)] = {0};
    footage(other, 10 * N, 22);
    const struct sv_footage f = { sample, N, block, 1, 25 }, g = { other, 10 * N, more, 1, 25 };
    const double hours = N / 25.0 / 3600;
    for (uint64_t s = 0; s < SOME; s++) {
        double last = 0;
        footage(sample, N, 100 + s);
        for (size_t k = 0; k < SV_LEN(want); k++) {
            const struct sv_alarm_rule r = { 3, 50 };
            struct sv_threshold t;
            struct sv_err e = {0};
            cr_assert_eq(sv_alarm_threshold(&t, &f, &r, want[k] / hours, &e), 0);
            got[k] += (double)sv_alarms(&g, &r, t.score) / 10 / SOME;
            cr_expect(t.beyond == (want[k] < 1) && t.score >= last, "threshold %g after %g", t.score, last);
            last = t.score;
        }
    }
    for (size_t k = 0; k < SV_LEN(want); k++)
        cr_expect(got[k] < 1.6 * want[k] && got[k] > want[k] / 1.6, "%g alarms, asked for %g", got[k], want[k]);
}

Test(calibrate, nothing_happens) {
    static const int32_t block[] = { 100 }, pieces[] = { 2, 2 };
    static const double zero[100];
    struct sv_footage f = { zero, 100, block, 1, 25 };
    struct sv_threshold t;
    struct sv_err e = {0};
    cr_assert_eq(sv_alarm_threshold(&t, &f, &(struct sv_alarm_rule){ 1, 0 }, 1, &e), 0);
    cr_expect(t.score > 0 && t.beyond, "an empty street gives a threshold above 0: %g", t.score);
    cr_expect_eq(sv_alarms(&f, &(struct sv_alarm_rule){ 1, 0 }, t.score), 0);
    f = (struct sv_footage){ zero, 4, pieces, 2, 25 };
    cr_assert_eq(sv_alarm_threshold(&t, &f, &(struct sv_alarm_rule){ 3, 0 }, 1, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "in a row"), "%s", e.msg);
}
