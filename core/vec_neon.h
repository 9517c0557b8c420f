/* vec_neon.h - the vector vocabulary kern_simd.h is written in. */
#include "core/base.h"

#include <arm_neon.h>

enum { VW = 4 };                        /* floats of a vector */
#define vec float32x4_t
static inline vec   v_set(float s)             { return vdupq_n_f32(s); }
static inline vec   v_load(const float *p)     { return vld1q_f32(p); }
static inline void  v_store(float *p, vec a)   { vst1q_f32(p, a); }
static inline vec   v_add(vec a, vec b)        { return vaddq_f32(a, b); }
static inline vec   v_sub(vec a, vec b)        { return vsubq_f32(a, b); }
static inline vec   v_mul(vec a, vec b)        { return vmulq_f32(a, b); }
static inline vec   v_div(vec a, vec b)        { return vdivq_f32(a, b); }
static inline vec   v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }          /* a b + c */
static inline vec   v_max(vec a, vec b)        { return vmaxq_f32(a, b); }             /* NaN stays NaN */
static inline vec   v_min(vec a, vec b)        { return vminq_f32(a, b); }
static inline vec   v_abs(vec a)               { return vabsq_f32(a); }
static inline vec   v_if_positive(vec x, vec a, vec b) { return vbslq_f32(vcgtzq_f32(x), a, b); }
static inline vec   v_opaque(vec a)            { __asm__("" : "+w"(a)); return a; }     /* a, but the compiler cannot know it */
static inline void  v_prefetch(const void *p) { __builtin_prefetch(p); }
static inline float v_sum(vec a)               { return vaddvq_f32(a); }
static inline float v_largest(vec a)           { return vmaxvq_f32(a); }

/* r[i][j] and r[j][i] change places. */
static inline void v_transpose(vec r[VW]) {
    const float32x4x2_t a = vtrnq_f32(r[0], r[1]), b = vtrnq_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
    r[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
    r[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
    r[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
}

/* a 2^n for whole n in -252 .. 254, in two steps, so that subnormal and infinite results come out of the multiplier. */
static inline vec v_scale(vec a, vec n) {
    const int32x4_t one = vdupq_n_s32(127), i = vcvtq_s32_f32(n), h = vshrq_n_s32(i, 1);
    a = v_mul(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(h, one), 23)));
    return v_mul(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vsubq_s32(i, h), one), 23)));
}

static inline vec v_bhalf(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }

/* The exponent is rebased by a multiplication, exact for subnormals too; fcvtl would change signalling NaNs. */
static inline vec v_half(const uint16_t *p) {
    const uint32x4_t h = vmovl_u16(vld1_u16(p)), sign = vshlq_n_u32(vandq_u32(h, vdupq_n_u32(0x8000)), 16);
    const uint32x4_t rest = vandq_u32(h, vdupq_n_u32(0x7fff)), bits = vshlq_n_u32(rest, 13);
    const uint32x4_t special = vandq_u32(vcgtq_u32(rest, vdupq_n_u32(0x7bff)), vdupq_n_u32(0x7f800000));
    const uint32x4_t f = vreinterpretq_u32_f32(v_mul(vreinterpretq_f32_u32(bits), v_set(0x1p112f)));
    return vreinterpretq_f32_u32(vorrq_u32(vorrq_u32(f, special), sign));
}
