#include "nn/linear.h"

size_t sv_linear_floats(const struct sv_cpu *c, size_t rows, size_t out, size_t in) {
    const size_t panel = sv_ceil_div(sv_pack_floats(c->kern, SV_F32, in, rows), 16) * 16;
    return sv_max(sv_gemm_floats(c, rows, out), panel + sv_gemm_floats(c, out, rows));
}

void sv_linear_back(const struct sv_cpu *c, const struct sv_linear *l, float *dx, const float *dy, const float *x, size_t rows, float *scratch) {
    const size_t out = l->w.n, in = l->w.k;
    if (dx) sv_gemm(c, dx, in, dy, out, rows, &l->turned, NULL, scratch);
    if (l->dw) {
        const struct sv_packed right = sv_pack_turned(c, scratch, x, in, in, rows);
        const struct sv_epilogue add = { .put = SV_ADD };
        sv_gemm_turned(c, l->dw, in, dy, out, out, &right, &add, scratch + sv_ceil_div(sv_pack_floats(c->kern, SV_F32, in, rows), 16) * 16);
    }
    if (l->dbias) sv_column_sums(c, l->dbias, dy, out, rows, out);
}

enum { COLUMNS = 64 };                  /* a thread's share is a multiple of some cache lines */

struct sums { const struct sv_cpu *c; float *sum; const float *x; size_t stride, rows, width; };

static void some_columns(void *arg, size_t begin, size_t end, size_t thread) {
    const struct sums *j = arg;
    const size_t at = begin * COLUMNS, n = sv_min(end * COLUMNS, j->width) - at;
    (void)thread;
    for (size_t r = 0; r < j->rows; r++) j->c->kern->axpy(j->sum + at, 1, j->x + r * j->stride + at, n);
}

void sv_column_sums(const struct sv_cpu *c, float *sum, const float *x, size_t stride, size_t rows, size_t width) {
    struct sums j = { c, sum, x, stride, rows, width };
    sv_pool_for(c->pool, sv_ceil_div(width, COLUMNS), some_columns, &j);
}
