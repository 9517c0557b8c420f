/* recur.h - what recurs in footage that nobody has looked at.
 *
 * The footage is cut into stretches of time.  A row recurs if at least half of the stretches but its own have its like:
 *
 *     near(i, s) = some row r of stretch s has  1 - cos(x_i, x_r) <= reach
 *     recurs(i)  = 2 * (number of s with near(i, s), s not the stretch of i) >= stretches - 1
 *
 * What is usual at a place is there day after day, what is not is not: no label is needed, but stretches in which people change.
 * Stretches without a row do not count. */
#ifndef KMEANS_RECUR_H
#define KMEANS_RECUR_H

#include "kmeans/response.h"

enum { SV_RECUR_LEAST = 3 };           /* stretches with rows: of two, each is the half of the other's others */

/* first [stretches + 1]: the rows of stretch s are first[s] .. first[s + 1] - 1 of x.  Fails where fewer than SV_RECUR_LEAST have
 * any, or on what is not finite.  The same bytes for any number of threads. */
int sv_recur(uint8_t *recurs /* [n] */, const struct sv_cpu *c, const float *x /* [n, dim] */, size_t dim, const size_t *first,
              size_t stretches, double reach, struct sv_err *e);

#endif
