/* kern_scalar.c - the meaning of every kernel, as the plainest loop that says it. */
#include "core/half.h"
#include "core/kern.h"

#include <math.h>
#include <string.h>

static float dot(const float *a, const float *b, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += (double)a[i] * b[i];
    return (float)s;
}

static void axpy(float *y, float s, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += s * x[i];
}

static void norm(float *y, const float *x, const float *gain, const float *bias, size_t n, float eps) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
    const double inv = 1 / sqrt(square / (double)n + eps);
    for (size_t i = 0; i < n; i++) y[i] = (float)((x[i] - mean) * inv * gain[i] + bias[i]);
}

static void softmax(float *x, size_t n, float scale) {
    float max = x[0];
    double sum = 0;
    for (size_t i = 1; i < n; i++) max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++) sum += x[i] = expf(scale * (x[i] - max));
    for (size_t i = 0; i < n; i++) x[i] = (float)(x[i] / sum);
}

static void quick(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] / (1 + expf(-1.702f * x[i]));
}

static void gelu(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] * (0.5f * erfcf(-0.70710678f * x[i]));
}

static void dquick(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const float s = 1 / (1 + expf(-1.702f * x[i]));
        y[i] *= s * (1 + 1.702f * x[i] * (1 - s));
    }
}

static void dgelu(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] *= 0.5f * erfcf(-0.70710678f * x[i]) + x[i] * (0.39894228f * expf(-0.5f * x[i] * x[i]));
}

static void dnorm(float *dx, const float *dy, const float *x, const float *gain, size_t n, float eps, float stat[2]) {
    double mean = 0, square = 0, sum = 0, slope = 0;
    for (size_t i = 0; i < n; i++) mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
    const double inv = 1 / sqrt(square / (double)n + eps);
    for (size_t i = 0; i < n; i++) {
        const double g = (double)dy[i] * gain[i];
        sum += g, slope += g * (x[i] - mean) * inv;
    }
    for (size_t i = 0; i < n; i++)
        dx[i] += (float)(inv * ((double)dy[i] * gain[i] - sum / (double)n - (x[i] - mean) * inv * slope / (double)n));
    stat[0] = (float)mean, stat[1] = (float)inv;
}

static void half(float *y, const uint16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = sv_f16_f32(x[i]);
}

static void bhalf(float *y, const uint16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = sv_bf16_f32(x[i]);
}

enum { MR = 4, NR = 4 };

static void tile(float *c, size_t ldc, size_t m, size_t n, size_t k, const float *ap, const float *bp, bool add) {
    float s[MR][NR] = { { 0 } };
    for (; k; k--, ap += MR, bp += NR)
        for (size_t i = 0; i < MR; i++)
            for (size_t j = 0; j < NR; j++) s[i][j] += ap[i] * bp[j];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = add ? c[i * ldc + j] + s[i][j] : s[i][j];
}

static void pack(float *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k) {
    for (size_t p = 0; p < k; p++)
        for (size_t i = 0; i < wide; i++) *out++ = i < m ? x[i * ldx + p] : 0;
}

static void peak(float *x, float a, float b, size_t k) {
    float s[MR * NR];
    memcpy(s, x, sizeof s);
    for (; k; k--)
#pragma GCC unroll 16
        for (size_t i = 0; i < MR * NR; i++) s[i] = a * s[i] + b;
    memcpy(x, s, sizeof s);
}

extern const struct sv_kern sv_kern_scalar;
const struct sv_kern sv_kern_scalar = {
    .isa = "scalar", .mr = MR, .nr = NR, .kc = 256,
#define X(ret, name, args) .name = name,
    SV_KERN_OPS(X)
#undef X
};
