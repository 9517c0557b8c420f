/* unit.h - lengths of float rows, in double, the same bits wherever they are taken. */
#ifndef KMEANS_UNIT_H
#define KMEANS_UNIT_H

#include "core/base.h"

#include <math.h>

/* 1 / |x|, so that a unit row is (double)x[j] * sv_unit_scale(x, n).  0 for a zero row: it stays zero instead of becoming
 * NaN.  NaN where x holds a NaN or an infinity. */
static inline double sv_unit_scale(const float *x /* [n] */, size_t n) {
    double s = 0;
    for (size_t j = 0; j < n; j++) s += (double)x[j] * (double)x[j];
    return s > 0 && s < INFINITY ? 1 / sqrt(s) : s == 0 ? 0 : (double)NAN;
}

#endif
