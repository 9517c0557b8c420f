/* knn.h - normal as near to what was seen: the mean distance of a row to its k nearest in a sample of normal rows.
 *
 *     score = mean over the k rows r of the sample with the largest cosine of  1 - cos(x, r) = |unit(x) - unit(r)|^2 / 2
 *
 * Neighbours are chosen by the packed product in float; their distances are taken in double from the rows, as the score of
 * centres is (kmeans/score.h), and like there a zero row is 0.5 away from everything, a row with a NaN scores NaN. */
#ifndef KMEANS_KNN_H
#define KMEANS_KNN_H

#include "kmeans/response.h"

enum { SV_KNN_MOST = 64 };              /* neighbours at most */

struct sv_knn {
    struct sv_response near;            /* its texts are the sample */
    size_t k;
    float *sample;                      /* [m, dim]; owned, as all below */
    float *cosine;                      /* [SV_RESPONSE_ROWS, m] */
};

/* Copies sample; k is cut to m and SV_KNN_MOST.  Fails on no rows, or one that is not finite.  Free with sv_knn_free. */
int sv_knn_init(struct sv_knn *g, const struct sv_cpu *c, const float *sample /* [m, dim] */, size_t m, size_t dim, size_t k,
                struct sv_err *e);
void sv_knn_free(struct sv_knn *g);                 /* {0} is fine */

/* Not for two threads at once; allocates nothing; the same bits for any number of threads. */
void sv_knn_score(struct sv_knn *g, const struct sv_cpu *c, double *score /* [rows] */, const float *x /* [rows, dim] */, size_t rows);

#endif
