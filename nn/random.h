/* random.h - random tensors into a store: the weights of benches, tests and the self-test, and the first ones of a training.
 *
 * Values are from one splitmix64 sequence in the order of the calls, so that a few lines in any language make
 * the same model (tests/golden/model.py does).  Failures stick in rc. */
#ifndef NN_RANDOM_H
#define NN_RANDOM_H

#include "nn/block.h"

struct sv_fill {
    struct sv_store *store;             /* owns what is added */
    uint64_t rng;
    int rc;
    struct sv_err *err;
};

/* Tensor PREFIXname [rows, cols] (rows 0: [cols]): mean + sd * sqrt(12) * (u - 1/2), u uniform in [0, 1), as f32. */
void sv_fill_tensor(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t rows, size_t cols, double mean, double sd);
/* The same, normally distributed around 0. */
void sv_fill_normal(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t rows, size_t cols, double sd);
/* PREFIXname.weight [width] around 1 and PREFIXname.bias around 0. */
void sv_fill_norm(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t width);
/* The tensors of all blocks of a stack; weights have sd 1 / sqrt(in), which keeps a deep stack's rows near 1. */
void sv_fill_blocks(struct sv_fill *f, const char *prefix, const struct sv_stack *s);

#endif
