/* tube.h - where and when the crops of a tube are taken: frame numbers, the window of frames they need, integer boxes.
 *
 * A tube at frame t is n crops of one box, at frames t + (i - n / 2) step, i = 0 .. n-1, clamped to the clip. */
#ifndef TFC_TUBE_H
#define TFC_TUBE_H

#include "core/mem.h"

struct sv_tube { size_t n, step; };

enum { SV_TUBE_MAX_FRAMES = 255, SV_TUBE_MAX_STEP = 10000 };

/* Frames before and after t that a tube at t may touch. */
static inline size_t sv_tube_reach(const struct sv_tube *k) { return k->n / 2 * k->step; }

/* Frame of crop i of a tube at t, in a clip of `frames` > t frames. */
static inline size_t sv_tube_frame(const struct sv_tube *k, size_t t, size_t i, size_t frames) {
    const size_t back = sv_tube_reach(k), at = t + i * k->step;
    return at < back ? 0 : sv_min(at - back, frames - 1);
}

/* out = box in whole pixels inside a frame of w x h: x1 y1 floored, x2 y2 ceiled, clipped.  False where nothing is
 * left, or a number is not finite. */
bool sv_tube_box(const double box[4] /* x1 y1 x2 y2 */, size_t w, size_t h, size_t out[4]);

/* Tubes of tracks: index [n, k->n] = for each object the objects whose crops its tube shares: of its own track, at the frames of
 * the tube or next to them (the earlier of two) but not beyond its first and last, itself where it has no track (-1).  So
 * nothing further ahead than sv_tube_reach matters.  Objects are sorted by frame. */
int sv_tube_follow(const struct sv_tube *k, const size_t *frame /* [n] */, const int64_t *track /* [n] */, size_t n, size_t frames,
                   size_t *index, struct sv_err *e);

/* The last `cap` frames of a stream. */
struct sv_ring {
    size_t cap, bytes;                  /* frames, bytes of a frame */
    size_t begin, end;                  /* numbers of the frames it holds: begin .. end - 1 */
    uint8_t *mem;
};

int sv_ring_init(struct sv_ring *r, size_t cap, size_t bytes, struct sv_err *e);
void sv_ring_free(struct sv_ring *r);               /* {0} is fine; leaves {0} */
/* Room for frame r->end, in place of the oldest where the ring is full.  It counts once sv_ring_push is called. */
uint8_t *sv_ring_room(struct sv_ring *r);
void sv_ring_push(struct sv_ring *r);
/* Frame t, begin <= t < end. */
const uint8_t *sv_ring_at(const struct sv_ring *r, size_t t);

#endif
