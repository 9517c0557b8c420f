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

/* Rows in any order, of a clip whose frames are begin .. end - 1.  Tracks are -1 where there is none: those scores stay.  A track
 * that is in a frame twice counts its first row there. */
int sv_steady(double *out /* [n], may be score */, const double *score /* [n] */, const size_t *frame /* [n] */,
              const int64_t *track /* [n] */, size_t n, size_t reach, size_t begin, size_t end, struct sv_err *e);

/* The highest median of tracks that are not seen in frames from .. to - 1, 0 where there is none; score: as sv_steady takes it. */
int sv_steady_unseen(double *out /* [to - from] */, const double *score /* [n] */, const size_t *frame /* [n] */, const int64_t *track /* [n] */,
                     size_t n, size_t reach, size_t begin, size_t end, size_t from, size_t to, struct sv_err *e);

#endif
