/* kmeans.h - the face of this folder: normal patterns as the centres of a cosine k-means, all in double.
 *
 * Rows are used L2-normalised.  A centre is the normalised sum of its rows; a row belongs to the centre of largest
 * cosine (the lowest on a tie); an empty cluster takes, out of the largest one, the row farthest from its centre (lowest
 * index on ties, clusters in order); it ends when no label changes or after SV_KMEANS_ITERS rounds.
 *
 * A zero row has no direction: it is no seed, fills no empty cluster, adds nothing to a centre, and is labelled 0.
 *
 * Every sum has a fixed order, so the result has the same bits for any number of threads. */
#ifndef KMEANS_KMEANS_H
#define KMEANS_KMEANS_H

#include "core/pool.h"

enum { SV_KMEANS_STARTS = 10, SV_KMEANS_ITERS = 300 };

struct sv_kmeans {
    size_t m, n, dim;                   /* centres, rows, width */
    double *centre;                     /* [m, dim], unit rows */
    size_t *label;                      /* [n], each < m */
    double objective;                   /* sum over rows of 1 - cos(row, its centre) */
    size_t rounds;                      /* rounds of the start that won */
};

/* Best of SV_KMEANS_STARTS k-means++ starts (the first of equals), drawn from `seed`.  k->m is the smaller of m and the
 * number of different directions among the rows.  Fails on no rows, m or dim 0, a value that is not finite (the row is
 * named), and rows that are all zero.  Borrows x during the call.  Free with sv_kmeans_free. */
int sv_kmeans_fit(struct sv_kmeans *k, struct sv_pool *p, const float *x /* [n, dim] */, size_t n, size_t dim, size_t m,
                  uint64_t seed, struct sv_err *e);

/* One start, from given centres (normalised here), which may be at most n. */
int sv_kmeans_lloyd(struct sv_kmeans *k, struct sv_pool *p, const float *x /* [n, dim] */, size_t n, size_t dim,
                    const double *start /* [m, dim] */, size_t m, size_t rounds, struct sv_err *e);

void sv_kmeans_free(struct sv_kmeans *k);           /* {0} is fine */

#endif
