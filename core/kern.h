/* kern.h - the compute kernels, as one constant table per instruction set.
 *
 * Every kernel is a pure function of its arguments: no globals, no allocation, no threads, no errors.  Pointers need
 * only float alignment, sizes may be 0, nothing may alias unless it says so.  Callers reach kernels through a table
 * and never name an instruction set.  kern_scalar.c is the plain meaning of each. */
#ifndef CORE_KERN_H
#define CORE_KERN_H

#include "core/quant.h"

enum sv_act { SV_ACT_NONE, SV_ACT_QUICK, SV_ACT_GELU };

/* How y takes a value: as it is; added to what it has; rounded to bf16 as bpack does, y being an array of those. */
enum sv_put { SV_SET, SV_ADD, SV_ROUND };

static inline size_t sv_put_size(enum sv_put put) { return put == SV_ROUND ? sizeof(uint16_t) : sizeof(float); }     /* of an element of y */

enum { SV_TILE = 1024 };                /* most floats of a tile: mr nr */

/* What the bytes of a tile stand for: row i of x is lo[i] + scale[i] u, column j of w is w[j] q, and sum[j] that of its q. */
struct sv_bytes { const float *scale, *lo /* [m] */, *sum, *w; /* [nr] */ };

/* X(return, name, arguments) - the only list of kernels in the project: it makes the table's fields, the rows of
 * tests/check_kern.c and the rows of svad bench.
 *
 * dot      sum of a[i] b[i]
 * axpy     y[i] += s x[i]
 * norm     y = (x - mean) / sqrt(var + eps) * gain + bias over one row (LayerNorm; var is the biased one); y may be x
 * softmax  x = exp(scale (x - max x)) / sum over one row, in place; n > 0
 * quick    y = x / (1 + exp(-1.702 x))            QuickGELU; y may be x
 * gelu     y = x (1 + erf(x / sqrt 2)) / 2        the exact GELU; y may be x
 * dquick   y *= the derivative of quick at x       s (1 + 1.702 x (1 - s)), s = 1 / (1 + exp(-1.702 x))
 * dgelu    y *= the derivative of gelu at x        Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi), Phi as in gelu
 * dnorm    dx += (g - mean g - h mean(g h)) / sd, with g = dy gain, h = (x - mean) / sd, sd = sqrt(var + eps): what norm gives
 *          back to x over one row; stat = mean, 1 / sd; dx may be dy
 * half     y = x widened from f16                 bits of x; y and x do not overlap
 * bhalf    y = x widened from bf16
 * tile     c[m, n] (row stride ldc) = (or +=, if add) sum over p < k of ap[p, i] bp[p, j]; ap [k, mr] and bp [k, nr] packed,
 *          padded with zeros; m <= mr, n <= nr; gap columns of c stay untouched
 * finish   y[m, n] (row stride ldy) takes act(s + bias) as `put` says (SV_ADD: act is none), for the sums s [m, nr] of a tile; bias [n]
 *          or NULL
 * pack     out[p, i] (row stride wide) = x[i, p] (row stride ldx) for i < m, p < k, and 0 for m <= i < wide: a panel of tile
 * lay      out[p, i] (row stride wide) = x[p, i] (row stride ldx) for i < m, p < k, and 0 for m <= i < wide: pack of x^T
 * peak     x[i] = a x[i] + b, k times, for the mr nr floats of a tile: multiply-adds on registers alone, the machine's
 *          peak that measurements are divided by
 *
 * The same product in fewer bits.  A panel is made of 4-byte words, each several elements that follow each other along k: two
 * bf16, or four bytes, the first in the low bits; k counts words there and is a multiple of wk.  A tile has wmr rows and nr
 * columns; its right panel is bp [k, nr], its left one ap [k / wk, wmr, wk]: sv_left_word.
 * bpack    row of a left panel of `wide` rows: x [k] rounded to pairs of bf16 (ties to even, NaN stays NaN, subnormals may become 0), and
 *          0 up to whole blocks of wk words; out is where the row's first word stands
 * blay     right panel of x^T, which is bf16 already, in pairs of rows: out[p, i] (row stride wide) = x[2 p, i], x[2 p + 1, i] for i < m,
 *          of k rows; what lies past m and k is 0 up to whole rows and blocks of wk words
 * bsoftmax bpack of softmax of x [n], and 0 up to whole blocks of k >= n floats; n > 0, x is overwritten
 * btile    tile over pairs: f32 sums, each step of a pair rounded once or twice, subnormals may count as 0; of a table with `runs` n may
 *          be any: right panels of k words follow each other
 * ipack    bpack with four bytes u = round((x - least) most / (largest - least)), ties to even, of the row's own least and largest, most
 *          the table's imost; scale and lo, one float each, say what they stand for: sv_steps
 * itile    tile over bytes: ap unsigned (each less the table's ibias), bp signed, within imost and ipair; exact 32-bit sums
 * ifinish  finish for the sums of itile, of which each first becomes (scale[i] s + lo[i] sum[j]) w[j], as `of` has them
 * product, bproduct, iproduct     tile, btile, itile over all of K, then finish, finish, ifinish: the same bits, without the sums.  The
 *          latter two of a table with `runs` take any m: left panels of wmr rows follow each other
 * bpeak, ipeak     c = c + dot(a, b), k times, for the wmr nr words of a tile: peak, of the instructions of btile and itile */
#define SV_KERN_OPS(X) \
    X(float, dot,     (const float *a, const float *b, size_t n)) \
    X(void,  axpy,    (float *y, float s, const float *x, size_t n)) \
    X(void,  norm,    (float *y, const float *x, const float *gain, const float *bias, size_t n, float eps)) \
    X(void,  softmax, (float *x, size_t n, float scale)) \
    X(void,  quick,   (float *y, const float *x, size_t n)) \
    X(void,  gelu,    (float *y, const float *x, size_t n)) \
    X(void,  dquick,  (float *y, const float *x, size_t n)) \
    X(void,  dgelu,   (float *y, const float *x, size_t n)) \
    X(void,  dnorm,   (float *dx, const float *dy, const float *x, const float *gain, size_t n, float eps, float stat[2])) \
    X(void,  half,    (float *y, const uint16_t *x, size_t n)) \
    X(void,  bhalf,   (float *y, const uint16_t *x, size_t n)) \
    X(void,  tile,    (float *c, size_t ldc, size_t m, size_t n, size_t k, const float *ap, const float *bp, bool add)) \
    X(void,  finish,  (void *y, size_t ldy, const float *s, size_t m, size_t n, const float *bias, enum sv_act act, enum sv_put put)) \
    X(void,  pack,    (float *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k)) \
    X(void,  lay,     (float *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k)) \
    X(void,  peak,    (float *x, float a, float b, size_t k)) \
    X(void,  bpack,   (uint32_t *out, size_t wide, const float *x, size_t k)) \
    X(void,  blay,    (uint32_t *out, size_t wide, const uint16_t *x, size_t ldx, size_t m, size_t k)) \
    X(void,  bsoftmax, (uint32_t *out, size_t wide, float *x, size_t n, size_t k, float scale)) \
    X(void,  btile,   (float *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add)) \
    X(void,  bpeak,   (float *c, uint32_t a, uint32_t b, size_t k)) \
    X(void,  ipack,   (uint32_t *out, size_t wide, const float *x, size_t k, float *scale, float *lo)) \
    X(void,  itile,   (int32_t *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add)) \
    X(void,  ifinish, (void *y, size_t ldy, const int32_t *s, size_t m, size_t n, const struct sv_bytes *of, const float *bias, \
                       enum sv_act act, enum sv_put put)) \
    X(void,  product,  (void *y, size_t ldy, size_t m, size_t n, size_t k, const float *ap, const float *bp, const float *bias, enum sv_act act, \
                        enum sv_put put)) \
    X(void,  bproduct, (void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const float *bias, \
                        enum sv_act act, enum sv_put put)) \
    X(void,  iproduct, (void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const struct sv_bytes *of, \
                        const float *bias, enum sv_act act, enum sv_put put)) \
    X(void,  ipeak,   (int32_t *c, uint32_t a, uint32_t b, size_t k))

struct sv_kern {
    const char *isa;
    size_t mr, nr;                      /* shape of one packed gemm tile */
    size_t wmr, wk;                     /* of a tile of words: its rows; words of a row that lie together in a left panel */
    size_t kc;                          /* K is summed in blocks of kc words: fixed for a table, so bits never depend on tuning */
    int ibias;                          /* what itile takes from each byte of ap: 128 where the machine multiplies signed bytes only */
    int imost, ipair;                   /* the largest byte of ap; most that bytes 2i, 2i + 1 of a row of bp sum to, either way: 255 and
                                         * SV_ANY_PAIR, but less where itile adds the products of such a pair in 16 bits */
    bool runs;                          /* tiles of words below each other are best multiplied in one call, and K in one block */
    bool bf16;                          /* btile is faster than tile here; where not, bf16 weights are widened */
#define X(ret, name, args) ret (*name) args;
    SV_KERN_OPS(X)
#undef X
};

/* Where word p of row i stands in a left panel of `wide` rows. */
static inline size_t sv_left_word(const struct sv_kern *k, size_t wide, size_t i, size_t p) { return (p / k->wk * wide + i) * k->wk + p % k->wk; }

/* Tables this build has and this machine can run, scalar first, those with more instructions behind; NULL-terminated. */
const struct sv_kern *const *sv_kern_usable(void);
const struct sv_kern *sv_kern_best(void);                   /* the fastest of them here */
const struct sv_kern *sv_kern_named(const char *isa);       /* NULL if not usable */

#endif
