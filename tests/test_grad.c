#include "core/rng.h"
#include "nn/activation.h"
#include "nn/embedding.h"
#include "nn/flat.h"
#include "nn/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Every way back against central differences of the plain formula in double, on odd shapes: with a loss of sum c y, y the
 * output and c random, the gradient at y is c. */

static struct sv_err err;
static uint64_t rng = 1;

static double real(void) { return 2 * sv_rng_unit(&rng) - 1; }
static size_t pick(size_t lo, size_t hi) { return lo + sv_rng_below(&rng, hi - lo + 1); }

/* n random numbers as both float and double. */
struct both { size_t n; float *f; double *d; };

static struct both both(size_t n) {
    struct both b = { n, sv_alloc(n, sizeof *b.f, &err), sv_alloc(n, sizeof *b.d, &err) };
    for (size_t i = 0; i < n; i++) b.d[i] = b.f[i] = (float)real();
    return b;
}

static void drop(struct both b) { sv_free(b.f), sv_free(b.d); }

static double inner(const double *a, const double *b, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

/* got [n] is d loss / d p, to 1e-5 of the gradient's size. */
static void check(const char *what, double (*loss)(void *), void *arg, double *p, size_t n, const float *got) {
    double worst = 0, size = 1e-3;
    for (size_t i = 0; i < n; i++) {
        const double was = p[i], h = 1e-5;
        p[i] = was + h;
        const double up = loss(arg);
        p[i] = was - h;
        const double slope = (up - loss(arg)) / (2 * h);
        p[i] = was;
        size = fmax(size, fabs(slope)), worst = fmax(worst, fabs(slope - got[i]));
        cr_assert(isfinite(got[i]));
    }
    cr_assert(worst <= 1e-5 * size, "%s [%zu]: off by %g of %g", what, n, worst, size);
}

static void same(const char *what, const float *got, const double *want, size_t n) {
    for (size_t i = 0; i < n; i++)
        cr_assert(fabs(got[i] - want[i]) <= 2e-5 * (1 + fabs(want[i])), "%s: %g at %zu, want %g", what, (double)got[i], i, want[i]);
}

/* The plain formulas. */

static void plain_linear(double *y, const double *x, const double *w, const double *b, size_t rows, size_t out, size_t in) {
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < out; o++) y[r * out + o] = (b ? b[o] : 0) + inner(x + r * in, w + o * in, in);
}

static void plain_norm(double *y, const double *x, const double *gain, const double *bias, size_t rows, size_t n, double eps) {
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        double mean = 0, var = 0;
        for (size_t i = 0; i < n; i++) mean += x[i] / (double)n;
        for (size_t i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean) / (double)n;
        for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) / sqrt(var + eps) * gain[i] + bias[i];
    }
}

static double plain_act(enum sv_act act, double x) {
    return act == SV_ACT_QUICK ? x / (1 + exp(-1.702 * x)) : act == SV_ACT_GELU ? 0.5 * x * erfc(-x * sqrt(0.5)) : x;
}

/* Rows first .. last - 1 of one head, of which row i sees those up to i (causal) or all. */
static void plain_head(double *out, const double *q, size_t first, size_t last, size_t w, size_t d, bool causal) {
    double p[64];
    for (size_t i = first; i < last; i++) {
        const size_t end = causal ? i + 1 : last;
        double sum = 0;
        for (size_t j = first; j < end; j++) sum += p[j - first] = exp(inner(q + i * 3 * w, q + j * 3 * w + w, d) / sqrt((double)d));
        for (size_t t = 0; t < d; t++) out[i * w + t] = 0;
        for (size_t j = first; j < end; j++)
            for (size_t t = 0; t < d; t++) out[i * w + t] += p[j - first] / sum * q[j * 3 * w + 2 * w + t];
    }
}

/* x [rows, W] through the blocks whose parameters lie one behind the other in p. */
static void plain_stack(double *x, const double *p, const struct sv_stack *s, const struct sv_seqs *q) {
    const size_t rows = sv_seqs_rows(q), w = s->width, m = s->mlp;
    double *normed = sv_alloc(rows * w, sizeof *normed, &err), *wide = sv_alloc(rows * (3 * w + m), sizeof *wide, &err);
    for (size_t i = 0; i < s->layers; i++) {
        const double *qkv = p + 2 * w, *out = qkv + 3 * w * w + 3 * w, *ln2 = out + w * w + w, *fc1 = ln2 + 2 * w, *fc2 = fc1 + m * w + m;
        plain_norm(normed, x, p, p + w, rows, w, s->eps);
        plain_linear(wide, normed, qkv, qkv + 3 * w * w, rows, 3 * w, w);
        for (size_t h = 0; h < s->heads; h++)
            for (size_t b = 0; b < q->batch; b++)
                plain_head(normed + h * w / s->heads, wide + h * w / s->heads, sv_seqs_first(q, b), sv_seqs_first(q, b + 1), w, w / s->heads, s->causal);
        plain_linear(wide, normed, out, out + w * w, rows, w, w);
        for (size_t t = 0; t < rows * w; t++) x[t] += wide[t];
        plain_norm(normed, x, ln2, ln2 + w, rows, w, s->eps);
        plain_linear(wide, normed, fc1, fc1 + m * w, rows, m, w);
        for (size_t t = 0; t < rows * m; t++) wide[t] = plain_act(s->act, wide[t]);
        plain_linear(normed, wide, fc2, fc2 + w * m, rows, w, m);
        for (size_t t = 0; t < rows * w; t++) x[t] += normed[t];
        p = fc2 + w * m + w;
    }
    sv_free(normed), sv_free(wide);
}

/* One layer at a time. */

struct layer { size_t rows, out, in; enum sv_act act; double eps, *x, *w, *b, *c, *y; };

static double linear_loss(void *arg) {
    const struct layer *l = arg;
    plain_linear(l->y, l->x, l->w, l->b, l->rows, l->out, l->in);
    return inner(l->y, l->c, l->rows * l->out);
}

static void check_linear(const struct sv_cpu *c, size_t rows, size_t out, size_t in) {
    struct both x = both(rows * in), w = both(out * in), b = both(out), dy = both(rows * out), y = both(rows * out);
    struct both dx = both(rows * in), dw = both(out * in), db = both(out), old = both(out * in), oldb = both(out);
    memcpy(dw.f, old.f, out * in * sizeof *dw.f), memcpy(db.f, oldb.f, out * sizeof *db.f);
    float *panel = sv_alloc(sv_pack_floats(c->kern, SV_F32, out, in), sizeof *panel, &err);
    float *turned = sv_alloc(sv_pack_floats(c->kern, SV_F32, in, out), sizeof *turned, &err);
    float *scratch = sv_alloc(sv_linear_floats(c, rows, out, in), sizeof *scratch, &err);
    struct sv_linear l = { .w = sv_pack_f32(c, panel, w.f, out, in), .bias = b.f, .dw = dw.f, .dbias = db.f };
    l.turned = sv_turn(c, turned, &l.w);
    struct layer ref = { .rows = rows, .out = out, .in = in, .x = x.d, .w = w.d, .b = b.d, .c = dy.d, .y = y.d };
    sv_linear_back(c, &l, dx.f, dy.f, x.f, rows, scratch);
    for (size_t i = 0; i < out * in; i++) dw.f[i] -= old.f[i];
    for (size_t i = 0; i < out; i++) db.f[i] -= oldb.f[i];
    check("linear dx", linear_loss, &ref, x.d, x.n, dx.f);
    check("linear dw", linear_loss, &ref, w.d, w.n, dw.f);
    check("linear dbias", linear_loss, &ref, b.d, b.n, db.f);
    float *again = sv_alloc(rows * in, sizeof *again, &err);
    l.dw = l.dbias = NULL;              /* frozen: x is not needed */
    sv_linear_back(c, &l, again, dy.f, NULL, rows, scratch);
    cr_assert(!memcmp(again, dx.f, rows * in * sizeof *again));
    drop(x), drop(w), drop(b), drop(dy), drop(y), drop(dx), drop(dw), drop(db), drop(old), drop(oldb);
    sv_free(panel), sv_free(turned), sv_free(scratch), sv_free(again);
}

Test(grad, linear) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(3, &err) };
        for (size_t t = 0; t < 12; t++) check_linear(&c, t ? pick(1, 40) : 1, t ? pick(1, 40) : 1, t ? pick(1, 40) : 1);
        sv_pool_free(c.pool);
    }
}

static double act_loss(void *arg) {
    const struct layer *l = arg;
    double sum = 0;
    for (size_t i = 0; i < l->rows; i++) sum += l->c[i] * plain_act(l->act, l->x[i]);
    return sum;
}

Test(grad, activations) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (enum sv_act act = SV_ACT_NONE; act <= SV_ACT_GELU; act++)
            for (size_t n = 0; n < 9000; n = 3 * n + 1) {
                struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(2, &err) };
                struct both x = both(n), dy = both(n), y = both(n);
                for (size_t i = 0; i < n; i++) x.d[i] = x.f[i] *= 4;
                struct layer ref = { .rows = n < 200 ? n : 200, .act = act, .x = x.d, .c = dy.d };
                sv_act(&c, act, y.f, x.f, n);
                for (size_t i = 0; i < n; i++) y.d[i] = plain_act(act, x.d[i]);
                same("activation", y.f, y.d, n);
                sv_act_back(&c, act, dy.f, x.f, n);
                check("activation", act_loss, &ref, x.d, ref.rows, dy.f);
                drop(x), drop(dy), drop(y), sv_pool_free(c.pool);
            }
}

static double norm_loss(void *arg) {
    const struct layer *l = arg;
    plain_norm(l->y, l->x, l->w, l->b, l->rows, l->in, l->eps);
    return inner(l->y, l->c, l->rows * l->in);
}

Test(grad, layernorm) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t t = 0; t < 12; t++) {
            struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(3, &err) };
            const size_t rows = pick(1, 9), n = pick(2, 150), stride = n + t % 3;
            struct both x = both(rows * n), gain = both(n), bias = both(n), dy = both(rows * n), y = both(rows * n), dx = both(rows * stride);
            struct both dgain = both(n), dbias = both(n), apart = both(rows * stride), old = both(rows * stride), stats = both(2 * rows);
            memcpy(old.f, dx.f, rows * stride * sizeof *old.f);
            memset(dgain.f, 0, n * sizeof *dgain.f), memset(dbias.f, 0, n * sizeof *dbias.f);
            for (size_t r = 0; r < rows; r++) memcpy(apart.f + r * stride, x.f + r * n, n * sizeof *x.f);
            const struct sv_norm p = { gain.f, bias.f, 1e-3f, dgain.f, dbias.f };
            sv_norm_back(&c, dx.f, dy.f, apart.f, stride, rows, n, &p, stats.f);
            for (size_t i = 0; i < rows * stride; i++) dx.f[i] -= old.f[i];
            for (size_t r = 0; r < rows; r++) memmove(dx.f + r * n, dx.f + r * stride, n * sizeof *x.f);
            struct layer ref = { .rows = rows, .in = n, .eps = p.eps, .x = x.d, .w = gain.d, .b = bias.d, .c = dy.d, .y = y.d };
            check("layernorm dx", norm_loss, &ref, x.d, x.n, dx.f);
            check("layernorm dgain", norm_loss, &ref, gain.d, n, dgain.f);
            check("layernorm dbias", norm_loss, &ref, bias.d, n, dbias.f);
            drop(x), drop(gain), drop(bias), drop(dy), drop(y), drop(dx), drop(dgain), drop(dbias), drop(apart), drop(old), drop(stats);
            sv_pool_free(c.pool);
        }
}

static double unit_loss(void *arg) {
    const struct layer *l = arg;
    double sum = 0;
    for (size_t r = 0; r < l->rows; r++) {
        const double *x = l->x + r * l->in;
        sum += inner(x, l->c + r * l->in, l->in) / sqrt(inner(x, x, l->in));
    }
    return sum;
}

Test(grad, unit) {
    struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(2, &err) };
    for (size_t t = 0; t < 9; t++) {
        const size_t rows = pick(1, 7), n = pick(1, 70);
        struct both x = both(rows * n), dy = both(rows * n);
        struct layer ref = { .rows = rows, .in = n, .x = x.d, .c = dy.d };
        sv_unit_back(&c, dy.f, dy.f, x.f, rows, n);
        check("unit", unit_loss, &ref, x.d, x.n, dy.f);
        memset(x.f, 0, x.n * sizeof *x.f);
        sv_unit_back(&c, dy.f, dy.f, x.f, rows, n);
        for (size_t i = 0; i < x.n; i++) cr_assert_eq(dy.f[i], 0);
        drop(x), drop(dy);
    }
    sv_pool_free(c.pool);
}

Test(grad, embedding_adds_every_row_to_its_entry) {
    struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(3, &err) };
    enum { ROWS = 23, ENTRIES = 5, W = 131 };
    int32_t ids[ROWS];
    struct both dx = both(ROWS * W), table = both(ENTRIES * W);
    for (size_t r = 0; r < ROWS; r++) ids[r] = (int32_t)pick(0, ENTRIES + 1) - 1;        /* -1 and 5 are read as 0 */
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < W; i++) table.d[sv_entry(ids[r], ENTRIES) * W + i] += dx.d[r * W + i];
    sv_embed_back(&c, table.f, ENTRIES, ids, dx.f, ROWS, W);
    same("embedding", table.f, table.d, ENTRIES * W);
    drop(dx), drop(table), sv_pool_free(c.pool);
}

/* The stack: all its parameters and its input, over sequences of many lengths. */

struct model { struct sv_stack s; struct sv_flat flat; struct sv_block block[4]; void *mem; };

static void model_open(struct model *m, const struct sv_cpu *c, const struct sv_stack *s, bool frozen) {
    struct sv_store store;
    cr_assert(!sv_store_init(&store, "random", &err));
    struct sv_fill f = { &store, sv_rng(&rng), 0, &err };
    sv_fill_blocks(&f, "x.", s);
    *m = (struct model){ .s = *s };
    cr_assert(!f.rc && !sv_flat_init(&m->flat, &store, "x.", &err), "%s", err.msg);
    sv_store_free(&store);
    struct sv_arena a = {0};
    for (int placed = 0; placed < 2; placed++) {
        struct sv_load l = { .store = &m->flat.store, .cpu = c, .arena = &a, .err = &err, .back = true, .flat = frozen ? NULL : &m->flat };
        for (size_t i = 0; i < s->layers; i++) m->block[i] = sv_block_load(&l, "x.", i, s);
        cr_assert(!l.rc, "%s", err.msg);
        if (!placed) m->mem = sv_alloc(a.used, 1, &err), a = (struct sv_arena){ .base = m->mem, .cap = a.used };
    }
}

static void model_free(struct model *m) { sv_flat_free(&m->flat), sv_free(m->mem); }

struct trial { const struct sv_stack *s; const struct sv_seqs *q; double *x, *p, *c, *y; };

static double stack_loss(void *arg) {
    const struct trial *t = arg;
    const size_t n = sv_seqs_rows(t->q) * t->s->width;
    memcpy(t->y, t->x, n * sizeof *t->y);
    plain_stack(t->y, t->p, t->s, t->q);
    return inner(t->y, t->c, n);
}

static void check_stack(const struct sv_cpu *c, const struct sv_stack *s, const struct sv_seqs *q) {
    struct model m;
    model_open(&m, c, s, false);
    struct sv_trip t = { .seqs = *q };
    const size_t n = sv_seqs_rows(q) * s->width;
    struct both x = both(n), dy = both(n), p = both(m.flat.n), y = both(n);
    for (size_t i = 0; i < p.n; i++) p.d[i] = m.flat.params[i];
    float *scratch = sv_alloc(sv_trip_floats(c, s, &t), sizeof *scratch, &err);
    t.kept = sv_alloc(sv_trip_kept(s, &t), sizeof *t.kept, &err);
    memcpy(y.f, x.f, n * sizeof *y.f);
    sv_stack_there(c, s, m.block, y.f, &t, scratch);
    struct trial ref = { s, q, x.d, p.d, dy.d, y.d };
    stack_loss(&ref);
    same("stack", y.f, y.d, n);
    sv_stack_back(c, s, m.block, dy.f, &t, scratch);
    check("stack dx", stack_loss, &ref, x.d, n, dy.f);
    check("stack dw", stack_loss, &ref, p.d, p.n, m.flat.grads);
    sv_free(scratch), sv_free(t.kept), drop(x), drop(dy), drop(p), drop(y), model_free(&m);
}

Test(grad, stack) {
    const size_t start[] = { 0, 5, 6, 13 };
    const struct sv_seqs ragged = { .batch = 3, .len = 7, .start = start }, even = { .batch = 2, .len = 5 };
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t t = 0; t < 4; t++) {
            struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(1 + t, &err) };
            const struct sv_stack s = { 6, 1 + t % 2, 1 + t % 3, 11, t & 1 ? SV_ACT_QUICK : SV_ACT_GELU, 1e-5f, t & 2 };
            struct sv_seqs q = t % 3 ? ragged : even;
            q.causal = s.causal;
            check_stack(&c, &s, &q);
            sv_pool_free(c.pool);
        }
}

/* Sequences behind a common prefix: a trip of the prefix and one of the rest say and give back what whole sequences do. */
static void check_prefix(const struct sv_cpu *c, const struct sv_stack *s, size_t prefix, const size_t *start, size_t batch) {
    enum { MOST = 64 };
    size_t whole[8] = { 0 }, longest = 0;
    for (size_t b = 0; b < batch; b++) {
        whole[b + 1] = whole[b] + prefix + start[b + 1] - start[b];
        longest = sv_max(longest, start[b + 1] - start[b]);
    }
    struct model m;
    model_open(&m, c, s, false);
    const size_t w = s->width, rows = start[batch], all = whole[batch], pw = prefix * w;
    struct both x = both((prefix + rows) * w), dy = both((prefix + rows) * w), y = both(MOST * w), dx = both(MOST * w);
    memset(dy.f, 0, pw * sizeof *dy.f);
    for (size_t b = 0; b < batch; b++) {
        memcpy(y.f + whole[b] * w, x.f, pw * sizeof *y.f), memset(dx.f + whole[b] * w, 0, pw * sizeof *dx.f);
        memcpy(y.f + whole[b] * w + pw, x.f + pw + start[b] * w, (start[b + 1] - start[b]) * w * sizeof *y.f);
        memcpy(dx.f + whole[b] * w + pw, dy.f + pw + start[b] * w, (start[b + 1] - start[b]) * w * sizeof *y.f);
    }
    struct sv_trip one = { .seqs = { .batch = batch, .len = prefix + longest, .start = whole, .causal = true } };
    struct sv_trip head = { .seqs = { .batch = 1, .len = prefix, .causal = true } };
    struct sv_trip tail = { .seqs = { .batch = batch, .len = longest, .start = start, .prefix = prefix, .causal = true } };
    const size_t floats = sv_max(sv_trip_floats(c, s, &one), sv_max(sv_trip_floats(c, s, &head), sv_trip_floats(c, s, &tail)));
    float *scratch = sv_alloc(floats, sizeof *scratch, &err), *grads = sv_alloc(m.flat.n, sizeof *grads, &err);
    one.kept = sv_alloc(sv_trip_kept(s, &one), sizeof *one.kept, &err), head.kept = sv_alloc(sv_trip_kept(s, &head), sizeof *one.kept, &err);
    tail.kept = sv_alloc(sv_trip_kept(s, &tail), sizeof *tail.kept, &err), tail.prefix = head.kept;
    float *dprefix = sv_alloc(s->layers * 3 * pw, sizeof *dprefix, &err);
    tail.dprefix = dprefix, head.later = dprefix;
    sv_stack_there(c, s, m.block, y.f, &one, scratch), sv_stack_back(c, s, m.block, dx.f, &one, scratch);
    memcpy(grads, m.flat.grads, m.flat.n * sizeof *grads), memset(m.flat.grads, 0, m.flat.n * sizeof *grads);
    sv_stack_there(c, s, m.block, x.f, &head, scratch), sv_stack_there(c, s, m.block, x.f + pw, &tail, scratch);
    sv_stack_back(c, s, m.block, dy.f + pw, &tail, scratch), sv_stack_back(c, s, m.block, dy.f, &head, scratch);
    for (size_t b = 0; b < batch; b++) {
        const size_t n = (start[b + 1] - start[b]) * w;
        for (size_t i = 0; i < n; i++) {
            cr_assert(fabsf(x.f[pw + start[b] * w + i] - y.f[whole[b] * w + pw + i]) < 2e-5f);
            cr_assert(fabsf(dy.f[pw + start[b] * w + i] - dx.f[whole[b] * w + pw + i]) < 2e-5f);
        }
        for (size_t i = 0; i < pw; i++) dy.f[i] -= dx.f[whole[b] * w + i];
    }
    for (size_t i = 0; i < pw; i++) cr_assert(fabsf(dy.f[i]) < 5e-5f, "prefix dx at %zu: off by %g", i, (double)dy.f[i]);
    for (size_t i = 0; i < m.flat.n; i++) cr_assert(fabsf(grads[i] - m.flat.grads[i]) < 1e-4f, "dw at %zu: %g and %g", i, (double)grads[i], (double)m.flat.grads[i]);
    cr_assert(all <= MOST);
    sv_free(scratch), sv_free(grads), sv_free(dprefix), sv_free(one.kept), sv_free(head.kept), sv_free(tail.kept);
    drop(x), drop(dy), drop(y), drop(dx), model_free(&m);
}

Test(grad, prefix_once_or_in_every_sequence) {
    const size_t start[] = { 0, 3, 4, 9, 15 };
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t prefix = 1; prefix < 10; prefix += 4) {
            struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(2, &err) };
            const struct sv_stack s = { 12, 2, 2, 17, SV_ACT_QUICK, 1e-5f, true };
            check_prefix(&c, &s, prefix, start, 4);
            sv_pool_free(c.pool);
        }
}

/* The way there has the bits of the plain forward pass; both ways have the same bits for any number of threads, and a frozen
 * stack gives the same back. */
Test(grad, stack_same_bits) {
    enum { BATCH = 5, LEN = 17, W = 96, FLOATS = BATCH * LEN * W };
    const struct sv_stack s = { W, 2, 3, 200, SV_ACT_QUICK, 1e-5f, false };
    static float x[FLOATS], y[FLOATS], dy[FLOATS], dx[FLOATS], first[FLOATS], *grads;
    for (size_t i = 0; i < FLOATS; i++) x[i] = (float)real(), dy[i] = (float)real();
    for (size_t threads = 1; threads <= 5; threads++)
        for (int frozen = 0; frozen < 2; frozen++) {
            struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(threads, &err) };
            struct model m;
            rng = 7;
            model_open(&m, &c, &s, frozen);
            struct sv_trip t = { .seqs = { .batch = BATCH, .len = LEN }, .frozen = frozen };
            float *scratch = sv_alloc(sv_max(sv_trip_floats(&c, &s, &t), sv_stack_floats(&c, &s, BATCH, LEN)), sizeof *scratch, &err);
            t.kept = sv_alloc(sv_trip_kept(&s, &t), sizeof *t.kept, &err);
            memcpy(y, x, sizeof x), memcpy(dx, x, sizeof x);
            sv_stack_forward(&c, &s, m.block, y, BATCH, LEN, scratch);
            sv_stack_there(&c, &s, m.block, dx, &t, scratch);
            cr_assert(!memcmp(y, dx, sizeof y));
            memcpy(dx, dy, sizeof dy);
            sv_stack_back(&c, &s, m.block, dx, &t, scratch);
            if (threads == 1 && !frozen) {
                memcpy(first, dx, sizeof dx);
                grads = sv_alloc(m.flat.n, sizeof *grads, &err);
                memcpy(grads, m.flat.grads, m.flat.n * sizeof *grads);
            }
            cr_assert(!memcmp(first, dx, sizeof dx), "dx: %zu threads, frozen %d", threads, frozen);
            cr_assert(frozen || !memcmp(grads, m.flat.grads, m.flat.n * sizeof *grads), "dw: %zu threads", threads);
            sv_free(scratch), sv_free(t.kept), model_free(&m), sv_pool_free(c.pool);
        }
    sv_free(grads);
}
