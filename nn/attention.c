#include "nn/attention.h"

#include "core/gemm.h"
#include <math.h>
#include <string.h>

struct job {
    const struct sv_cpu *c;
    const struct sv_seqs *seqs;
    size_t width, heads, d;
    const float *qkv, *prefix, *dout;
    float *out, *dqkv, *dprefix, *scratch;
    size_t step;                        /* sequences of a head that one thread must take together */
    bool pairs;                         /* products of bf16 */
};

/* One thread's operands for one head, packed, in its share of the scratch.  Keys are the prefix's rows, then the
 * sequence's own.  Kt and Vt are transposed panels, prefix and own apart because the own ones change; K and V are straight
 * panels over all keys, in which the prefix's rows come first and stay.  Scores lie as rows of lds floats. */
struct head {
    const struct job *j;
    size_t len, keys, lds;              /* rows of this sequence; of the longest with its prefix */
    const float *q, *k, *v;             /* row 0 of this sequence, 3 width apart */
    float *ktp, *kt, *vtp, *vt, *ks, *vs;
    float *qa, *oa, *qs, *os;           /* a block of rows of Q and dO: as tiles' left operand, as their right one */
    float *s, *t, *a;                   /* probabilities, their gradients, and either of them packed */
    float *rows, *words;                /* for pairs: V of all keys, the prefix's first; rows of K as words */
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
    const size_t mr = kern->wmr, nr = kern->nr, d = j->d, p = j->seqs->prefix, len = j->seqs->len, keys = p + len;
    size_t at = 0;
    *x = (struct head){ .j = j, .keys = keys, .lds = p + up(len, nr) };
    take(&at, mem, &x->ktp, up(p, nr) * pair_words(kern, d)), take(&at, mem, &x->kt, up(len, nr) * pair_words(kern, d));
    take(&at, mem, &x->qa, mr * pair_words(kern, d)), take(&at, mem, &x->s, mr * x->lds), take(&at, mem, &x->a, mr * pair_words(kern, keys));
    take(&at, mem, &x->rows, p ? keys * d : 0), take(&at, mem, &x->vs, up(d, nr) * pair_words(kern, keys));
    take(&at, mem, &x->words, nr * pair_words(kern, d));
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

static void forward_prefix(const struct head *x, const float *k, const float *v) {
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
        kern->pack(x->qa, kern->mr, x->q + r * ld, ld, m, j->d);
        probabilities(x, x->s, x->qa, r, m, keys);
        kern->pack(x->a, kern->mr, x->s, x->lds, m, keys);
        product(kern, out + r * j->width, j->width, m, j->d, keys, x->a, keys, x->vs, x->keys, false);
    }
}

/* ---- the way there over pairs of bf16: pairs of K and Q along d, of V and the probabilities along the keys ---- */

static uint32_t *as_words(float *p) { return (uint32_t *)(void *)p; }

/* Panels [ceil(rows / nr), pairs of d, nr] of x [rows, d], right ones: left ones whose blocks are turned. */
static void pack_rows_pairs(const struct head *x, float *panel, const float *in, size_t ldx, size_t rows) {
    const struct sv_kern *kern = x->j->c->kern;
    const size_t nr = kern->nr, d = x->j->d, wk = kern->wk, n = pair_words(kern, d);
    for (size_t r = 0; r < rows; r += nr, in += nr * ldx) {
        const size_t m = sv_min(nr, rows - r);
        kern->bpack(as_words(x->words), nr, in, ldx, m, d);
        for (size_t p = 0; p < n; p += wk, panel += wk * nr) kern->pack(panel, nr, x->words + p * nr, wk, m, wk);
    }
}

/* Panels [ceil(d / nr), pairs of rows, nr] of x [rows, d]: right ones. */
static void pack_cols_pairs(const struct head *x, float *panel, const float *in, size_t ldx, size_t rows) {
    const struct sv_kern *kern = x->j->c->kern;
    const size_t nr = kern->nr, d = x->j->d, n = pair_words(kern, rows);
    for (size_t at = 0; at < d; at += nr) kern->blay(as_words(panel + at * n), nr, in + at, ldx, sv_min(nr, d - at), rows);
}

/* c [m, n] = a b over the first k of kb words, in one row of tiles. */
static void product_pairs(const struct sv_kern *kern, float *c, size_t ldc, size_t m, size_t n, size_t k, float *a, float *b, size_t kb) {
    const size_t step = kern->runs && k == kb ? sv_max(n, 1) : kern->nr;
    for (size_t j = 0; j < n; j += step) kern->btile(c + j, ldc, m, sv_min(step, n - j), k, as_words(a), as_words(b + j * kb), false);
}

static void copy_rows(const struct head *x, size_t at, const float *v, size_t n) {
    for (size_t i = 0; i < n; i++) memcpy(x->rows + (at + i) * x->j->d, v + i * 3 * x->j->width, x->j->d * sizeof *v);
}

static void forward_prefix_pairs(const struct head *x, const float *k, const float *v) {
    pack_rows_pairs(x, x->ktp, k, 3 * x->j->width, x->j->seqs->prefix);
    copy_rows(x, 0, v, x->j->seqs->prefix);
}

static void forward_pairs(const struct head *x, float *out) {
    const struct job *j = x->j;
    const struct sv_kern *kern = j->c->kern;
    const size_t ld = 3 * j->width, d = j->d, p = j->seqs->prefix, keys = p + x->len, half = kern->nr / 2, dw = pair_words(kern, d), kw = pair_words(kern, keys);
    if (p) copy_rows(x, p, x->v, x->len);
    pack_rows_pairs(x, x->kt, x->k, ld, x->len);
    pack_cols_pairs(x, x->vs, p ? x->rows : x->v, p ? d : ld, keys);
    for (size_t r = 0; r < x->len; r += kern->wmr) {
        const size_t m = sv_min(kern->wmr, x->len - r), seen = keys_of(x, r + m - 1);
        kern->bpack(as_words(x->qa), kern->wmr, x->q + r * ld, ld, m, d);
        product_pairs(kern, x->s, x->lds, m, up(p, half), dw, x->qa, x->ktp, dw);
        product_pairs(kern, x->s + p, x->lds, m, up(seen - p, half), dw, x->qa, x->kt, dw);
        weigh(x, x->s, r, m, seen);
        kern->bpack(as_words(x->a), kern->wmr, x->s, x->lds, m, seen);
        product_pairs(kern, out + r * j->width, j->width, m, d, pair_words(kern, seen), x->a, x->vs, kw);
    }
}

/* ---- the way back ---- */

static void backward_prefix(const struct head *x, const float *k, const float *v) {
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
    const float *q = x->q + first * ld;
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
        const size_t b = i % seqs->batch, h = i / seqs->batch, row = sv_seqs_first(seqs, b), at = h * j->d;
        if (seqs->prefix && (b == 0 || i == begin * j->step))
            (back ? backward_prefix : j->pairs ? forward_prefix_pairs : forward_prefix)(&x, j->prefix + w + at, j->prefix + 2 * w + at);
        x.len = sv_seqs_first(seqs, b + 1) - row;
        x.q = j->qkv + row * ld + at, x.k = x.q + w, x.v = x.k + w;
        if (back) backward(&x, j->dqkv + row * ld + at, seqs->prefix ? j->dprefix + at : NULL, j->dout + row * w + at);
        else (j->pairs ? forward_pairs : forward)(&x, j->out + row * w + at);
    }
}

void sv_attention(const struct sv_cpu *c, enum sv_dtype type, float *out, const float *qkv, const float *prefix, const struct sv_seqs *q,
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
