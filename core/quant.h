/* quant.h - weights as signed bytes, one factor an output channel: w = scale q, q in -127 .. 127. */
#ifndef CORE_QUANT_H
#define CORE_QUANT_H

#include "core/base.h"

#include <math.h>

/* The factor of a row: of its largest magnitude; 0 for a row of zeros, NaN if an element is not finite. */
static inline float sv_i8_scale(const float *x, size_t n, float most) {
    for (size_t i = 0; i < n; i++) most = isfinite(x[i]) ? fabsf(x[i]) / 127 > most ? fabsf(x[i]) / 127 : most : NAN;
    return most;
}

static inline int8_t sv_i8(float x, float scale) {
    const float r = x / scale;
    return (int8_t)(fabsf(r) <= 127.4f ? lrintf(r) : r > 0 ? 127 : r < 0 ? -127 : 0);     /* 0 / 0 and NaN: 0 */
}

#endif
