/* linear.h - y = x w^T + bias, and the way back.
 *
 *     dx = dy w          dw += dy^T x          dbias += sum over rows of dy
 *
 * Gradients of weights are added to what is there: whoever owns them clears them once a step. */
#ifndef NN_LINEAR_H
#define NN_LINEAR_H

#include "core/gemm.h"

struct sv_linear {
    struct sv_packed w;                 /* [out, in] */
    const float *bias;                  /* [out] or NULL */
    struct sv_packed turned;            /* w^T [in, out], what dx needs; empty unless loaded for the way back */
    float *dw, *dbias;                  /* [out, in], [out]; NULL: frozen, and not formed */
};

/* Floats of scratch for sv_linear_back. */
size_t sv_linear_floats(const struct sv_cpu *c, size_t rows, size_t out, size_t in);

/* dx is written, or not wanted if NULL.  x may be NULL where dw is.  scratch is 64-byte aligned. */
void sv_linear_back(const struct sv_cpu *c, const struct sv_linear *l, float *dx /* [rows, in] */, const float *dy /* [rows, out] */,
                    const float *x /* [rows, in] */, size_t rows, float *scratch);

/* sum [width] += the rows of x, one after the other; rows lie stride floats apart.  Threads share out the columns. */
void sv_column_sums(const struct sv_cpu *c, float *sum, const float *x, size_t stride, size_t rows, size_t width);

#endif
