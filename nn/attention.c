#include "nn/attention.h"

#include "core/gemm.h"
#include <math.h>
#include <string.h>

struct job {
    const struct sv_cpu *c;
    const struct sv_seqs *seqs;
    size_t width, heads, d;
    const void *qkv, *prefix;           /* these and out are of bf16 for pairs, else of floats */
    void *out;
    const float *dout;
    float *dqkv, *dprefix, *scratch;
    size_t step;                        /* sequences of a head that one thread must take together */
    bool pairs;                         /* products of bf16 */
};

/* One thread's operands for one head, packed, in its share of the scratch.  Keys are the prefix's rows, then the
 * sequence's own.  Kt and Vt are transposed panels, prefix and own apart because the own ones change; K and V are straight
 * panels over all keys, in which the prefix's rows come first and stay.  Scores lie as rows of lds floats. */
struct head {
    const struct job *j;
    size_t len, keys, lds;              /* rows of this sequence; of the longest with its prefix */
    const void *q, *k, *v;              /* row 0 of this sequence, 3 width apart */
    const char *next; size_t more;      /* the q of row 0 of the sequence after it, and its rows */
    float *ktp, *kt, *vtp, *vt, *ks, *vs;
    float *qa, *oa, *qs, *os;           /* a block of rows of Q and dO: as tiles' left operand, as their right one */
    float *s, *t, *a;                   /* probabilities, their gradients, and either of them packed */
};

enum { BLOCK = 48 };                    /* rows of a block going backward, about */

static size_t up(size_t n, size_t to) { return sv_ceil_div(n, to) * to; }

static void take(size_t *at, float *mem, float **p, size_t n) {
    *p = mem ? mem + *at : NULL;
    *at += up(n, 16);
}

static size_t block_rows(const struct sv_kern *k) { return sv_max(BLOCK / k->mr, 1) * k->mr; }

/* Runs twice, as an arena's carve: with mem NULL it measures. */
static size_t lay_out(struct head *x, const struct job *j, float *mem, bool back) {
    const size_t mr = j->c->kern->mr, nr = j->c->kern->nr, d = j->d, p = j->seqs->prefix, len = j->seqs->len;
    const size_t rows = back ? block_rows(j->c->kern) : mr;
    size_t at = 0;
    *x = (struct head){ .j = j, .keys = p + len, .lds = p + up(len, nr) };
    take(&at, mem, &x->ktp, up(p, nr) * d), take(&at, mem, &x->kt, up(len, nr) * d);
    take(&at, mem, &x->qa, rows * d), take(&at, mem, &x->s, rows * x->lds);
    take(&at, mem, &x->a, rows * up(x->keys, mr));
    if (!back) {
        take(&at, mem, &x->vs, x->keys * up(d, nr));
        return at;
    }
    take(&at, mem, &x->vtp, up(p, nr) * d), take(&at, mem, &x->vt, up(len, nr) * d);
    take(&at, mem, &x->ks, x->keys * up(d, nr)), take(&at, mem, &x->t, rows * x->lds), take(&at, mem, &x->oa, rows * d);
    take(&at, mem, &x->qs, rows * up(d, nr)), take(&at, mem, &x->os, rows * up(d, nr));
    return at;
}

/* Words of n elements. */
static size_t pair_words(const struct sv_kern *k, size_t n) { return sv_panel_words(k, SV_BF16, n); }

static size_t lay_out_pairs(struct head *x, const struct job *j, float *mem) {
    const struct sv_kern *kern = j->c->kern;
    const size_t mr = kern->wmr, nr = kern->nr, dw = pair_words(kern, j->d), len = j->seqs->len, kw = pair_words(kern, len);
    size_t at = 0;
    *x = (struct head){ .j = j, .keys = len, .lds = up(len, nr) };
    take(&at, mem, &x->kt, up(len, nr) * dw), take(&at, mem, &x->vs, up(j->d, nr) * kw);
    take(&at, mem, &x->qa, mr * dw), take(&at, mem, &x->s, mr * x->lds), take(&at, mem, &x->a, mr * kw);
    return at;
}

static size_t lay_out_any(struct head *x, const struct job *j, float *mem, bool back) {
    return j->pairs ? lay_out_pairs(x, j, mem) : lay_out(x, j, mem, back);
}

static size_t floats(const struct sv_cpu *c, const struct sv_seqs *q, size_t width, size_t heads, bool back, bool pairs) {
    struct job j = { .c = c, .seqs = q, .d = width / heads, .pairs = pairs };
    struct head x;
    return lay_out_any(&x, &j, NULL, back) * sv_pool_threads(c->pool);
}

size_t sv_attention_floats(const struct sv_cpu *c, const struct sv_seqs *q, size_t width, size_t heads) {
    return sv_max(floats(c, q, width, heads, false, false), floats(c, q, width, heads, false, true));
}

size_t sv_attention_back_floats(const struct sv_cpu *c, const struct sv_seqs *q, size_t width, size_t heads) {
    return floats(c, q, width, heads, true, false);
}

static size_t element(const struct job *j) { return j->pairs ? sizeof(uint16_t) : sizeof(float); }

/* Rows of the sequence after this one come nearer while this one is worked on: so far apart, no machine follows them by itself. */
static void fetch(const struct head *x, size_t first, size_t rows) {
    enum { LINE = 64 };
    const size_t size = element(x->j), part = x->j->width * size;
    for (size_t i = first; i < sv_min(first + rows, x->more); i++)
        for (size_t of = 0; of < 3; of++)
            for (size_t at = 0; at < x->j->d * size; at += LINE) __builtin_prefetch(x->next + (3 * i + of) * part + at, 0, 2);
}

/* Panels [ceil(rows / wide), d, wide] of x [rows, d]: transposed. */
static void pack_rows(const struct sv_kern *kern, float *panel, const float *x, size_t ldx, size_t rows, size_t d, size_t wide) {
    for (size_t r = 0; r < rows; r += wide) kern->pack(panel + r * d, wide, x + r * ldx, ldx, sv_min(wide, rows - r), d);
}

/* Panels [ceil(d / wide), all, wide] of x [rows, d]: straight; rows go to places 0 .. rows - 1 of `all`. */
static void pack_cols(const struct sv_kern *kern, float *panel, size_t all, const float *x, size_t ldx, size_t rows, size_t d, size_t wide) {
    for (size_t at = 0; at < d; at += wide) kern->lay(panel + at * all, wide, x + at, ldx, sv_min(wide, d - at), rows);
}

/* c [m, n] = (or +=) a b over the first k of the ka and kb places that panels of a and b have. */
static void product(const struct sv_kern *kern, float *c, size_t ldc, size_t m, size_t n, size_t k, const float *a, size_t ka,
                    const float *b, size_t kb, bool add) {
    for (size_t i = 0; i < m; i += kern->mr)
        for (size_t j = 0; j < n; j += kern->nr)
            kern->tile(c + i * ldc + j, ldc, sv_min(kern->mr, m - i), sv_min(kern->nr, n - j), k, a + i * ka, b + j * kb, add);
}

/* Row i's number of keys. */
static size_t keys_of(const struct head *x, size_t i) { return x->j->seqs->prefix + (x->j->seqs->causal ? i + 1 : x->len); }

/* s [m, keys] = packed rows times all keys that the last of the m sees.  Whole or half tiles: what the prefix's last one writes
 * too much, the own ones overwrite. */
static void scores(const struct head *x, float *s, const float *rows, const float *prefix, const float *own, size_t m, size_t keys) {
    const struct sv_kern *kern = x->j->c->kern;
    const size_t p = x->j->seqs->prefix, d = x->j->d, half = kern->nr / 2;
    product(kern, s, x->lds, m, up(p, half), d, rows, d, prefix, d, false);
    product(kern, s + p, x->lds, m, up(keys - p, half), d, rows, d, own, d, false);
}

/* Scores to probabilities, of rows first .. first + m - 1; 0 for what a row does not see up to `keys`. */
static void weigh(const struct head *x, float *s, size_t first, size_t m, size_t keys) {
    for (size_t i = 0; i < m; i++, s += x->lds) {
        const size_t n = keys_of(x, first + i);
        x->j->c->kern->softmax(s, n, 1 / sqrtf((float)x->j->d));
        memset(s + n, 0, (keys - n) * sizeof *s);
    }
}

/* Of rows whose Q is packed, m <= mr. */
static void probabilities(const struct head *x, float *s, const float *rows, size_t first, size_t m, size_t keys) {
    scores(x, s, rows, x->ktp, x->kt, m, keys_of(x, first + m - 1));
    weigh(x, s, first, m, keys);
}

static void forward_prefix(const struct head *x, const void *k, const void *v) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    pack_rows(kern, x->ktp, k, 3 * j->width, j->seqs->prefix, j->d, kern->nr);
    pack_cols(kern, x->vs, x->keys, v, 3 * j->width, j->seqs->prefix, j->d, kern->nr);
}

static void forward(const struct head *x, float *out) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    const size_t ld = 3 * j->width;
    pack_rows(kern, x->kt, x->k, ld, x->len, j->d, kern->nr);
    pack_cols(kern, x->vs + j->seqs->prefix * kern->nr, x->keys, x->v, ld, x->len, j->d, kern->nr);
    for (size_t r = 0; r < x->len; r += kern->mr) {
        const size_t m = sv_min(kern->mr, x->len - r), keys = keys_of(x, r + m - 1);
        fetch(x, r, m);
        kern->pack(x->qa, kern->mr, (const float *)x->q + r * ld, ld, m, j->d);
        probabilities(x, x->s, x->qa, r, m, keys);
        kern->pack(x->a, kern->mr, x->s, x->lds, m, keys);
        product(kern, out + r * j->width, j->width, m, j->d, keys, x->a, keys, x->vs, x->keys, false);
    }
}

/* ---- the way there over pairs of bf16: pairs of K and Q along d, of V and the probabilities along the keys ---- */

static uint32_t *as_words(float *p) { return (uint32_t *)(void *)p; }

/* Panels [ceil(rows / nr), pairs of d, nr] of x [rows, d], right ones: words as floats are. */
static void pack_rows_pairs(const struct head *x, float *panel, const uint16_t *in, size_t ldx, size_t rows) {
    const struct sv_kern *kern = x->j->c->kern;
    const size_t nr = kern->nr, n = x->j->d / 2, words = pair_words(kern, x->j->d);
    for (size_t r = 0; r < rows; r += nr, in += nr * ldx, panel += nr * words) {
        kern->pack(panel, nr, (const float *)(const void *)in, ldx / 2, sv_min(nr, rows - r), n);
        memset(panel + nr * n, 0, nr * (words - n) * sizeof *panel);
    }
}

/* Panels [ceil(d / nr), pairs of rows, nr] of x [rows, d]: right ones. */
static void pack_cols_pairs(const struct head *x, float *panel, const uint16_t *in, size_t ldx, size_t rows) {
    const struct sv_kern *kern = x->j->c->kern;
    const size_t nr = kern->nr, d = x->j->d, n = pair_words(kern, rows);
    for (size_t at = 0; at < d; at += nr) kern->blay(as_words(panel + at * n), nr, in + at, ldx, sv_min(nr, d - at), rows);
}

static void forward_pairs(const struct head *x, uint16_t *out) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    const size_t ld = 3 * j->width, nr = kern->nr, dw = pair_words(kern, j->d), kw = pair_words(kern, x->len);
    pack_rows_pairs(x, x->kt, x->k, ld, x->len);
    pack_cols_pairs(x, x->vs, x->v, ld, x->len);
    for (size_t r = 0; r < x->len; r += kern->wmr) {
        const size_t m = sv_min(kern->wmr, x->len - r), seen = keys_of(x, r + m - 1), columns = up(seen, nr / 2), step = kern->runs ? columns : nr;
        fetch(x, r, m);
        for (size_t i = 0; i < m; i++) sv_pack_half(kern, as_words(x->qa) + i * kern->wk, kern->wmr, (const uint16_t *)x->q + (r + i) * ld, j->d);
        for (size_t k = 0; k < columns; k += step)
            kern->btile(x->s + k, x->lds, m, sv_min(step, columns - k), dw, as_words(x->qa), as_words(x->kt + k * dw), false);
        for (size_t i = 0; i < m; i++)
            kern->bsoftmax(as_words(x->a) + i * kern->wk, kern->wmr, x->s + i * x->lds, keys_of(x, r + i), seen, 1 / sqrtf((float)j->d));
        for (size_t i = 0; i < j->d; i += nr)
            kern->bproduct(out + r * j->width + i, j->width, m, sv_min(nr, j->d - i), pair_words(kern, seen), as_words(x->a), as_words(x->vs + i * kw),
                           NULL, SV_ACT_NONE, SV_ROUND);
    }
}

/* ---- the way back ---- */

static void backward_prefix(const struct head *x, const void *k, const void *v) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    const size_t nr = kern->nr, ld = 3 * j->width, p = j->seqs->prefix;
    pack_rows(kern, x->ktp, k, ld, p, j->d, nr);
    pack_rows(kern, x->vtp, v, ld, p, j->d, nr);
    pack_cols(kern, x->ks, x->keys, k, ld, p, j->d, nr);
}

/* t = dS / sqrt(d) from A in s and dA in t. */
static void softmax_back(const struct head *x, size_t first, size_t m, size_t keys) {
    const float scale = 1 / sqrtf((float)x->j->d);
    for (size_t i = 0; i < m; i++) {
        const float *s = x->s + i * x->lds;
        float *t = x->t + i * x->lds;
        const size_t n = keys_of(x, first + i);
        const float mean = x->j->c->kern->dot(s, t, n);
        for (size_t k = 0; k < n; k++) t[k] = scale * s[k] * (t[k] - mean);
        memset(t + n, 0, (keys - n) * sizeof *t);
    }
}

/* Part 1 (K) or 2 (V) of the gradients of all keys += s^T rows, rows as straight panels [m, d]. */
static void to_keys(const struct head *x, float *dprefix, float *dq, size_t part, const float *s, const float *rows, size_t m, size_t keys) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    const size_t p = j->seqs->prefix, ld = 3 * j->width;
    if (p) {
        pack_cols(kern, x->a, m, s, x->lds, m, p, kern->mr);
        product(kern, dprefix + part * j->width, ld, p, j->d, m, x->a, m, rows, m, true);
    }
    pack_cols(kern, x->a, m, s + p, x->lds, m, keys - p, kern->mr);
    product(kern, dq + part * j->width, ld, keys - p, j->d, m, x->a, m, rows, m, true);
}

static void backward_rows(const struct head *x, float *dq, float *dprefix, const float *dout, size_t first, size_t m) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    const size_t mr = kern->mr, nr = kern->nr, w = j->width, ld = 3 * w, d = j->d, keys = keys_of(x, first + m - 1);
    const float *q = (const float *)x->q + first * ld;
    dout += first * w;
    pack_rows(kern, x->qa, q, ld, m, d, mr);
    pack_rows(kern, x->oa, dout, w, m, d, mr);
    pack_cols(kern, x->qs, m, q, ld, m, d, nr);
    pack_cols(kern, x->os, m, dout, w, m, d, nr);
    for (size_t r = 0; r < m; r += mr) {
        const size_t n = sv_min(mr, m - r);
        probabilities(x, x->s + r * x->lds, x->qa + r * d, first + r, n, keys);
        scores(x, x->t + r * x->lds, x->oa + r * d, x->vtp, x->vt, n, keys_of(x, first + r + n - 1));
    }
    to_keys(x, dprefix, dq, 2, x->s, x->os, m, keys);
    softmax_back(x, first, m, keys);
    to_keys(x, dprefix, dq, 1, x->t, x->qs, m, keys);
    pack_rows(kern, x->a, x->t, x->lds, m, keys, mr);
    product(kern, dq + first * ld, ld, m, d, keys, x->a, keys, x->ks, x->keys, false);
}

static void backward(const struct head *x, float *dq, float *dprefix, const float *dout) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    const size_t w = j->width, ld = 3 * w, d = j->d, nr = kern->nr, block = block_rows(kern);
    pack_rows(kern, x->kt, x->k, ld, x->len, d, nr);
    pack_rows(kern, x->vt, x->v, ld, x->len, d, nr);
    pack_cols(kern, x->ks + j->seqs->prefix * nr, x->keys, x->k, ld, x->len, d, nr);
    for (size_t r = 0; r < x->len; r++)
        for (size_t part = 1; part < 3; part++) memset(dq + r * ld + part * w, 0, d * sizeof *dq);
    for (size_t r = 0; r < x->len; r += block) backward_rows(x, dq, dprefix, dout, r, sv_min(block, x->len - r));
}

/* Element i of rows of q, k, v. */
static const void *at(const struct job *j, const void *qkv, size_t i) { return (const char *)qkv + i * element(j); }

/* The q of row 0 of sequence and head i, and how many rows there are. */
static const void *sequence(const struct job *j, size_t i, size_t *rows) {
    const size_t b = i % j->seqs->batch, row = sv_seqs_first(j->seqs, b);
    *rows = sv_seqs_first(j->seqs, b + 1) - row;
    return at(j, j->qkv, row * 3 * j->width + i / j->seqs->batch * j->d);
}

/* x on sequence and head i; the one after it is number i + 1 while that is less than end. */
static void place(struct head *x, size_t i, size_t end) {
    const struct job *j = x->j;
    x->q = sequence(j, i, &x->len), x->k = at(j, x->q, j->width), x->v = at(j, x->k, j->width);
    x->next = sequence(j, i + 1, &x->more);
    if (i + 1 >= end) x->more = 0;
}

/* Head by head, so that a thread packs a prefix once for many sequences. */
static void some_heads(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const struct sv_seqs *seqs = j->seqs;
    const size_t w = j->width, ld = 3 * w;
    const bool back = j->dqkv != NULL;
    struct head x;
    const size_t share = lay_out_any(&x, j, NULL, back);
    lay_out_any(&x, j, j->scratch + thread * share, back);
    for (size_t i = begin * j->step; i < end * j->step; i++) {
        const size_t b = i % seqs->batch, row = sv_seqs_first(seqs, b), first = i / seqs->batch * j->d;
        if (seqs->prefix && (b == 0 || i == begin * j->step))
            (back ? backward_prefix : forward_prefix)(&x, at(j, j->prefix, w + first), at(j, j->prefix, 2 * w + first));
        place(&x, i, end * j->step);
        if (back) backward(&x, j->dqkv + row * ld + first, seqs->prefix ? j->dprefix + first : NULL, j->dout + row * w + first);
        else if (j->pairs) forward_pairs(&x, (uint16_t *)j->out + row * w + first);
        else forward(&x, (float *)j->out + row * w + first);
    }
}

void sv_attention(const struct sv_cpu *c, enum sv_dtype type, void *out, const void *qkv, const void *prefix, const struct sv_seqs *q,
                  size_t width, size_t heads, float *scratch) {
    struct job j = { .c = c, .seqs = q, .width = width, .heads = heads, .d = width / heads, .qkv = qkv, .prefix = prefix, .out = out,
                     .scratch = scratch, .step = 1, .pairs = type == SV_BF16 };
    sv_pool_for(c->pool, q->batch * heads, some_heads, &j);
}

/* The prefix's gradient is a sum over the sequences, so where there is one a head belongs to one thread. */
void sv_attention_back(const struct sv_cpu *c, float *dqkv, float *dprefix, const float *dout, const float *qkv, const float *prefix,
                       const struct sv_seqs *q, size_t width, size_t heads, float *scratch) {
    struct job j = { .c = c, .seqs = q, .width = width, .heads = heads, .d = width / heads, .qkv = qkv, .prefix = prefix, .dout = dout,
                     .dqkv = dqkv, .dprefix = dprefix, .scratch = scratch, .step = q->prefix ? q->batch : 1 };
    sv_pool_for(c->pool, q->batch * heads / sv_max(j.step, 1), some_heads, &j);
}
