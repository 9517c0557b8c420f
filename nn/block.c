#include "nn/block.h"

#include "nn/attention.h"

struct sv_block sv_block_load(struct sv_load *l, const char *prefix, size_t i, const struct sv_stack *s) {
    const struct sv_prefix p = sv_prefix("%sblock.%zu.", prefix, i);
    struct sv_block b;
    b.ln1 = sv_load_norm(l, &p, "ln1", s->width, s->eps);
    b.qkv = sv_load_linear(l, &p, "qkv", 3 * s->width, s->width, true);
    b.out = sv_load_linear(l, &p, "out", s->width, s->width, true);
    b.ln2 = sv_load_norm(l, &p, "ln2", s->width, s->eps);
    b.fc1 = sv_load_linear(l, &p, "fc1", s->mlp, s->width, true);
    b.fc2 = sv_load_linear(l, &p, "fc2", s->width, s->mlp, true);
    return b;
}

/* The scratch of a stack: normed rows, then qkv or the hidden MLP rows, then what attention or gemm needs. */
struct layout { size_t wide, tail, total; };

static struct layout lay_out(const struct sv_cpu *c, const struct sv_stack *s, size_t batch, size_t len) {
    const size_t rows = batch * len, line = 16;
    const struct sv_seqs seqs = { .batch = batch, .len = len, .causal = s->causal };
    struct layout o;
    o.wide = sv_ceil_div(rows * s->width, line) * line;
    o.tail = o.wide + sv_ceil_div(rows * sv_max(3 * s->width, s->mlp), line) * line;
    o.total = o.tail + sv_max(sv_attention_floats(c, &seqs, s->width, s->heads),
                              sv_max(sv_gemm_floats(c, rows, s->width), sv_gemm_floats(c, rows, s->mlp)));
    return o;
}

size_t sv_stack_floats(const struct sv_cpu *c, const struct sv_stack *s, size_t batch, size_t len) {
    return lay_out(c, s, batch, len).total;
}

void sv_stack_forward(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *block, float *x, size_t batch, size_t len,
                      float *scratch) {
    const size_t rows = batch * len, width = s->width;
    const struct sv_seqs seqs = { .batch = batch, .len = len, .causal = s->causal };
    const struct layout o = lay_out(c, s, batch, len);
    float *normed = scratch, *wide = scratch + o.wide, *tail = scratch + o.tail;
    for (const struct sv_block *b = block; b < block + s->layers; b++) {
        const struct sv_epilogue qkv = { .bias = b->qkv.bias }, out = { .bias = b->out.bias, .add = true };
        const struct sv_epilogue fc1 = { .bias = b->fc1.bias, .act = s->act }, fc2 = { .bias = b->fc2.bias, .add = true };
        sv_norm_rows(c, normed, x, width, rows, width, &b->ln1);
        sv_gemm(c, wide, 3 * width, normed, width, rows, &b->qkv.w, &qkv, tail);
        sv_attention(c, normed, wide, NULL, &seqs, width, s->heads, tail);
        sv_gemm(c, x, width, normed, width, rows, &b->out.w, &out, tail);
        sv_norm_rows(c, normed, x, width, rows, width, &b->ln2);
        sv_gemm(c, wide, s->mlp, normed, width, rows, &b->fc1.w, &fc1, tail);
        sv_gemm(c, x, width, wide, s->mlp, rows, &b->fc2.w, &fc2, tail);
    }
}
