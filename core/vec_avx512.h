/* vec_avx512.h - the vector vocabulary kern_simd.h is written in: AVX-512 F, BW, DQ, VL. */
#include "core/base.h"

#include <immintrin.h>

enum { VW = 16 };                       /* floats of a vector */
#define vec __m512
static inline vec   v_set(float s)             { return _mm512_set1_ps(s); }
static inline vec   v_load(const float *p)     { return _mm512_loadu_ps(p); }
static inline void  v_store(float *p, vec a)   { _mm512_storeu_ps(p, a); }
static inline vec   v_add(vec a, vec b)        { return _mm512_add_ps(a, b); }
static inline vec   v_sub(vec a, vec b)        { return _mm512_sub_ps(a, b); }
static inline vec   v_mul(vec a, vec b)        { return _mm512_mul_ps(a, b); }
static inline vec   v_div(vec a, vec b)        { return _mm512_div_ps(a, b); }
static inline vec   v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }    /* a b + c */
static inline vec   v_max(vec a, vec b)        { return _mm512_max_ps(a, b); }         /* NaN in b stays NaN */
static inline vec   v_min(vec a, vec b)        { return _mm512_min_ps(a, b); }
static inline vec   v_abs(vec a)               { return _mm512_abs_ps(a); }
static inline vec   v_if_positive(vec x, vec a, vec b) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ), b, a); }
static inline vec   v_opaque(vec a)            { __asm__("" : "+v"(a)); return a; }     /* a, but the compiler cannot know it */
#define v_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)      /* in an inline function gcc drops it */
static inline float v_sum(vec a)               { return _mm512_reduce_add_ps(a); }
static inline float v_largest(vec a)           { return _mm512_reduce_max_ps(a); }

/* Masks do what the other tables do through the stack. */
#define V_PART
static inline __mmask16 v_first(size_t n)      { return (__mmask16)((1u << n) - 1); }
static inline vec   part_load(const float *p, size_t n, float fill) { return _mm512_mask_loadu_ps(v_set(fill), v_first(n), p); }
static inline void  part_store(float *p, size_t n, vec a) { _mm512_mask_storeu_ps(p, v_first(n), a); }

/* r[i][j] and r[j][i] change places: pairs, then fours in each quarter, then quarters. */
static inline void v_transpose(vec r[VW]) {
    vec a[VW], b[VW];
    UNROLL for (int i = 0; i < 8; i++) {
        a[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    UNROLL for (int i = 0; i < 4; i++)
        UNROLL for (int j = 0; j < 2; j++) {
            b[4 * i + 2 * j] = _mm512_shuffle_ps(a[4 * i + j], a[4 * i + j + 2], 0x44);
            b[4 * i + 2 * j + 1] = _mm512_shuffle_ps(a[4 * i + j], a[4 * i + j + 2], 0xee);
        }
    UNROLL for (int j = 0; j < 4; j++) {        /* b[4 i + j] holds columns j, j + 4, j + 8, j + 12 of rows 4 i .. 4 i + 3 */
        const vec p = _mm512_shuffle_f32x4(b[j], b[j + 4], 0x88), q = _mm512_shuffle_f32x4(b[j], b[j + 4], 0xdd);
        const vec s = _mm512_shuffle_f32x4(b[j + 8], b[j + 12], 0x88), t = _mm512_shuffle_f32x4(b[j + 8], b[j + 12], 0xdd);
        r[j] = _mm512_shuffle_f32x4(p, s, 0x88), r[j + 8] = _mm512_shuffle_f32x4(p, s, 0xdd);
        r[j + 4] = _mm512_shuffle_f32x4(q, t, 0x88), r[j + 12] = _mm512_shuffle_f32x4(q, t, 0xdd);
    }
}

/* What is left of a beside the nearest whole number, for all ranges. */
#define V_FRACTION
static inline vec v_fraction(vec a)            { return _mm512_reduce_ps(a, 0); }
static inline vec v_scale(vec a, vec n)        { return _mm512_scalef_ps(a, n); }      /* a 2^n for whole n, all ranges */

static inline __m512i v_widen(const uint16_t *p) { return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
static inline vec v_bhalf(const uint16_t *p)   { return _mm512_castsi512_ps(_mm512_slli_epi32(v_widen(p), 16)); }

/* The exponent is rebased by a multiplication, exact for subnormals too; vcvtph2ps would change signalling NaNs. */
static inline vec v_half(const uint16_t *p) {
    const __m512i h = v_widen(p), sign = _mm512_slli_epi32(_mm512_and_si512(h, _mm512_set1_epi32(0x8000)), 16);
    const __m512i rest = _mm512_and_si512(h, _mm512_set1_epi32(0x7fff)), bits = _mm512_slli_epi32(rest, 13);
    const __m512i f = _mm512_castps_si512(v_mul(_mm512_castsi512_ps(bits), v_set(0x1p112f)));
    const __mmask16 special = _mm512_cmpgt_epi32_mask(rest, _mm512_set1_epi32(0x7bff));
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_mask_or_epi32(f, special, f, _mm512_set1_epi32(0x7f800000)), sign));
}
