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

/* A weight matrix [n, k] (n outputs, k inputs) in panels of nr outputs for one kernel table; zero padded. */
struct sv_packed {
    size_t n, k;
    const float *panel;                 /* [ceil(n / nr), k, nr] */
};

/* Floats that sv_pack writes. */
size_t sv_pack_floats(const struct sv_kern *k, size_t rows, size_t cols);

/* panel = rows of w [n, k] (float view: f32, f16, bf16; any alignment) widened and packed, in parallel. */
struct sv_packed sv_pack(const struct sv_cpu *c, float *panel, const struct sv_view *w);
struct sv_packed sv_pack_f32(const struct sv_cpu *c, float *panel, const float *w /* [n, k] */, size_t n, size_t k);

/* panel = w^T [n, k], for w [k, n] (row stride ld) of f32: a product with it is x w. */
struct sv_packed sv_pack_turned(const struct sv_cpu *c, float *panel, const float *w, size_t ld, size_t n, size_t k);

/* panel = w^T [k, n] from the panels of w [n, k]; sv_pack_floats(kern, k, n) floats. */
struct sv_packed sv_turn(const struct sv_cpu *c, float *panel, const struct sv_packed *w);

struct sv_epilogue {
    const float *bias;                  /* [n] or NULL */
    enum sv_act act;
    bool add;                           /* y is added to instead of overwritten: the residual; act is then SV_ACT_NONE */
};

/* Floats of scratch sv_gemm needs for up to m rows of k inputs. */
size_t sv_gemm_floats(const struct sv_cpu *c, size_t m, size_t k);

/* y [m, n] (row stride ldy) from x [m, k] (row stride ldx).  y must not overlap x.  scratch: sv_gemm_floats(c, m, k) floats, 64-byte
 * aligned.  ep NULL: nothing. */
void sv_gemm(const struct sv_cpu *c, float *y, size_t ldy, const float *x, size_t ldx, size_t m,
             const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch);

/* The same with x given as x^T [k, m] (row stride ldx): y += x^T w is what a weight's gradient is. */
void sv_gemm_turned(const struct sv_cpu *c, float *y, size_t ldy, const float *x, size_t ldx, size_t m,
                    const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch);

#endif
