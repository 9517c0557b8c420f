#include "tfc/proposal.h"

#include <string.h>

enum { MOST = SV_DETECTED_MOST + SV_MOTION_MOST };

struct sv_proposer {
    struct sv_motion *motion;
    struct sv_tracker *tracker;
    const struct sv_motion_box *found; size_t count;    /* of the frame that is due */
    struct sv_tracked box[MOST + SV_TRACKS_MOST];
};

struct sv_proposer *sv_proposer_open(size_t w, size_t h, struct sv_err *e) {
    struct sv_proposer *p = sv_alloc(1, sizeof *p, e);
    if (!p) return NULL;
    if ((p->motion = sv_motion_open(w, h, e)) && (p->tracker = sv_tracker_open(w, h, MOST, e))) return p;
    sv_proposer_free(p);
    return NULL;
}

void sv_proposer_free(struct sv_proposer *p) {
    if (p) sv_motion_free(p->motion), sv_tracker_free(p->tracker);
    sv_free(p);
}

bool sv_proposer_push(struct sv_proposer *p, const uint8_t *rgb) { return sv_motion_push(p->motion, rgb, &p->found, &p->count); }

/* A moving thing that the detector saw too: each covers half of what both cover. */
static bool seen(const struct sv_tracked *box, size_t n, const double found[4]) {
    for (size_t i = 0; i < n; i++)
        if (sv_overlap(box[i].box, found) > 0.5) return true;
    return false;
}

size_t sv_proposer_take(struct sv_proposer *p, const struct sv_tracked *detected, size_t n, bool motion,
                        const struct sv_tracked **box) {
    size_t all = sv_min(n, SV_DETECTED_MOST);
    if (all) memcpy(p->box, detected, all * sizeof *detected);
    const size_t given = all;
    for (size_t i = 0; motion && i < p->count; i++) {
        if (seen(p->box, given, p->found[i].box)) continue;
        p->box[all] = (struct sv_tracked){ .score = 1 };
        memcpy(p->box[all++].box, p->found[i].box, sizeof p->found[i].box);
    }
    *box = p->box;
    const size_t moving = all;
    all = sv_tracker_step(p->tracker, sv_motion_luma(p->motion), p->box, all);
    if (!motion) return moving;
    for (size_t i = 0; i < all; i++)
        if (p->box[i].known) sv_motion_hold(p->motion, p->box[i].box);
    return all;
}
