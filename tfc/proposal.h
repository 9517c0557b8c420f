/* proposal.h - boxes and tracks from video: motion found, followed, and remembered while it rests; a detector's boxes
 * followed, alone or together with those of motion.
 *
 *     while (...) if (sv_proposer_push(p, rgb)) n = sv_proposer_take(p, detected, count, motion, &box);
 *
 * Frames are due SV_MOTION_LOOK frames after they came; after the last one push NULL until no frame is due. */
#ifndef TFC_PROPOSAL_H
#define TFC_PROPOSAL_H

#include "tfc/motion.h"
#include "tfc/track.h"

enum { SV_DETECTED_MOST = 4096 };       /* boxes of a detector in one frame */

struct sv_proposer;

struct sv_proposer *sv_proposer_open(size_t w, size_t h, struct sv_err *e);
void sv_proposer_free(struct sv_proposer *p);       /* NULL is fine */

/* From now on boxes come with their flow (tfc/flow.h), measured `apart` frames (1 .. SV_MOTION_LOOK) before and after; 0: without. */
void sv_proposer_flow(struct sv_proposer *p, size_t apart);

/* Takes a frame, rgb [h, w, 3] or NULL.  True: the oldest frame that was not yet due is due now. */
bool sv_proposer_push(struct sv_proposer *p, const uint8_t *rgb);

/* The boxes of the frame that is due: those detected [n], n <= SV_DETECTED_MOST, in their order, with tracks; and, if motion,
 * those of motion that they do not cover (not a quarter of the box, all of them together), and those of tracks that stand still.  *box is valid until the next call. */
size_t sv_proposer_take(struct sv_proposer *p, const struct sv_tracked *detected, size_t n, bool motion,
                        const struct sv_tracked **box);

#endif
