#include "nn/round.h"

#include "nn/linear.h"
#include <math.h>
#include <string.h>

enum { TOGETHER = 16 };                 /* rows that pass over others while these are in L1; rows of w that a row of M serves */

/* dw += dy^T x with dy = x. */
static struct sv_linear square(float *moment, size_t k) { return (struct sv_linear){ .w = { .n = k, .k = k }, .dw = moment }; }

size_t sv_moment_floats(const struct sv_cpu *c, size_t rows, size_t k) { return sv_linear_floats(c, rows, k, k); }

void sv_moment_add(const struct sv_cpu *c, float *moment, const float *x, size_t rows, size_t k, float *scratch) {
    const struct sv_linear l = square(moment, k);
    sv_linear_back(c, &l, NULL, x, x, rows, scratch);
}

struct factor { const struct sv_cpu *c; float *h; size_t k, low, high; };

/* Takes rows low .. high - 1 of M, which are done but for d, out of a row above them: h[i, :] -= sum over j of d[j] M[j, i] M[j, :]. */
static void take_out(const struct factor *f, size_t i, size_t low, size_t high) {
    for (size_t j = high; j-- > low;) {
        const float *row = f->h + j * f->k, d = row[j];
        if (d > 0) f->c->kern->axpy(f->h + i * f->k, -row[i] / d, row, i + 1);
    }
}

static void take_out_of(void *arg, size_t begin, size_t end, size_t thread) {
    const struct factor *f = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) take_out(f, i, f->low, f->high);
}

void sv_moment_factor(const struct sv_cpu *c, float *moment, size_t k) {
    struct factor f = { .c = c, .h = moment, .k = k };
    double trace = 0;
    for (size_t j = 0; j < k; j++) trace += moment[j * k + j];
    const bool finite = isfinite(trace) && trace > 0;
    const float more = (float)(trace / (double)k / 100);
    for (size_t j = 0; finite && j < k; j++) moment[j * k + j] += more;
    /* Row j is d[j] M[j, :] once the rows below it are taken out; from the last row up. */
    for (f.high = k; finite && f.high; f.high = f.low) {
        f.low = f.high - sv_min(TOGETHER, f.high);
        for (size_t j = f.high; j-- > f.low;) take_out(&f, j, j + 1, f.high);
        sv_pool_for(c->pool, f.low, take_out_of, &f);
    }
    for (size_t j = 0; j < k; j++) {
        float *row = moment + j * k;
        const float d = row[j];
        for (size_t i = 0; i < k; i++) row[i] = i == j ? 1 : i < j && finite && d > 0 ? row[i] / d : 0;
    }
}

struct rounding { const struct sv_cpu *c; int8_t *q; float *scale; const float *w, *m; float *e; size_t n, k; };

static void some_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct rounding *g = arg;
    const size_t k = g->k;
    (void)thread;
    for (size_t first = begin * TOGETHER; first < sv_min(end * TOGETHER, g->n); first += TOGETHER) {
        const size_t last = sv_min(first + TOGETHER, g->n);
        for (size_t r = first; r < last; r++) g->scale[r] = sv_i8_scale(g->w + r * k, k, 0, SV_ANY_PAIR);
        for (size_t j = 0; j < k; j++)
            for (size_t r = first; r < last; r++) {
                float *e = g->e + r * k;
                const float w = g->w[r * k + j], moved = w + g->c->kern->dot(g->m + j * k, e, j);
                const int8_t q = sv_i8(isfinite(moved) ? moved : w, g->scale[r]);
                g->q[r * k + j] = q, e[j] = g->scale[r] > 0 ? w - g->scale[r] * (float)q : 0;
            }
    }
}

void sv_round_rows(const struct sv_cpu *c, int8_t *q, float *scale, const float *w, size_t n, size_t k, const float *factor, float *errors) {
    struct rounding g = { c, q, scale, w, factor, errors, n, k };
    sv_pool_for(c->pool, sv_ceil_div(n, TOGETHER), some_rows, &g);
}
