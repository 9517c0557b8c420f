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

void sv_unit_rows(float *y, const float *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        double sum = 0;
        for (size_t i = 0; i < width; i++) sum += (double)x[i] * x[i];
        const double scale = sum > 0 ? 1 / sqrt(sum) : sum;      /* zero stays zero, NaN stays NaN */
        for (size_t i = 0; i < width; i++) y[i] = (float)(x[i] * scale);
    }
}
