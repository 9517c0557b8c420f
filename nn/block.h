/* block.h - the one pre-norm transformer block: vision, text and temporal towers are stacks of it.
 *
 *     x = x + out(attention(qkv(ln1(x))))
 *     x = x + fc2(act(fc1(ln2(x)))) */
#ifndef NN_BLOCK_H
#define NN_BLOCK_H

#include "nn/attention.h"
#include "nn/load.h"

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

/* A way through a stack, which may be walked back.  The sequences are those of seqs (causal as the stack is), rows in all.
 *
 * Sequences with a common prefix need two trips: the prefix's own, of one sequence, then theirs, whose prefix is what the
 * first one kept.  On the way back theirs comes first and fills dprefix, which the prefix's trip then takes as its later. */
struct sv_trip {
    struct sv_seqs seqs;
    bool frozen;                        /* no weight of the stack is trained: less is kept */
    float *kept;                        /* sv_trip_kept floats, written by sv_stack_there; NULL: there is no way back */
    const float *prefix;                /* kept of the prefix's trip; NULL where seqs.prefix is 0 */
    float *dprefix;                     /* [layers, P, 3W]: what these sequences give back to the prefix's q, k, v is added */
    const float *later;                 /* [layers, rows, 3W]: what others gave back to the q, k, v of these rows; or NULL */
};

/* Floats that a trip keeps: per layer and row 5W + M, and W more unless frozen. */
size_t sv_trip_kept(const struct sv_stack *s, const struct sv_trip *t);
/* Floats of scratch for the two ways. */
size_t sv_trip_floats(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_trip *t);

/* x [rows, W] through the blocks, in place: the bits of sv_stack_forward where weights are f32, as the way back has them.  Without kept,
 * sv_stack_floats of scratch are enough. */
void sv_stack_there(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *block, float *x, const struct sv_trip *t,
                    float *scratch);

/* What a matrix of layer i was given on a trip that kept everything: rows [rows, W], of fc2 [rows, M]. */
enum sv_part { SV_QKV, SV_OUT, SV_FC1, SV_FC2, SV_PARTS };
void sv_trip_input(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *b, const struct sv_trip *t, size_t i, enum sv_part part,
                   float *rows);

/* dx [rows, W]: the gradient at the stack's output on entry, at its input on return.  The blocks were loaded for the way back;
 * gradients of their weights are added where they have a place. */
void sv_stack_back(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *block, float *dx, const struct sv_trip *t,
                   float *scratch);

#endif
