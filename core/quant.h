/* quant.h - weights as signed bytes, one factor an output channel: w = scale q, q in -127 .. 127. */
#ifndef CORE_QUANT_H
#define CORE_QUANT_H

#include "core/base.h"

#include <math.h>

enum { SV_ANY_PAIR = 256 };             /* bytes are at most 127: no limit */

/* The factor of a row whose factor so far is `most`: of its largest magnitude, and large enough for neighbours 2i, 2i + 1 of one
 * sign to sum to `pair` when rounded; 0 for a row of zeros, NaN if an element is not finite. */
static inline float sv_i8_scale(const float *x, size_t n, float most, int pair) {
    float one = 0, two = 0;             /* the largest magnitude; of half a pair's sum, which is finite */
    for (size_t i = 0; i < n; i++) {
        const float half = i % 2 ? fabsf(x[i - 1] / 2 + x[i] / 2) : 0;
        if (!isfinite(x[i])) return NAN;
        if (fabsf(x[i]) > one) one = fabsf(x[i]);
        if (half > two) two = half;
    }
    one /= 127, two /= (float)(pair - 1) / 2;
    if (two > one) one = two;
    return one > most ? one : most;     /* a NaN stays */
}

static inline int8_t sv_i8(float x, float scale) {
    const float r = x / scale;
    return (int8_t)(fabsf(r) <= 127.4f ? lrintf(r) : r > 0 ? 127 : r < 0 ? -127 : 0);     /* 0 / 0 and NaN: 0 */
}

#endif
