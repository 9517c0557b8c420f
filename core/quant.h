/* quant.h - weights as signed bytes, one factor an output channel: w = scale q, q in -127 .. 127; a row of activations as unsigned ones. */
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

/* A row of floats from least to largest in steps: u = round((x - from) inv) is 0 .. most, and x = low + scale (u - bias).  What is too
 * narrow for a factor has the width 0; a row that is not finite (both NaN) has bytes of 0 and is NaN again through low. */
struct sv_steps { float from, inv, scale, low; };

static inline struct sv_steps sv_steps(float least, float largest, int most, int bias) {
    const float width = largest - least, inv = (float)most / width;
    const bool wide = width > 0 && inv < INFINITY && width < INFINITY;
    const float scale = wide ? width / (float)most : 0;
    return (struct sv_steps){ isnan(least) ? 0 : least, wide ? inv : 0, scale, (width < INFINITY ? least : (float)NAN) + (float)bias * scale };
}

#endif
