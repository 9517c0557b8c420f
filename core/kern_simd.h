/* kern_simd.h - the vector kernels, written once over vec_*.h.
 * The including file defines ISA (table suffix), MR and NV (tile = MR x NV * VW). */
#include "core/half.h"
#include "core/kern.h"

#include <math.h>

/* gcc -O2 leaves the tile loops rolled and the accumulators in memory: 3x slower. */
#define UNROLL _Pragma("GCC unroll 16")

enum { NR = NV * VW };

/* A tail shorter than a vector goes through a padded copy, so that every element sees the same arithmetic wherever it
 * stands in a row. */
static inline vec load_part(const float *p, size_t n, float fill) {
    float t[VW];
    for (size_t i = 0; i < VW; i++) t[i] = i < n ? p[i] : fill;
    return v_load(t);
}

static inline void store_part(float *p, vec a, size_t n) {
    float t[VW];
    v_store(t, a);
    for (size_t i = 0; i < n; i++) p[i] = t[i];
}

static float dot(const float *a, const float *b, size_t n) {
    vec s0 = v_zero(), s1 = s0, s2 = s0, s3 = s0;       /* four chains hide the latency of fma */
    size_t i = 0;
    for (; i + 4 * VW <= n; i += 4 * VW) {
        s0 = v_fma(v_load(a + i), v_load(b + i), s0);
        s1 = v_fma(v_load(a + i + VW), v_load(b + i + VW), s1);
        s2 = v_fma(v_load(a + i + 2 * VW), v_load(b + i + 2 * VW), s2);
        s3 = v_fma(v_load(a + i + 3 * VW), v_load(b + i + 3 * VW), s3);
    }
    for (; i + VW <= n; i += VW) s0 = v_fma(v_load(a + i), v_load(b + i), s0);
    float s = v_sum(v_add(v_add(s0, s1), v_add(s2, s3)));
    for (; i < n; i++) s += a[i] * b[i];
    return s;
}

static void axpy(float *y, float s, const float *x, size_t n) {
    const vec vs = v_set(s);
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(y + i, v_fma(vs, v_load(x + i), v_load(y + i)));
    for (; i < n; i++) y[i] += s * x[i];
}

static void norm(float *y, const float *x, const float *gain, const float *bias, size_t n, float eps) {
    vec s0 = v_zero(), s1 = s0;
    size_t i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW) s0 = v_add(s0, v_load(x + i)), s1 = v_add(s1, v_load(x + i + VW));
    float sum = v_sum(v_add(s0, s1));
    for (; i < n; i++) sum += x[i];
    const float mean = sum / (float)n;
    const vec vm = v_set(mean);
    s0 = s1 = v_zero();
    for (i = 0; i + 2 * VW <= n; i += 2 * VW) {
        const vec a = v_sub(v_load(x + i), vm), b = v_sub(v_load(x + i + VW), vm);
        s0 = v_fma(a, a, s0), s1 = v_fma(b, b, s1);
    }
    float var = v_sum(v_add(s0, s1));
    for (; i < n; i++) var += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / sqrtf(var / (float)n + eps);
    const vec vs = v_set(scale);
    for (i = 0; i + VW <= n; i += VW)
        v_store(y + i, v_fma(v_mul(v_sub(v_load(x + i), vm), vs), v_load(gain + i), v_load(bias + i)));
    for (; i < n; i++) y[i] = (x[i] - mean) * scale * gain[i] + bias[i];
}

/* exp: x = n ln 2 + r, |r| <= ln 2 / 2; exp r = 1 + r + r^2 q(r), q of degree 4 fitted for least relative error.
 * At most 2 ulp for -87 <= x <= 88; outside it stays at the end of that range.  NaN stays NaN. */
static inline vec v_exp(vec x) {
    x = v_min(v_set(88.0f), v_max(v_set(-87.0f), x));
    const vec n = v_round(v_mul(x, v_set(1.44269504f)));
    vec r = v_fma(n, v_set(-0.693359375f), x);           /* ln 2 in two parts; n times the first is exact */
    r = v_fma(n, v_set(2.12194440e-4f), r);
    vec q = v_fma(v_set(0.00139012177f), r, v_set(0.00836319991f));
    q = v_fma(q, r, v_set(0.0416668552f));
    q = v_fma(q, r, v_set(0.16666577f));
    q = v_fma(q, r, v_set(0.499999995f));
    return v_scale2(v_add(v_set(1), v_fma(v_mul(r, r), q, r)), n);
}

static void softmax(float *x, size_t n, float scale) {
    float top = x[0];
    size_t i = 0;
    if (n >= VW) {
        vec t = v_load(x);
        for (i = VW; i + VW <= n; i += VW) t = v_max(t, v_load(x + i));
        float lane[VW];
        v_store(lane, t);
        top = lane[0];
        for (size_t j = 1; j < VW; j++) top = lane[j] > top ? lane[j] : top;
    }
    for (; i < n; i++) top = x[i] > top ? x[i] : top;
    const vec vt = v_set(top), vs = v_set(scale);
    vec sum = v_zero();
    for (i = 0; i + VW <= n; i += VW) {
        const vec v = v_exp(v_mul(v_sub(v_load(x + i), vt), vs));
        v_store(x + i, v);
        sum = v_add(sum, v);
    }
    float total = v_sum(sum);
    if (i < n) {
        store_part(x + i, v_exp(v_mul(v_sub(load_part(x + i, n - i, top), vt), vs)), n - i);
        for (size_t j = i; j < n; j++) total += x[j];
    }
    const float share = 1 / total;
    const vec vr = v_set(share);
    for (i = 0; i + VW <= n; i += VW) v_store(x + i, v_mul(v_load(x + i), vr));
    for (; i < n; i++) x[i] *= share;
}

static inline vec v_quick(vec x) { return v_div(x, v_add(v_set(1), v_exp(v_mul(v_set(-1.702f), x)))); }

/* erf: below 1, x + x p(x^2); from 1 on, 1 - exp(l(x)), l fitted to ln erfc on 1 .. 4.1, behind which erf is 1 in f32.
 * Both fits err by less than 1e-7 of erf. */
static inline vec v_erf(vec x) {
    const vec a = v_abs(x), s = v_mul(x, x), t = v_min(v_set(4.1f), a);
    vec p = v_fma(v_set(7.96433829e-05f), s, v_set(-0.000803756053f));
    p = v_fma(p, s, v_set(0.00519059561f));
    p = v_fma(p, s, v_set(-0.0268544481f));
    p = v_fma(p, s, v_set(0.112835832f));
    p = v_fma(p, s, v_set(-0.376126236f));
    p = v_fma(p, s, v_set(0.128379165f));
    vec l = v_fma(v_set(-1.41311706e-05f), t, v_set(0.000332304568f));
    l = v_fma(l, t, v_set(-0.00354617998f));
    l = v_fma(l, t, v_set(0.023055874f));
    l = v_fma(l, t, v_set(-0.104311215f));
    l = v_fma(l, t, v_set(-0.637789136f));
    l = v_fma(l, t, v_set(-1.12683673f));
    l = v_fma(l, t, v_set(-0.000496405211f));
    return v_less(a, v_set(1), v_fma(x, p, x), v_copysign(v_sub(v_set(1), v_exp(l)), x));
}

static inline vec v_gelu(vec x) { return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1), v_erf(v_mul(x, v_set(0.70710678f))))); }

static void quick(float *y, const float *x, size_t n) {
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(y + i, v_quick(v_load(x + i)));
    if (i < n) store_part(y + i, v_quick(load_part(x + i, n - i, 0)), n - i);
}

static void gelu(float *y, const float *x, size_t n) {
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(y + i, v_gelu(v_load(x + i)));
    if (i < n) store_part(y + i, v_gelu(load_part(x + i, n - i, 0)), n - i);
}

static void half(float *y, const uint16_t *x, size_t n) {
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(y + i, v_f16(x + i));
    for (; i < n; i++) y[i] = sv_f16_f32(x[i]);
}

static void bhalf(float *y, const uint16_t *x, size_t n) {
    size_t i = 0;
    for (; i + VW <= n; i += VW) v_store(y + i, v_bf16(x + i));
    for (; i < n; i++) y[i] = sv_bf16_f32(x[i]);
}

static void tile(float *c, size_t ldc, size_t m, size_t n, size_t k, const float *ap, const float *bp, bool add) {
    vec acc[MR][NV];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int j = 0; j < NV; j++) acc[i][j] = v_zero();
    for (; k; k--, ap += MR, bp += NR) {
        vec b[NV];
        UNROLL for (int j = 0; j < NV; j++) b[j] = v_load(bp + j * VW);
        UNROLL for (int i = 0; i < MR; i++) {
            const vec a = v_set(ap[i]);
            UNROLL for (int j = 0; j < NV; j++) acc[i][j] = v_fma(a, b[j], acc[i][j]);
        }
    }
    if (m == MR && n == NR) {
        UNROLL for (int i = 0; i < MR; i++)
            UNROLL for (int j = 0; j < NV; j++) {
                float *p = c + (size_t)i * ldc + j * VW;
                v_store(p, add ? v_add(v_load(p), acc[i][j]) : acc[i][j]);
            }
        return;
    }
    float t[MR][NR];                    /* an edge: by way of a whole tile */
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int j = 0; j < NV; j++) v_store(&t[i][j * VW], acc[i][j]);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = add ? c[i * ldc + j] + t[i][j] : t[i][j];
}

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define STR_(a) #a
#define STR(a) STR_(a)
extern const struct sv_kern CAT(sv_kern_, ISA);
const struct sv_kern CAT(sv_kern_, ISA) = {
    .isa = STR(ISA), .mr = MR, .nr = NR, .kc = KC,
    .dot = dot, .axpy = axpy, .norm = norm, .softmax = softmax, .quick = quick, .gelu = gelu, .half = half, .bhalf = bhalf, .tile = tile,
};
