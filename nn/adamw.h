/* adamw.h - the optimiser: AdamW (Loshchilov, Hutter 2019) over one flat vector, learning rates, clipping.
 *
 *     w = w (1 - lr decay);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *     w = w - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)                t = 1, 2, ...
 *
 * with PyTorch's order of operations.  Everything here has the same bits for any number of threads. */
#ifndef NN_ADAMW_H
#define NN_ADAMW_H

#include "core/pool.h"

struct sv_adamw { double beta1, beta2, eps, decay; };
#define SV_ADAMW ((struct sv_adamw){ 0.9, 0.999, 1e-8, 0.01 })

/* Step number t on w [n] with moments m, v [n], zero before the first, and gradient g [n].  As in PyTorch decay holds for all
 * of w; to leave some out, step its ranges one by one with a decay of 0. */
void sv_adamw_step(struct sv_pool *pool, const struct sv_adamw *o, double lr, uint64_t t, float *w, float *m, float *v, const float *g, size_t n);

/* Learning rate by step: a linear rise over `warm` steps, then constant or half a cosine down to 0 at step `total`. */
struct sv_schedule { double lr; uint64_t warm, total; bool cosine; };
double sv_schedule_lr(const struct sv_schedule *s, uint64_t step /* from 0 */);

/* |g| over g [n], which is scaled by limit / (|g| + 1e-6) where that is below 1 (PyTorch's clip_grad_norm_).  limit 0: no clipping.
 * NaN or infinite where an element is; g is then left alone. */
double sv_clip_norm(struct sv_pool *pool, float *g, size_t n, double limit);

#endif
