/* Attention against itself in double, its backward against finite differences of that: sequences of one length and of many, causal and
 * full, alone and behind a shared prefix. */
#include "nn/attention.h"

#include "core/half.h"
#include "core/mem.h"
#include "core/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct sv_err err;

struct shape { size_t batch, len[5], prefix, width, heads; bool causal; };
static const struct shape shapes[] = {
    { 1, { 1 }, 0, 3, 1, true },             { 3, { 5, 5, 5 }, 0, 6, 2, true },      { 2, { 9, 9 }, 0, 30, 3, false },
    { 4, { 3, 1, 7, 2 }, 0, 20, 2, true },   { 3, { 2, 17, 4 }, 0, 24, 1, false },   { 2, { 4, 0 }, 1, 5, 1, true },
    { 5, { 4, 6, 1, 5, 4 }, 9, 34, 2, true }, { 3, { 3, 20, 6 }, 17, 16, 2, false }, { 2, { 101, 50 }, 0, 28, 2, true },
    { 2, { 53, 107 }, 3, 18, 1, true },      { 1, { 70 }, 33, 12, 3, false },
    { 1, { 157 }, 0, 64, 1, false },
};

/* One problem: rows of all sequences, the prefix's rows, a gradient at the output.  type: of the products on the way there. */
struct problem { struct sv_seqs seqs; enum sv_dtype type; size_t start[6], rows, width, heads; float *qkv, *prefix, *dout; };

static const enum sv_dtype types[] = { SV_F32, SV_BF16 };

static bool possible(const struct shape *s, enum sv_dtype type) { return type == SV_F32 || (!s->prefix && s->width / s->heads % 2 == 0); }

/* Exact as bf16. */
static float *noise(size_t n, uint64_t *rng) {
    float *v = sv_alloc(n, sizeof *v, &err);
    for (size_t i = 0; i < n; i++) v[i] = sv_bf16_f32(sv_f32_bf16((float)(3 * (sv_rng_unit(rng) - 0.5))));
    return v;
}

static void problem_of(struct problem *p, const struct shape *s, enum sv_dtype type, uint64_t seed) {
    *p = (struct problem){ .seqs = { s->batch, 0, p->start, s->prefix, s->causal }, .type = type, .width = s->width, .heads = s->heads };
    bool same = true;
    for (size_t b = 0; b < s->batch; b++) {
        p->start[b + 1] = p->start[b] + s->len[b];
        p->seqs.len = sv_max(p->seqs.len, s->len[b]);
        same = same && s->len[b] == s->len[0];
    }
    if (same) p->seqs.start = NULL;
    p->rows = p->start[s->batch];
    p->qkv = noise(p->rows * 3 * s->width, &seed), p->prefix = noise(s->prefix * 3 * s->width, &seed), p->dout = noise(p->rows * s->width, &seed);
}

static void problem_free(struct problem *p) { sv_free(p->qkv), sv_free(p->prefix), sv_free(p->dout); }

/* Key or value number t of sequence b: of the prefix, then its own. */
static const float *key(const struct problem *p, size_t b, size_t t) {
    return t < p->seqs.prefix ? p->prefix + t * 3 * p->width : p->qkv + (p->start[b] + t - p->seqs.prefix) * 3 * p->width;
}

/* What row r of sequence b gives, dotted with dout; and the row itself where out is given. */
static double row_loss(const struct problem *p, size_t b, size_t r, double *out) {
    const size_t w = p->width, d = w / p->heads, n = p->seqs.prefix + (p->seqs.causal ? r + 1 : p->start[b + 1] - p->start[b]);
    const float *q = p->qkv + (p->start[b] + r) * 3 * w, *dout = p->dout + (p->start[b] + r) * w;
    double loss = 0, a[160];
    for (size_t h = 0; h < p->heads; h++) {
        double most = -INFINITY, sum = 0;
        for (size_t t = 0; t < n; t++) {
            a[t] = 0;
            for (size_t i = 0; i < d; i++) a[t] += (double)q[h * d + i] * key(p, b, t)[w + h * d + i] / sqrt((double)d);
            most = fmax(most, a[t]);
        }
        for (size_t t = 0; t < n; t++) sum += a[t] = exp(a[t] - most);
        for (size_t i = 0; i < d; i++) {
            double o = 0;
            for (size_t t = 0; t < n; t++) o += a[t] / sum * key(p, b, t)[2 * w + h * d + i];
            loss += o * dout[h * d + i];
            if (out) out[h * d + i] = o;
        }
    }
    return loss;
}

static double loss(const struct problem *p) {
    double sum = 0;
    for (size_t b = 0; b < p->seqs.batch; b++)
        for (size_t r = p->start[b]; r < p->start[b + 1]; r++) sum += row_loss(p, b, r - p->start[b], NULL);
    return sum;
}

static void attend_halves(const struct sv_cpu *c, const struct sv_seqs *q, size_t w, size_t heads, const float *qkv, float *out, float *mem) {
    const size_t n = sv_seqs_rows(q) * w;
    uint16_t *in = sv_alloc(3 * n, sizeof *in, &err), *y = sv_alloc(n, sizeof *y, &err);
    for (size_t i = 0; i < 3 * n; i++) in[i] = sv_f32_bf16(qkv[i]);
    memset(y, 0x7f, n * sizeof *y);                         /* must be written, not added to */
    sv_attention(c, SV_BF16, y, in, NULL, q, w, heads, mem);
    for (size_t i = 0; i < n; i++) out[i] = sv_bf16_f32(y[i]);
    sv_free(in), sv_free(y);
}

/* Sequences first .. last - 1 of the problem, in one call each way. */
static void run(const struct sv_cpu *c, const struct problem *p, size_t first, size_t last, float *out, float *dqkv, float *dprefix) {
    size_t start[6];
    const size_t w = p->width, row = p->start[first];
    struct sv_seqs q = p->seqs;
    for (size_t b = first; b <= last; b++) start[b - first] = p->start[b] - row;
    q.batch = last - first, q.start = p->seqs.start ? start : NULL;
    float *mem = sv_alloc(sv_max(sv_attention_floats(c, &q, w, p->heads), sv_attention_back_floats(c, &q, w, p->heads)), sizeof *mem, &err);
    if (p->type == SV_F32) sv_attention(c, SV_F32, out + row * w, p->qkv + row * 3 * w, p->prefix, &q, w, p->heads, mem);
    else attend_halves(c, &q, w, p->heads, p->qkv + row * 3 * w, out + row * w, mem);
    sv_attention_back(c, dqkv + row * 3 * w, dprefix, p->dout + row * w, p->qkv + row * 3 * w, p->prefix, &q, w, p->heads, mem);
    sv_free(mem);
}

struct result { size_t n; float *out, *dqkv, *dprefix; };

static struct result result_of(const struct sv_cpu *c, const struct problem *p, size_t cut) {
    const size_t w = p->width, own = p->rows * w, pre = p->seqs.prefix * 3 * w;
    struct result r = { 4 * own + pre, sv_alloc(4 * own + pre, sizeof *r.out, &err), NULL, NULL };
    r.dqkv = r.out + own, r.dprefix = r.dqkv + 3 * own;
    memset(r.out, 0x7f, 4 * own * sizeof *r.out);           /* must be written, not added to */
    for (size_t b = 0; b < p->seqs.batch; b += cut) run(c, p, b, sv_min(b + cut, p->seqs.batch), r.out, r.dqkv, pre ? r.dprefix : NULL);
    return r;
}

/* Probabilities are at most 1, and half a unit of bf16's last place below that is 2^-9; below 2, as their sums of values are, 2^-8. */
static void check_forward(const struct problem *p, const float *out) {
    const double most = p->type == SV_BF16 ? 1.5 * 0x1p-9 + 0x1p-8 + 5e-5 : 5e-6;
    double want[64];
    for (size_t b = 0; b < p->seqs.batch; b++)
        for (size_t r = p->start[b]; r < p->start[b + 1]; r++) {
            row_loss(p, b, r - p->start[b], want);
            for (size_t i = 0; i < p->width; i++) cr_assert_float_eq(out[r * p->width + i], want[i], most, "row %zu, %zu", r, i);
        }
}

/* Central differences at up to `most` places of x, spread over it. */
static void check_gradient(const struct problem *p, float *x, const float *dx, size_t n, size_t most, const char *what) {
    const float h = 0x1p-9f;
    for (size_t k = 0; k < sv_min(n, most); k++) {
        const size_t i = n <= most ? k : (k * n + n / 2) / most;
        const float keep = x[i], up = keep + h, down = keep - h;
        x[i] = up;
        const double above = loss(p);
        x[i] = down;
        const double below = loss(p), want = (above - below) / ((double)up - down);
        x[i] = keep;
        cr_assert(fabs(dx[i] - want) <= 4e-5 * fmax(1, fabs(want)), "%s %zu: %g, by differences %g", what, i, (double)dx[i], want);
    }
}

Test(attention, both_ways_against_double) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t i = 0; i < SV_LEN(shapes); i++) {
            const struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(1 + i % 3, &err) };
            struct problem p;
            for (size_t t = 0; t < SV_LEN(types); t++) {
                if (!possible(&shapes[i], types[t])) continue;
                problem_of(&p, &shapes[i], types[t], i + 1);
                const struct result r = result_of(&c, &p, p.seqs.batch);
                check_forward(&p, r.out);
                if (!t) check_gradient(&p, p.qkv, r.dqkv, p.rows * 3 * p.width, 150, "dqkv");
                if (!t) check_gradient(&p, p.prefix, r.dprefix, p.seqs.prefix * 3 * p.width, 150, "dprefix");
                sv_free(r.out), problem_free(&p);
            }
            sv_pool_free(c.pool);
        }
}

Test(attention, same_bits_for_any_threads_and_cuts) {
    for (size_t t = 0; t < SV_LEN(types) * SV_LEN(shapes); t++) {
        const size_t i = t / SV_LEN(types);
        struct problem p;
        if (!possible(&shapes[i], types[t % SV_LEN(types)])) continue;
        problem_of(&p, &shapes[i], types[t % SV_LEN(types)], i + 1);
        const struct sv_cpu one = { .kern = sv_kern_best(), .pool = NULL };
        const struct result want = result_of(&one, &p, p.seqs.batch);
        for (size_t threads = 1; threads <= 5; threads += 2)
            for (size_t cut = 1; cut <= p.seqs.batch; cut++) {
                const struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(threads, &err) };
                const struct result got = result_of(&c, &p, cut);
                cr_assert(!memcmp(got.out, want.out, got.n * sizeof *got.out), "%s, shape %zu, %zu threads, cut %zu", sv_dtype_name(p.type), i, threads, cut);
                sv_free(got.out), sv_pool_free(c.pool);
            }
        sv_free(want.out), problem_free(&p);
    }
}

/* Rows behind a shared prefix have the bits of rows whose sequences hold it; the prefix's gradient is the sum of theirs. */
Test(attention, a_shared_prefix_changes_nothing) {
    enum { P = 9, B = 4, W = 34, HEADS = 2 };
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        const struct sv_cpu c = { .kern = *k, .pool = NULL };
        const struct shape s = { B, { 4, 6, 1, 50 }, P, W, HEADS, true }, whole = { B, { P + 4, P + 6, P + 1, P + 50 }, 0, W, HEADS, true };
        struct problem p, q;
        problem_of(&p, &s, SV_F32, 1), problem_of(&q, &whole, SV_F32, 2);
        for (size_t b = 0; b < B; b++) {
            const size_t n = s.len[b];
            memcpy(q.qkv + q.start[b] * 3 * W, p.prefix, P * 3 * W * sizeof *p.prefix);
            memcpy(q.qkv + (q.start[b] + P) * 3 * W, p.qkv + p.start[b] * 3 * W, n * 3 * W * sizeof *p.qkv);
            memset(q.dout + q.start[b] * W, 0, P * W * sizeof *q.dout);
            memcpy(q.dout + (q.start[b] + P) * W, p.dout + p.start[b] * W, n * W * sizeof *p.dout);
        }
        const struct result got = result_of(&c, &p, B), want = result_of(&c, &q, B);
        double sum[P * 3 * W] = { 0 };
        for (size_t b = 0; b < B; b++) {
            cr_assert(!memcmp(got.out + p.start[b] * W, want.out + (q.start[b] + P) * W, s.len[b] * W * sizeof *got.out), "%s", (*k)->isa);
            for (size_t i = 0; i < s.len[b] * 3 * W; i++)
                cr_assert_float_eq(got.dqkv[p.start[b] * 3 * W + i], want.dqkv[(q.start[b] + P) * 3 * W + i], 1e-5);
            for (size_t i = 0; i < P * 3 * W; i++) sum[i] += (double)want.dqkv[q.start[b] * 3 * W + i];
        }
        for (size_t i = 0; i < P * 3 * W; i++) cr_assert_float_eq(got.dprefix[i], i % (3 * W) < W ? 0 : sum[i], 2e-5, "%zu", i);
        sv_free(got.out), sv_free(want.out), problem_free(&p), problem_free(&q);
    }
}

Test(attention, nan_stays_in_its_sequence) {
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
    for (size_t t = 0; t < SV_LEN(types); t++) {
        struct problem p;
        problem_of(&p, &shapes[3], types[t], 1);
        const size_t w = p.width, row = p.start[2] + 2;
        p.qkv[row * 3 * w] = NAN;
        const struct result r = result_of(&c, &p, p.seqs.batch);
        for (size_t i = 0; i < p.rows * w; i++) {
            const bool touched = i / w == row && i % w < w / p.heads;
            cr_expect_eq(isnan(r.out[i]) != 0, touched, "%zu", i);
        }
        for (size_t i = 0; i < p.start[2] * 3 * w; i++) cr_expect(isfinite(r.dqkv[i]));
        cr_expect(isnan(r.dqkv[row * 3 * w]));
        sv_free(r.out), problem_free(&p);
    }
}
