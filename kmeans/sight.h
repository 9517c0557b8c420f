/* sight.h - what is known of things by the track they belong to: rows in any order, put in the order of tracks and time. */
#ifndef KMEANS_SIGHT_H
#define KMEANS_SIGHT_H

#include "core/base.h"

struct sv_sight { int64_t track; size_t frame, row; };      /* row: where it stood before */

/* By track, frame, row. */
void sv_sights_sort(struct sv_sight *s, size_t n);

/* Of n values, n >= 1, which are sorted by it; the mean of the two in the middle where n is even.  For a few dozen. */
double sv_median(double *v, size_t n);

#endif
