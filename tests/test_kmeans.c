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

static double cosine(const float *x, const double *c, size_t dim) {
    double s = 0;
    for (size_t j = 0; j < dim; j++) s += (double)x[j] * c[j];
    return s * sv_unit_scale(x, dim);
}

static void plain_unit(double *c, size_t dim) {
    double s = 0;
    for (size_t j = 0; j < dim; j++) s += c[j] * c[j];
    for (size_t j = 0; j < dim; j++) c[j] /= sqrt(s);
}

/* An empty cluster takes the farthest row, the first of equals, out of the largest cluster, the first of equals. */
static void plain_fill(size_t *label, double *gap, size_t n, size_t m) {
    for (size_t k = 0; k < m; k++) {
        size_t count[16] = { 0 }, big = 0, pick = n;
        for (size_t i = 0; i < n; i++) count[label[i]]++;
        if (count[k]) continue;
        for (size_t i = 0; i < m; i++) if (count[i] > count[big]) big = i;
        for (size_t i = 0; i < n; i++)
            if (label[i] == big && (pick == n || gap[i] > gap[pick] + 1e-12)) pick = i;
        label[pick] = k, gap[pick] = 0;
    }
}

/* Rounds as METHOD.md words them: every row against every centre, no bounds, no shared products.  n <= 1000, m <= 16. */
static size_t plain_lloyd(const float *x, size_t n, size_t dim, double *c, size_t m, size_t *label) {
    static double gap[1000];
    static size_t next[1000];
    size_t refilled = 0;
    for (size_t k = 0; k < m; k++) plain_unit(c + k * dim, dim);
    for (size_t round = 0; round < SV_KMEANS_ITERS; round++) {
        for (size_t i = 0; i < n; i++) {
            double most = -2;
            for (size_t k = 0; k < m; k++) {
                const double s = cosine(x + i * dim, c + k * dim, dim);
                if (s > most) most = s, next[i] = k;
            }
            gap[i] = 1 - most;
        }
        static size_t before[1000];
        memcpy(before, next, n * sizeof *next);
        plain_fill(next, gap, n, m);
        refilled += memcmp(before, next, n * sizeof *next) != 0;
        if (round && !memcmp(label, next, n * sizeof *next)) break;
        memcpy(label, next, n * sizeof *next);
        memset(c, 0, m * dim * sizeof *c);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < dim; j++)
                c[label[i] * dim + j] += (double)x[i * dim + j] * sv_unit_scale(x + i * dim, dim);
        for (size_t k = 0; k < m; k++) plain_unit(c + k * dim, dim);
    }
    return refilled;
}

Test(kmeans, bounds_change_no_label) {
    enum { ROWS = 1000, DIM = 24, K = 16 };
    static float x[ROWS * DIM];
    static double start[K * DIM], c[K * DIM];
    static size_t label[ROWS];
    size_t refilled = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        uint64_t rng = seed;
        const size_t n = 20 + sv_rng_below(&rng, seed < 390 ? 100 : 980), dim = 2 + sv_rng_below(&rng, seed < 300 ? 3 : 22);
        const size_t m = 2 + sv_rng_below(&rng, 15), same_start = seed % 4 == 0 ? 3 : 1;
        make_rows(x, n, dim, 1 + sv_rng_below(&rng, 40), 0.5 * sv_rng_unit(&rng), seed);
        for (size_t k = 0; k < m; k++) {            /* equal starts leave clusters empty */
            const size_t row = sv_rng_below(&rng, n);
            for (size_t j = 0; j < dim; j++)
                start[k * dim + j] = k % same_start ? start[(k - 1) * dim + j] : (double)x[row * dim + j];
        }
        memcpy(c, start, m * dim * sizeof *c);
        struct sv_kmeans a;
        struct sv_err e = { 0 };
        cr_assert_eq(sv_kmeans_lloyd(&a, NULL, x, n, dim, start, m, SV_KMEANS_ITERS, &e), 0, "%s", e.msg);
        refilled += plain_lloyd(x, n, dim, c, m, label);
        for (size_t i = 0; i < n; i++) cr_assert_eq(a.label[i], label[i], "seed %d row %zu", (int)seed, i);
        same(a.centre, c, m * dim, 1e-12);
        sv_kmeans_free(&a);
    }
    cr_assert_gt(refilled, 50);
}

Test(kmeans, length_is_no_direction) {
    float x[64 * 7];
    for (size_t i = 0; i < 64; i++)
        for (size_t j = 0; j < 7; j++) x[i * 7 + j] = (float)((i + 1) * (j + 3));
    struct sv_kmeans k;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_kmeans_fit(&k, NULL, x, 64, 7, 10, 1, &e), 0, "%s", e.msg);
    cr_assert(k.m == 1 && k.objective < 1e-25);
    sv_kmeans_free(&k);
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
        const struct sv_cpu c = { .kern = *table, .pool = NULL };
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
    struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
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
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
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
