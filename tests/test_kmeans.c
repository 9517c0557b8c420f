#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "kmeans/kmeans.h"
#include "kmeans/response.h"
#include "kmeans/unit.h"
#include "tests/golden/normal.h"

enum { N = 60, D = 11, M = 4 };

static void same(const double *a, const double *b, size_t n, double bound) {
    for (size_t i = 0; i < n; i++) cr_assert(fabs(a[i] - b[i]) <= bound, "[%zu]: %.17g, expected %.17g", i, a[i], b[i]);
}

static void against_oracle(const double *init, const double *centre, const unsigned char *label, double objective) {
    struct sv_kmeans k;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_kmeans_lloyd(&k, NULL, km_x, N, D, init, M, SV_KMEANS_ITERS, &e), 0, "%s", e.msg);
    cr_assert(k.m == M && k.n == N && k.dim == D);
    for (size_t i = 0; i < N; i++) cr_assert_eq(k.label[i], label[i], "row %zu", i);
    same(k.centre, centre, M * D, 1e-14);
    same(&k.objective, &objective, 1, 1e-12);
    sv_kmeans_free(&k);
}

Test(kmeans, lloyd_is_the_oracle) { against_oracle(km_init, km_centre, km_label, km_objective); }
Test(kmeans, empty_clusters_are_filled) {
    against_oracle(km_empty_init, km_empty_centre, km_empty_label, km_empty_objective);
}

/* `groups` directions with noise; a fifth of the rows scaled, which must change nothing but rounding. */
static void make_rows(float *x, size_t n, size_t dim, size_t groups, double noise, uint64_t seed) {
    for (size_t i = 0; i < n; i++) {
        uint64_t g = 77 + i % groups;
        for (size_t j = 0; j < dim; j++)
            x[i * dim + j] = (float)((0.2 + 0.1 * sv_rng_unit(&g) + noise * (sv_rng_unit(&seed) - 0.5)) * (i % 5 ? 1 : 3));
    }
}

/* Rounds as METHOD.md words them: every row against every centre, no bounds, no shared products. */
static double plain_lloyd(const float *x, size_t n, size_t dim, double *c, size_t m, size_t *label) {
    double total = 0;
    for (size_t round = 0; round < SV_KMEANS_ITERS; round++) {
        bool moved = false;
        total = 0;
        for (size_t i = 0; i < n; i++) {
            size_t best = 0;
            double most = -2;
            for (size_t k = 0; k < m; k++) {
                double s = 0;
                for (size_t j = 0; j < dim; j++) s += (double)x[i * dim + j] * c[k * dim + j];
                s *= sv_unit_scale(x + i * dim, dim);
                if (s > most) most = s, best = k;
            }
            total += 1 - most;
            moved = moved || !round || label[i] != best;
            label[i] = best;
        }
        if (!moved) break;
        memset(c, 0, m * dim * sizeof *c);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < dim; j++)
                c[label[i] * dim + j] += (double)x[i * dim + j] * sv_unit_scale(x + i * dim, dim);
        for (size_t k = 0; k < m; k++) {
            double s = 0;
            for (size_t j = 0; j < dim; j++) s += c[k * dim + j] * c[k * dim + j];
            for (size_t j = 0; j < dim; j++) c[k * dim + j] /= sqrt(s);
        }
    }
    return total;
}

Test(kmeans, bounds_change_no_label) {
    enum { ROWS = 900, DIM = 24, K = 11 };
    static float x[ROWS * DIM];
    for (uint64_t seed = 0; seed < 6; seed++) {
        make_rows(x, ROWS, DIM, seed < 3 ? 9 : 400, 0.02 + 0.05 * (double)seed, seed);
        static double start[K * DIM], c[K * DIM];
        for (size_t k = 0; k < K; k++)
            for (size_t j = 0; j < DIM; j++) start[k * DIM + j] = (double)x[(k * 71 + 3) * DIM + j];
        struct sv_kmeans a;
        struct sv_err e = { 0 };
        cr_assert_eq(sv_kmeans_lloyd(&a, NULL, x, ROWS, DIM, start, K, SV_KMEANS_ITERS, &e), 0, "%s", e.msg);
        for (size_t k = 0; k < K; k++) {
            double s = 0;
            for (size_t j = 0; j < DIM; j++) s += start[k * DIM + j] * start[k * DIM + j];
            for (size_t j = 0; j < DIM; j++) c[k * DIM + j] = start[k * DIM + j] / sqrt(s);
        }
        static size_t label[ROWS];
        const double total = plain_lloyd(x, ROWS, DIM, c, K, label);
        for (size_t i = 0; i < ROWS; i++) cr_assert_eq(a.label[i], label[i], "seed %d row %zu", (int)seed, i);
        same(a.centre, c, K * DIM, 1e-13);
        same(&a.objective, &total, 1, 1e-11);
        sv_kmeans_free(&a);
    }
}

Test(kmeans, same_bits_for_any_threads) {
    enum { ROWS = 700, DIM = 13 };
    static float x[ROWS * DIM];
    make_rows(x, ROWS, DIM, 300, 0.2, 5);
    struct sv_kmeans one, k;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_kmeans_fit(&one, NULL, x, ROWS, DIM, 10, 42, &e), 0, "%s", e.msg);
    cr_assert_eq(one.m, 10);
    for (size_t threads = 1; threads <= 8; threads++) {
        struct sv_pool *p = sv_pool_new(threads, &e);
        cr_assert(p);
        cr_assert_eq(sv_kmeans_fit(&k, p, x, ROWS, DIM, 10, 42, &e), 0);
        cr_assert(k.m == one.m && k.rounds == one.rounds && !memcmp(&k.objective, &one.objective, sizeof k.objective));
        cr_assert(!memcmp(k.centre, one.centre, k.m * DIM * sizeof *k.centre));
        cr_assert(!memcmp(k.label, one.label, ROWS * sizeof *k.label));
        sv_kmeans_free(&k);
        sv_pool_free(p);
    }
    /* Another seed may find another optimum, but a far worse one would mean that the best start is not kept. */
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, ROWS, DIM, 10, 43, &e), 0);
    cr_assert(fabs(k.objective - one.objective) < 0.02 * one.objective);
    sv_kmeans_free(&k);
    sv_kmeans_free(&one);
}

Test(kmeans, finds_the_groups) {
    enum { ROWS = 300, DIM = 8, K = 6 };
    static float x[ROWS * DIM];
    make_rows(x, ROWS, DIM, K, 1e-4, 9);
    struct sv_kmeans k;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, ROWS, DIM, K, 1, &e), 0, "%s", e.msg);
    for (size_t i = 0; i < ROWS; i++) cr_assert_eq(k.label[i], k.label[i % K], "row %zu", i);
    cr_assert_lt(k.objective, 1e-4);
    sv_kmeans_free(&k);
}

Test(kmeans, no_more_centres_than_rows_that_differ) {
    static float x[40 * 3];
    struct sv_kmeans k;
    struct sv_err e = { 0 };
    for (size_t i = 0; i < 40; i++)     /* three directions, some longer, and zero rows */
        for (size_t j = 0; j < 3; j++)
            x[i * 3 + j] = i % 7 == 6 ? 0 : (j == i % 3 ? 1.0f : 0.125f) * (float)(i / 10 + 1);
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 40, 3, 10, 1, &e), 0, "%s", e.msg);
    cr_assert_eq(k.m, 3);
    for (size_t i = 0; i < 40; i++)
        if (i % 7 == 6) cr_assert_eq(k.label[i], 0);
        else cr_assert_eq(k.label[i], k.label[i % 3]);
    for (size_t c = 0; c < 3; c++)
        cr_assert_float_eq(k.centre[c * 3] * k.centre[c * 3] + k.centre[c * 3 + 1] * k.centre[c * 3 + 1] +
                           k.centre[c * 3 + 2] * k.centre[c * 3 + 2], 1, 1e-14);
    cr_assert_float_eq(k.objective, 5, 1e-9);       /* each of the 5 zero rows is 1 away */
    sv_kmeans_free(&k);

    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 1, 3, 10, 1, &e), 0);           /* one row */
    cr_assert(k.m == 1 && k.objective < 1e-25);
    sv_kmeans_free(&k);
    for (size_t i = 0; i < 120; i++) x[i] = 0.3f;
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 40, 3, 10, 1, &e), 0);          /* identical rows */
    cr_assert(k.m == 1 && k.objective < 1e-25);
    sv_kmeans_free(&k);
}

Test(kmeans, identical_centres_spread) {
    /* All centres equal: every row goes to centre 0, then centres 1 and 2 each take the farthest row out of it. */
    const float x[5 * 2] = { 1, 0, 1, 0.1f, 1, 0.2f, 0, 1, -1, 0.5f };
    const double start[3 * 2] = { 1, 0, 1, 0, 1, 0 };
    struct sv_kmeans k;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_kmeans_lloyd(&k, NULL, x, 5, 2, start, 3, SV_KMEANS_ITERS, &e), 0, "%s", e.msg);
    const size_t want[5] = { 0, 0, 0, 2, 1 };
    for (size_t i = 0; i < 5; i++) cr_assert_eq(k.label[i], want[i], "row %zu", i);
    sv_kmeans_free(&k);
}

Test(kmeans, refuses) {
    float x[6] = { 1, 2, 3, 4, NAN, 6 };
    const double start[6] = { 1, 0, 0, 1, 1, 1 };
    struct sv_kmeans k;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 3, 2, 2, 1, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "row 2"), "%s", e.msg);
    x[4] = INFINITY, e.code = 0;
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 3, 2, 2, 1, &e), SV_EINPUT);
    memset(x, 0, sizeof x), e.code = 0;
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 3, 2, 2, 1, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "zero"), "%s", e.msg);
    x[0] = 1;
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 0, 2, 2, 1, NULL), SV_EINPUT);
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 3, 0, 2, 1, NULL), SV_EINPUT);
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 3, 2, 0, 1, NULL), SV_EINPUT);
    cr_assert_eq(sv_kmeans_lloyd(&k, NULL, x, 2, 2, start, 3, 10, NULL), SV_EINPUT);
    sv_kmeans_free(&k);
}

Test(kmeans, response_is_the_oracle) {
    const struct sv_kern *const *table = sv_kern_usable();
    for (; *table; table++) {
        const struct sv_cpu c = { *table, NULL };
        struct sv_response r;
        struct sv_err e = { 0 };
        float out[5 * 7];
        cr_assert_eq(sv_response_init(&r, &c, resp_text, 7, 21, &e), 0, "%s", e.msg);
        sv_response_run(&r, &c, out, resp_video, 5);
        for (size_t i = 0; i < 35; i++) cr_assert(fabs((double)out[i] - resp_out[i]) < 4e-7, "%s [%zu]", (*table)->isa, i);
        for (size_t i = 21; i < 28; i++) cr_assert_eq(out[i], 0);           /* the zero row */
        sv_response_free(&r);
    }
}

Test(kmeans, response_bits_ignore_threads_and_batch) {
    enum { ROWS = 600, E = 37, T = 19 };
    static float video[ROWS * E], text[T * E], whole[ROWS * T], part[ROWS * T];
    uint64_t seed = 3;
    for (size_t i = 0; i < ROWS * E; i++) video[i] = (float)(sv_rng_unit(&seed) - 0.4);
    for (size_t i = 0; i < T * E; i++) text[i] = (float)(sv_rng_unit(&seed) - 0.4);
    struct sv_err e = { 0 };
    struct sv_cpu c = { sv_kern_best(), NULL };
    struct sv_response r;
    cr_assert_eq(sv_response_init(&r, &c, text, T, E, &e), 0, "%s", e.msg);
    sv_response_run(&r, &c, whole, video, ROWS);
    for (size_t i = 0; i < ROWS; i += 7) sv_response_run(&r, &c, part + i * T, video + i * E, sv_min(7, ROWS - i));
    cr_assert(!memcmp(whole, part, sizeof whole));
    sv_response_free(&r);
    for (size_t threads = 2; threads <= 8; threads++) {
        cr_assert(c.pool = sv_pool_new(threads, &e));
        cr_assert_eq(sv_response_init(&r, &c, text, T, E, &e), 0);
        memset(part, 0, sizeof part);
        sv_response_run(&r, &c, part, video, ROWS);
        cr_assert(!memcmp(whole, part, sizeof whole));
        sv_response_free(&r);
        sv_pool_free(c.pool);
    }
}

Test(kmeans, response_refuses_and_centres) {
    const struct sv_cpu c = { sv_kern_best(), NULL };
    struct sv_response r;
    struct sv_err e = { 0 };
    const float text[4] = { 1, 0, INFINITY, 1 };
    cr_assert_eq(sv_response_init(&r, &c, text, 2, 2, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "text 1"), "%s", e.msg);
    cr_assert_eq(sv_response_init(&r, &c, text, 0, 2, NULL), SV_EINPUT);
    cr_assert_eq(sv_response_init(&r, &c, text, SIZE_MAX / 2, 4, NULL), SV_EINPUT);
    float x[6] = { 1, 2, 3, 5, 6, 10 }, mean[2];
    sv_response_mean(mean, x, 3, 2);
    cr_assert(mean[0] == (float)(10.0 / 3) && mean[1] == (float)(17.0 / 3));
    sv_response_center(x, mean, 3, 2);
    cr_assert(x[0] == 1 - mean[0] && x[5] == 10 - mean[1]);
}
