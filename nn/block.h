/* block.h - the one pre-norm transformer block: vision, text and temporal towers are stacks of it.
 *
 *     x = x + out(attention(qkv(ln1(x))))
 *     x = x + fc2(act(fc1(ln2(x)))) */
#ifndef NN_BLOCK_H
#define NN_BLOCK_H

#include "nn/load.h"
#include "nn/norm.h"

struct sv_block {
    struct sv_norm ln1, ln2;
    struct sv_linear qkv, out, fc1, fc2;        /* [3W, W], [W, W], [M, W], [W, M] */
};

/* A stack's sizes and what its blocks have in common. */
struct sv_stack {
    size_t width, layers, heads, mlp;
    enum sv_act act;
    float eps;
    bool causal;
};

/* Block number i of the stack from tensors PREFIXblock.i.*  */
struct sv_block sv_block_load(struct sv_load *l, const char *prefix, size_t i, const struct sv_stack *s);

/* Floats of scratch for sv_stack_forward on rows = batch * len rows. */
size_t sv_stack_floats(const struct sv_cpu *c, const struct sv_stack *s, size_t batch, size_t len);

/* x [batch, len, width] through the blocks, in place.  scratch: sv_stack_floats floats, 64-byte aligned. */
void sv_stack_forward(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *block /* [layers] */,
                      float *x, size_t batch, size_t len, float *scratch);

#endif
