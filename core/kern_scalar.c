/* kern_scalar.c - the reference: the plainest loop that says what is meant, sums in double where that is free. */
#include "core/half.h"
#include "core/kern.h"

#include <math.h>

static float dot(const float *a, const float *b, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += (double)a[i] * b[i];
    return (float)s;
}

static void axpy(float *y, float s, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += s * x[i];
}

static void norm(float *y, const float *x, const float *gain, const float *bias, size_t n, float eps) {
    double mean = 0, var = 0;
    for (size_t i = 0; i < n; i++) mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean);
    const double scale = 1 / sqrt(var / (double)n + (double)eps);
    for (size_t i = 0; i < n; i++) y[i] = (float)((x[i] - mean) * scale * gain[i] + bias[i]);
}

static void softmax(float *x, size_t n, float scale) {
    float top = x[0];
    double sum = 0;
    for (size_t i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) sum += x[i] = expf(scale * (x[i] - top));
    for (size_t i = 0; i < n; i++) x[i] = (float)(x[i] / sum);
}

static void quick(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] / (1 + expf(-1.702f * x[i]));
}

static void gelu(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = 0.5f * x[i] * (1 + erff(x[i] * 0.70710678f));
}

static void half(float *y, const uint16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = sv_f16_f32(x[i]);
}

static void bhalf(float *y, const uint16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = sv_bf16_f32(x[i]);
}

enum { MR = 4, NR = 4 };

static void tile(float *c, size_t ldc, size_t m, size_t n, size_t k, const float *ap, const float *bp, bool add) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float s = 0;
            for (size_t p = 0; p < k; p++) s += ap[p * MR + i] * bp[p * NR + j];
            c[i * ldc + j] = add ? c[i * ldc + j] + s : s;
        }
}

extern const struct sv_kern sv_kern_scalar;
const struct sv_kern sv_kern_scalar = {
    .isa = "scalar", .mr = MR, .nr = NR, .kc = 256,
    .dot = dot, .axpy = axpy, .norm = norm, .softmax = softmax, .quick = quick, .gelu = gelu, .half = half, .bhalf = bhalf, .tile = tile,
};
