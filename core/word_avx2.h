/* word_avx2.h - vectors of 4-byte words: the vocabulary kern_word.h is written in. */
#define words __m256i
static inline words w_zero(void)               { return _mm256_setzero_si256(); }
static inline words w_set(uint32_t s)          { return _mm256_set1_epi32((int32_t)s); }
static inline words w_load(const void *p)      { return _mm256_loadu_si256(p); }
static inline void  w_store(void *p, words a)  { _mm256_storeu_si256(p, a); }
static inline words w_add(words a, words b)    { return _mm256_add_epi32(a, b); }
static inline vec   w_float(words a)           { return _mm256_cvtepi32_ps(a); }       /* of signed words */
static inline vec   w_bits(words a)            { return _mm256_castsi256_ps(a); }      /* the same bits */
static inline words w_opaque(words a)          { __asm__("" : "+x"(a)); return a; }    /* a, but the compiler cannot know it */

/* acc + the products of the four bytes of each word, unsigned by signed.  Without VNNI pairs of products are added in 16 bits,
 * which hold MOST x PAIR.  The EVEX form of the instruction is for tests on machines that have no VEX one. */
enum { BIAS = 0 };
#if defined(__AVXVNNI__)
static inline words w_dot(words acc, words a, words b) { return _mm256_dpbusd_avx_epi32(acc, a, b); }
#elif defined(__AVX512VNNI__)
static inline words w_dot(words acc, words a, words b) { return _mm256_dpbusd_epi32(acc, a, b); }
#else
#define MOST 170
#define PAIR 192
static inline words w_dot(words acc, words a, words b) { return w_add(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1))); }
#endif

static inline words w_byte(const float *p, vec lo, vec inv) { return _mm256_cvtps_epi32(v_mul(v_sub(v_load(p), lo), inv)); }

/* (p[i] - lo) inv as bytes, for 4 VW of them.  Packing works in halves of a vector, so those are put in order at the end. */
static inline words w_bytes(const float *p, vec lo, vec inv) {
    const words a = _mm256_packs_epi32(w_byte(p, lo, inv), w_byte(p + VW, lo, inv));
    const words b = _mm256_packs_epi32(w_byte(p + 2 * VW, lo, inv), w_byte(p + 3 * VW, lo, inv));
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
