/* loss.h - what training minimises: cross-entropy over cosine logits, with its gradients.
 *
 *     l_bj = s <u_b, t_j>,  u_b = video_b / |video_b|,  t_j = text_j / |text_j|       s = 1 / sigma
 *     loss = mean over b of -log softmax(l_b)[target_b]                               NCE, METHOD Eq. 3
 *
 * two_sided adds the same over the columns (video b and text b are a pair, N = B) and takes the mean of both, as CLIP's own
 * training does.  Rows of any length go in; gradients are those with respect to the rows as they are.  A zero row has no
 * direction: its logits are 0 and so is its gradient. */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "core/cpu.h"

struct sv_nce {
    size_t batch, classes, width;       /* B, N, E > 0 */
    const float *video, *text;          /* [B, E], [N, E] */
    const uint32_t *target;             /* [B], each below N; two_sided: not read */
    float scale;                        /* s > 0 */
    bool two_sided;
};

/* What is wanted beside the loss; NULL where it is not. */
struct sv_nce_out {
    float *dvideo, *dtext;              /* [B, E], [N, E]: overwritten */
    double *dscale;                     /* with respect to log s, CLIP's logit_scale; needs dvideo */
    uint32_t *rank;                     /* [B] classes with a higher logit than the target; of equal ones the earlier counts */
};

/* Floats of scratch sv_nce needs, 64-byte aligned, for up to these sizes. */
size_t sv_nce_floats(const struct sv_cpu *c, size_t batch, size_t classes, size_t width);

/* The loss.  NaN or infinite where the rows or the scale hold one, or an infinity; the gradients then mean nothing.  Loss
 * and gradients have the same bits for any number of threads.  out NULL: the loss alone. */
double sv_nce(const struct sv_cpu *c, const struct sv_nce *x, const struct sv_nce_out *out, float *scratch);

#endif
