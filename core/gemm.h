/* gemm.h - y = act(x w^T + bias), or y += x w^T + bias: the one matrix product of the project, over packed weights.
 *
 * The macro-kernel packs x, blocks for the caches, splits outputs over the pool, and applies the epilogue to a tile
 * while it is in cache.  Each element of y is summed over K in the same order whatever m, the threads or the blocks
 * are, so a row's bits do not depend on the batch it travels in. */
#ifndef CORE_GEMM_H
#define CORE_GEMM_H

#include "core/arena.h"
#include "core/cpu.h"
#include "core/tensor.h"

/* A weight matrix [n, k] (n outputs, k inputs) in panels of nr outputs for one kernel table; zero padded.
 *
 * type is that of the arithmetic: f32; bf16, whose products are exact and whose sums are f32, x being rounded to bf16 while it is
 * packed; i8, w = scale q with a factor an output, where a row of x becomes bytes u with x = low + step u for the row's own low and
 * step: sum w x = scale (step sum q u + low sum q), the sums in exact 32-bit integers. */
struct sv_packed {
    size_t n, k;
    const float *panel;                 /* [ceil(n / nr), words, nr] */
    enum sv_dtype type;                 /* SV_F32, SV_BF16, SV_I8 */
    const float *scale, *sum;           /* i8: [n] up to whole panels; sum: of each output's q */
};

/* Words of a panel's row of cols elements; floats (4-byte words) that packing writes. */
size_t sv_panel_words(const struct sv_kern *k, enum sv_dtype type, size_t cols);
size_t sv_pack_floats(const struct sv_kern *k, enum sv_dtype type, size_t rows, size_t cols);

/* panel = rows of w [n, k] (f32, f16, bf16, or i8 with the factor [n] f32 of each row; any alignment) as type, packed in parallel. */
struct sv_packed sv_pack(const struct sv_cpu *c, float *panel, enum sv_dtype type, const struct sv_view *w, const struct sv_view *factor);
struct sv_packed sv_pack_f32(const struct sv_cpu *c, float *panel, const float *w /* [n, k] */, size_t n, size_t k);
/* What was packed before, at panel. */
struct sv_packed sv_packed_at(const struct sv_kern *k, enum sv_dtype type, const float *panel, size_t n, size_t cols);

/* panel = w^T [n, k], for w [k, n] (row stride ld) of f32: a product with it is x w. */
struct sv_packed sv_pack_turned(const struct sv_cpu *c, float *panel, const float *w, size_t ld, size_t n, size_t k);

/* panel = w^T [k, n] from the f32 panels of w [n, k]; sv_pack_floats(kern, SV_F32, k, n) floats. */
struct sv_packed sv_turn(const struct sv_cpu *c, float *panel, const struct sv_packed *w);

/* bpack of x [k] that is bf16 already. */
void sv_pack_half(const struct sv_kern *kern, uint32_t *out, size_t wide, const uint16_t *x, size_t k);

struct sv_epilogue {
    const float *bias;                  /* [n] or NULL */
    enum sv_act act;
    enum sv_put put;                    /* SV_ADD: y += ..., the residual; act is then SV_ACT_NONE.  SV_ROUND: y is bf16, an array of uint16_t */
};

/* Floats of scratch sv_gemm needs for up to m rows of k inputs. */
size_t sv_gemm_floats(const struct sv_cpu *c, size_t m, size_t k);

/* y [m, n] (row stride ldy) from x [m, k] (row stride ldx).  y must not overlap x.  scratch: sv_gemm_floats(c, m, k) floats, 64-byte
 * aligned.  ep NULL: nothing. */
void sv_gemm(const struct sv_cpu *c, void *y, size_t ldy, const float *x, size_t ldx, size_t m,
             const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch);

/* The same with x of bf16: the bits of sv_gemm for the same numbers as floats.  scratch: sv_gemm_from_floats. */
void sv_gemm_half(const struct sv_cpu *c, void *y, size_t ldy, const uint16_t *x, size_t ldx, size_t m,
                  const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch);

/* The same with rows of x that are made while they are packed: row(arg, i, out) writes row i [k], from any thread.  scratch:
 * sv_gemm_from_floats. */
struct sv_maker { void (*row)(const void *arg, size_t i, float *out); const void *arg; };
size_t sv_gemm_from_floats(const struct sv_cpu *c, size_t m, size_t k);
void sv_gemm_from(const struct sv_cpu *c, void *y, size_t ldy, const struct sv_maker *from, size_t m, const struct sv_packed *w,
                  const struct sv_epilogue *ep, float *scratch);

/* The same, in f32, with x given as x^T [k, m] (row stride ldx): y += x^T w is what a weight's gradient is. */
void sv_gemm_turned(const struct sv_cpu *c, void *y, size_t ldy, const float *x, size_t ldx, size_t m,
                    const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch);

#endif
