/* norm.h - rows brought to a standard size: LayerNorm and the L2 norm. */
#ifndef NN_NORM_H
#define NN_NORM_H

#include "core/cpu.h"

/* LayerNorm (Ba, Kiros, Hinton 2016): y = (x - mean) / sqrt(var + eps) * gain + bias, each row by itself. */
struct sv_norm {
    const float *gain, *bias;           /* [width] */
    float eps;
};

/* y [rows, width] from x, whose rows are stride floats apart; y may be x where stride is width. */
void sv_norm_rows(const struct sv_cpu *c, float *y, const float *x, size_t stride, size_t rows, size_t width, const struct sv_norm *p);

/* y = x / |x| for each row of x [rows, width]; a zero row stays zero.  The sum of squares is taken in double. */
void sv_unit_rows(float *y, const float *x, size_t rows, size_t width);

#endif
