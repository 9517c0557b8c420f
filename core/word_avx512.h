/* word_avx512.h - vectors of 4-byte words: the vocabulary kern_word.h is written in. */
#define words __m512i
static inline words w_zero(void)               { return _mm512_setzero_si512(); }
static inline words w_set(uint32_t s)          { return _mm512_set1_epi32((int32_t)s); }
static inline words w_load(const void *p)      { return _mm512_loadu_si512(p); }
static inline void  w_store(void *p, words a)  { _mm512_storeu_si512(p, a); }
static inline words w_add(words a, words b)    { return _mm512_add_epi32(a, b); }
static inline vec   w_float(words a)           { return _mm512_cvtepi32_ps(a); }       /* of signed words */
static inline vec   w_bits(words a)            { return _mm512_castsi512_ps(a); }      /* the same bits */
static inline words w_opaque(words a)          { __asm__("" : "+v"(a)); return a; }    /* a, but the compiler cannot know it */

/* acc + the products of the four bytes of each word, unsigned by signed.  Without VNNI pairs of products are added in 16 bits,
 * which hold MOST x PAIR. */
enum { BIAS = 0 };
#if defined(__AVX512VNNI__)
static inline words w_dot(words acc, words a, words b) { return _mm512_dpbusd_epi32(acc, a, b); }
#else
#define MOST 170
#define PAIR 192
static inline words w_dot(words acc, words a, words b) { return w_add(acc, _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), _mm512_set1_epi16(1))); }
#endif

static inline words w_byte(const float *p, vec lo, vec inv) { return _mm512_cvtps_epi32(v_mul(v_sub(v_load(p), lo), inv)); }

/* (p[i] - lo) inv as bytes, for 4 VW of them.  Packing works in quarters of a vector, so those are put in order at the end. */
static inline words w_bytes(const float *p, vec lo, vec inv) {
    const words a = _mm512_packs_epi32(w_byte(p, lo, inv), w_byte(p + VW, lo, inv));
    const words b = _mm512_packs_epi32(w_byte(p + 2 * VW, lo, inv), w_byte(p + 3 * VW, lo, inv));
    const words order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(a, b));
}

#if defined(__AVX512BF16__)
#define BF16 1
static inline vec b_dot(vec acc, words a, words b) { return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b); }
/* The floats of a, then those of b, as bf16. */
static inline words b_pairs(vec a, vec b) { return (words)_mm512_cvtne2ps_pbh(b, a); }
static inline void b_store(uint16_t *p, vec a) { _mm256_storeu_si256((void *)p, (__m256i)_mm512_cvtneps_pbh(a)); }
/* Element i of a and of b in word i. */
static inline words b_half(const uint16_t *p) { return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)); }
static inline words b_zip(const uint16_t *a, const uint16_t *b) { return _mm512_or_si512(b_half(a), _mm512_slli_epi32(b_half(b), 16)); }
#endif
