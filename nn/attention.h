/* attention.h - multi-head self-attention over many short sequences.
 *
 *     out = softmax(Q K^T / sqrt(d)) V          for each sequence and head (Vaswani et al. 2017)
 *
 * A pass goes over a list of rows in which sequences lie one behind the other, of one length or of many.  They may share
 * a prefix: rows that stand in front of every sequence, the same for all, and that are kept once, in a list of their own.
 * Every row sees the whole prefix and, of its own sequence, all rows or (causal) those up to itself.  What the prefix's
 * rows see is a pass of its own, over one sequence.
 *
 * Scores exist for one block of rows at a time, forward and backward.  A row's bits depend on what it sees, not on the
 * batch, the threads or whether the prefix is shared. */
#ifndef NN_ATTENTION_H
#define NN_ATTENTION_H

#include "core/cpu.h"
#include "core/tensor.h"

struct sv_seqs {
    size_t batch, len;                  /* sequences; rows of each, or of the longest */
    const size_t *start;                /* [batch + 1] sequence b is rows start[b] .. start[b + 1] - 1; NULL: each has len rows */
    size_t prefix;                      /* P, 0 for none */
    bool causal;
};

static inline size_t sv_seqs_first(const struct sv_seqs *q, size_t b) { return q->start ? q->start[b] : b * q->len; }
static inline size_t sv_seqs_rows(const struct sv_seqs *q) { return sv_seqs_first(q, q->batch); }

/* Floats of scratch for any pass whose len and prefix are at most those of q. */
size_t sv_attention_floats(const struct sv_cpu *c, const struct sv_seqs *q, size_t width, size_t heads);
size_t sv_attention_back_floats(const struct sv_cpu *c, const struct sv_seqs *q, size_t width, size_t heads);

/* out [rows, width] from qkv [rows, 3 width]: q, k, v side by side, heads side by side within each; width is a multiple of
 * heads.  prefix [P, 3 width]: the same of the prefix, of which k and v are read.  All are of type: SV_F32, or SV_BF16 (4-byte aligned, d
 * even, no prefix), where the probabilities are rounded, too, for the second product; sums and softmax are f32. */
void sv_attention(const struct sv_cpu *c, enum sv_dtype type, void *out, const void *qkv, const void *prefix, const struct sv_seqs *q,
                  size_t width, size_t heads, float *scratch);

/* With A = softmax(S), S = Q K^T / sqrt(d) and O = A V, recomputed from qkv:
 *
 *     dV = A^T dO      dA = dO V^T      dS = A (dA - sum over keys of A dA)      dQ = dS K / sqrt(d)      dK = dS^T Q / sqrt(d)
 *
 * dqkv [rows, 3 width] is written; to dprefix [P, 3 width] (NULL where P = 0) the k and v parts are added, sequence by
 * sequence, so the same bits come out however a list of sequences is cut over calls in order. */
void sv_attention_back(const struct sv_cpu *c, float *dqkv, float *dprefix, const float *dout /* [rows, width] */, const float *qkv,
                       const float *prefix, const struct sv_seqs *q, size_t width, size_t heads, float *scratch);

#endif
