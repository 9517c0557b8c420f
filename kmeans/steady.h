/* steady.h - the score of a thing over the time that it is seen, instead of in one frame.
 *
 *     steady(i) = median of s over the frames t - reach .. t + reach of the clip, t the frame of i:
 *                 s is the score that the track of i has there, 0 where it is not seen
 *
 * Boxes from motion come and go, and cut people into pieces: what is there for three frames can look like anything.  And what a
 * detector misses for a frame is still there: a frame in which a track is not seen, but is at most reach frames before it and at
 * most reach after it, has the same median of that track. */
#ifndef KMEANS_STEADY_H
#define KMEANS_STEADY_H

#include "core/err.h"

enum { SV_STEADY_MOST = 64 };           /* largest reach */

/* Rows of a clip, in any order.  Tracks are -1 where there is none: those scores stay.  A track that is in a frame twice counts its
 * first row there. */
struct sv_tracked { const size_t *frame; const int64_t *track; size_t n, begin, end; };     /* [n]; the clip's frames: begin .. end - 1 */

/* of_frame: the highest of each of the frames from .. to - 1, of what is seen in it and what it misses; 0 where there is nothing. */
int sv_steady(double *out /* [n], may be score */, const double *score /* [n] */, const struct sv_tracked *r, size_t reach,
              double *of_frame /* [to - from] */, size_t from, size_t to, struct sv_err *e);

#endif
