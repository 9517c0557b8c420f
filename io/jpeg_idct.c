#include "io/jpeg_int.h"

#include <string.h>

/* Loeffler, Ligtenberg and Moschytz's 8-point transform (ICASSP 1989) with 13-bit constants; the column pass keeps 2
 * extra bits, each pass leaves a factor of sqrt(8).  The places where it rounds are those of libjpeg's "islow": they
 * decide the last bit.  Sums of constants are folded so that every product is 16 x 16 bits; with sums of two inputs
 * kept to 16 bits no 32-bit sum overflows: the largest, in row 1, is 2^15 (8192 + 15137 + 41241) < 2^31.
 * Both passes run over the 8 lanes of a row, in loops that compilers make vectors of. */
enum { SCALE = 13, EXTRA = 2 };
enum {
    F0_298 = 2446, F0_390 = 3196, F0_541 = 4433, F0_765 = 6270, F0_899 = 7373, F1_175 = 9633, F1_501 = 12299,
    F1_847 = 15137, F1_961 = 16069, F2_053 = 16819, F2_562 = 20995, F3_072 = 25172
};

static inline int32_t mul(int16_t x, int f) { return (int32_t)x * (int16_t)f; }

/* x [8, 8] -> out [8, 8]: transforms along the first index, out = (result + half) >> shift. */
static inline void pass(const int16_t *restrict x, int16_t *restrict out, int shift) {
    const int32_t half = 1 << (shift - 1);
    for (int i = 0; i < 8; i++) {
        const int16_t x1 = x[8 + i], x2 = x[16 + i], x3 = x[24 + i], x5 = x[40 + i], x6 = x[48 + i], x7 = x[56 + i];
        const int16_t sum = (int16_t)(x[i] + x[32 + i]), dif = (int16_t)(x[i] - x[32 + i]);
        const int32_t e3 = mul(x2, F0_541 + F0_765) + mul(x6, F0_541), e2 = mul(x2, F0_541) + mul(x6, F0_541 - F1_847);
        const int32_t s = mul(sum, 1 << SCALE) + half, d = mul(dif, 1 << SCALE) + half;
        const int16_t p = (int16_t)(x7 + x3), q = (int16_t)(x5 + x1);
        const int32_t z3 = mul(p, F1_175 - F1_961) + mul(q, F1_175), z4 = mul(p, F1_175) + mul(q, F1_175 - F0_390);
        const int32_t o0 = mul(x1, F1_501 - F0_899) - mul(x7, F0_899) + z4, o1 = mul(x3, F3_072 - F2_562) - mul(x5, F2_562) + z3;
        const int32_t o2 = mul(x5, F2_053 - F2_562) - mul(x3, F2_562) + z4, o3 = mul(x7, F0_298 - F0_899) - mul(x1, F0_899) + z3;
        out[i] = (int16_t)((s + e3 + o0) >> shift);
        out[8 + i] = (int16_t)((d + e2 + o1) >> shift);
        out[16 + i] = (int16_t)((d - e2 + o2) >> shift);
        out[24 + i] = (int16_t)((s - e3 + o3) >> shift);
        out[32 + i] = (int16_t)((s - e3 - o3) >> shift);
        out[40 + i] = (int16_t)((d - e2 - o2) >> shift);
        out[48 + i] = (int16_t)((d + e2 - o1) >> shift);
        out[56 + i] = (int16_t)((s + e3 - o0) >> shift);
    }
}

static inline uint8_t sample(int v) {
    v += 128;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

void sv_jpeg_idct(const int16_t *block, int last, uint8_t *out, size_t stride) {
    if (!last) {                        /* the same result without the terms that are zero */
        const uint8_t v = sample(((int16_t)(block[0] * (1 << EXTRA)) + (1 << (EXTRA + 2))) >> (EXTRA + 3));
        for (int r = 0; r < 8; r++, out += stride) memset(out, v, 8);
        return;
    }
    int16_t a[64], b[64];
    uint8_t px[64];
    pass(block, a, SCALE - EXTRA);
    for (int r = 0; r < 8; r++)
        for (int c = 0; c < 8; c++) b[8 * c + r] = a[8 * r + c];
    pass(b, a, SCALE + EXTRA + 3);
    for (int i = 0; i < 64; i++) px[i] = sample(a[i]);
    for (int r = 0; r < 8; r++, out += stride)
        for (int c = 0; c < 8; c++) out[c] = px[8 * c + r];
}
