#include "tfc/proposal.h"

#include <string.h>

struct sv_proposer {
    struct sv_motion *motion;
    struct sv_tracker *tracker;
    struct sv_tracked box[SV_MOTION_MOST + SV_TRACKS_MOST];
};

struct sv_proposer *sv_proposer_open(size_t w, size_t h, struct sv_err *e) {
    struct sv_proposer *p = sv_alloc(1, sizeof *p, e);
    if (!p) return NULL;
    if ((p->motion = sv_motion_open(w, h, e)) && (p->tracker = sv_tracker_open(w, h, SV_MOTION_MOST, e))) return p;
    sv_proposer_free(p);
    return NULL;
}

void sv_proposer_free(struct sv_proposer *p) {
    if (p) sv_motion_free(p->motion), sv_tracker_free(p->tracker);
    sv_free(p);
}

bool sv_proposer_push(struct sv_proposer *p, const uint8_t *rgb, const struct sv_tracked **box, size_t *n) {
    const struct sv_motion_box *found;
    size_t count;
    if (!sv_motion_push(p->motion, rgb, &found, &count)) return false;
    for (size_t i = 0; i < count; i++) {
        p->box[i] = (struct sv_tracked){ .score = found[i].score };
        memcpy(p->box[i].box, found[i].box, sizeof p->box[i].box);
    }
    *n = sv_tracker_step(p->tracker, sv_motion_luma(p->motion), p->box, count);
    for (size_t i = count; i < *n; i++) sv_motion_hold(p->motion, p->box[i].box);
    *box = p->box;
    return true;
}
