/* temporal.h - the temporal fusion of a tube's frame features (METHOD Eq. 2).
 *
 *     F_video = unit(alpha * TFC(F_1 .. F_n) + beta * F_middle)
 *
 * TFC: learned frame positions, a stack of pre-norm blocks over the n frames, mean over frames.  Four backbones:
 *
 *     prompt-vlm   2 layers, eps 1e-5
 *     actionclip   6 layers, eps 1e-12, inner residual: F + stack(F + P)
 *     clip4clip    4 layers, eps 1e-12, inner residual, every frame and the mean brought to unit length; unit frames in
 *     mean         no parameters: the mean of the frames; what a model without a tfc section has */
#ifndef TFC_TEMPORAL_H
#define TFC_TEMPORAL_H

#include "nn/block.h"

struct sv_tfc_config {
    const char *backbone;               /* static text */
    size_t frames;                      /* n, odd */
    struct sv_stack stack;              /* width E; layers 0: mean */
    bool residual, frame_norm, norm_then_blend;
    float alpha, beta;
};

/* The numbers of a backbone's row above; alpha 0.7, beta 0.3.  False for other names. */
bool sv_tfc_backbone(struct sv_tfc_config *g, const char *name, size_t width, size_t frames);

/* The tfc section of a model, or mean over `frames` frames where it has none.  width: E of the model. */
int sv_tfc_config_read(struct sv_tfc_config *g, const struct sv_store *s, size_t width, size_t frames, struct sv_err *e);

int sv_tfc_config_write(const struct sv_tfc_config *g, struct sv_store *s, struct sv_err *e);

/* The values of the section, and random weights (uniform; see nn/random.h): for tests and benches. */
int sv_tfc_random(struct sv_store *s, const struct sv_tfc_config *g, uint64_t seed, struct sv_err *e);

/* The tensors of the section as a training begins with them (METHOD section 3): prompt-vlm as PyTorch's layers do, positions
 * N(0, 0.01); actionclip N(0, 0.02), biases 0; clip4clip the first blocks and positions of the text tower in clip where its width is
 * E and it has as many, else as actionclip.  clip NULL: none. */
int sv_tfc_init(struct sv_store *s, const struct sv_tfc_config *g, uint64_t seed, const struct sv_store *clip, struct sv_err *e);

struct sv_tfc;

/* Binds, packs and allocates; as sv_clip_open.  g is copied. */
struct sv_tfc *sv_tfc_open(const struct sv_tfc_config *g, const struct sv_store *s, const struct sv_cpu *c, size_t max_batch, struct sv_err *e);
void sv_tfc_free(struct sv_tfc *t);                 /* NULL is fine */
const struct sv_tfc_config *sv_tfc_config(const struct sv_tfc *t);

/* F_video, unit rows, of batch tubes.  The same bits for any batch and any number of threads. */
void sv_tfc_video(struct sv_tfc *t, const float *feats /* [batch, n, E] as CLIP gives them */, size_t batch, float *out /* [batch, E] */);

#endif
