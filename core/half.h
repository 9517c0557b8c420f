/* half.h - f16 and bf16 to f32 and back, in plain integer arithmetic.  Round to nearest, ties to even. */
#ifndef CORE_HALF_H
#define CORE_HALF_H

#include "core/base.h"
#include <string.h>

static inline uint32_t sv_f32_bits(float f) { uint32_t u; memcpy(&u, &f, 4); return u; }
static inline float sv_bits_f32(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }

static inline float sv_bf16_f32(uint16_t h) { return sv_bits_f32((uint32_t)h << 16); }

static inline uint16_t sv_f32_bf16(float f) {
    const uint32_t u = sv_f32_bits(f);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);      /* NaN stays NaN */
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static inline float sv_f16_f32(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 0x3ffu;
    if (e == 31) return sv_bits_f32(sign | 0x7f800000 | m << 13);
    if (e) return sv_bits_f32(sign | (e + 112) << 23 | m << 13);
    const float tiny = (float)m * 0x1p-24f;                                    /* exact: m has 10 bits */
    return sign ? -tiny : tiny;
}

static inline uint16_t sv_f32_f16(float f) {
    const uint32_t u = sv_f32_bits(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x3ff));
    if (a >= 0x477ff000) return (uint16_t)(sign | 0x7c00);                     /* 65520 and above round to inf */
    if (a >= 0x38800000) return (uint16_t)(sign | ((a - 0x38000000 + 0xfff + (a >> 13 & 1)) >> 13));
    /* Subnormal: adding 0.5 leaves the f16 mantissa, rounded by the FPU, in the low bits of the sum. */
    return (uint16_t)(sign | (sv_f32_bits(sv_bits_f32(a) + 0.5f) - 0x3f000000));
}

#endif
