/* clip_train.h - both towers with their way back: CLIP with every weight trained.
 *
 *     struct sv_clip_train *t = sv_clip_train_open(&cfg, &flat, &cpu, 64, &e);        flat: tensors clip.* of the config
 *     sv_clip_train_image(t, pixels, n, u), sv_clip_train_text(t, ids, n, v);
 *     ... loss of u and v, du and dv: sv_nce (nn/loss.h), two_sided ...
 *     sv_clip_train_image_back(t, du), sv_clip_train_text_back(t, dv);                add to flat.grads
 *     ... step of the optimiser on flat.params ...
 *     sv_clip_train_reload(t);
 *
 * A batch larger than memory: features of all its parts first, then the loss, then each part there and back once more.  Outputs
 * have the bits of sv_clip_image and sv_clip_text, gradients the same for any number of threads.  The logit scale is a number
 * of the loss, not of the towers. */
#ifndef CLIP_CLIP_TRAIN_H
#define CLIP_CLIP_TRAIN_H

#include "clip/clip.h"
#include "nn/flat.h"

struct sv_clip_train;

/* Allocates all that up to max_batch pictures and texts need and packs the weights; g is copied, f and c are borrowed.  NULL on
 * failure, e set: a tensor of f that is missing or has another shape, or no memory. */
struct sv_clip_train *sv_clip_train_open(const struct sv_clip_config *g, const struct sv_flat *f, const struct sv_cpu *c, size_t max_batch,
                                         struct sv_err *e);
void sv_clip_train_free(struct sv_clip_train *t);   /* NULL is fine */

/* Packs the weights again: to be called when f->params have changed. */
void sv_clip_train_reload(struct sv_clip_train *t);

/* Features of batch <= max_batch pictures or texts, not normalised. */
void sv_clip_train_image(struct sv_clip_train *t, const float *pixels /* [batch, 3, S, S] */, size_t batch, float *out /* [batch, E] */);
void sv_clip_train_text(struct sv_clip_train *t, const int32_t *ids /* [batch, context] */, size_t batch, float *out /* [batch, E] */);

/* Adds to f->grads what the last pictures or texts give back, once for each pass, for the gradient at their features. */
void sv_clip_train_image_back(struct sv_clip_train *t, const float *dout /* [batch, E] */);
void sv_clip_train_text_back(struct sv_clip_train *t, const float *dout /* [batch, E] */);

#endif
