/* kern_simd.h - the vector kernels, written once over vec_*.h.
 *
 * The including file defines ISA (the table's name), MR and NV (a tile is MR x NV vectors), KC, and VEC and WORD,
 * its vec_*.h and word_*.h; WMR where a tile of words has other rows than MR; STEPS of K in one round of a float tile.
 * What a vector does not fill goes through a padded one on the stack, so an element's bits do not depend on where in
 * a row it stands. */
#include "core/half.h"
#include "core/kern.h"

#include <math.h>
#include <string.h>

/* gcc -O2 leaves loops over arrays of vectors rolled and the arrays in memory: 3x slower.  Sanitizers' checks of each copy would take
 * minutes of compilation a table. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#ifndef WMR
#define WMR MR
#endif
#include VEC
enum { NR = NV * VW, WK = VW };
#include WORD

#ifndef PAIR
#define MOST 255
#define PAIR SV_ANY_PAIR
#endif

#ifndef STEPS
#define STEPS 1
#endif

enum { AHEAD = 32 };      /* steps of a tile, or floats of a row to pack, between a prefetch and its use */

#ifndef BF16
#define BF16 0
static inline void b_store(uint16_t *p, vec a) {
    float t[VW];
    v_store(t, a);
    for (size_t i = 0; i < VW; i++) p[i] = sv_f32_bf16(t[i]);
}
#endif

#ifndef V_PART
/* n < VW floats, the rest is fill. */
static inline vec part_load(const float *p, size_t n, float fill) {
    float t[VW];
    v_store(t, v_set(fill));
    memcpy(t, p, n * sizeof *t);
    return v_load(t);
}

static inline void part_store(float *p, size_t n, vec a) {
    float t[VW];
    v_store(t, a);
    memcpy(p, t, n * sizeof *t);
}
#endif

/* Element `at` of y and those behind it take x; of part_put n < VW ones. */
static inline void v_put(void *y, size_t at, vec x, enum sv_put put) {
    if (put == SV_ROUND) { b_store((uint16_t *)y + at, x); return; }
    float *p = (float *)y + at;
    v_store(p, put == SV_ADD ? v_add(v_load(p), x) : x);
}

static inline void part_put(void *y, size_t at, size_t n, vec x, enum sv_put put) {
    uint16_t t[VW];
    if (put == SV_ROUND) { b_store(t, x), memcpy((uint16_t *)y + at, t, n * sizeof *t); return; }
    float *p = (float *)y + at;
    part_store(p, n, put == SV_ADD ? v_add(part_load(p, n, 0), x) : x);
}

/* e^x within 2 ulp, for normal results; 0, inf and NaN as expf.  x = n ln 2 + r, |r| <= ln 2 / 2; e^r = 1 + r + r^2 q(r)
 * with q the minimax polynomial (3.1e-9 relative). */
static inline vec v_exp(vec x) {
    const vec magic = v_set(0x1.8p23f);             /* adding it rounds to a whole number */
    x = v_min(v_set(89), v_max(v_set(-104), x));    /* past these all is inf or 0; a NaN passes */
    const vec n = v_sub(v_fma(x, v_set(1.44269502f), magic), magic);
    const vec r = v_fma(n, v_set(1.90465421e-9f), v_fma(n, v_set(-0.693147182f), x));
    vec q = v_fma(v_set(0.00138144649f), r, v_set(0.00836878084f));
    q = v_fma(q, r, v_set(0.0416683927f));
    q = v_fma(q, r, v_set(0.166665196f));
    q = v_fma(q, r, v_set(0.49999994f));
    return v_scale(v_add(v_fma(v_mul(r, r), q, r), v_set(1)), n);
}

/* 2^t for normal results, relative error 1.6e-7 (1.1e-7 of the polynomial): t = n + r as v_exp has it, 2^r = 1 + r q(r). */
static inline vec v_power(vec t) {
#ifdef V_FRACTION
    const vec r = v_fraction(t), n = v_sub(t, r);
#else
    const vec magic = v_set(0x1.8p23f);
    t = v_min(v_set(129), v_max(v_set(-150), t));
    const vec n = v_sub(v_add(t, magic), magic), r = v_sub(t, n);
#endif
    vec q = v_fma(v_set(0.00132646656f), r, v_set(0.00967151113f));
    q = v_fma(q, r, v_set(0.0555073395f));
    q = v_fma(q, r, v_set(0.240222424f));
    q = v_fma(q, r, v_set(0.693147004f));
    return v_scale(v_fma(q, r, v_set(1)), n);
}

/* 1 + e^(-1.702 x), relative error below 3e-7 where that says anything: the error of the product, -1.702 x / ln 2, is let through. */
static inline vec v_odds(vec x) { return v_add(v_set(1), v_power(v_mul(x, v_set(-2.45546696f)))); }

static inline vec v_quick(vec x) { return v_div(x, v_odds(x)); }

/* Phi(-a) = erfc(a / sqrt 2) / 2 = e t p(t) for a >= 0, e = e^(-a^2 / 2), t = 1 / (1 + 0.298 a / sqrt 2), with p the minimax
 * polynomial of relative error 1.4e-8 for a <= 14, past which the exponential is 0. */
static inline vec v_tail(vec a, vec e) {
    const vec t = v_div(v_set(1), v_fma(a, v_set(0.210717827f), v_set(1)));
    vec p = v_fma(v_set(-0.0697008669f), t, v_set(0.271379292f));
    p = v_fma(p, t, v_set(-0.308227003f));
    p = v_fma(p, t, v_set(0.327201933f));
    p = v_fma(p, t, v_set(-0.0804371014f));
    p = v_fma(p, t, v_set(0.119951412f));
    p = v_fma(p, t, v_set(0.0706247389f));
    p = v_fma(p, t, v_set(0.085201025f));
    p = v_fma(p, t, v_set(0.0840065554f));
    return v_mul(v_mul(p, t), e);
}

static inline vec v_gelu(vec x) {
    const vec q = v_tail(v_abs(x), v_exp(v_mul(v_mul(x, x), v_set(-0.5f))));
    return v_mul(x, v_if_positive(x, v_sub(v_set(1), q), q));
}

static inline vec v_dquick(vec y, vec x) {
    const vec one = v_set(1), s = v_div(one, v_odds(x));
    return v_mul(y, v_mul(s, v_fma(v_mul(x, v_set(1.702f)), v_sub(one, s), one)));
}

static inline vec v_dgelu(vec y, vec x) {
    const vec e = v_exp(v_mul(v_mul(x, x), v_set(-0.5f))), q = v_tail(v_abs(x), e);
    return v_mul(y, v_fma(v_mul(x, v_set(0.39894228f)), e, v_if_positive(x, v_sub(v_set(1), q), q)));
}

#define MAP(f) do { \
    size_t i_ = 0; \
    for (; i_ + VW <= n; i_ += VW) v_store(y + i_, f(v_load(x + i_))); \
    if (i_ < n) part_store(y + i_, n - i_, f(part_load(x + i_, n - i_, 0))); \
} while (0)

static void quick(float *y, const float *x, size_t n) { MAP(v_quick); }
static void gelu(float *y, const float *x, size_t n) { MAP(v_gelu); }

#define SCALE_BY(f) do { \
    size_t i_ = 0; \
    for (; i_ + VW <= n; i_ += VW) v_store(y + i_, f(v_load(y + i_), v_load(x + i_))); \
    if (i_ < n) part_store(y + i_, n - i_, f(part_load(y + i_, n - i_, 0), part_load(x + i_, n - i_, 0))); \
} while (0)

static void dquick(float *y, const float *x, size_t n) { SCALE_BY(v_dquick); }
static void dgelu(float *y, const float *x, size_t n) { SCALE_BY(v_dgelu); }

#define WIDEN(f) do { \
    size_t i_ = 0; \
    for (; i_ + VW <= n; i_ += VW) v_store(y + i_, f(x + i_)); \
    if (i_ == n) break; \
    uint16_t h_[VW] = { 0 }; \
    memcpy(h_, x + i_, (n - i_) * sizeof *h_); \
    part_store(y + i_, n - i_, f(h_)); \
} while (0)

static void half(float *y, const uint16_t *x, size_t n) { WIDEN(v_half); }
static void bhalf(float *y, const uint16_t *x, size_t n) { WIDEN(v_bhalf); }

static float dot(const float *a, const float *b, size_t n) {
    vec s0 = v_set(0), s1 = s0, s2 = s0, s3 = s0;       /* four chains hide the latency */
    size_t i = 0;
    for (; i + 4 * VW <= n; i += 4 * VW) {
        s0 = v_fma(v_load(a + i), v_load(b + i), s0);
        s1 = v_fma(v_load(a + i + VW), v_load(b + i + VW), s1);
        s2 = v_fma(v_load(a + i + 2 * VW), v_load(b + i + 2 * VW), s2);
        s3 = v_fma(v_load(a + i + 3 * VW), v_load(b + i + 3 * VW), s3);
    }
    for (; i + VW <= n; i += VW) s0 = v_fma(v_load(a + i), v_load(b + i), s0);
    if (i < n) s1 = v_fma(part_load(a + i, n - i, 0), part_load(b + i, n - i, 0), s1);
    return v_sum(v_add(v_add(s0, s1), v_add(s2, s3)));
}

static void axpy(float *y, float s, const float *x, size_t n) {
    const vec vs = v_set(s);
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(y + i, v_fma(vs, v_load(x + i), v_load(y + i)));
    if (i < n) part_store(y + i, n - i, v_fma(vs, part_load(x + i, n - i, 0), part_load(y + i, n - i, 0)));
}

/* A row's mean is mean + off, and inv is 1 / sqrt(var + eps).  The variance comes from deviations, whose own mean corrects
 * what the first mean lost to rounding. */
struct moments { float mean, off, inv; };

static inline struct moments moments(const float *x, size_t n, float eps) {
    const float scale = 1 / (float)n;
    vec s0 = v_set(0), s1 = s0;
    size_t i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) s0 = v_add(s0, v_load(x + i)), s1 = v_add(s1, v_load(x + i + VW));
    if (i + VW <= n) s0 = v_add(s0, v_load(x + i)), i += VW;
    if (i < n) s1 = v_add(s1, part_load(x + i, n - i, 0));
    const float mean = v_sum(v_add(s0, s1)) * scale;
    const vec vm = v_set(mean);
    s0 = s1 = v_set(0);
    for (i = 0; i + VW <= n; i += VW) {
        const vec d = v_sub(v_load(x + i), vm);
        s0 = v_add(s0, d), s1 = v_fma(d, d, s1);
    }
    if (i < n) {
        const vec d = v_sub(part_load(x + i, n - i, mean), vm);
        s0 = v_add(s0, d), s1 = v_fma(d, d, s1);
    }
    const float off = v_sum(s0) * scale;
    float var = v_sum(s1) * scale - off * off;
    if (var < 0) var = 0;               /* equal elements; a NaN passes */
    return (struct moments){ mean, off, 1 / sqrtf(var + eps) };
}

#define STANDARD(x_) v_mul(v_sub(v_sub(x_, vm), vo), vi)

static void norm(float *y, const float *x, const float *gain, const float *bias, size_t n, float eps) {
    const struct moments m = moments(x, n, eps);
    const vec vm = v_set(m.mean), vo = v_set(m.off), vi = v_set(m.inv);
    size_t i = 0;
#define NORMED(x_, g_, b_) v_fma(STANDARD(x_), g_, b_)
    for (; i + VW <= n; i += VW) v_store(y + i, NORMED(v_load(x + i), v_load(gain + i), v_load(bias + i)));
    if (i < n) part_store(y + i, n - i, NORMED(part_load(x + i, n - i, 0), part_load(gain + i, n - i, 0), part_load(bias + i, n - i, 0)));
}

static void dnorm(float *dx, const float *dy, const float *x, const float *gain, size_t n, float eps, float stat[2]) {
    const struct moments m = moments(x, n, eps);
    const vec vm = v_set(m.mean), vo = v_set(m.off), vi = v_set(m.inv);
    vec sum = v_set(0), slope = sum;
    size_t i = 0;
    for (; i + VW <= n; i += VW) {
        const vec g = v_mul(v_load(dy + i), v_load(gain + i));
        sum = v_add(sum, g), slope = v_fma(g, STANDARD(v_load(x + i)), slope);
    }
    if (i < n) {
        const vec g = v_mul(part_load(dy + i, n - i, 0), part_load(gain + i, n - i, 0));
        sum = v_add(sum, g), slope = v_fma(g, STANDARD(part_load(x + i, n - i, 0)), slope);
    }
    const vec vs = v_set(v_sum(sum) / (float)n), vt = v_set(-v_sum(slope) / (float)n);
#define GIVEN_BACK(dx_, dy_, x_, g_) v_fma(vi, v_fma(STANDARD(x_), vt, v_sub(v_mul(dy_, g_), vs)), dx_)
    for (i = 0; i + VW <= n; i += VW) v_store(dx + i, GIVEN_BACK(v_load(dx + i), v_load(dy + i), v_load(x + i), v_load(gain + i)));
    if (i < n) part_store(dx + i, n - i, GIVEN_BACK(part_load(dx + i, n - i, 0), part_load(dy + i, n - i, 0), part_load(x + i, n - i, 0),
                                                    part_load(gain + i, n - i, 0)));
    stat[0] = m.mean + m.off, stat[1] = m.inv;
}

/* A NaN may be lost here but not in a sum, which spreads it over the row. */
static inline float largest_of(const float *x, size_t n) {
    vec most = v_set(x[0]);
    size_t i = 0;
    for (; i + VW <= n; i += VW) most = v_max(most, v_load(x + i));
    if (i < n) most = v_max(most, part_load(x + i, n - i, x[0]));
    return v_largest(most);
}

/* x = e^(scale (x - max x)); the sum.  shorter: 2^ in place of e^, which v_power takes. */
static inline __attribute__((always_inline)) float exponentials(float *x, size_t n, float scale, const bool shorter) {
    const vec vs = v_set(scale), max = v_set(largest_of(x, n));
    vec sum = v_set(0);
    size_t i = 0;
#define RAISED(x_) (shorter ? v_power(v_mul(vs, v_sub(x_, max))) : v_exp(v_mul(vs, v_sub(x_, max))))
    for (; i + VW <= n; i += VW) {
        const vec e = RAISED(v_load(x + i));
        v_store(x + i, e), sum = v_add(sum, e);
    }
    if (i < n) {
        part_store(x + i, n - i, RAISED(part_load(x + i, n - i, 0)));
        sum = v_add(sum, part_load(x + i, n - i, 0));
    }
#undef RAISED
    return v_sum(sum);
}

static void softmax(float *x, size_t n, float scale) {
    const vec inv = v_set(1 / exponentials(x, n, scale, false));
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(x + i, v_mul(v_load(x + i), inv));
    if (i < n) part_store(x + i, n - i, v_mul(part_load(x + i, n - i, 0), inv));
}

/* One step of K of a tile. */
#define STEP() do { \
    vec b[NV]; \
    UNROLL for (size_t j = 0; j < vecs; j++) b[j] = v_load(bp + j * VW); \
    UNROLL for (size_t i = 0; i < rows; i++) { \
        const vec a = v_set(ap[i]); \
        UNROLL for (size_t j = 0; j < vecs; j++) acc[i][j] = v_fma(a, b[j], acc[i][j]); \
    } \
    ap += MR, bp += NR; } while (0)

#define SUMS() do { \
    UNROLL for (size_t i = 0; i < rows; i++) \
        UNROLL for (size_t j = 0; j < vecs; j++) acc[i][j] = v_set(0); \
    for (; k >= STEPS; k -= STEPS) { \
        UNROLL for (size_t j = 0; j < STEPS * MR; j += 64 / sizeof *ap) v_prefetch(ap + AHEAD * MR + j); \
        UNROLL for (size_t u = 0; u < STEPS; u++) { \
            UNROLL for (size_t j = 0; j < vecs * VW; j += 64 / sizeof *bp) v_prefetch(bp + AHEAD * NR + j); \
            STEP(); \
        } \
    } \
    for (; k; k--) STEP(); \
} while (0)

/* rows and vecs are constants where this is inlined: an edge costs what it has.  An accumulator does the same sums in any tile. */
static inline __attribute__((always_inline)) void tile_of(const size_t rows, const size_t vecs, float *c, size_t ldc, size_t n,
                                                          size_t k, const float *ap, const float *bp, bool add) {
    vec acc[MR][NV];
    SUMS();
    UNROLL for (size_t j = 0; j < vecs; j++, n -= VW, c += VW) {
        if (n < VW) {
            UNROLL for (size_t i = 0; i < rows; i++)
                part_store(c + i * ldc, n, add ? v_add(part_load(c + i * ldc, n, 0), acc[i][j]) : acc[i][j]);
            return;
        }
        UNROLL for (size_t i = 0; i < rows; i++) v_store(c + i * ldc, add ? v_add(v_load(c + i * ldc), acc[i][j]) : acc[i][j]);
    }
}

/* f with m rows: f##_of with constant rows, and with one vector where n columns fit it, each in a function of its own: among
 * others gcc 12 does not keep its sums in registers.  more: the type of the last argument, `last`. */
#define ROWS(f, r, type, word, more) \
static __attribute__((noinline)) void f##_##r(type *c, size_t ldc, size_t n, size_t k, const word *ap, const word *bp, more last) { \
    f##_of(r <= MR ? r : MR, NV, c, ldc, n, k, ap, bp, last); \
} \
static __attribute__((noinline)) void f##_half_##r(type *c, size_t ldc, size_t n, size_t k, const word *ap, const word *bp, more last) { \
    f##_of(r <= MR ? r : MR, 1, c, ldc, n, k, ap, bp, last); \
}
#define CALL(f, r) case r: f##_##r(c, ldc, n, k, ap, bp, last); return; case 16 + r: f##_half_##r(c, ldc, n, k, ap, bp, last); return;
#define BY_ROWS(f, type, word, more) \
ROWS(f, 1, type, word, more) ROWS(f, 2, type, word, more) ROWS(f, 3, type, word, more) ROWS(f, 4, type, word, more) ROWS(f, 5, type, word, more) \
ROWS(f, 6, type, word, more) ROWS(f, 7, type, word, more) ROWS(f, 8, type, word, more) ROWS(f, 9, type, word, more) ROWS(f, 10, type, word, more) \
ROWS(f, 11, type, word, more) ROWS(f, 12, type, word, more) ROWS(f, 13, type, word, more) ROWS(f, 14, type, word, more) \
static void f(type *c, size_t ldc, size_t m, size_t n, size_t k, const word *ap, const word *bp, more last) { \
    switch (n > VW ? m : m + 16) { \
    CALL(f, 1) CALL(f, 2) CALL(f, 3) CALL(f, 4) CALL(f, 5) CALL(f, 6) CALL(f, 7) CALL(f, 8) CALL(f, 9) CALL(f, 10) CALL(f, 11) CALL(f, 12) \
    CALL(f, 13) CALL(f, 14) \
    } \
}

BY_ROWS(tile, float, float, bool)

/* What s, sums of row i and of the columns of sum and w, stands for. */
static inline vec of_bytes(words s, const struct sv_bytes *of, size_t i, vec sum, vec w, vec bias) {
    return v_fma(v_fma(v_set(of->scale[i]), w_float(s), v_mul(v_set(of->lo[i]), sum)), w, bias);
}

/* s: sums of floats, or of bytes where `of` says which. */
static inline __attribute__((always_inline)) void finish_as(const enum sv_act act, void *y, size_t ldy, const void *s, size_t m, size_t n,
                                                            const struct sv_bytes *const of, const float *bias, enum sv_put put) {
    for (size_t j = 0; j < n; j += VW) {
        const size_t left = n - j;
        const vec b = !bias ? v_set(0) : left < VW ? part_load(bias + j, left, 0) : v_load(bias + j);
        const vec sum = of ? v_load(of->sum + j) : b, w = of ? v_load(of->w + j) : b;
        for (size_t i = 0; i < m; i++) {
            const size_t at = i * NR + j;
            vec x = of ? of_bytes(w_load((const int32_t *)s + at), of, i, sum, w, b) : v_add(v_load((const float *)s + at), b);
            if (act == SV_ACT_QUICK) x = v_quick(x);
            if (act == SV_ACT_GELU) x = v_gelu(x);
            if (left < VW) part_put(y, i * ldy + j, left, x, put);
            else v_put(y, i * ldy + j, x, put);
        }
    }
}

#define FINISH(of) do { \
    if (act == SV_ACT_QUICK) finish_as(SV_ACT_QUICK, y, ldy, s, m, n, of, bias, put); \
    else if (act == SV_ACT_GELU) finish_as(SV_ACT_GELU, y, ldy, s, m, n, of, bias, put); \
    else finish_as(SV_ACT_NONE, y, ldy, s, m, n, of, bias, put); \
} while (0)

static void finish(void *y, size_t ldy, const float *s, size_t m, size_t n, const float *bias, enum sv_act act, enum sv_put put) { FINISH(NULL); }
static void ifinish(void *y, size_t ldy, const int32_t *s, size_t m, size_t n, const struct sv_bytes *of, const float *bias, enum sv_act act,
                    enum sv_put put) { FINISH(of); }

/* ---- a tile and its end in one ---- */

/* How sums end that are still in registers. */
struct ending { const struct sv_bytes *of; const float *bias; bool quick; enum sv_put put; };

/* c takes what acc comes to, `total` of sum (i, j); halves: as bf16, too.  The sums pass through opaque, or gcc 12 makes room for what
 * follows inside the loop before it. */
#define END_ALL(total, x_, put_) \
    UNROLL for (size_t i = 0; i < rows; i++) { \
        const vec s = total; \
        v_put(c, i * ldc + j * VW, x_, put_); \
    }
#define END(opaque, total, halves) do { \
    UNROLL for (size_t i = 0; i < rows; i++) \
        UNROLL for (size_t j = 0; j < vecs; j++) acc[i][j] = opaque(acc[i][j]); \
    UNROLL for (size_t j = 0; j < vecs; j++) { \
        const vec b = end->bias ? v_load(end->bias + j * VW) : v_set(0); \
        const vec sum = end->of ? v_load(end->of->sum + j * VW) : b, w = end->of ? v_load(end->of->w + j * VW) : b; \
        (void)sum, (void)w; \
        if (halves && end->put == SV_ROUND) { \
            if (end->quick) { END_ALL(total, v_quick(s), SV_ROUND) } \
            else { END_ALL(total, s, SV_ROUND) } \
        } \
        else if (end->quick) { END_ALL(total, v_quick(s), SV_SET) } \
        else if (end->put == SV_ADD) { END_ALL(total, s, SV_ADD) } \
        else { END_ALL(total, s, SV_SET) } \
    } \
} while (0)

static inline __attribute__((always_inline)) void product_whole_of(const size_t rows, const size_t vecs, void *c, size_t ldc, size_t n, size_t k,
                                                                   const float *ap, const float *bp, const struct ending *end) {
    vec acc[MR][NV];
    (void)n;
    SUMS();
    END(v_opaque, v_add(acc[i][j], b), false);
}
BY_ROWS(product_whole, void, float, const struct ending *)

/* Columns that do not fill a vector, the longer GELU, and bf16 where that is not to be fast, go through a tile on the stack. */
#define PRODUCT_WHOLE(whole, of, halves) \
    if ((n == VW || n == NR) && act != SV_ACT_GELU && (halves || put != SV_ROUND)) { \
        const struct ending end = { of, bias, act == SV_ACT_QUICK, put }; \
        whole(y, ldy, m, n, k, ap, bp, &end); \
        return; \
    }
#define PRODUCT_ON_STACK(tile_, type, rows, finish_) do { \
    type s[(rows) * NR]; \
    tile_(s, NR, m, NR, k, ap, bp, false); \
    finish_; \
} while (0)

static void product(void *y, size_t ldy, size_t m, size_t n, size_t k, const float *ap, const float *bp, const float *bias, enum sv_act act,
                    enum sv_put put) {
    PRODUCT_WHOLE(product_whole, NULL, false)
    PRODUCT_ON_STACK(tile, float, MR, finish(y, ldy, s, m, n, bias, act, put));
}

/* A square of VW x VW; only the first cols columns are wanted, of which those from rows on are 0. */
static inline void pack_square(vec v[VW], const float *const row[VW], size_t p, size_t rows, size_t cols) {
    UNROLL for (size_t i = 0; i < VW; i++) v_prefetch(row[i] + p + AHEAD);      /* more streams than a machine follows by itself */
    UNROLL for (size_t i = 0; i < VW; i++) v[i] = v_load(row[i] + p);
    if (rows < cols) UNROLL for (size_t i = 0; i < VW; i++) if (i >= rows) v[i] = v_set(0);
    v_transpose(v);
}

/* Where a panel is narrower than a vector, a store's end is overwritten by the next row. */
static void pack(float *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k) {
    for (size_t at = 0; at < wide; at += VW) {
        const size_t cols = wide - at < VW ? wide - at : VW, rows = at >= m ? 0 : m - at < cols ? m - at : cols;
        const bool spill = cols < VW && at == 0;
        const float *row[VW];
        for (size_t i = 0; i < VW; i++) row[i] = x + (i < rows ? at + i : 0) * ldx;
        size_t p = 0;
        for (; p + VW <= k && rows; p += VW) {
            vec v[VW];
            pack_square(v, row, p, rows, cols);
            const bool whole = cols == VW || (spill && (p + VW) * wide + VW - wide <= k * wide);
            float *o = out + p * wide + at;
            if (whole) { UNROLL for (size_t i = 0; i < VW; i++) v_store(o + i * wide, v[i]); }
            else for (size_t i = 0; i < VW; i++) part_store(o + i * wide, cols, v[i]);
        }
        for (; p < k; p++)
            for (size_t i = 0; i < cols; i++) out[p * wide + at + i] = i < rows ? row[i][p] : 0;
    }
}

/* Where a panel is narrower than a vector, both sides go beyond the row while there is something behind it: the next row, written later. */
static void lay(float *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k) {
    for (size_t at = 0; at < wide; at += VW) {
        const size_t cols = wide - at < VW ? wide - at : VW, n = at >= m ? 0 : m - at < cols ? m - at : cols;
        size_t p = 0;
        if (n == cols && (n == VW || at == 0))
            for (; p * ldx + at + VW <= (k - 1) * ldx + m && p * wide + at + VW <= k * wide; p++) v_store(out + p * wide + at, v_load(x + p * ldx + at));
        for (; p < k; p++) part_store(out + p * wide + at, cols, part_load(x + p * ldx + at, n, 0));
    }
}

static void peak(float *x, float a, float b, size_t k) {
    const vec va = v_set(a), vb = v_set(b);
    vec acc[MR * NV];
    UNROLL for (size_t i = 0; i < MR * NV; i++) acc[i] = v_load(x + i * VW);
    for (; k; k--) UNROLL for (size_t i = 0; i < MR * NV; i++) acc[i] = v_fma(acc[i], va, vb);
    UNROLL for (size_t i = 0; i < MR * NV; i++) v_store(x + i * VW, acc[i]);
}

#include "core/kern_word.h"

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)
extern const struct sv_kern PASTE(sv_kern_, ISA);
const struct sv_kern PASTE(sv_kern_, ISA) = {
    .isa = TEXT(ISA), .mr = MR, .nr = NR, .wmr = WMR, .wk = WK, .kc = KC, .ibias = BIAS, .imost = MOST, .ipair = PAIR, .runs = RUNS, .bf16 = BF16,
#define X(ret, name, args) .name = name,
    SV_KERN_OPS(X)
#undef X
};
