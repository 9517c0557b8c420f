/* prompt.h - learnable prompts (METHOD Eq. 5, 6): texts in which context vectors stand around the name of a class, and what
 * a loss over their features gives back to the vectors, through the frozen text tower.
 *
 *     middle    SOT C_1 .. C_h NAME C_h+1 .. C_k EOT       h = ceil(k / 2)
 *     front     SOT C_1 .. C_k NAME EOT
 *     end       SOT NAME C_1 .. C_k EOT
 *
 *     struct sv_prompts *p = sv_prompts_open(&store, &cpu, &config, ids, start, classes, &e);
 *     memcpy(sv_prompts_context(p), init, ...);
 *     for (...) {
 *         loss = sv_prompts_loss(p, video, target, 128, 10);      gradients are now in sv_prompts_gradient(p)
 *         sv_prompts_update(p, 2e-4);
 *     }
 *     sv_prompts_texts(p, features);
 *
 * Two savings, both exact because the tower is causal: a sequence ends at its EOT, and what all classes begin with (SOT, and
 * the vectors in front of the name unless each class has its own) goes through the tower once.  No gradient of a weight is
 * ever formed.  Activations stay within a budget: classes travel in chunks, and the chunks whose activations find no room
 * are computed a second time on the way back.  Bits depend on neither the budget nor the threads. */
#ifndef CLIP_PROMPT_H
#define CLIP_PROMPT_H

#include "clip/clip.h"

enum sv_place { SV_PLACE_MIDDLE, SV_PLACE_FRONT, SV_PLACE_END };

struct sv_prompt_config {
    size_t k;                           /* context vectors of a prompt, at least 1 */
    enum sv_place place;
    bool per_class;                     /* each class has vectors of its own instead of all the same */
    size_t batch;                       /* most rows of video in a step */
    size_t memory;                      /* bytes for activations */
};

struct sv_prompts;

/* Binds and packs the text tower for both ways, and allocates everything.  Class j is the tokens ids[start[j]] ..
 * ids[start[j + 1] - 1], as sv_token_bare gives them.  The store may be freed afterwards; cpu is borrowed.  Fails where a prompt
 * is longer than the tower's context (the message counts classes from 0) and where one sequence's activations exceed the budget.
 * NULL on failure, e set. */
struct sv_prompts *sv_prompts_open(const struct sv_store *s, const struct sv_cpu *c, const struct sv_prompt_config *g, const int32_t *ids,
                                   const size_t *start /* [classes + 1] */, size_t classes, struct sv_err *e);
void sv_prompts_free(struct sv_prompts *p);         /* NULL is fine */
/* Fails as sv_prompts_open would for a prompt too long or memory too small, without allocating or loading anything. */
int sv_prompts_check(const struct sv_store *s, const struct sv_cpu *c, const struct sv_prompt_config *g, const int32_t *ids,
                     const size_t *start, size_t classes, struct sv_err *e);

/* The vectors, all zero at first, and the gradient of the last loss: [k, W], or [classes, k, W] if each class has its own. */
float *sv_prompts_context(struct sv_prompts *p);
const float *sv_prompts_gradient(const struct sv_prompts *p);
size_t sv_prompts_floats(const struct sv_prompts *p);           /* of either */

/* How many sequence rows a pass has, prefix included, and how much of the classes' activations is kept and not computed twice. */
size_t sv_prompts_rows(const struct sv_prompts *p);
double sv_prompts_kept(const struct sv_prompts *p);             /* 0 .. 1 */

/* F_hat: features of all prompts, not normalised. */
void sv_prompts_texts(struct sv_prompts *p, float *out /* [classes, E] */);

/* Eq. 3 of rows of video against all classes, target[b] being the class of row b; and the gradient of the vectors.  scale is 1 / sigma.
 * NaN or infinite where something is not finite. */
double sv_prompts_loss(struct sv_prompts *p, const float *video /* [batch, E] */, const uint32_t *target, size_t batch, float scale);
/* One step of AdamW on the vectors with the gradient of the last loss. */
void sv_prompts_update(struct sv_prompts *p, double lr);

#endif
