#include "nn/muon.h"

#include "core/gemm.h"

#include <math.h>
#include <string.h>

enum { STEPS = 5 };

struct work { size_t side; float *x, *next, *a, *b, *panel, *gemm; };

static size_t carve(struct work *w, const struct sv_cpu *c, size_t rows, size_t cols, float *scratch) {
    struct sv_arena a = { .base = (char *)scratch, .cap = SIZE_MAX };
    const size_t most = sv_max(rows, cols);
    w->side = sv_min(rows, cols);
    w->x = SV_TAKE(&a, float, rows * cols), w->next = SV_TAKE(&a, float, rows * cols);
    w->a = SV_TAKE(&a, float, w->side * w->side), w->b = SV_TAKE(&a, float, w->side * w->side);
    w->panel = SV_TAKE(&a, float, sv_max(sv_pack_floats(c->kern, SV_F32, rows, cols), sv_pack_floats(c->kern, SV_F32, cols, rows)));
    w->gemm = SV_TAKE(&a, float, sv_gemm_floats(c, most, most));
    return a.used / sizeof(float);
}

size_t sv_muon_floats(const struct sv_cpu *c, size_t rows, size_t cols) { return carve(&(struct work){0}, c, rows, cols, NULL); }

/* x = p(x) with p(s) = 3.4445 s - 4.775 s^3 + 2.0315 s^5 on the singular values: A = x x^T or x^T x, whichever is smaller. */
static void newton_schulz(const struct sv_cpu *c, struct work *w, size_t rows, size_t cols) {
    const size_t n = w->side;
    const bool wide = rows <= cols;
    struct sv_packed p = wide ? sv_pack_f32(c, w->panel, w->x, rows, cols) : sv_pack_turned(c, w->panel, w->x, cols, cols, rows);
    if (wide) sv_gemm(c, w->a, n, w->x, cols, rows, &p, NULL, w->gemm);
    else sv_gemm_turned(c, w->a, n, w->x, cols, cols, &p, NULL, w->gemm);
    p = sv_pack_f32(c, w->panel, w->a, n, n);
    sv_gemm(c, w->b, n, w->a, n, n, &p, NULL, w->gemm);
    for (size_t i = 0; i < n * n; i++) w->b[i] = 2.0315f * w->b[i] - 4.7750f * w->a[i];
    for (size_t i = 0; i < n; i++) w->b[i * n + i] += 3.4445f;
    if (wide) p = sv_pack_turned(c, w->panel, w->x, cols, cols, rows), sv_gemm(c, w->next, cols, w->b, n, n, &p, NULL, w->gemm);
    else p = sv_pack_f32(c, w->panel, w->b, n, n), sv_gemm(c, w->next, cols, w->x, cols, rows, &p, NULL, w->gemm);
    float *x = w->x;
    w->x = w->next, w->next = x;
}

void sv_muon_step(const struct sv_cpu *c, const struct sv_muon *o, double lr, float *w, float *m, const float *g, size_t rows, size_t cols,
                  float *scratch) {
    const size_t n = rows * cols;
    const float beta = (float)o->beta, keep = (float)(1 - lr * o->decay), size = (float)(-lr * 0.2 * sqrt((double)sv_max(rows, cols)));
    struct work k;
    double square = 0;
    carve(&k, c, rows, cols, scratch);
    for (size_t i = 0; i < n; i++) {
        m[i] = beta * m[i] + g[i];
        k.x[i] = g[i] + beta * m[i];
        square += (double)k.x[i] * (double)k.x[i];
    }
    const float unit = (float)(1 / (sqrt(square) + 1e-12));
    for (size_t i = 0; i < n; i++) k.x[i] *= unit;
    for (size_t i = 0; i < STEPS; i++) newton_schulz(c, &k, rows, cols);
    for (size_t i = 0; i < n; i++) w[i] = w[i] * keep + size * k.x[i];
}
