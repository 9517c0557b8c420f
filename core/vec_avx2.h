/* vec_avx2.h - the vector vocabulary kern_simd.h is written in. */
#include "core/base.h"

#include <immintrin.h>

enum { VW = 8 };                        /* floats of a vector */
#define vec __m256
static inline vec   v_set(float s)             { return _mm256_set1_ps(s); }
static inline vec   v_load(const float *p)     { return _mm256_loadu_ps(p); }
static inline void  v_store(float *p, vec a)   { _mm256_storeu_ps(p, a); }
static inline vec   v_add(vec a, vec b)        { return _mm256_add_ps(a, b); }
static inline vec   v_sub(vec a, vec b)        { return _mm256_sub_ps(a, b); }
static inline vec   v_mul(vec a, vec b)        { return _mm256_mul_ps(a, b); }
static inline vec   v_div(vec a, vec b)        { return _mm256_div_ps(a, b); }
static inline vec   v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }    /* a b + c */
static inline vec   v_max(vec a, vec b)        { return _mm256_max_ps(a, b); }         /* NaN in b stays NaN */
static inline vec   v_min(vec a, vec b)        { return _mm256_min_ps(a, b); }
static inline vec   v_abs(vec a)               { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vec   v_if_positive(vec x, vec a, vec b) { return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ)); }
static inline vec   v_opaque(vec a)            { __asm__("" : "+x"(a)); return a; }     /* a, but the compiler cannot know it */
#define v_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)      /* in an inline function gcc drops it */

static inline float v_sum(vec a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float v_largest(vec a) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* r[i][j] and r[j][i] change places. */
static inline void v_transpose(vec r[VW]) {
    vec a[VW], b[VW];
    UNROLL for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    UNROLL for (int i = 0; i < 2; i++)
        UNROLL for (int j = 0; j < 2; j++) {
            b[4 * i + 2 * j] = _mm256_shuffle_ps(a[4 * i + j], a[4 * i + j + 2], 0x44);
            b[4 * i + 2 * j + 1] = _mm256_shuffle_ps(a[4 * i + j], a[4 * i + j + 2], 0xee);
        }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

/* a 2^n for whole n in -252 .. 254, in two steps, so that subnormal and infinite results come out of the multiplier. */
static inline vec v_scale(vec a, vec n) {
    const __m256i one = _mm256_set1_epi32(127), i = _mm256_cvtps_epi32(n), h = _mm256_srai_epi32(i, 1);
    a = v_mul(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(h, one), 23)));
    return v_mul(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(i, h), one), 23)));
}

static inline __m256i v_widen(const uint16_t *p) { return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)); }
static inline vec v_bhalf(const uint16_t *p) { return _mm256_castsi256_ps(_mm256_slli_epi32(v_widen(p), 16)); }

/* The exponent is rebased by a multiplication, exact for subnormals too; F16C would change signalling NaNs. */
static inline vec v_half(const uint16_t *p) {
    const __m256i h = v_widen(p), sign = _mm256_slli_epi32(_mm256_and_si256(h, _mm256_set1_epi32(0x8000)), 16);
    const __m256i rest = _mm256_and_si256(h, _mm256_set1_epi32(0x7fff)), bits = _mm256_slli_epi32(rest, 13);
    const __m256i special = _mm256_and_si256(_mm256_cmpgt_epi32(rest, _mm256_set1_epi32(0x7bff)), _mm256_set1_epi32(0x7f800000));
    const __m256i f = _mm256_castps_si256(v_mul(_mm256_castsi256_ps(bits), v_set(0x1p112f)));
    return _mm256_castsi256_ps(_mm256_or_si256(_mm256_or_si256(f, special), sign));
}
