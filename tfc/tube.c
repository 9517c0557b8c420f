#include "tfc/tube.h"

#include <math.h>

/* v, which is whole, as a number of 0 .. limit. */
static size_t clamp(double v, size_t limit) { return v <= 0 ? 0 : v >= (double)limit ? limit : (size_t)v; }

bool sv_tube_box(const double box[4], size_t w, size_t h, size_t out[4]) {
    for (size_t i = 0; i < 4; i++) {
        if (!isfinite(box[i])) return false;
        out[i] = clamp(i < 2 ? floor(box[i]) : ceil(box[i]), i % 2 ? h : w);
    }
    return box[0] < box[2] && box[1] < box[3] && out[0] < out[2] && out[1] < out[3];
}

int sv_ring_init(struct sv_ring *r, size_t cap, size_t bytes, struct sv_err *e) {
    *r = (struct sv_ring){ .cap = cap, .bytes = bytes };
    r->mem = sv_alloc(cap, bytes, e);
    return r->mem ? 0 : SV_ENOMEM;
}

void sv_ring_free(struct sv_ring *r) {
    sv_free(r->mem);
    *r = (struct sv_ring){0};
}

uint8_t *sv_ring_room(struct sv_ring *r) {
    if (r->end - r->begin == r->cap) r->begin++;
    return r->mem + r->end % r->cap * r->bytes;
}

void sv_ring_push(struct sv_ring *r) { r->end++; }

const uint8_t *sv_ring_at(const struct sv_ring *r, size_t t) { return r->mem + t % r->cap * r->bytes; }
