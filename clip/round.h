/* round.h - the matrices of the image tower as bytes, rounded for pictures (nn/round.h). */
#ifndef CLIP_ROUND_H
#define CLIP_ROUND_H

#include "clip/clip.h"

/* Adds to out, which owns them, the matrices clip.visual.* of the model s, whose image tower is f32, as i8, each with its .scale: a
 * matrix's inputs are those that the f32 tower gives it for the pictures.  tick(arg, i) is called before layer i, unless NULL.  Memory: a
 * layer of all pictures at once, and a moment [M, M]. */
int sv_clip_round(struct sv_store *out, const struct sv_store *s, const struct sv_cpu *c, const float *pixels /* [n, 3, S, S], normalised */,
                  size_t n, void (*tick)(void *arg, size_t layer), void *arg, struct sv_err *e);

#endif
