/* test_recur.c - what recurs in footage, against a plain search in double. */
#include "core/rng.h"
#include "kmeans/recur.h"
#include "tools/tool.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { DIM = 19, KINDS = 6 };

/* Rows near one of a few directions; kind k is in the stretches s with s % (k + 1) == 0, so the last ones are rare. */
static size_t footage(float *x, size_t *first, size_t stretches, size_t each, uint64_t seed) {
    float kind[KINDS][DIM];
    size_t n = 0;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t d = 0; d < DIM; d++) kind[k][d] = (float)sv_rng_normal(&seed);
    for (size_t s = 0; s < stretches; s++) {
        first[s] = n;
        for (size_t i = 0; i < each && s % 5 != 3; i++) {      /* nobody is there in every fifth */
            size_t k = sv_rng_below(&seed, KINDS);
            while (s % (k + 1)) k = sv_rng_below(&seed, KINDS);
            const float size = 0.5f + (float)sv_rng_unit(&seed);
            for (size_t d = 0; d < DIM; d++) x[n * DIM + d] = size * (kind[k][d] + 0.25f * (float)sv_rng_normal(&seed));
            n++;
        }
    }
    return first[stretches] = n;
}

static double distance(const float *a, const float *b) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t d = 0; d < DIM; d++) ab += (double)a[d] * (double)b[d], aa += (double)a[d] * (double)a[d], bb += (double)b[d] * (double)b[d];
    return aa > 0 && bb > 0 ? 1 - ab / sqrt(aa * bb) : 1;
}

/* How many other stretches have the like of row i; *close: something lies too near to the reach to tell in float. */
static size_t plain(const float *x, const size_t *first, size_t stretches, size_t i, double reach, bool *close) {
    size_t seen = 0;
    for (size_t s = 0; s < stretches; s++) {
        double least = INFINITY;
        if (i >= first[s] && i < first[s + 1]) continue;
        for (size_t r = first[s]; r < first[s + 1]; r++) least = fmin(least, distance(x + i * DIM, x + r * DIM));
        *close = *close || fabs(least - reach) < 1e-5;
        seen += least <= reach;
    }
    return seen;
}

static void run(uint8_t *recurs, const float *x, const size_t *first, size_t stretches, double reach, size_t threads) {
    struct sv_cpu c;
    cr_assert_eq(sv_cpu_open(&c, &(struct sv_common){ .threads = threads }, NULL), 0);
    cr_assert_eq(sv_recur(recurs, &c, x, DIM, first, stretches, reach, NULL), 0);
    sv_cpu_close(&c);
}

Test(recur, is_what_half_of_the_other_stretches_have) {
    enum { STRETCHES = 12, EACH = 70 };
    static float x[STRETCHES * EACH * DIM];
    static uint8_t recurs[STRETCHES * EACH], again[STRETCHES * EACH];
    size_t first[STRETCHES + 1], told = 0, close_ones = 0;
    for (size_t stretches = 4; stretches <= STRETCHES; stretches++)
        for (size_t each = 1; each <= EACH; each += 23) {
            const size_t n = footage(x, first, stretches, each, 31 * stretches + each), used = stretches - (stretches + 1) / 5;
            for (size_t d = 0; d < DIM; d++) x[d] = each > 1 ? 0 : x[d];        /* a row without a direction has no like */
            run(recurs, x, first, stretches, 0.05, 1);
            for (size_t threads = 2; threads <= 4; threads++) {
                run(again, x, first, stretches, 0.05, threads);
                cr_assert_arr_eq(recurs, again, n, "%zu threads", threads);
            }
            for (size_t i = 0; i < n; i++) {
                bool close = false;
                const bool want = 2 * plain(x, first, stretches, i, 0.05, &close) >= used - 1;
                told += want, close_ones += close;
                if (!close) cr_assert_eq(recurs[i], want, "row %zu of %zu, %zu stretches", i, n, stretches);
            }
        }
    cr_expect(told > 1000 && close_ones < 100, "%zu rows that recur, %zu near the reach", told, close_ones);
}

Test(recur, reach_has_two_ends) {
    float x[6 * DIM];
    uint8_t recurs[6];
    size_t first[7];
    uint64_t seed = 9;
    for (size_t i = 0; i < 6; i++) first[i] = i;
    first[6] = 6;
    for (size_t i = 0; i < 6 * DIM; i++) x[i] = (float)sv_rng_normal(&seed);
    run(recurs, x, first, 6, 2, 1);
    for (size_t i = 0; i < 6; i++) cr_expect_eq(recurs[i], 1, "all are within 2");
    run(recurs, x, first, 6, 0, 1);
    for (size_t i = 0; i < 6; i++) cr_expect_eq(recurs[i], 0, "row %zu", i);
}

Test(recur, what_cannot_recur_is_refused) {
    float x[3 * DIM];
    uint8_t recurs[3];
    struct sv_err e = {0};
    struct sv_cpu c;
    for (size_t i = 0; i < 3 * DIM; i++) x[i] = 1;
    cr_assert_eq(sv_cpu_open(&c, &(struct sv_common){ .threads = 1 }, NULL), 0);
    cr_expect_eq(sv_recur(recurs, &c, x, DIM, (size_t[]){ 0, 2, 2, 3, 3 }, 4, 0.1, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "2 of 4 stretches"), "%s", e.msg);
    cr_expect_eq(sv_recur(recurs, &c, x, DIM, (size_t[]){ 0 }, 0, 0.1, NULL), SV_EINPUT);
    cr_expect_eq(sv_recur(recurs, &c, x, DIM, (size_t[]){ 0, 1, 2, 3 }, 3, 0.1, NULL), 0);
    x[DIM + 3] = NAN;
    cr_expect_eq(sv_recur(recurs, &c, x, DIM, (size_t[]){ 0, 1, 2, 3 }, 3, 0.1, NULL), SV_EINPUT);
    sv_cpu_close(&c);
}
