#include "nn/block.h"

#include "nn/activation.h"
#include <string.h>

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

static size_t line(size_t n) { return sv_ceil_div(n, 16) * 16; }

/* What exists of one block's pass, and where: in the caller's memory if it is kept, else in x itself and in scratch, where qkv, seen and
 * active may be of bf16. */
struct pass {
    float *x;                           /* [rows, W] what goes in */
    float *qkv;                         /* [rows, 3W] */
    float *seen;                        /* [rows, W] what attention says */
    float *mid;                         /* [rows, W] x with it */
    float *hidden;                      /* [rows, M] fc1's rows, before the activation unless that is also `active` */
    float *active, *tail;               /* scratch: [rows, M], for attention and products */
};

/* Scratch of the way there: what attention says, then qkv or the hidden rows, then what attention or a product needs. */
struct layout { size_t wide, tail, total; };

static struct layout lay_out(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_seqs *q) {
    const size_t rows = sv_seqs_rows(q);
    struct layout o;
    o.wide = line(rows * s->width);
    o.tail = o.wide + line(rows * sv_max(3 * s->width, s->mlp));
    o.total = o.tail + sv_max(sv_attention_floats(c, q, s->width, s->heads),
                              sv_gemm_from_floats(c, rows, sv_max(s->width, s->mlp)));
    return o;
}

/* y takes act(w norm(x) + bias); the norm is taken while x is packed. */
static void normed_linear(const struct sv_cpu *c, float *y, const float *x, size_t rows, const struct sv_norm *norm, const struct sv_linear *l,
                          enum sv_act act, enum sv_put put, float *scratch) {
    const struct sv_normed n = { c, x, l->w.k, l->w.k, norm };
    const struct sv_epilogue ep = { .bias = l->bias, .act = act, .put = put };
    sv_gemm_from(c, y, l->w.n, &(struct sv_maker){ sv_normed_row, &n }, rows, &l->w, &ep, scratch);
}

static void copy(float *to, const float *from, size_t n) { if (to != from) memcpy(to, from, n * sizeof *to); }


static const uint16_t *as_halves(const float *p) { return (const uint16_t *)(const void *)p; }

/* Whether what goes from one matrix to the next does so as bf16: rows are as short as weights are, and attention's products as fast. */
static bool in_halves(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *b) {
    return c->kern->bf16 && b->qkv.w.type != SV_F32 && s->width / s->heads % 2 == 0;
}

/* y += w x + bias, for x of floats or of bf16. */
static void added(const struct sv_cpu *c, float *y, const float *x, bool half, size_t rows, const struct sv_linear *l, float *scratch) {
    const struct sv_epilogue ep = { .bias = l->bias, .put = SV_ADD };
    if (half) sv_gemm_half(c, y, l->w.n, as_halves(x), l->w.k, rows, &l->w, &ep, scratch);
    else sv_gemm(c, y, l->w.n, x, l->w.k, rows, &l->w, &ep, scratch);
}

/* One block; what comes out goes to y, which may be p->mid. */
static void forward(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *b, const struct pass *p, float *y,
                    const float *prefix, const struct sv_seqs *q) {
    const size_t rows = sv_seqs_rows(q), w = s->width;
    const bool fused = p->hidden == p->active, half = fused && !prefix && in_halves(c, s, b);
    const enum sv_put put = half ? SV_ROUND : SV_SET;
    normed_linear(c, p->qkv, p->x, rows, &b->ln1, &b->qkv, SV_ACT_NONE, put, p->tail);
    sv_attention(c, half ? SV_BF16 : SV_F32, p->seen, p->qkv, prefix, q, w, s->heads, p->tail);
    copy(p->mid, p->x, rows * w);
    added(c, p->mid, p->seen, half, rows, &b->out, p->tail);
    normed_linear(c, p->hidden, p->mid, rows, &b->ln2, &b->fc1, fused ? s->act : SV_ACT_NONE, put, p->tail);
    if (!fused) sv_act(c, s->act, p->active, p->hidden, rows * s->mlp);
    copy(y, p->mid, rows * w);
    added(c, y, p->active, half, rows, &b->fc2, p->tail);
}

size_t sv_stack_floats(const struct sv_cpu *c, const struct sv_stack *s, size_t batch, size_t len) {
    return lay_out(c, s, &(struct sv_seqs){ .batch = batch, .len = len, .causal = s->causal }).total;
}

void sv_stack_forward(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *block, float *x, size_t batch, size_t len,
                      float *scratch) {
    sv_stack_there(c, s, block, x, &(struct sv_trip){ .seqs = { .batch = batch, .len = len, .causal = s->causal } }, scratch);
}

/* What a trip keeps of layer i; seen stands last, because a frozen stack forgets it. */
static size_t layer_floats(const struct sv_stack *s, const struct sv_trip *t) {
    return line(sv_seqs_rows(&t->seqs) * (5 * s->width + s->mlp + (t->frozen ? 0 : s->width)));
}

static struct pass kept(const struct sv_stack *s, const struct sv_trip *t, size_t i) {
    const size_t rows = sv_seqs_rows(&t->seqs), w = s->width;
    float *at = t->kept + i * layer_floats(s, t), *mid = at + 4 * rows * w, *hidden = mid + rows * w;
    return (struct pass){ .x = at, .qkv = at + rows * w, .mid = mid, .hidden = hidden, .seen = t->frozen ? NULL : hidden + rows * s->mlp };
}

/* The q, k, v of layer i of the trip that the prefix took. */
static const float *prefix_of(const struct sv_stack *s, const struct sv_trip *t, size_t i) {
    const struct sv_trip its = { .seqs = { .batch = 1, .len = t->seqs.prefix }, .frozen = t->frozen };
    return t->prefix ? t->prefix + i * layer_floats(s, &its) + t->seqs.prefix * s->width : NULL;
}

size_t sv_trip_kept(const struct sv_stack *s, const struct sv_trip *t) { return s->layers * layer_floats(s, t); }

void sv_stack_there(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *block, float *x, const struct sv_trip *t,
                    float *scratch) {
    const struct layout o = lay_out(c, s, &t->seqs);
    float *wide = scratch + o.wide, *tail = scratch + o.tail;
    for (size_t i = 0; i < s->layers; i++) {
        struct pass p = { .x = x, .qkv = wide, .mid = x, .hidden = wide };
        float *y = x;
        if (t->kept) {
            p = kept(s, t, i);
            y = i + 1 < s->layers ? kept(s, t, i + 1).x : x;
            copy(p.x, i ? p.x : x, sv_seqs_rows(&t->seqs) * s->width);
        }
        p.active = wide, p.tail = tail;
        if (!p.seen) p.seen = scratch;
        forward(c, s, &block[i], &p, y, prefix_of(s, t, i), &t->seqs);
    }
}

void sv_trip_input(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *b, const struct sv_trip *t, size_t i, enum sv_part part,
                   float *rows) {
    const struct pass p = kept(s, t, i);
    const size_t n = sv_seqs_rows(&t->seqs), w = s->width;
    switch (part) {
    case SV_QKV: sv_norm_rows(c, rows, p.x, w, n, w, &b->ln1); break;
    case SV_OUT: memcpy(rows, p.seen, n * w * sizeof *rows); break;
    case SV_FC1: sv_norm_rows(c, rows, p.mid, w, n, w, &b->ln2); break;
    case SV_FC2: sv_act(c, s->act, rows, p.hidden, n * s->mlp); break;
    case SV_PARTS: break;
    }
}

/* Scratch of the way back. */
struct back { size_t wide, active, narrow, stats, tail, total; };

static struct back lay_back(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_trip *t) {
    const size_t rows = sv_seqs_rows(&t->seqs), w = s->width, most = sv_max(3 * w, s->mlp);
    struct back o;
    o.wide = line(rows * w);
    o.active = o.wide + line(rows * most);
    o.narrow = o.active + (t->frozen ? 0 : line(rows * s->mlp));
    o.stats = o.narrow + line(rows * w);
    o.tail = o.stats + line(2 * rows);
    size_t tail = sv_max(sv_attention_back_floats(c, &t->seqs, w, s->heads), sv_gemm_floats(c, rows, most));
    if (!t->frozen) tail = sv_max(tail, sv_max(sv_linear_floats(c, rows, most, w), sv_linear_floats(c, rows, w, s->mlp)));
    o.total = o.tail + tail;
    return o;
}

size_t sv_trip_floats(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_trip *t) {
    return sv_max(lay_out(c, s, &t->seqs).total, lay_back(c, s, t).total);
}

static void back(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *b, float *dx, const struct sv_trip *t, size_t i,
                 float *scratch) {
    const struct back o = lay_back(c, s, t);
    const struct pass p = kept(s, t, i);
    const size_t rows = sv_seqs_rows(&t->seqs), w = s->width, prefix = t->seqs.prefix;
    float *normed = scratch, *wide = scratch + o.wide, *active = scratch + o.active, *narrow = scratch + o.narrow;
    float *stats = scratch + o.stats, *tail = scratch + o.tail;
    /* y = mid + fc2(act(fc1(ln2(mid)))) */
    if (!t->frozen) {
        sv_act(c, s->act, active, p.hidden, rows * s->mlp);
        sv_norm_rows(c, normed, p.mid, w, rows, w, &b->ln2);
    }
    sv_linear_back(c, &b->fc2, wide, dx, active, rows, tail);
    sv_act_back(c, s->act, wide, p.hidden, rows * s->mlp);
    sv_linear_back(c, &b->fc1, narrow, wide, normed, rows, tail);
    sv_norm_back(c, dx, narrow, p.mid, w, rows, w, &b->ln2, stats);
    /* mid = x + out(attention(qkv(ln1(x)))) */
    sv_linear_back(c, &b->out, narrow, dx, p.seen, rows, tail);
    sv_attention_back(c, wide, prefix ? t->dprefix + i * prefix * 3 * w : NULL, narrow, p.qkv, prefix_of(s, t, i), &t->seqs, w, s->heads, tail);
    if (t->later) c->kern->axpy(wide, 1, t->later + i * rows * 3 * w, rows * 3 * w);
    if (!t->frozen) sv_norm_rows(c, normed, p.x, w, rows, w, &b->ln1);
    sv_linear_back(c, &b->qkv, narrow, wide, normed, rows, tail);
    sv_norm_back(c, dx, narrow, p.x, w, rows, w, &b->ln1, stats);
}

void sv_stack_back(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_block *block, float *dx, const struct sv_trip *t,
                   float *scratch) {
    for (size_t i = s->layers; i-- > 0;) back(c, s, &block[i], dx, t, i, scratch);
}
