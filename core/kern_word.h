/* kern_word.h - the vector kernels over bf16 pairs and over bytes, written once over word_*.h: part of kern_simd.h. */

#ifdef W_TILES
enum { RUNS = 1 };
#include W_TILES
#else
enum { RUNS = 0 };
/* The sums of a tile over k words, a multiple of WK. */
#define WORD_SUMS(rows, vecs, acc, zero, dot) do { \
    UNROLL for (size_t i = 0; i < rows; i++) \
        UNROLL for (size_t j = 0; j < vecs; j++) acc[i][j] = zero; \
    for (; k; k -= WK, ap += WK * (MR - 1)) \
        for (size_t p = 0; p < WK; p++, ap++, bp += NR) { \
            words b[NV]; \
            v_prefetch(ap + AHEAD * MR + p * (WK - 1)); \
            UNROLL for (size_t j = 0; j < vecs * VW; j += 64 / sizeof *bp) v_prefetch(bp + AHEAD * NR + j); \
            UNROLL for (size_t j = 0; j < vecs; j++) b[j] = w_load(bp + j * VW); \
            UNROLL for (size_t i = 0; i < rows; i++) { \
                const words a = w_set(ap[i * WK]); \
                UNROLL for (size_t j = 0; j < vecs; j++) acc[i][j] = dot(acc[i][j], a, b[j]); \
            } \
        } \
} while (0)

/* tile, with words in place of the operands' floats; c and its sums are of type `type` and `vector`.  Columns that do not fill a
 * vector go through a tile on the stack: with them in the same function gcc 12 does not keep sums of words in registers. */
#define WORD_TILE(name, type, vector, zero, load, store, plus, dot) \
static inline __attribute__((always_inline)) void name##_whole_of(const size_t rows, const size_t vecs, type *c, size_t ldc, size_t n, size_t k, \
                                                                  const uint32_t *ap, const uint32_t *bp, bool add) { \
    vector acc[MR][NV]; \
    (void)n; \
    WORD_SUMS(rows, vecs, acc, zero, dot); \
    UNROLL for (size_t i = 0; i < rows; i++) \
        UNROLL for (size_t j = 0; j < vecs; j++) { \
            type *p = c + i * ldc + j * VW; \
            store(p, add ? plus(load(p), acc[i][j]) : acc[i][j]); \
        } \
} \
BY_ROWS(name##_whole, type, uint32_t, bool) \
static void name(type *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) { \
    if (n == VW || n == NR) { name##_whole(c, ldc, m, n, k, ap, bp, add); return; } \
    type t[MR * NR] = { 0 }; \
    for (size_t i = 0; add && i < m; i++) memcpy(t + i * NR, c + i * ldc, n * sizeof *t); \
    name##_whole(t, NR, m, NR, k, ap, bp, add); \
    for (size_t i = 0; i < m; i++) memcpy(c + i * ldc, t + i * NR, n * sizeof *t); \
}

WORD_TILE(itile, int32_t, words, w_zero(), w_load, w_store, w_add, w_dot)

static inline __attribute__((always_inline)) void iproduct_whole_of(const size_t rows, const size_t vecs, void *c, size_t ldc, size_t n, size_t k,
                                                                    const uint32_t *ap, const uint32_t *bp, const struct ending *end) {
    words acc[MR][NV];
    (void)n;
    WORD_SUMS(rows, vecs, acc, w_zero(), w_dot);
    END(w_opaque, of_bytes(acc[i][j], end->of, i, sum, w, b), BF16);
}
BY_ROWS(iproduct_whole, void, uint32_t, const struct ending *)

static void ipeak(int32_t *c, uint32_t a, uint32_t b, size_t k) {
    words acc[MR * NV], va = w_set(a), vb[NV];      /* opaque, so that no two products are the same to the compiler, as in a tile */
    UNROLL for (size_t j = 0; j < NV; j++) vb[j] = w_opaque(w_set(b));
    UNROLL for (size_t i = 0; i < MR * NV; i++) acc[i] = w_load(c + i * VW);
    for (; k; k--)
        UNROLL for (size_t i = 0; i < MR * NV; i++) {
            if (i % NV == 0) va = w_opaque(va);
            acc[i] = w_dot(acc[i], va, vb[i % NV]);
        }
    UNROLL for (size_t i = 0; i < MR * NV; i++) w_store(c + i * VW, acc[i]);
}

static void iproduct(void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const struct sv_bytes *of,
                     const float *bias, enum sv_act act, enum sv_put put) {
    PRODUCT_WHOLE(iproduct_whole, of, BF16)
    PRODUCT_ON_STACK(itile, int32_t, WMR, ifinish(y, ldy, s, m, n, of, bias, act, put));
}

#if BF16
WORD_TILE(btile, float, vec, v_set(0), v_load, v_store, v_add, b_dot)

static inline __attribute__((always_inline)) void bproduct_whole_of(const size_t rows, const size_t vecs, void *c, size_t ldc, size_t n, size_t k,
                                                                    const uint32_t *ap, const uint32_t *bp, const struct ending *end) {
    vec acc[MR][NV];
    (void)n;
    WORD_SUMS(rows, vecs, acc, v_set(0), b_dot);
    END(v_opaque, v_add(acc[i][j], b), true);
}
BY_ROWS(bproduct_whole, void, uint32_t, const struct ending *)

static void bpeak(float *c, uint32_t a, uint32_t b, size_t k) {
    const words va = w_set(a), vb = w_set(b);
    vec acc[MR * NV];
    UNROLL for (size_t i = 0; i < MR * NV; i++) acc[i] = v_load(c + i * VW);
    for (; k; k--) UNROLL for (size_t i = 0; i < MR * NV; i++) acc[i] = b_dot(acc[i], va, vb);
    UNROLL for (size_t i = 0; i < MR * NV; i++) v_store(c + i * VW, acc[i]);
}

static void bproduct(void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const float *bias, enum sv_act act,
                     enum sv_put put) {
    PRODUCT_WHOLE(bproduct_whole, NULL, true)
    PRODUCT_ON_STACK(btile, float, WMR, finish(y, ldy, s, m, n, bias, act, put));
}
#endif
#endif

/* VW words of the floats at q, of which `rest` are the row's and what lies behind is `fill`; end is room for them. */
#define WHOLE(q, rest, fill) do { \
    if ((rest) < sizeof end / sizeof *end) { \
        for (size_t f_ = 0; f_ < sizeof end / sizeof *end; f_++) end[f_] = fill; \
        memcpy(end, q, (rest) * sizeof *q); \
        q = end; \
    } \
} while (0)

/* Infinity and NaN times 0 is NaN, which a sum keeps and a maximum may not.  The row is read here first: from memory, a page ahead. */
static inline void span(float *least, float *largest, const float *x, size_t n) {
    enum { CHAINS = 4, PAGE = 1024 };
    const float first = n ? x[0] : 0;
    const vec zero = v_set(0);
    vec most[CHAINS], low[CHAINS], odd[CHAINS];
    UNROLL for (size_t c = 0; c < CHAINS; c++) most[c] = low[c] = v_set(first), odd[c] = zero;
#define SEEN(c, x_) do { \
        const vec v_ = x_; \
        most[c] = v_max(most[c], v_), low[c] = v_min(low[c], v_), odd[c] = v_fma(v_, zero, odd[c]); \
    } while (0)
    size_t i = 0;
    for (; i + CHAINS * VW <= n; i += CHAINS * VW) {
        UNROLL for (size_t j = 0; j < CHAINS * VW; j += 64 / sizeof *x) v_prefetch(x + i + PAGE + j);
        UNROLL for (size_t c = 0; c < CHAINS; c++) SEEN(c, v_load(x + i + c * VW));
    }
    for (; i + VW <= n; i += VW) SEEN(0, v_load(x + i));
    if (i < n) SEEN(0, part_load(x + i, n - i, first));
#undef SEEN
    UNROLL for (size_t c = 1; c < CHAINS; c++) most[0] = v_max(most[0], most[c]), low[0] = v_min(low[0], low[c]), odd[0] = v_add(odd[0], odd[c]);
    const float bad = v_sum(odd[0]);
    *least = bad - v_largest(v_sub(zero, low[0])), *largest = v_largest(most[0]) + bad;
}

/* per: floats of a word; make: VW words of the floats at q; fill: what lies behind the end of a row and becomes 0. */
#define WORD_PACK(per, make, fill) do { \
    float end[per * VW]; \
    for (size_t p = 0; p < k; p += per * VW, out += wide * WK) { \
        const float *q = x + p; \
        WHOLE(q, k - p, fill); \
        w_store(out, make); \
    } \
} while (0)

static void ipack(uint32_t *out, size_t wide, const float *x, size_t k, float *scale, float *lo) {
    float least, largest;
    span(&least, &largest, x, k);
    const struct sv_steps s = sv_steps(least, largest, MOST, BIAS);
    *scale = s.scale, *lo = s.low;
    WORD_PACK(4, w_bytes(q, v_set(s.from), v_set(s.inv)), s.from);
}

#if BF16
static void bpack(uint32_t *out, size_t wide, const float *x, size_t k) { WORD_PACK(2, b_pairs(v_load(q), v_load(q + VW)), 0); }

/* bf16 has no use for the last bits of an exponential. */
static void bsoftmax(uint32_t *out, size_t wide, float *x, size_t n, size_t k, float scale) {
    const vec inv = v_set(1 / exponentials(x, n, scale * 1.44269504f, true));
    float end[2 * VW];
    for (size_t p = 0; p < k; p += 2 * VW, out += wide * WK) {
        const float *q = x + p;
        if (p >= n) { w_store(out, w_zero()); continue; }
        WHOLE(q, n - p, 0);
        w_store(out, b_pairs(v_mul(v_load(q), inv), v_mul(v_load(q + VW), inv)));
    }
}

static void blay(uint32_t *out, size_t wide, const uint16_t *x, size_t ldx, size_t m, size_t k) {
    const size_t whole = (k + 2 * WK - 1) / (2 * WK) * 2 * WK;
    for (size_t p = 0; p < whole; p += 2, out += wide, x += 2 * ldx)
        for (size_t at = 0; at < wide; at += VW) {
            const size_t cols = wide - at < VW ? wide - at : VW, n = at >= m ? 0 : m - at < cols ? m - at : cols;
            if (n == VW && p + 1 < k) { w_store(out + at, b_zip(x + at, x + ldx + at)); continue; }
            uint16_t row[2][VW] = { { 0 } };
            for (size_t r = 0; r < 2 && n && p + r < k; r++) memcpy(row[r], x + r * ldx + at, n * sizeof *x);
            part_store((float *)(void *)(out + at), cols, w_bits(b_zip(row[0], row[1])));
        }
}
#else
#include "core/kern_plain.h"
#endif
