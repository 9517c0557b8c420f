/* motion.h - where something moves: boxes without training, from a background that learns and from frame differences.
 *
 * A pixel is in the foreground where it differs from its background, or from the frames LOOK before and after it at once
 * (which needs no background, so the first frames of a clip have boxes too).  Foreground is cleaned, cut into connected
 * components, and components become boxes by the size that things have at their image row, learned on the way: pieces of
 * one body are merged, groups and rows of people are split.
 *
 * Frames come one by one; the boxes of a frame are there LOOK frames later.  Nothing depends on what comes after that,
 * so a live stream and a file give the same boxes.  All memory is taken at opening. */
#ifndef TFC_MOTION_H
#define TFC_MOTION_H

#include "core/mem.h"

enum { SV_MOTION_LOOK = 4, SV_MOTION_MOST = 512 /* boxes of a frame */ };

struct sv_motion_box { double box[4]; };            /* x1 y1 x2 y2 in pixels, exclusive x2 y2 */

struct sv_motion;

struct sv_motion *sv_motion_open(size_t w, size_t h, struct sv_err *e);
void sv_motion_free(struct sv_motion *m);           /* NULL is fine */

/* Takes the next frame, rgb [h, w, 3], or NULL once the stream has ended, as often as boxes are missing.  Then: true and
 * *box [*n] (valid until the next call) are the boxes of the oldest frame that had none yet; false: it looks on. */
bool sv_motion_push(struct sv_motion *m, const uint8_t *rgb, const struct sv_motion_box **box, size_t *n);

/* [h, w] the smoothed luma of the frame `ahead` (-SV_MOTION_LOOK .. SV_MOTION_LOOK) frames after the one whose boxes came last; NULL
 * where the clip has none there. */
const uint8_t *sv_motion_luma(const struct sv_motion *m, int ahead);

/* Pixels inside box are somebody: they do not become background.  Holds until the next frame. */
void sv_motion_hold(struct sv_motion *m, const double box[4]);

#endif
