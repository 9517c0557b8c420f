#include "core/rng.h"
#include "nn/activation.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/norm.h"

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
    float *panel = sv_alloc(sv_pack_floats(c->kern, out, in), sizeof *panel, &err);
    float *turned = sv_alloc(sv_pack_floats(c->kern, in, out), sizeof *turned, &err);
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
        struct sv_cpu c = { *k, sv_pool_new(3, &err) };
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
                struct sv_cpu c = { *k, sv_pool_new(2, &err) };
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
            struct sv_cpu c = { *k, sv_pool_new(3, &err) };
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
    struct sv_cpu c = { sv_kern_best(), sv_pool_new(2, &err) };
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
    struct sv_cpu c = { sv_kern_best(), sv_pool_new(3, &err) };
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
