#include "tfc/tube.h"

#include <math.h>
#include <stdlib.h>

/* v, which is whole, as a number of 0 .. limit. */
static size_t clamp(double v, size_t limit) { return v <= 0 ? 0 : v >= (double)limit ? limit : (size_t)v; }

bool sv_tube_box(const double box[4], size_t w, size_t h, size_t out[4]) {
    for (size_t i = 0; i < 4; i++) {
        if (!isfinite(box[i])) return false;
        out[i] = clamp(i < 2 ? floor(box[i]) : ceil(box[i]), i % 2 ? h : w);
    }
    return box[0] < box[2] && box[1] < box[3] && out[0] < out[2] && out[1] < out[3];
}

struct stop { int64_t track; size_t frame, at; };

static int by_track(const void *a, const void *b) {
    const struct stop *x = a, *y = b;
    if (x->track != y->track) return x->track < y->track ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Of stops first .. end - 1, one track in order, the one next to frame. */
static size_t nearest(const struct stop *s, size_t first, size_t end, size_t frame) {
    size_t at = first;                  /* the last that is not behind frame */
    for (size_t top = end; top - at > 1; ) {
        const size_t mid = at + (top - at) / 2;
        if (s[mid].frame <= frame) at = mid;
        else top = mid;
    }
    const bool later = at + 1 < end && frame > s[at].frame && s[at + 1].frame - frame < frame - s[at].frame;
    return s[at + later].at;
}

int sv_tube_follow(const struct sv_tube *k, const size_t *frame, const int64_t *track, size_t n, size_t frames, size_t *index,
                   struct sv_err *e) {
    struct stop *s = sv_alloc(n, sizeof *s, e);
    if (!s) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) s[i] = (struct stop){ track[i], frame[i], i };
    qsort(s, n, sizeof *s, by_track);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && s[first].track >= 0 && s[end].track == s[first].track; end++) {}
        for (size_t i = first, a = first, b = first; i < end; i++) {
            while (s[a].frame + sv_tube_reach(k) < s[i].frame) a++;
            while (b < end && s[b].frame <= s[i].frame + sv_tube_reach(k)) b++;
            for (size_t f = 0; f < k->n; f++) index[s[i].at * k->n + f] = nearest(s, a, b, sv_tube_frame(k, s[i].frame, f, frames));
        }
    }
    sv_free(s);
    return 0;
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
