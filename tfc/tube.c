#include "tfc/tube.h"

#include <math.h>

/* v, which is whole, as a number of 0 .. limit. */
static size_t clamp(float v, size_t limit) { return v <= 0 ? 0 : v >= (float)limit ? limit : (size_t)v; }

bool sv_tube_rect(const float box[4], size_t w, size_t h, struct sv_rect *out) {
    for (size_t i = 0; i < 4; i++)
        if (!isfinite(box[i])) return false;
    const size_t x1 = clamp(floorf(box[0]), w), x2 = clamp(ceilf(box[2]), w);
    const size_t y1 = clamp(floorf(box[1]), h), y2 = clamp(ceilf(box[3]), h);
    if (box[0] >= box[2] || box[1] >= box[3] || x1 >= x2 || y1 >= y2) return false;
    *out = (struct sv_rect){ x1, y1, x2 - x1, y2 - y1 };
    return true;
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
