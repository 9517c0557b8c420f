/* track.h - boxes of one frame after the other become tracks.
 *
 * A track predicts its box by constant velocity; boxes are assigned to predictions by overlap and by likeness of the
 * picture inside, cheapest pair first.  A track without a box goes on unseen for a second or so: through an occlusion,
 * until it is taken up again or dropped.  If it had moved before and the picture in its last box has not changed since,
 * it is somebody who stands still: the track gives that box until the picture changes. */
#ifndef TFC_TRACK_H
#define TFC_TRACK_H

#include "core/mem.h"

enum { SV_TRACKS_MOST = 1024 };         /* at once; boxes beyond get no track (-1) */

struct sv_tracked {
    double box[4];                      /* x1 y1 x2 y2 */
    float score;                        /* of the detection; those added have their last one */
    int64_t track;                      /* numbered from 0 in order of appearance */
    double flow[2];                     /* pixels a frame, right and down, where they were asked for */
    bool known;                         /* its track has moved and lasted, and does not rest for too long: no ghost of a background */
};

/* Intersection over union of two boxes. */
double sv_overlap(const double a[4], const double b[4]);

struct sv_tracker;

/* w x h: of the frames.  most: boxes of a frame at most. */
struct sv_tracker *sv_tracker_open(size_t w, size_t h, size_t most, struct sv_err *e);
void sv_tracker_free(struct sv_tracker *t);         /* NULL is fine */

/* The boxes [n] of the next frame, luma [h, w] its picture: track is filled in, and those who stand still are added behind
 * (box has room for SV_TRACKS_MOST more).  Returns their number. */
size_t sv_tracker_step(struct sv_tracker *t, const uint8_t *luma, struct sv_tracked *box, size_t n);

#endif
