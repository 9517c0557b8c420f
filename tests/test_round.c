#include "clip/round.h"
#include "core/rng.h"
#include "nn/round.h"
#include "tests/tiny.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <math.h>

static struct sv_err err;

static float *floats(size_t n) {
    float *p = sv_alloc(n, sizeof *p, &err);
    cr_assert_neq(p, NULL);
    return p;
}

static float real(uint64_t *state) { return (float)(2 * sv_rng_unit(state) - 1); }

/* Rows that have much in common: a mean, and few directions. */
static void alike(float *x, size_t rows, size_t k, uint64_t *state) {
    for (size_t i = 0; i < rows; i++) {
        const float a = real(state), b = real(state);
        for (size_t j = 0; j < k; j++) x[i * k + j] = 2 * sinf((float)j) + a * cosf(3 * (float)j) + b * sinf(7 * (float)j) + 0.1f * real(state);
    }
}

/* The factor as its definition says, in double: rows of M from the last one up. */
static void plain_factor(double *h, size_t k) {
    double trace = 0;
    for (size_t j = 0; j < k; j++) trace += h[j * k + j];
    for (size_t j = 0; j < k; j++) h[j * k + j] += trace / (double)k / 100;
    for (size_t j = k; j-- > 0;)
        for (size_t i = 0; i < j; i++)
            for (size_t l = 0; l <= i; l++) h[i * k + l] -= h[j * k + i] * h[j * k + l] / h[j * k + j];
    for (size_t j = 0; j < k; j++) {
        const double d = h[j * k + j];
        for (size_t i = 0; i < k; i++) h[j * k + i] = i > j ? 0 : h[j * k + i] / d;
    }
}

static void factors(const struct sv_cpu *c, size_t rows, size_t k) {
    uint64_t state = 5 + k;
    float *x = floats(rows * k), *m = floats(k * k), *scratch = floats(sv_moment_floats(c, rows, k));
    double *want = sv_alloc(k * k, sizeof *want, &err);
    alike(x, rows, k, &state);
    sv_moment_add(c, m, x, rows, k, scratch);
    for (size_t i = 0; i < k; i++) for (size_t j = 0; j < k; j++) {
        for (size_t r = 0; r < rows; r++) want[i * k + j] += (double)x[r * k + i] * x[r * k + j];
        cr_expect_float_eq(m[i * k + j], want[i * k + j], 1e-5 * (double)rows * 10, "%s k=%zu (%zu, %zu)", c->kern->isa, k, i, j);
    }
    sv_moment_factor(c, m, k), plain_factor(want, k);
    for (size_t i = 0; i < k * k; i++) cr_expect_float_eq(m[i], want[i], 2e-3 * (1 + fabs(want[i])), "%s k=%zu at %zu: %g, not %g", c->kern->isa, k, i, m[i], want[i]);
    sv_free(x), sv_free(m), sv_free(scratch), sv_free(want);
}

Test(round, factors_against_double) {
    for (const struct sv_kern *const *t = sv_kern_usable(); *t; t++)
        for (size_t k = 1; k < 70; k += 1 + k / 5) factors(&(struct sv_cpu){ .kern = *t }, 1 + 3 * k % 50, k);
}

/* What rounding loses in the products with x, squared. */
static double lost(const float *x, size_t rows, const float *w, const int8_t *q, const float *scale, size_t n, size_t k) {
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t r = 0; r < n; r++) {
            double e = 0;
            for (size_t j = 0; j < k; j++) e += ((double)w[r * k + j] - (double)scale[r] * q[r * k + j]) * x[i * k + j];
            sum += e * e;
        }
    return sum;
}

enum { N = 37, K = 90, ROWS = 200 };

static void nearest(int8_t *q, float *scale, const float *w) {
    for (size_t r = 0; r < N; r++) {
        scale[r] = sv_i8_scale(w + r * K, K, 0, SV_ANY_PAIR);
        for (size_t j = 0; j < K; j++) q[r * K + j] = sv_i8(w[r * K + j], scale[r]);
    }
}

Test(round, loses_less_on_inputs_like_those_it_saw) {
    const struct sv_cpu c = { .kern = sv_kern_best() };
    uint64_t state = 3;
    float *x = floats(2 * ROWS * K), *w = floats(N * K), *m = floats(K * K), *scratch = floats(sv_moment_floats(&c, ROWS, K)), *errors = floats(N * K);
    float scale[2][N];
    int8_t q[2][N * K];
    alike(x, 2 * ROWS, K, &state);
    for (size_t i = 0; i < N * K; i++) w[i] = real(&state);
    sv_moment_add(&c, m, x, ROWS, K, scratch);
    sv_moment_factor(&c, m, K);
    sv_round_rows(&c, q[0], scale[0], w, N, K, m, errors);
    nearest(q[1], scale[1], w);
    cr_expect_arr_eq(scale[0], scale[1], sizeof scale[0]);
    const double some = lost(x + ROWS * K, ROWS, w, q[0], scale[0], N, K), all = lost(x + ROWS * K, ROWS, w, q[1], scale[1], N, K);
    cr_expect(some < all / 20, "%g of %g is lost", some, all);
    sv_free(x), sv_free(w), sv_free(m), sv_free(scratch), sv_free(errors);
}

/* Inputs that have nothing in common, none at all, or no finite moment: nearest bytes.  A row that is not finite spoils no other. */
Test(round, nearest_bytes_where_nothing_is_known) {
    const struct sv_cpu c = { .kern = sv_kern_best() };
    uint64_t state = 4;
    float *w = floats(N * K), *m = floats(K * K), *errors = floats(N * K);
    float scale[2][N];
    int8_t q[2][N * K];
    for (size_t i = 0; i < N * K; i++) w[i] = real(&state);
    w[3 * K + 5] = NAN;
    for (size_t j = 0; j < K; j++) w[4 * K + j] = 0;
    nearest(q[1], scale[1], w);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < K * K; i++) m[i] = i % (K + 1) ? 0 : kind == 0 ? 2 : 0;
        if (kind == 2) m[K + 1] = INFINITY;
        sv_moment_factor(&c, m, K);
        sv_round_rows(&c, q[0], scale[0], w, N, K, m, errors);
        cr_expect_arr_eq(q[0], q[1], sizeof q[0], "kind %d", kind);
        for (size_t r = 0; r < N; r++) cr_expect(r == 3 ? isnan(scale[0][r]) : scale[0][r] == scale[1][r], "kind %d, row %zu", kind, r);
    }
    sv_free(w), sv_free(m), sv_free(errors);
}

Test(round, same_bytes_for_any_number_of_threads) {
    uint64_t state = 6;
    float *x = floats(ROWS * K), *w = floats(N * K), *errors = floats(N * K);
    float scale[2][N];
    static int8_t q[2][N * K];
    alike(x, ROWS, K, &state);
    for (size_t i = 0; i < N * K; i++) w[i] = real(&state);
    for (size_t threads = 1; threads <= 5; threads++) {
        struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(threads, &err) };
        float *m = floats(K * K), *scratch = floats(sv_moment_floats(&c, ROWS, K));
        sv_moment_add(&c, m, x, ROWS, K, scratch);
        sv_moment_factor(&c, m, K);
        sv_round_rows(&c, q[threads > 1], scale[threads > 1], w, N, K, m, errors);
        if (threads > 1) {
            cr_expect_arr_eq(q[0], q[1], sizeof q[0], "%zu threads", threads);
            cr_expect_arr_eq(scale[0], scale[1], sizeof scale[0]);
        }
        sv_free(m), sv_free(scratch), sv_pool_free(c.pool);
    }
    sv_free(x), sv_free(w), sv_free(errors);
}

/* ---- the image tower ---- */

static float cosine(const float *a, const float *b, size_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) ab += (double)a[i] * b[i], aa += (double)a[i] * a[i], bb += (double)b[i] * b[i];
    return (float)(ab / sqrt(aa * bb));
}

static void features(const struct sv_store *s, const struct sv_cpu *c, const float *pixels, size_t n, float *out) {
    struct sv_clip *m = sv_clip_open(s, c, SV_CLIP_IMAGE, n, &err);
    cr_assert_neq(m, NULL, "%s", err.msg);
    sv_clip_image(m, pixels, n, out);
    sv_clip_free(m);
}

/* The image tower of s with what `bytes` has in its place. */
static void in_bytes(struct sv_store *to, const struct sv_store *s, const struct sv_store *bytes) {
    cr_assert_eq(sv_store_init(to, "bytes", &err), 0);
    for (size_t i = 0; i < s->values; i++) cr_assert_eq(sv_store_copy_value(to, &s->value[i], &err), 0);
    for (size_t i = 0; i < s->views; i++) {
        const struct sv_view *v = &s->view[i], *b = sv_store_find(bytes, v->name);
        if (strncmp(v->name, "clip.visual.", 12)) continue;
        if (!b) b = v;
        cr_assert_eq(sv_store_add(to, b->name, b->dtype, b->rank, b->dim, b->data, b->bytes, &err), 0, "%s", err.msg);
    }
    for (size_t i = 0; i < bytes->views; i++) {
        const struct sv_view *b = &bytes->view[i];
        if (b->dtype == SV_F32) cr_assert_eq(sv_store_add(to, b->name, b->dtype, b->rank, b->dim, b->data, b->bytes, &err), 0, "%s", err.msg);
    }
}

enum { PICTURES = 6, SIDE = 64, EMBED = 64 };

Test(round, an_image_tower_keeps_more_of_its_features) {
    struct sv_clip_config g;
    struct sv_store s = { 0 }, bytes = { 0 }, rounded = { 0 };
    struct sv_cpu f32 = { .kern = sv_kern_named("scalar"), .precision = SV_ALL_F32 }, i8 = { .kern = f32.kern, .precision = SV_ALL_I8 }, stored = { .kern = f32.kern };
    uint64_t state = 8;
    float *pixels = floats(2 * PICTURES * 3 * SIDE * SIDE), out[3][PICTURES * EMBED];
    cr_assert(sv_clip_family(&g, "tiny") && g.image_size == SIDE && g.embed == EMBED);
    cr_assert_eq(sv_store_init(&s, "tiny", &err), 0);
    cr_assert_eq(sv_clip_random(&s, &g, 1, &err), 0);
    for (size_t i = 0; i < 2 * PICTURES * 3 * SIDE * SIDE; i++) pixels[i] = sinf((float)(i % SIDE) / 9) + 0.3f * real(&state);
    cr_assert_eq(sv_store_init(&bytes, "bytes", &err), 0);
    cr_assert_eq(sv_clip_round(&bytes, &s, &f32, pixels, PICTURES, NULL, NULL, &err), 0, "%s", err.msg);
    cr_expect_eq(bytes.views, 2 * (2 + 4 * g.visual.layers));
    in_bytes(&rounded, &s, &bytes);
    const float *others = pixels + PICTURES * 3 * SIDE * SIDE;
    features(&s, &f32, others, PICTURES, out[0]), features(&s, &i8, others, PICTURES, out[1]), features(&rounded, &stored, others, PICTURES, out[2]);
    double plain = 0, better = 0;
    for (size_t i = 0; i < PICTURES; i++) {
        plain += 1 - cosine(out[0] + i * EMBED, out[1] + i * EMBED, EMBED), better += 1 - cosine(out[0] + i * EMBED, out[2] + i * EMBED, EMBED);
    }
    cr_expect(better < plain * 0.7, "1 - cosine: %g rounded, %g nearest", better / PICTURES, plain / PICTURES);
    sv_store_free(&rounded), sv_store_free(&bytes), sv_store_free(&s), sv_free(pixels);
}

Test(round, the_command) {
    struct ran r;
    const char *dir = temp_dir();
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "world --frames 30 --size 64x48 --quiet -o days"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick --dtype i8 -o plain.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick --dtype i8 --calibrate days/video --calibrate days/video -o m.svad"), 0, "%s", r.err);
    cr_expect_neq(strstr(r.err, "rounded for 16 frames\n"), NULL, "%s", r.err);
    cr_expect_eq(run_svad(&r, dir, "verify m.svad"), 0, "%s", r.err);
    cr_expect_eq(run_svad(&r, dir, "compare plain.svad m.svad"), 3, "the same bytes");
    cr_expect(strstr(r.out, "clip.visual.block.0.fc2.weight") && !strstr(r.out, ".scale") && !strstr(r.out, "clip.text"), "%s", r.out);
}
