#include "io/jpeg_int.h"

#include <string.h>

/* Loeffler, Ligtenberg and Moschytz's 8-point transform (ICASSP 1989, 12 multiplies) with 13-bit constants; columns
 * keep 2 extra bits, each pass leaves a factor of sqrt(8).  The rounding points are those of the "islow" transform
 * that every libjpeg has: they decide the last bit.  Unsigned, so that absurd coefficients wrap. */
enum { SCALE = 13, EXTRA = 2 };
enum {
    F0_298 = 2446, F0_390 = 3196, F0_541 = 4433, F0_765 = 6270, F0_899 = 7373, F1_175 = 9633, F1_501 = 12299,
    F1_847 = 15137, F1_961 = 16069, F2_053 = 16819, F2_562 = 20995, F3_072 = 25172
};

static inline uint32_t mul(uint32_t x, int f) { return x * (uint32_t)f; }
static inline int32_t descale(uint32_t x, int n) { return (int32_t)(x + (1u << (n - 1))) >> n; }

/* x [8] -> out [8], scaled by 2^13.  Zeros known at compile time fold away. */
static inline void transform(const uint32_t x[8], uint32_t out[8]) {
    const uint32_t e = mul(x[2] + x[6], F0_541), e2 = e - mul(x[6], F1_847), e3 = e + mul(x[2], F0_765);
    const uint32_t s = (x[0] + x[4]) << SCALE, d = (x[0] - x[4]) << SCALE;
    const uint32_t even[4] = { s + e3, d + e2, d - e2, s - e3 };
    const uint32_t z5 = mul(x[7] + x[3] + x[5] + x[1], F1_175);
    const uint32_t z1 = mul(x[7] + x[1], F0_899), z2 = mul(x[5] + x[3], F2_562);
    const uint32_t z3 = z5 - mul(x[7] + x[3], F1_961), z4 = z5 - mul(x[5] + x[1], F0_390);
    const uint32_t odd[4] = {
        mul(x[1], F1_501) - z1 + z4, mul(x[3], F3_072) - z2 + z3, mul(x[5], F2_053) - z2 + z4, mul(x[7], F0_298) - z1 + z3
    };
    for (int i = 0; i < 4; i++) out[i] = even[i] + odd[i], out[7 - i] = even[i] - odd[i];
}

static inline uint8_t sample(int32_t v) {
    v += 128;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static inline void column(const int16_t *in, int32_t *ws, bool low) {
    uint32_t x[8], y[8];
    for (int i = 0; i < 8; i++) x[i] = low && i > 3 ? 0 : (uint32_t)in[8 * i];
    transform(x, y);
    for (int i = 0; i < 8; i++) ws[8 * i] = descale(y[i], SCALE - EXTRA);
}

static inline void rows(const int32_t *ws, bool low, uint8_t *out, size_t stride) {
    for (int r = 0; r < 8; r++, ws += 8, out += stride) {
        uint32_t x[8], y[8];
        for (int i = 0; i < 8; i++) x[i] = low && i > 3 ? 0 : (uint32_t)ws[i];
        transform(x, y);
        for (int i = 0; i < 8; i++) out[i] = sample(descale(y[i], SCALE + EXTRA + 3));
    }
}

/* The shortcuts leave out only terms that are zero, so they change no bit. */
void sv_jpeg_idct(const int16_t *block, int last, uint8_t *out, size_t stride) {
    if (!last) {
        const uint8_t v = sample(descale((uint32_t)block[0] << EXTRA, EXTRA + 3));
        for (int r = 0; r < 8; r++, out += stride) memset(out, v, 8);
        return;
    }
    uint64_t below[2] = { 0, 0 }, high[2] = { 0, 0 }, row[2];   /* 4 columns to a word: rows 1 .. 7, rows 4 .. 7 */
    for (int r = 1; r < 8; r++) {
        memcpy(row, block + 8 * r, sizeof row);
        below[0] |= row[0], below[1] |= row[1];
        if (r > 3) high[0] |= row[0], high[1] |= row[1];
    }
    int32_t ws[64];
    for (int c = 0; c < 8; c++) {
        const int shift = 16 * (c & 3);
        if (!(below[c >> 2] >> shift & 0xffff)) {
            const int32_t v = block[c] * (1 << EXTRA);
            for (int r = 0; r < 8; r++) ws[8 * r + c] = v;
        } else if (!(high[c >> 2] >> shift & 0xffff)) {
            column(block + c, ws + c, true);
        } else {
            column(block + c, ws + c, false);
        }
    }
    memcpy(row, block, sizeof row);
    if (row[1] | below[1]) rows(ws, false, out, stride);
    else rows(ws, true, out, stride);
}
