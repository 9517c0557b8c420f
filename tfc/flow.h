/* flow.h - how fast what is in a box moves: one displacement for the box, by matching blocks before and after it.
 *
 * The displacement d of least cost over the window, where
 *
 *     cost(d) = sum over pixels x of the box of  min(|now(x) - next(x + d)|, CUT) + min(|now(x) - past(x - d)|, CUT)
 *
 * Both sides at once ask for a steady motion, which the ground beside a body, or somebody who crosses, cannot have. */
#ifndef TFC_FLOW_H
#define TFC_FLOW_H

#include "core/base.h"

/* out = pixels (right, down) that the picture in box moves from past to now, as from now to next; 0 where it has no contrast or nothing
 * of the box is in the frame.  All frames are luma [h, w].  Allocates nothing. */
void sv_flow(const uint8_t *past, const uint8_t *now, const uint8_t *next, size_t w, size_t h, const double box[4] /* x1 y1 x2 y2 */,
             double out[2]);

#endif
