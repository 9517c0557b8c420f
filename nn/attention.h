/* attention.h - multi-head self-attention over many short sequences.
 *
 * out = softmax(Q K^T / sqrt(d)) V for each sequence and head (Vaswani et al. 2017); causal: position i sees 0 .. i.
 * A head's K and V are packed once and stay in cache; scores exist for one block of mr rows at a time.  A row's bits
 * depend on its own sequence up to what it may see, not on the batch, the threads or (causal) what follows. */
#ifndef NN_ATTENTION_H
#define NN_ATTENTION_H

#include "core/cpu.h"

/* Floats of scratch for sequences of up to `len` positions. */
size_t sv_attention_floats(const struct sv_cpu *c, size_t len, size_t width, size_t heads);

/* out [batch, len, width] from qkv [batch, len, 3 width]: q, k, v side by side, heads side by side within each.
 * width is a multiple of heads. */
void sv_attention(const struct sv_cpu *c, float *out, const float *qkv, size_t batch, size_t len, size_t width, size_t heads,
                  bool causal, float *scratch);

#endif
