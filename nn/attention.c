#include "nn/attention.h"

#include <math.h>
#include <string.h>

/* Where one thread's packed operands lie in its share of the scratch; sizes in floats, each a multiple of 16. */
struct layout { size_t k, v, q, s, p, lds, total; };

static size_t pad(size_t n) { return (n + 15) / 16 * 16; }

static struct layout lay_out(const struct sv_kern *kern, size_t len, size_t d) {
    struct layout o = { .lds = sv_ceil_div(len, kern->nr) * kern->nr };
    o.v = o.k + pad(o.lds * d);
    o.q = o.v + pad(len * sv_ceil_div(d, kern->nr) * kern->nr);
    o.s = o.q + pad(kern->mr * d);
    o.p = o.s + pad(kern->mr * o.lds);
    o.total = o.p + pad(len * kern->mr);
    return o;
}

size_t sv_attention_floats(const struct sv_cpu *c, size_t len, size_t width, size_t heads) {
    return lay_out(c->kern, len, width / heads).total * sv_pool_threads(c->pool);
}

/* Panels [ceil(rows / wide), d, wide] of x [rows, d]: the transposing pack, for Q and K. */
static void pack_rows(float *panel, const float *x, size_t ldx, size_t rows, size_t d, size_t wide) {
    for (size_t r = 0; r < rows; r += wide, panel += d * wide)
        for (size_t j = 0; j < wide; j++)
            for (size_t i = 0; i < d; i++) panel[i * wide + j] = r + j < rows ? x[(r + j) * ldx + i] : 0;
}

/* Panels [ceil(d / wide), rows, wide] of x [rows, d]: the straight pack, for V. */
static void pack_cols(float *panel, const float *x, size_t ldx, size_t rows, size_t d, size_t wide) {
    for (size_t at = 0; at < d; at += wide) {
        const size_t n = sv_min(wide, d - at);
        for (size_t r = 0; r < rows; r++, panel += wide) {
            memcpy(panel, x + r * ldx + at, n * sizeof *panel);
            memset(panel + n, 0, (wide - n) * sizeof *panel);
        }
    }
}

struct job {
    const struct sv_cpu *c;
    float *out, *scratch;
    const float *qkv;
    size_t len, width, heads;
    bool causal;
};

/* Rows first .. first + m - 1 of one head: scores, softmax, weighted sum of V. */
static void row_block(const struct job *j, const struct layout *o, float *mem, float *out, const float *q, size_t first, size_t m) {
    const struct sv_kern *kern = j->c->kern;
    const size_t d = j->width / j->heads, mr = kern->mr, nr = kern->nr, seen = j->causal ? first + m : j->len;
    pack_rows(mem + o->q, q + first * 3 * j->width, 3 * j->width, m, d, mr);
    for (size_t n = 0; n < seen; n += nr)
        kern->tile(mem + o->s + n, o->lds, m, nr, d, mem + o->q, mem + o->k + n * d, false);
    const float scale = 1 / sqrtf((float)d);
    for (size_t i = 0; i < m; i++) {
        float *s = mem + o->s + i * o->lds;
        const size_t n = j->causal ? first + i + 1 : j->len;
        kern->softmax(s, n, scale);
        for (size_t t = n; t < seen; t++) s[t] = 0;
    }
    pack_rows(mem + o->p, mem + o->s, o->lds, m, seen, mr);
    for (size_t at = 0; at < d; at += nr)
        kern->tile(out + first * j->width + at, j->width, m, sv_min(nr, d - at), seen, mem + o->p, mem + o->v + at * j->len, false);
}

static void some_heads(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const size_t d = j->width / j->heads, ld = 3 * j->width;
    const struct layout o = lay_out(j->c->kern, j->len, d);
    float *mem = j->scratch + thread * o.total;
    for (size_t i = begin; i < end; i++) {
        const size_t b = i / j->heads, h = i % j->heads;
        const float *q = j->qkv + b * j->len * ld + h * d;
        pack_rows(mem + o.k, q + j->width, ld, j->len, d, j->c->kern->nr);
        pack_cols(mem + o.v, q + 2 * j->width, ld, j->len, d, j->c->kern->nr);
        float *out = j->out + b * j->len * j->width + h * d;
        for (size_t r = 0; r < j->len; r += j->c->kern->mr)
            row_block(j, &o, mem, out, q, r, sv_min(j->c->kern->mr, j->len - r));
    }
}

void sv_attention(const struct sv_cpu *c, float *out, const float *qkv, size_t batch, size_t len, size_t width, size_t heads,
                  bool causal, float *scratch) {
    struct job j = { c, out, scratch, qkv, len, width, heads, causal };
    sv_pool_for(c->pool, batch * heads, some_heads, &j);
}
