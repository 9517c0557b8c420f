/* temporal_train.h - the temporal fusion with its way back: what pre-training is made of (METHOD section 4).
 *
 *     struct sv_tfc_train *t = sv_tfc_train_open(&cfg, &flat, &cpu, 128, &e);     flat: tensors tfc.* of the backbone
 *     for each step:
 *         memset(flat.grads, 0, ...);
 *         for each chunk of the batch:
 *             sv_tfc_train_forward(t, feats, n, video);
 *             ... loss, dvideo ...
 *             sv_tfc_train_back(t, dvideo);                                       adds to flat.grads
 *         ... step of the optimiser on flat.params ...
 *         sv_tfc_train_reload(t);
 *
 * The bits are those of sv_tfc_video, and gradients have the same for any number of threads.  How a batch is cut into chunks
 * decides the order of sums over tubes, and so the last bits of the gradient. */
#ifndef TFC_TEMPORAL_TRAIN_H
#define TFC_TEMPORAL_TRAIN_H

#include "nn/flat.h"
#include "tfc/temporal.h"

struct sv_tfc_train;

/* Allocates all that chunks of up to max_batch tubes need and packs the weights; g is copied, f and c are borrowed.  NULL on
 * failure, e set: a tensor of f that is missing or has another shape, or no memory.  A backbone without parameters is fine. */
struct sv_tfc_train *sv_tfc_train_open(const struct sv_tfc_config *g, const struct sv_flat *f, const struct sv_cpu *c, size_t max_batch,
                                       struct sv_err *e);
void sv_tfc_train_free(struct sv_tfc_train *t);     /* NULL is fine */

/* Packs the weights again: to be called when f->params have changed. */
void sv_tfc_train_reload(struct sv_tfc_train *t);

/* F_video, unit rows, of batch <= max_batch tubes.  feats stay borrowed until the way back. */
void sv_tfc_train_forward(struct sv_tfc_train *t, const float *feats /* [batch, n, E] */, size_t batch, float *video /* [batch, E] */);

/* Adds to f->grads what the last forward's tubes give back, for the gradient at their F_video. */
void sv_tfc_train_back(struct sv_tfc_train *t, const float *dvideo /* [batch, E] */);

#endif
