/* selftest_model.c - the self-test's stages that depend on the kernel table: kernels, product, towers, fusion, responses. */
#include "tools/selftest.h"

#include "clip/clip.h"
#include "core/gemm.h"
#include "core/half.h"
#include "core/rng.h"
#include "kmeans/response.h"
#include "tests/golden/normal.h"
#include "tfc/temporal.h"
#include "tools/golden.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Kernels: one size that is no multiple of any vector, against double; bounds as tests/check_kern.c derives them. */

enum { K_N = 67 };
struct rows { float a[K_N], b[K_N], y[K_N]; };

static void fill(float *v, size_t n, uint64_t seed, double size) {
    for (size_t i = 0; i < n; i++) v[i] = (float)(size * (2 * sv_rng_unit(&seed) - 1));
}

static void check_dot(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    double want = 0, mag = 0;
    for (size_t i = 0; i < K_N; i++) want += (double)r->a[i] * r->b[i], mag += fabs((double)r->a[i] * r->b[i]);
    sv_check_one(c, "dot", fabs((double)k->dot(r->a, r->b, K_N) - want) / mag, K_N * FLT_EPSILON / 2);
}

static void check_axpy(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    memcpy(r->y, r->b, sizeof r->y);
    k->axpy(r->y, 0.75f, r->a, K_N);
    for (size_t i = 0; i < K_N; i++) {
        const double p = 0.75 * (double)r->a[i], b = r->b[i];
        sv_check_one(c, "axpy", fabs((double)r->y[i] - (b + p)) / (fabs(b) + fabs(p) + DBL_MIN), 2 * FLT_EPSILON);
    }
}

static void check_norm(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    double mean = 0, var = 0;
    for (size_t i = 0; i < K_N; i++) mean += (double)r->a[i] / K_N;
    for (size_t i = 0; i < K_N; i++) var += ((double)r->a[i] - mean) * ((double)r->a[i] - mean) / K_N;
    k->norm(r->y, r->a, r->b, r->a, K_N, 1e-5f);
    for (size_t i = 0; i < K_N; i++) {
        const double want = ((double)r->a[i] - mean) / sqrt(var + (double)1e-5f) * r->b[i] + r->a[i];
        sv_check_one(c, "norm", fabs((double)r->y[i] - want), 1e-5);
    }
}

static void check_softmax(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    double sum = 0;
    for (size_t i = 0; i < K_N; i++) sum += exp(2 * (double)r->a[i]);
    memcpy(r->y, r->a, sizeof r->y);
    k->softmax(r->y, K_N, 2);
    for (size_t i = 0; i < K_N; i++) {
        const double want = exp(2 * (double)r->a[i]) / sum;
        sv_check_one(c, "softmax", fabs((double)r->y[i] - want) / want, 1e-5);
    }
}

static void check_quick(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    k->quick(r->y, r->a, K_N);
    for (size_t i = 0; i < K_N; i++) {
        const double x = r->a[i];
        sv_check_one(c, "quick", fabs((double)r->y[i] - x / (1 + exp(-1.702 * x))) / (fabs(x) + DBL_MIN), 6e-7);
    }
}

static void check_gelu(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    k->gelu(r->y, r->a, K_N);
    for (size_t i = 0; i < K_N; i++) {
        const double x = r->a[i];
        sv_check_one(c, "gelu", fabs((double)r->y[i] - x * (1 + erf(x * 0.70710678118654752)) / 2) / (fabs(x) + DBL_MIN), 3e-7);
    }
}

static void check_dquick(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    memcpy(r->y, r->b, sizeof r->y);
    k->dquick(r->y, r->a, K_N);
    for (size_t i = 0; i < K_N; i++) {
        const double x = 1.702 * (double)r->a[i], s = 1 / (1 + exp(-x));
        sv_check_one(c, "dquick", fabs((double)r->y[i] - r->b[i] * s * (1 + x * (1 - s))), 1e-5);
    }
}

static void check_dgelu(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    memcpy(r->y, r->b, sizeof r->y);
    k->dgelu(r->y, r->a, K_N);
    for (size_t i = 0; i < K_N; i++) {
        const double x = r->a[i], slope = erfc(-x * 0.70710678118654752) / 2 + x * 0.39894228040143268 * exp(-x * x / 2);
        sv_check_one(c, "dgelu", fabs((double)r->y[i] - r->b[i] * slope), 1e-5);
    }
}

static void check_dnorm(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    double mean = 0, var = 0, sum = 0, slope = 0;
    float stat[2];
    for (size_t i = 0; i < K_N; i++) mean += (double)r->a[i] / K_N;
    for (size_t i = 0; i < K_N; i++) var += ((double)r->a[i] - mean) * ((double)r->a[i] - mean) / K_N;
    const double inv = 1 / sqrt(var + (double)1e-5f);
    for (size_t i = 0; i < K_N; i++) {
        const double g = (double)r->b[i] * r->a[i] / K_N;       /* the row is its own gain */
        sum += g, slope += g * (r->a[i] - mean) * inv;
    }
    memset(r->y, 0, sizeof r->y);
    k->dnorm(r->y, r->b, r->a, r->a, K_N, 1e-5f, stat);
    for (size_t i = 0; i < K_N; i++) {
        const double want = inv * ((double)r->b[i] * r->a[i] - sum - (r->a[i] - mean) * inv * slope);
        sv_check_one(c, "dnorm", fabs((double)r->y[i] - want), 1e-5);
    }
}

/* Zero, the smallest and the largest subnormal, 1, the largest number and infinity; then whatever comes. */
static void widen(void (*f)(float *, const uint16_t *, size_t), float (*want)(uint16_t), const char *what, struct rows *r, struct sv_check *c) {
    uint16_t h[K_N] = { 0, 1, 0x3ff, 0x3c00, 0x7bff, 0x7c00, 0x8000, 0x8001 };
    for (size_t i = 8; i < K_N; i++) h[i] = (uint16_t)(i * 509);
    f(r->y, h, K_N);
    bool same = true;
    for (size_t i = 0; i < K_N; i++) same = same && sv_f32_bits(r->y[i]) == sv_f32_bits(want(h[i]));
    sv_check_true(c, what, same);
}

static void check_half(const struct sv_kern *k, struct rows *r, struct sv_check *c) { widen(k->half, sv_f16_f32, "half", r, c); }
static void check_bhalf(const struct sv_kern *k, struct rows *r, struct sv_check *c) { widen(k->bhalf, sv_bf16_f32, "bhalf", r, c); }

/* A whole tile added to, then one with every edge cut. */
static void check_tile(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    enum { DEPTH = 19, SIDE = 32 };
    float a[DEPTH * SIDE], b[DEPTH * SIDE], y[SIDE * SIDE];
    (void)r;
    if (k->mr > SIDE || k->nr > SIDE) { sv_check_true(c, "tile: a shape the self-test has no room for", false); return; }
    fill(a, DEPTH * SIDE, 5, 1), fill(b, DEPTH * SIDE, 6, 1);
    for (size_t cut = 0; cut < 2; cut++) {
        const size_t m = k->mr - cut, n = k->nr - cut;
        fill(y, SIDE * SIDE, 7, 1);
        float old[SIDE * SIDE];
        memcpy(old, y, sizeof y);
        k->tile(y, SIDE, m, n, DEPTH, a, b, !cut);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < SIDE; j++) {
                double want = !cut || j >= n ? old[i * SIDE + j] : 0;
                for (size_t p = 0; j < n && p < DEPTH; p++) want += (double)a[p * k->mr + i] * b[p * k->nr + j];
                sv_check_one(c, "tile", fabs((double)y[i * SIDE + j] - want), DEPTH * FLT_EPSILON);
            }
    }
}

static void check_finish(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    enum { SIDE = 64 };
    float s[SV_TILE], y[SIDE * SIDE], old[SIDE * SIDE];
    if (k->mr > SIDE || k->nr > SIDE || k->mr * k->nr > SV_TILE) { sv_check_true(c, "finish: a shape the self-test has no room for", false); return; }
    for (size_t cut = 0; cut < 2; cut++) {
        const size_t m = k->mr - cut, n = k->nr - cut;
        fill(s, SV_TILE, 7, 4), fill(y, SIDE * SIDE, 8, 1);
        memcpy(old, y, sizeof y);
        k->finish(y, SIDE, s, m, n, r->b, cut ? SV_ACT_QUICK : SV_ACT_NONE, cut ? SV_SET : SV_ADD);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < SIDE; j++) {
                const double x = j < n ? (double)s[i * k->nr + j] + r->b[j] : 0, was = old[i * SIDE + j];
                const double want = j >= n ? was : cut ? x / (1 + exp(-1.702 * x)) : was + x;
                sv_check_one(c, "finish", fabs((double)y[i * SIDE + j] - want), 1e-5);
            }
    }
}

/* A transposition, so exact. */
static void check_pack(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    enum { MOST = 64, LEN = 13 };
    float x[MOST * LEN], out[MOST * LEN];
    (void)r;
    if (k->mr > MOST) { sv_check_true(c, "pack: a tile the self-test has no room for", false); return; }
    fill(x, MOST * LEN, 9, 1);
    k->pack(out, k->mr, x, LEN, k->mr - 1, LEN);
    for (size_t p = 0; p < LEN; p++)
        for (size_t i = 0; i < k->mr; i++)
            sv_check_one(c, "pack", fabs((double)out[p * k->mr + i] - (i + 1 < k->mr ? (double)x[i * LEN + p] : 0)), 0);
}

static void check_lay(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    enum { MOST = 64, LEN = 13 };
    float x[MOST * LEN], out[MOST * LEN];
    (void)r;
    if (k->mr > MOST) { sv_check_true(c, "lay: a tile the self-test has no room for", false); return; }
    fill(x, MOST * LEN, 9, 1);
    k->lay(out, k->mr, x, MOST, k->mr - 1, LEN);
    for (size_t p = 0; p < LEN; p++)
        for (size_t i = 0; i < k->mr; i++)
            sv_check_one(c, "lay", fabs((double)out[p * k->mr + i] - (i + 1 < k->mr ? (double)x[p * MOST + i] : 0)), 0);
}

/* The recurrence in double; each step halves what was lost before it. */
static void check_peak(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    enum { MOST = 32 * 32, STEPS = 20 };
    float x[MOST];
    (void)r;
    if (k->mr * k->nr > MOST) { sv_check_true(c, "peak: a tile the self-test has no room for", false); return; }
    fill(x, MOST, 8, 1);
    double want[MOST];
    for (size_t i = 0; i < k->mr * k->nr; i++) {
        want[i] = (double)x[i];
        for (int t = 0; t < STEPS; t++) want[i] = -0.5 * want[i] + 0.5;
    }
    k->peak(x, -0.5f, 0.5f, STEPS);
    for (size_t i = 0; i < k->mr * k->nr; i++) sv_check_one(c, "peak", fabs((double)x[i] - want[i]), 4 * FLT_EPSILON);
}

/* Products of words are exact here: halves of small whole numbers, and bytes.  A whole tile added to, then one with every edge cut. */
enum { WORDS = 32, WORD_SIDE = 32 };
struct words { uint32_t a[WORDS * WORD_SIDE], b[WORDS * WORD_SIDE]; float y[WORD_SIDE * WORD_SIDE]; int32_t s[WORD_SIDE * WORD_SIDE]; };

static bool word_room(const struct sv_kern *k, struct sv_check *c) {
    const bool fits = k->wmr <= WORD_SIDE && k->nr <= WORD_SIDE;
    if (!fits) sv_check_true(c, "a tile the self-test has no room for", false);
    return fits;
}

static uint32_t small_pair(uint64_t *rng) {
    const float low = (float)sv_rng_below(rng, 9) - 4, high = (float)sv_rng_below(rng, 9) - 4;
    return sv_f32_bf16(low) | (uint32_t)sv_f32_bf16(high) << 16;
}

static void check_btile(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    struct words w;
    uint64_t rng = 11;
    (void)r;
    if (!word_room(k, c)) return;
    for (size_t i = 0; i < WORDS * WORD_SIDE; i++) w.a[i] = small_pair(&rng), w.b[i] = small_pair(&rng);
    for (size_t cut = 0; cut < 2; cut++) {
        for (size_t i = 0; i < SV_LEN(w.y); i++) w.y[i] = 3;
        k->btile(w.y, WORD_SIDE, k->wmr - cut, k->nr - cut, WORDS, w.a, w.b, !cut);
        for (size_t i = 0; i < k->wmr - cut; i++)
            for (size_t j = 0; j < WORD_SIDE; j++) {
                double want = !cut || j >= k->nr - cut ? 3 : 0;
                for (size_t p = 0; j < k->nr - cut && p < 2 * WORDS; p++) {
                    const size_t up = p % 2 ? 0 : 16;
                    want += (double)sv_bits_f32(w.a[sv_left_word(k, k->wmr, i, p / 2)] << up & 0xffff0000) * sv_bits_f32(w.b[p / 2 * k->nr + j] << up & 0xffff0000);
                }
                sv_check_one(c, "btile", fabs((double)w.y[i * WORD_SIDE + j] - want), 0);
            }
    }
}

/* Any bytes that the table takes. */
static void fill_bytes(const struct sv_kern *k, struct words *w) {
    uint64_t rng = 12;
    for (size_t i = 0; i < sizeof w->a; i++) {
        ((uint8_t *)w->a)[i] = (uint8_t)sv_rng_below(&rng, (uint64_t)k->imost + 1);
        ((int8_t *)w->b)[i] = (int8_t)((int)sv_rng_below(&rng, (uint64_t)k->ipair) - k->ipair / 2);
    }
}

static void check_itile(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    struct words w;
    (void)r;
    if (!word_room(k, c)) return;
    fill_bytes(k, &w);
    for (size_t cut = 0; cut < 2; cut++) {
        for (size_t i = 0; i < SV_LEN(w.s); i++) w.s[i] = 3;
        k->itile(w.s, WORD_SIDE, k->wmr - cut, k->nr - cut, WORDS, w.a, w.b, !cut);
        for (size_t i = 0; i < k->wmr - cut; i++)
            for (size_t j = 0; j < WORD_SIDE; j++) {
                int32_t want = !cut || j >= k->nr - cut ? 3 : 0;
                for (size_t p = 0; j < k->nr - cut && p < 4 * WORDS; p++) {
                    const uint32_t a = w.a[sv_left_word(k, k->wmr, i, p / 4)] >> p % 4 * 8 & 255, b = w.b[p / 4 * k->nr + j] >> p % 4 * 8 & 255;
                    want += ((int32_t)a - k->ibias) * (int8_t)b;
                }
                sv_check_true(c, "itile", w.s[i * WORD_SIDE + j] == want);
            }
    }
}

static void check_bpeak(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    struct words w = { { 0 }, { 0 }, { 0 }, { 0 } };
    (void)r;
    if (!word_room(k, c)) return;
    k->bpeak(w.y, 0xbe803f00, 0x3f003f40, 20);      /* 0.5 0.75 - 0.25 0.5 */
    for (size_t i = 0; i < k->wmr * k->nr; i++) sv_check_one(c, "bpeak", fabs((double)w.y[i] - 5), 0);
}

static void check_ipeak(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    struct words w = { { 0 }, { 0 }, { 0 }, { 0 } };
    (void)r;
    if (!word_room(k, c)) return;
    k->ipeak(w.s, 0xff, 0x80, 20);
    for (size_t i = 0; i < k->wmr * k->nr; i++) sv_check_true(c, "ipeak", w.s[i] == 20 * (255 - k->ibias) * -128);
}

static void check_product(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    enum { DEPTH = 19, SIDE = 32 };
    float a[DEPTH * SIDE], b[DEPTH * SIDE], s[SIDE * SIDE], y[2][SIDE * SIDE] = { { 0 } };
    if (k->mr > SIDE || k->nr > SIDE) { sv_check_true(c, "product: a shape the self-test has no room for", false); return; }
    fill(a, DEPTH * SIDE, 5, 1), fill(b, DEPTH * SIDE, 6, 1);
    k->tile(s, k->nr, k->mr, k->nr, DEPTH, a, b, false);
    k->finish(y[0], SIDE, s, k->mr, k->nr, r->a, SV_ACT_QUICK, SV_SET);
    k->product(y[1], SIDE, k->mr, k->nr, DEPTH, a, b, r->a, SV_ACT_QUICK, SV_SET);
    sv_check_true(c, "product", !memcmp(y[0], y[1], sizeof y[0]));
}

static void check_bproduct(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    struct words w;
    float s[WORD_SIDE * WORD_SIDE], y[WORD_SIDE * WORD_SIDE] = { 0 };
    uint64_t rng = 11;
    if (!word_room(k, c)) return;
    for (size_t i = 0; i < WORDS * WORD_SIDE; i++) w.a[i] = small_pair(&rng), w.b[i] = small_pair(&rng);
    memset(w.y, 0, sizeof w.y);
    k->btile(s, k->nr, k->wmr, k->nr, WORDS, w.a, w.b, false);
    k->finish(y, WORD_SIDE, s, k->wmr, k->nr, r->a, SV_ACT_QUICK, SV_SET);
    k->bproduct(w.y, WORD_SIDE, k->wmr, k->nr, WORDS, w.a, w.b, r->a, SV_ACT_QUICK, SV_SET);
    sv_check_true(c, "bproduct", !memcmp(y, w.y, sizeof y));
}

/* A row of a panel of two, of K_N elements with an end that fills no word. */
enum { WIDE = 2, ROW_WORDS = WIDE * (K_N + 64) };

static void check_bpack(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    uint32_t out[ROW_WORDS];
    k->bpack(out + k->wk, WIDE, r->a, K_N);
    bool same = true;
    for (size_t p = 0; p < (K_N + 1) / 2 * 2; p++) same = same && (out[sv_left_word(k, WIDE, 1, p / 2)] >> p % 2 * 16 & 0xffff) == (p < K_N ? sv_f32_bf16(r->a[p]) : 0);
    sv_check_true(c, "bpack", same);
}

/* Three rows, of which the last has half of its words to itself. */
static void check_blay(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    enum { MOST = 64 };
    uint32_t out[32 * MOST];
    uint16_t x[MOST];
    const size_t n = sv_min(K_N, k->nr - 1);
    if (k->nr > MOST) { sv_check_true(c, "blay: a tile the self-test has no room for", false); return; }
    for (size_t i = 0; i < n; i++) x[i] = sv_f32_bf16(r->a[i]);
    k->blay(out, k->nr, x, 0, n, 3);                /* the same row every time */
    bool same = true;
    for (size_t p = 0; p < 4; p++)
        for (size_t i = 0; i < k->nr; i++) same = same && (out[p / 2 * k->nr + i] >> p % 2 * 16 & 0xffff) == (i < n && p < 3 ? x[i] : 0);
    sv_check_true(c, "blay", same);
}

static void check_bsoftmax(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    uint32_t out[ROW_WORDS];
    double sum = 0;
    for (size_t i = 0; i < K_N; i++) sum += exp(2 * (double)r->a[i]);
    memcpy(r->y, r->a, sizeof r->y);
    k->bsoftmax(out, 1, r->y, K_N, K_N, 2);
    for (size_t i = 0; i < K_N; i++) {
        const double want = exp(2 * (double)r->a[i]) / sum, got = sv_bf16_f32((uint16_t)(out[i / 2] >> i % 2 * 16 & 0xffff));
        sv_check_one(c, "bsoftmax", fabs(got - want) / want, 0x1p-8 + 1e-5);
    }
}

static void check_ipack(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    uint32_t out[ROW_WORDS];
    float scale, lo, least = r->a[0], largest = least;
    for (size_t i = 0; i < K_N; i++) least = fminf(least, r->a[i]), largest = fmaxf(largest, r->a[i]);
    const float inv = (float)k->imost / (largest - least);
    k->ipack(out + k->wk, WIDE, r->a, K_N, &scale, &lo);
    bool same = fabsf(lo - (float)k->ibias * scale - least) <= 1e-5f;
    for (size_t p = 0; p < (K_N + 3) / 4 * 4; p++)
        same = same && (out[sv_left_word(k, WIDE, 1, p / 4)] >> p % 4 * 8 & 255) == (p < K_N ? (uint32_t)lrintf((r->a[p] - least) * inv) : 0);
    sv_check_true(c, "ipack", same);
}

static void check_ifinish(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    static const float scale[] = { 1e-4f, 2e-4f }, lo[] = { 0.5f, -0.25f };
    if (k->nr > K_N / 2) { sv_check_true(c, "ifinish: a tile the self-test has no room for", false); return; }
    const struct sv_bytes of = { scale, lo, r->a, r->b };
    int32_t s[K_N];
    for (size_t i = 0; i < K_N; i++) s[i] = (int32_t)i * 1000 - 30000;
    k->ifinish(r->y, k->nr, s, 2, k->nr, &of, r->a, SV_ACT_NONE, SV_SET);
    for (size_t i = 0; i < 2 * k->nr; i++) {
        const size_t row = i / k->nr, j = i % k->nr;
        const double x = ((double)scale[row] * s[i] + (double)lo[row] * (double)r->a[j]) * (double)r->b[j] + (double)r->a[j];
        sv_check_one(c, "ifinish", fabs((double)r->y[i] - x), 32 * FLT_EPSILON);
    }
}

static void check_iproduct(const struct sv_kern *k, struct rows *r, struct sv_check *c) {
    float scale[WORD_SIDE], lo[WORD_SIDE], sum[WORD_SIDE], factor[WORD_SIDE];
    struct words w;
    if (!word_room(k, c)) return;
    fill_bytes(k, &w);
    for (size_t i = 0; i < WORD_SIDE; i++) scale[i] = 1e-4f * (float)(i + 1), lo[i] = 0.5f, sum[i] = (float)i, factor[i] = 1 - 0.01f * (float)i;
    const struct sv_bytes of = { scale, lo, sum, factor };
    k->itile(w.s, WORD_SIDE, k->wmr, k->nr, WORDS, w.a, w.b, false);
    k->iproduct(w.y, WORD_SIDE, k->wmr, k->nr, WORDS, w.a, w.b, &of, r->a, SV_ACT_NONE, SV_SET);
    for (size_t i = 0; i < k->wmr; i++)
        for (size_t j = 0; j < k->nr; j++) {
            const double u = (double)scale[i] * w.s[i * WORD_SIDE + j], x = (u + (double)lo[i] * (double)sum[j]) * (double)factor[j] + (double)r->a[j];
            sv_check_one(c, "iproduct", fabs((double)w.y[i * WORD_SIDE + j] - x) / (fabs(u) + 20), 8 * FLT_EPSILON);
        }
}

int sv_selftest_kernels(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static void (*const check[])(const struct sv_kern *, struct rows *, struct sv_check *) = {
#define X(ret, name, args) check_##name,
        SV_KERN_OPS(X)
#undef X
    };
    struct rows r;
    (void)e;
    for (size_t i = 0; i < SV_LEN(check); i++) {
        fill(r.a, K_N, 1, 4), fill(r.b, K_N, 2, 1);
        check[i](cpu->kern, &r, c);
    }
    return 0;
}

/* Sizes that leave a remainder in every block; twice the batch must give the same bits. */
int sv_selftest_gemm(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    enum { M = 37, N = 41, K = 1301 };
    const size_t floats = 2 * M * K + N * K + N + 2 * (M * N) + 64, panel = sv_pack_floats(cpu->kern, SV_F32, N, K), room = sv_gemm_floats(cpu, M, K);
    struct sv_arena a = {0};
    float *mem = sv_alloc(floats + panel + room + 5 * 64, sizeof *mem, e);
    if (!mem) return SV_ENOMEM;
    a.base = (char *)mem, a.cap = (floats + panel + room + 5 * 64) * sizeof *mem;
    float *x = SV_TAKE(&a, float, M * K), *w = SV_TAKE(&a, float, N * K), *y = SV_TAKE(&a, float, M * N), *p = SV_TAKE(&a, float, panel);
    float *scratch = SV_TAKE(&a, float, room), one[N];
    fill(x, M * K, 11, 1), fill(w, N * K, 12, 1);
    const struct sv_packed packed = sv_pack_f32(cpu, p, w, N, K);
    sv_gemm(cpu, y, N, x, K, M, &packed, NULL, scratch);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            double want = 0, mag = 0;
            for (size_t q = 0; q < K; q++) want += (double)x[i * K + q] * w[j * K + q], mag += fabs((double)x[i * K + q] * w[j * K + q]);
            sv_check_one(c, "gemm", fabs((double)y[i * N + j] - want) / mag, 2e-6);
        }
    sv_gemm(cpu, one, N, x + (M - 1) * K, K, 1, &packed, NULL, scratch);
    sv_check_true(c, "a row alone has other bits", !memcmp(one, y + (M - 1) * N, sizeof one));
    sv_free(mem);
    return 0;
}

enum { BATCH = 3, E = 64, PIXELS = 3 * 64 * 64, CONTEXT = 77, FRAMES = 9 };
#define TOWER_BOUND 1e-5

/* mean 0, sd 1: as Fill.tensor of tests/golden/model.py */
static float *noise(size_t n, uint64_t seed, struct sv_err *e) {
    float *v = sv_alloc(n, sizeof *v, e);
    for (size_t i = 0; v && i < n; i++) v[i] = (float)(3.4641016151377544 * (sv_rng_unit(&seed) - 0.5));
    return v;
}

static int tower(const struct sv_cpu *cpu, int which, enum sv_act act, struct sv_check *c, struct sv_err *e) {
    struct sv_clip_config g;
    struct sv_store s = {0};
    struct sv_clip *m = NULL;
    float out[BATCH * E], *pixels = NULL;
    static const struct { const float *image, *text; } want[] = {
        { golden_image_quick, golden_text_quick }, { golden_image_gelu, golden_text_gelu },
    };
    sv_clip_family(&g, "tiny");
    g.visual.act = g.text.act = act;
    const bool gelu = act == SV_ACT_GELU;
    int rc = sv_store_init(&s, "selftest", e);
    if (!rc) rc = sv_clip_random(&s, &g, gelu ? 2 : 1, e);
    if (!rc && !(m = sv_clip_open(&s, cpu, which, BATCH, e))) rc = e->code;
    if (!rc && which == SV_CLIP_IMAGE && !(pixels = noise(BATCH * PIXELS, 100, e))) rc = SV_ENOMEM;
    if (!rc && which == SV_CLIP_IMAGE) {
        sv_clip_image(m, pixels, BATCH, out);
        sv_check_rows(c, gelu ? "image, gelu" : "image, quick", out, want[gelu].image, BATCH, E, TOWER_BOUND);
    } else if (!rc) {
        int32_t ids[BATCH * CONTEXT] = {0};
        const int32_t vocab = (int32_t)g.vocab;
        for (int i = 0; i < BATCH; i++) {
            int32_t *row = ids + i * CONTEXT;
            const int n = 5 + 30 * i;
            for (int j = 1; j < n; j++) row[j] = (7 * j * j + 13 * i) % (vocab - 2);
            row[0] = vocab - 2, row[n] = vocab - 1;
        }
        sv_clip_text(m, ids, BATCH, out);
        sv_check_rows(c, gelu ? "text, gelu" : "text, quick", out, want[gelu].text, BATCH, E, TOWER_BOUND);
    }
    sv_clip_free(m), sv_store_free(&s), sv_free(pixels);
    return rc;
}

static int both(const struct sv_cpu *cpu, int which, struct sv_check *c, struct sv_err *e) {
    const int rc = tower(cpu, which, SV_ACT_QUICK, c, e);
    return rc ? rc : tower(cpu, which, SV_ACT_GELU, c, e);
}

int sv_selftest_image_tower(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) { return both(cpu, SV_CLIP_IMAGE, c, e); }
int sv_selftest_text_tower(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) { return both(cpu, SV_CLIP_TEXT, c, e); }

int sv_selftest_fusion(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const struct { const char *name; const float *want; } row[] = {
        { "prompt-vlm", golden_tfc_prompt_vlm }, { "actionclip", golden_tfc_actionclip },
        { "clip4clip", golden_tfc_clip4clip }, { "mean", golden_tfc_mean },
    };
    float out[BATCH * E], *feats = noise(BATCH * FRAMES * E, 200, e);
    int rc = feats ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < SV_LEN(row); i++) {
        struct sv_store s = {0};
        struct sv_tfc_config g;
        struct sv_tfc *t = NULL;
        sv_tfc_backbone(&g, row[i].name, E, FRAMES);
        rc = sv_store_init(&s, "selftest", e);
        if (!rc) rc = sv_tfc_random(&s, &g, 3, e);
        if (!rc) rc = sv_tfc_config_read(&g, &s, E, FRAMES, e);
        if (!rc && !(t = sv_tfc_open(&g, &s, cpu, BATCH, e))) rc = e->code;
        if (!rc) {
            sv_tfc_video(t, feats, BATCH, out);
            sv_check_rows(c, row[i].name, out, row[i].want, BATCH, E, TOWER_BOUND);
        }
        sv_tfc_free(t), sv_store_free(&s);
    }
    sv_free(feats);
    return rc;
}

int sv_selftest_responses(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    struct sv_response r;
    float out[35];
    double wide[35];
    const int rc = sv_response_init(&r, cpu, resp_text, 7, 21, e);
    if (rc) return rc;
    sv_response_run(&r, cpu, out, resp_video, 5);
    for (size_t i = 0; i < 35; i++) wide[i] = (double)out[i];
    sv_check_f64(c, "response", wide, resp_out, 35, 4e-7);
    sv_response_free(&r);
    return 0;
}
