/* vec_neon.h - the vector vocabulary kern_simd.h is written in. */
#include <arm_neon.h>
#include <stdint.h>

#define VW 4                            /* floats per vector */
typedef float32x4_t vec;

static inline vec v_zero(void) { return vdupq_n_f32(0); }
static inline vec v_set(float s) { return vdupq_n_f32(s); }
static inline vec v_load(const float *p) { return vld1q_f32(p); }
static inline void v_store(float *p, vec a) { vst1q_f32(p, a); }
static inline vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec v_div(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec v_max(vec a, vec b) { return vmaxq_f32(a, b); }       /* NaN in, NaN out */
static inline vec v_min(vec a, vec b) { return vminq_f32(a, b); }
static inline vec v_abs(vec a) { return vabsq_f32(a); }
static inline vec v_round(vec a) { return vrndnq_f32(a); }
/* a * 2^n for whole n in -126 .. 127 */
static inline vec v_scale2(vec a, vec n) {
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23)));
}
/* a < b ? yes : no */
static inline vec v_less(vec a, vec b, vec yes, vec no) { return vbslq_f32(vcltq_f32(a, b), yes, no); }
static inline vec v_copysign(vec a, vec sign) { return vbslq_f32(vdupq_n_u32(0x80000000), sign, a); }
static inline float v_sum(vec a) { return vaddvq_f32(a); }
static inline vec v_bf16(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
static inline vec v_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
