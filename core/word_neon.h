/* word_neon.h - vectors of 4-byte words: the vocabulary kern_word.h is written in. */
#define words int32x4_t
static inline words w_zero(void)               { return vdupq_n_s32(0); }
static inline words w_set(uint32_t s)          { return vdupq_n_s32((int32_t)s); }
static inline words w_load(const void *p)      { return vreinterpretq_s32_u8(vld1q_u8(p)); }
static inline void  w_store(void *p, words a)  { vst1q_u8(p, vreinterpretq_u8_s32(a)); }
static inline words w_add(words a, words b)    { return vaddq_s32(a, b); }
static inline vec   w_float(words a)           { return vcvtq_f32_s32(a); }            /* of signed words */
static inline vec   w_bits(words a)            { return vreinterpretq_f32_s32(a); }    /* the same bits */
static inline words w_opaque(words a)          { __asm__("" : "+w"(a)); return a; }    /* a, but the compiler cannot know it */

/* acc + the products of the four bytes of each word, unsigned by signed where the machine has that (I8MM); elsewhere the
 * unsigned ones lose 128, by a flip of their highest bit.  A product of -128 .. 127 by -127 .. 127 fits 16 bits. */
#if defined(__ARM_FEATURE_MATMUL_INT8)
enum { BIAS = 0 };
static inline words w_dot(words acc, words a, words b) { return vusdotq_s32(acc, vreinterpretq_u8_s32(a), vreinterpretq_s8_s32(b)); }
#else
enum { BIAS = 128 };
static inline words w_dot(words acc, words a, words b) {
    const int8x16_t x = vreinterpretq_s8_u8(veorq_u8(vreinterpretq_u8_s32(a), vdupq_n_u8(0x80))), y = vreinterpretq_s8_s32(b);
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(acc, x, y);
#else
    const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(y)), high = vmull_s8(vget_high_s8(x), vget_high_s8(y));
    return vaddq_s32(acc, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}
#endif

static inline uint16x4_t w_byte(const float *p, vec lo, vec inv) { return vmovn_u32(vcvtnq_u32_f32(v_mul(v_sub(v_load(p), lo), inv))); }

/* (p[i] - lo) inv as bytes, for 4 VW of them. */
static inline words w_bytes(const float *p, vec lo, vec inv) {
    const uint16x8_t a = vcombine_u16(w_byte(p, lo, inv), w_byte(p + VW, lo, inv));
    const uint16x8_t b = vcombine_u16(w_byte(p + 2 * VW, lo, inv), w_byte(p + 3 * VW, lo, inv));
    return vreinterpretq_s32_u8(vcombine_u8(vmovn_u16(a), vmovn_u16(b)));
}

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#define BF16 1
static inline vec b_dot(vec acc, words a, words b) { return vbfdotq_f32(acc, vreinterpretq_bf16_s32(a), vreinterpretq_bf16_s32(b)); }
/* The floats of a, then those of b, as bf16. */
static inline words b_pairs(vec a, vec b) { return vreinterpretq_s32_bf16(vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(a), b)); }
static inline void b_store(uint16_t *p, vec a) { vst1_u16(p, vreinterpret_u16_bf16(vcvt_bf16_f32(a))); }
/* Element i of a and of b in word i. */
static inline words b_zip(const uint16_t *a, const uint16_t *b) {
    const uint16x4x2_t z = vzip_u16(vld1_u16(a), vld1_u16(b));
    return vreinterpretq_s32_u16(vcombine_u16(z.val[0], z.val[1]));
}
#endif
