/* proposal.h - boxes and tracks from video alone: motion found, followed, and remembered while it rests. */
#ifndef TFC_PROPOSAL_H
#define TFC_PROPOSAL_H

#include "tfc/motion.h"
#include "tfc/track.h"

struct sv_proposer;

struct sv_proposer *sv_proposer_open(size_t w, size_t h, struct sv_err *e);
void sv_proposer_free(struct sv_proposer *p);       /* NULL is fine */

/* As sv_motion_push: rgb [h, w, 3], NULL after the last frame; true with the boxes [*n] of the oldest frame that had none,
 * SV_MOTION_LOOK frames late, valid until the next call. */
bool sv_proposer_push(struct sv_proposer *p, const uint8_t *rgb, const struct sv_tracked **box, size_t *n);

#endif
