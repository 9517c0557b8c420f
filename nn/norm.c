#include "nn/norm.h"

#include <math.h>

struct job { const struct sv_cpu *c; float *y; const float *x; size_t stride, width; const struct sv_norm *p; };

static void some_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        j->c->kern->norm(j->y + i * j->width, j->x + i * j->stride, j->p->gain, j->p->bias, j->width, j->p->eps);
}

void sv_norm_rows(const struct sv_cpu *c, float *y, const float *x, size_t stride, size_t rows, size_t width, const struct sv_norm *p) {
    struct job j = { c, y, x, stride, width, p };
    sv_pool_for(c->pool, rows, some_rows, &j);
}

void sv_normed_row(const void *normed, size_t i, float *out) {
    const struct sv_normed *n = normed;
    n->c->kern->norm(out, n->x + i * n->stride, n->p->gain, n->p->bias, n->width, n->p->eps);
}

struct back { const struct sv_cpu *c; float *dx; const float *dy, *x; size_t stride, rows, width; const struct sv_norm *p; float *stats; };

static void back_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct back *j = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        j->c->kern->dnorm(j->dx + i * j->stride, j->dy + i * j->width, j->x + i * j->stride, j->p->gain, j->width, j->p->eps, j->stats + 2 * i);
}

enum { COLUMNS = 64 };

/* Row after row, so that the sums do not depend on the threads, which share out the columns. */
static void back_columns(void *arg, size_t begin, size_t end, size_t thread) {
    const struct back *j = arg;
    const size_t last = sv_min(end * COLUMNS, j->width);
    (void)thread;
    for (size_t r = 0; r < j->rows; r++) {
        const float mean = j->stats[2 * r], inv = j->stats[2 * r + 1], *dy = j->dy + r * j->width, *x = j->x + r * j->stride;
        for (size_t i = begin * COLUMNS; i < last; i++) {
            j->p->dgain[i] += dy[i] * ((x[i] - mean) * inv);
            j->p->dbias[i] += dy[i];
        }
    }
}

void sv_norm_back(const struct sv_cpu *c, float *dx, const float *dy, const float *x, size_t stride, size_t rows, size_t width,
                  const struct sv_norm *p, float *stats) {
    struct back j = { c, dx, dy, x, stride, rows, width, p, stats };
    sv_pool_for(c->pool, rows, back_rows, &j);
    if (p->dgain) sv_pool_for(c->pool, sv_ceil_div(width, COLUMNS), back_columns, &j);
}

void sv_unit_rows(float *y, const float *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        double sum = 0;
        for (size_t i = 0; i < width; i++) sum += (double)x[i] * x[i];
        const double scale = sum > 0 ? 1 / sqrt(sum) : sum;      /* zero stays zero, NaN stays NaN */
        for (size_t i = 0; i < width; i++) y[i] = (float)(x[i] * scale);
    }
}

struct unit { float *dx; const float *dy, *x; size_t width; };

static void back_units(void *arg, size_t begin, size_t end, size_t thread) {
    const struct unit *j = arg;
    (void)thread;
    for (size_t r = begin; r < end; r++) {
        const float *x = j->x + r * j->width, *dy = j->dy + r * j->width;
        double square = 0, along = 0;
        for (size_t i = 0; i < j->width; i++) square += (double)x[i] * x[i], along += (double)x[i] * dy[i];
        const double inv = square > 0 ? 1 / sqrt(square) : square, share = square > 0 ? along / square : 0;
        for (size_t i = 0; i < j->width; i++) j->dx[r * j->width + i] = (float)((dy[i] - x[i] * share) * inv);
    }
}

void sv_unit_back(const struct sv_cpu *c, float *dx, const float *dy, const float *x, size_t rows, size_t width) {
    struct unit j = { dx, dy, x, width };
    sv_pool_for(c->pool, rows, back_units, &j);
}
