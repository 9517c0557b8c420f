#include "tfc/proposal.h"

#include "tfc/flow.h"
#include <string.h>

enum { MOST = SV_DETECTED_MOST + SV_MOTION_MOST, GRID = 8 };
#define HIDDEN 0.25

struct sv_proposer {
    struct sv_motion *motion;
    struct sv_tracker *tracker;
    const struct sv_motion_box *found; size_t count;    /* of the frame that is due */
    size_t apart;                       /* frames between which flow is measured; 0: it is not */
    size_t w, h;
    struct sv_tracked box[MOST + SV_TRACKS_MOST];
};

struct sv_proposer *sv_proposer_open(size_t w, size_t h, struct sv_err *e) {
    struct sv_proposer *p = sv_alloc(1, sizeof *p, e);
    if (!p) return NULL;
    p->w = w, p->h = h;
    if ((p->motion = sv_motion_open(w, h, e)) && (p->tracker = sv_tracker_open(w, h, MOST, e))) return p;
    sv_proposer_free(p);
    return NULL;
}

void sv_proposer_free(struct sv_proposer *p) {
    if (p) sv_motion_free(p->motion), sv_tracker_free(p->tracker);
    sv_free(p);
}

bool sv_proposer_push(struct sv_proposer *p, const uint8_t *rgb) { return sv_motion_push(p->motion, rgb, &p->found, &p->count); }

void sv_proposer_flow(struct sv_proposer *p, size_t apart) { p->apart = sv_min(apart, SV_MOTION_LOOK); }

static void add_flow(struct sv_proposer *p, size_t n) {
    const int apart = (int)p->apart;
    const uint8_t *now = sv_motion_luma(p->motion, 0), *past = sv_motion_luma(p->motion, -apart), *next = sv_motion_luma(p->motion, apart);
    for (size_t i = 0; apart && i < n; i++) {
        double *flow = p->box[i].flow;
        sv_flow(past, now, next, p->w, p->h, p->box[i].box, flow);
        flow[0] /= apart, flow[1] /= apart;
    }
}

/* A moving thing that the detector saw too: one of its boxes has half in common with it, or its boxes together cover HIDDEN of
 * it, as they do a group of people whose members are known.  Looked at in GRID x GRID places. */
static bool seen(const struct sv_tracked *box, size_t n, const double found[4]) {
    size_t covered = 0;
    for (size_t i = 0; i < n; i++)
        if (sv_overlap(box[i].box, found) > 0.5) return true;
    for (size_t k = 0; k < GRID * GRID; k++) {
        const double x = found[0] + (found[2] - found[0]) * ((double)(k % GRID) + 0.5) / GRID;
        const double y = found[1] + (found[3] - found[1]) * ((double)(k / GRID) + 0.5) / GRID;
        size_t i = 0;
        while (i < n && !(x >= box[i].box[0] && x < box[i].box[2] && y >= box[i].box[1] && y < box[i].box[3])) i++;
        covered += i < n;
    }
    return (double)covered > HIDDEN * GRID * GRID;
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
    all = sv_tracker_step(p->tracker, sv_motion_luma(p->motion, 0), p->box, all);
    add_flow(p, motion ? all : moving);
    if (!motion) return moving;
    for (size_t i = 0; i < all; i++)
        if (p->box[i].known) sv_motion_hold(p->motion, p->box[i].box);
    return all;
}
