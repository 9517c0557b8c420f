/* score.h - Eq. 9: how far a response is from everything normal.
 *
 *     score = 1 - max over m of cos(response, centre_m) = min over m of |unit(response) - centre_m|^2 / 2
 *
 * Responses are all positive and close, so scores live in some 0 .. 0.02: the chord keeps the digits that a float
 * cosine would lose.  A zero response scores 0.5 (it stays zero), a response with a NaN scores NaN. */
#ifndef KMEANS_SCORE_H
#define KMEANS_SCORE_H

#include "core/pool.h"

/* y = unit rows of x in double: centres as a scene file holds them, made ready for sv_score. */
void sv_unit_rows_f64(double *y /* [rows, n] */, const float *x /* [rows, n] */, size_t rows, size_t n);

/* nearest[i]: the centre of the minimum, the lowest on a tie; may be NULL. */
void sv_score(struct sv_pool *p, double *score /* [rows] */, size_t *nearest /* [rows] */,
              const float *response /* [rows, n] */, size_t rows, size_t n,
              const double *centre /* [m, n], unit */, size_t m);

/* What an object is doing: the index of the largest response, the lowest on a tie. */
size_t sv_action(const float *response /* [n] */, size_t n);

/* Why a response scored: the k actions that stand out most above (sign > 0) or below (sign < 0) the centre, by
 * sign * (unit(response) - centre), largest first.  k at most n; O(k n). */
void sv_explain(size_t *action /* [k] */, size_t k, const float *response /* [n] */, const double *centre /* [n], unit */,
                size_t n, int sign);

/* The largest score of each frame; 0 where a frame has no object, NaN where an object's score is NaN. */
void sv_frame_scores(double *out /* [frames] */, size_t frames, const double *score /* [objects] */,
                     const size_t *frame /* [objects], each < frames */, size_t objects);

#endif
