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

enum { MR = 4, NR = 4, WK = 1 };

static void tile(float *c, size_t ldc, size_t m, size_t n, size_t k, const float *ap, const float *bp, bool add) {
    float s[MR][NR] = { { 0 } };
    for (; k; k--, ap += MR, bp += NR)
        for (size_t i = 0; i < MR; i++)
            for (size_t j = 0; j < NR; j++) s[i][j] += ap[i] * bp[j];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = add ? c[i * ldc + j] + s[i][j] : s[i][j];
}

static void finish(void *y, size_t ldy, const float *s, size_t m, size_t n, const float *bias, enum sv_act act, enum sv_put put) {
    float *f = y;
    uint16_t *h = y;
    for (size_t i = 0; i < m; i++, s += NR)
        for (size_t j = 0; j < n; j++) {
            const size_t at = i * ldy + j;
            float x = bias ? s[j] + bias[j] : s[j];
            if (act == SV_ACT_QUICK) quick(&x, &x, 1);
            if (act == SV_ACT_GELU) gelu(&x, &x, 1);
            if (put == SV_ROUND) h[at] = sv_f32_bf16(x);
            else f[at] = put == SV_ADD ? f[at] + x : x;
        }
}

#include "core/kern_plain.h"

static void pack(float *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k) {
    for (size_t p = 0; p < k; p++)
        for (size_t i = 0; i < wide; i++) *out++ = i < m ? x[i * ldx + p] : 0;
}

static void lay(float *out, size_t wide, const float *x, size_t ldx, size_t m, size_t k) {
    for (size_t p = 0; p < k; p++, x += ldx)
        for (size_t i = 0; i < wide; i++) *out++ = i < m ? x[i] : 0;
}

static void peak(float *x, float a, float b, size_t k) {
    float s[MR * NR];
    memcpy(s, x, sizeof s);
    for (; k; k--)
#pragma GCC unroll 16
        for (size_t i = 0; i < MR * NR; i++) s[i] = a * s[i] + b;
    memcpy(x, s, sizeof s);
}

static void span(float *lo, float *hi, const float *x, size_t n) {
    *lo = *hi = n ? x[0] : 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) { *lo = *hi = NAN; return; }
        *lo = x[i] < *lo ? x[i] : *lo, *hi = x[i] > *hi ? x[i] : *hi;
    }
}

/* 1.5 2^23 added and taken away rounds to a whole number, ties to even.  The bounds matter to rows that are not finite. */
static uint32_t to_byte(float v) {
    const float magic = 0x1.8p23f, r = v + magic - magic;
    return r > 0 ? r < 255 ? (uint32_t)r : 255 : 0;
}

static void ipack(uint32_t *out, size_t wide, const float *x, size_t k, float *scale, float *lo) {
    float least, largest;
    span(&least, &largest, x, k);
    const struct sv_steps s = sv_steps(least, largest, 255, 0);
    *scale = s.scale, *lo = s.low;
    for (size_t p = 0; p < k; p += 4, out += wide) {
        *out = 0;
        for (size_t b = 0; b < 4 && p + b < k; b++) *out |= to_byte((x[p + b] - s.from) * s.inv) << 8 * b;
    }
}

static int32_t dot4(uint32_t a, uint32_t b) {
    int32_t s = 0;
    for (size_t i = 0; i < 32; i += 8) s += (int32_t)(a >> i & 255) * (int8_t)(b >> i & 255);
    return s;
}

static void itile(int32_t *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            int32_t s = add ? c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++) s += dot4(ap[p * MR + i], bp[p * NR + j]);
            c[i * ldc + j] = s;
        }
}

static void ifinish(void *y, size_t ldy, const int32_t *s, size_t m, size_t n, const struct sv_bytes *of, const float *bias, enum sv_act act,
                    enum sv_put put) {
    float t[MR * NR];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) t[i * NR + j] = (of->scale[i] * (float)s[i * NR + j] + of->lo[i] * of->sum[j]) * of->w[j];
    finish(y, ldy, t, m, n, bias, act, put);
}

static void product(void *y, size_t ldy, size_t m, size_t n, size_t k, const float *ap, const float *bp, const float *bias, enum sv_act act,
                    enum sv_put put) {
    float s[MR * NR];
    tile(s, NR, m, NR, k, ap, bp, false);
    finish(y, ldy, s, m, n, bias, act, put);
}

static void iproduct(void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const struct sv_bytes *of,
                     const float *bias, enum sv_act act, enum sv_put put) {
    int32_t s[MR * NR];
    itile(s, NR, m, n, k, ap, bp, false);
    ifinish(y, ldy, s, m, n, of, bias, act, put);
}

static void ipeak(int32_t *c, uint32_t a, uint32_t b, size_t k) {
    for (; k; k--)
        for (size_t i = 0; i < MR * NR; i++) c[i] += dot4(a, b);
}

extern const struct sv_kern sv_kern_scalar;
const struct sv_kern sv_kern_scalar = {
    .isa = "scalar", .mr = MR, .nr = NR, .wmr = MR, .wk = WK, .kc = 256, .ibias = 0, .imost = 255, .ipair = SV_ANY_PAIR, .runs = false, .bf16 = false,
#define X(ret, name, args) .name = name,
    SV_KERN_OPS(X)
#undef X
};
