/* norm.h - rows brought to a standard size: LayerNorm and the L2 norm; and the way back. */
#ifndef NN_NORM_H
#define NN_NORM_H

#include "core/gemm.h"

/* LayerNorm (Ba, Kiros, Hinton 2016): y = (x - mean) / sqrt(var + eps) * gain + bias, each row by itself. */
struct sv_norm {
    const float *gain, *bias;           /* [width] */
    float eps;
    float *dgain, *dbias;               /* [width]; NULL: frozen */
};

/* y [rows, width] from x, whose rows are stride floats apart; y may be x where stride is width. */
void sv_norm_rows(const struct sv_cpu *c, float *y, const float *x, size_t stride, size_t rows, size_t width, const struct sv_norm *p);

/* The rows of y for a product that takes them as they come: no pass over memory is made for the norm.
 *
 *     const struct sv_normed n = { c, x, stride, width, &norm };  sv_gemm_from(c, ..., &(struct sv_maker){ sv_normed_row, &n }, ...); */
struct sv_normed { const struct sv_cpu *c; const float *x; size_t stride, width; const struct sv_norm *p; };
void sv_normed_row(const void *normed, size_t i, float *out);

/* With h the standardised row and g = dy gain:
 *
 *     dx += (g - mean g - h mean(g h)) / sqrt(var + eps)          dgain += sum over rows of dy h          dbias += sum over rows of dy
 *
 * The rows of dx and x are stride floats apart; dx may be dy where stride is width and p frozen.  stats: 2 rows floats of scratch. */
void sv_norm_back(const struct sv_cpu *c, float *dx, const float *dy /* [rows, width] */, const float *x, size_t stride, size_t rows,
                  size_t width, const struct sv_norm *p, float *stats);

/* y = x / |x| for each row of x [rows, width]; a zero row stays zero.  The sum of squares is taken in double. */
void sv_unit_rows(float *y, const float *x, size_t rows, size_t width);

/* With u = x / |x|: dx = (dy - u <u, dy>) / |x|, and 0 for a zero row.  dx may be dy. */
void sv_unit_back(const struct sv_cpu *c, float *dx, const float *dy, const float *x, size_t rows, size_t width);

#endif
