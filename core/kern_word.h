/* kern_word.h - the vector kernels over bf16 pairs and over bytes, written once over word_*.h: part of kern_simd.h. */

#ifndef W_TILES
/* tile, with words in place of the operands' floats; c and its sums are of type `type` and `vector`.  Columns that do not fill a
 * vector go through a tile on the stack: with them in the same function gcc 12 does not keep sums of words in registers. */
#define WORD_TILE(name, type, vector, zero, load, store, plus, dot) \
static inline __attribute__((always_inline)) void name##_whole_of(const size_t rows, const size_t vecs, type *c, size_t ldc, size_t n, size_t k, \
                                                                  const uint32_t *ap, const uint32_t *bp, bool add) { \
    vector acc[MR][NV]; \
    (void)n; \
    UNROLL for (size_t i = 0; i < rows; i++) \
        UNROLL for (size_t j = 0; j < vecs; j++) acc[i][j] = zero; \
    for (; k; k--, ap += MR, bp += NR) { \
        words b[NV]; \
        v_prefetch(ap + AHEAD * MR); \
        UNROLL for (size_t j = 0; j < vecs * VW; j += 64 / sizeof *bp) v_prefetch(bp + AHEAD * NR + j); \
        UNROLL for (size_t j = 0; j < vecs; j++) b[j] = w_load(bp + j * VW); \
        UNROLL for (size_t i = 0; i < rows; i++) { \
            const words a = w_set(ap[i]); \
            UNROLL for (size_t j = 0; j < vecs; j++) acc[i][j] = dot(acc[i][j], a, b[j]); \
        } \
    } \
    UNROLL for (size_t i = 0; i < rows; i++) \
        UNROLL for (size_t j = 0; j < vecs; j++) { \
            type *p = c + i * ldc + j * VW; \
            store(p, add ? plus(load(p), acc[i][j]) : acc[i][j]); \
        } \
} \
BY_ROWS(name##_whole, type, uint32_t) \
static void name(type *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) { \
    if (n == VW || n == NR) { name##_whole(c, ldc, m, n, k, ap, bp, add); return; } \
    type t[MR * NR] = { 0 }; \
    for (size_t i = 0; add && i < m; i++) memcpy(t + i * NR, c + i * ldc, n * sizeof *t); \
    name##_whole(t, NR, m, NR, k, ap, bp, add); \
    for (size_t i = 0; i < m; i++) memcpy(c + i * ldc, t + i * NR, n * sizeof *t); \
}

WORD_TILE(itile, int32_t, words, w_zero(), w_load, w_store, w_add, w_dot)

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

#if defined(BF16)
WORD_TILE(btile, float, vec, v_set(0), v_load, v_store, v_add, b_dot)

static void bpeak(float *c, uint32_t a, uint32_t b, size_t k) {
    const words va = w_set(a), vb = w_set(b);
    vec acc[MR * NV];
    UNROLL for (size_t i = 0; i < MR * NV; i++) acc[i] = v_load(c + i * VW);
    for (; k; k--) UNROLL for (size_t i = 0; i < MR * NV; i++) acc[i] = b_dot(acc[i], va, vb);
    UNROLL for (size_t i = 0; i < MR * NV; i++) v_store(c + i * VW, acc[i]);
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

/* per: floats of a word; make(q, i) makes VW words of the floats at q, from row i; fill is what lies behind the end of a row and
 * becomes 0.  Where a row's words lie together that is all; else rows become rows of words in a buffer that stays in L1, and
 * pack transposes those. */
#define WORD_PACK(per, make, fill) do { \
    enum { ROOM = 4096 }; \
    float buf[ROOM], end[per * VW]; \
    const size_t all = (k + per - 1) / per; \
    if (WK > 1) { \
        for (size_t i = 0; i < wide; i++) \
            for (size_t w = 0; w < all; w += VW) { \
                if (i >= m) { v_store((float *)out + w * wide + i * WK, v_set(0)); continue; } \
                const float *q = x + i * ldx + w * per; \
                WHOLE(q, k - w * per, fill); \
                v_store((float *)out + w * wide + i * WK, w_bits(make)); \
            } \
        break; \
    } \
    const size_t chunk = ROOM / sv_max(m, 1) / VW * VW;     /* words of each row at a time */ \
    for (size_t at = 0, left = all; left; at += chunk) { \
        const size_t n = sv_min(chunk, left); \
        for (size_t i = 0; i < m; i++) \
            for (size_t w = 0; w < n; w += VW) { \
                const float *q = x + i * ldx + (at + w) * per; \
                WHOLE(q, k - (at + w) * per, fill); \
                v_store(buf + i * chunk + w, w_bits(make)); \
            } \
        pack((float *)out + at * wide, wide, buf, chunk, m, n); \
        left -= n; \
    } \
} while (0)

static void ipack(uint32_t *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k, const float *lo, const float *inv) {
    WORD_PACK(4, w_bytes(q, v_set(lo[i]), v_set(inv[i])), lo[i]);
}

/* Infinity and NaN times 0 is NaN, which a sum keeps and a maximum may not.  The row is read here first: from memory, a page ahead. */
static void span(float *lo, float *hi, const float *x, size_t n) {
    enum { CHAINS = 4, PAGE = 1024 };
    const float first = n ? x[0] : 0;
    const vec zero = v_set(0);
    vec most[CHAINS], least[CHAINS], odd[CHAINS];
    UNROLL for (size_t c = 0; c < CHAINS; c++) most[c] = least[c] = v_set(first), odd[c] = zero;
#define SEEN(c, x_) do { \
        const vec v_ = x_; \
        most[c] = v_max(most[c], v_), least[c] = v_min(least[c], v_), odd[c] = v_fma(v_, zero, odd[c]); \
    } while (0)
    size_t i = 0;
    for (; i + CHAINS * VW <= n; i += CHAINS * VW) {
        UNROLL for (size_t j = 0; j < CHAINS * VW; j += 64 / sizeof *x) v_prefetch(x + i + PAGE + j);
        UNROLL for (size_t c = 0; c < CHAINS; c++) SEEN(c, v_load(x + i + c * VW));
    }
    for (; i + VW <= n; i += VW) SEEN(0, v_load(x + i));
    if (i < n) SEEN(0, part_load(x + i, n - i, first));
#undef SEEN
    UNROLL for (size_t c = 1; c < CHAINS; c++) most[0] = v_max(most[0], most[c]), least[0] = v_min(least[0], least[c]), odd[0] = v_add(odd[0], odd[c]);
    const float bad = v_sum(odd[0]);
    *lo = bad - v_largest(v_sub(zero, least[0])), *hi = v_largest(most[0]) + bad;
}

#if defined(BF16)
static void bpack(uint32_t *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k) {
    WORD_PACK(2, b_pairs(q), 0);
}
#else
#define BF16 0
#include "core/kern_plain.h"
#endif
