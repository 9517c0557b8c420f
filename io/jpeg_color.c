#include "io/jpeg_int.h"

#include <string.h>

/* Loops over rows go in steps of a fixed number of samples, which compilers make vectors of; rows may be read and
 * written up to the end of the last step. */
enum { STEP = SV_JPEG_STEP };

/* "Fancy" upsampling: an output sample lies a quarter of an input sample away from its nearest one, so it is 3/4 of
 * that and 1/4 of the next nearest, in each direction that is doubled; at an edge the next nearest is the sample
 * itself.  The rounding alternates between neighbours as in libjpeg. */
struct taps { int left, right, shift; };

/* sum [-1 .. n] -> out [2 n], rounded up to a STEP. */
static void double_width(uint16_t *restrict sum, size_t n, struct taps t, uint8_t *restrict out) {
    sum[-1] = sum[0], sum[n] = sum[n - 1];
    for (size_t at = 0; at < n; at += STEP, sum += STEP, out += 2 * STEP) {
        uint16_t pair[STEP];
        for (int i = 0; i < STEP; i++) {
            const uint16_t three = (uint16_t)(3 * sum[i]);
            const uint16_t a = (uint16_t)((uint16_t)(three + sum[i - 1] + t.left) >> t.shift);
            const uint16_t b = (uint16_t)((uint16_t)(three + sum[i + 1] + t.right) >> t.shift);
            pair[i] = (uint16_t)(a | b << 8);
        }
        memcpy(out, pair, sizeof pair);
    }
}

static void widen(const uint8_t *restrict in, size_t n, uint16_t *restrict sum) {
    for (size_t at = 0; at < n; at += STEP, in += STEP, sum += STEP)
        for (int i = 0; i < STEP; i++) sum[i] = in[i];
}

static void mix(const uint8_t *restrict near, const uint8_t *restrict far, size_t n, uint16_t *restrict sum) {
    for (size_t at = 0; at < n; at += STEP, near += STEP, far += STEP, sum += STEP)
        for (int i = 0; i < STEP; i++) sum[i] = (uint16_t)(3 * near[i] + far[i]);
}

static void double_height(const uint8_t *near, const uint8_t *far, size_t n, int round, uint8_t *out) {
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)((3 * near[i] + far[i] + round) >> 2);
}

static void replicate(const uint8_t *in, size_t from, size_t to, size_t width, uint8_t *out) {
    for (size_t x = 0, part = 0; x < width; x++) {
        out[x] = *in;
        for (part += from; part >= to; part -= to) in++;
    }
}

static const uint8_t *row_of(const struct sv_jpeg_comp *c, size_t y) { return c->px + y % c->kept * (c->pw * 8); }

/* Row y of the picture for one component, at full width.  Rows outside the picture repeat its first and last one. */
static const uint8_t *upsample(const struct sv_jpeg *d, const struct sv_jpeg_comp *c, size_t y, uint8_t *out) {
    const size_t cy = y * c->v / d->vmax, odd = y & 1;
    const uint8_t *near = row_of(c, cy);
    const bool h1 = c->h == d->hmax, h2 = 2 * c->h == d->hmax && c->w > 2, v1 = c->v == d->vmax, v2 = 2 * c->v == d->vmax;
    if (h1 && v1) return near;
    const uint8_t *far = row_of(c, odd ? (cy + 1 < c->rows ? cy + 1 : cy) : cy ? cy - 1 : 0);
    uint16_t *sum = d->sum + STEP;
    if (h1 && v2) {
        double_height(near, far, c->w, odd ? 2 : 1, out);
    } else if (h2 && v1) {
        widen(near, c->w, sum);
        double_width(sum, c->w, (struct taps){ 1, 2, 2 }, out);
    } else if (h2 && v2) {
        mix(near, far, c->w, sum);
        double_width(sum, c->w, (struct taps){ 8, 7, 4 }, out);
    } else {
        replicate(near, c->h, d->hmax, d->w, out);
    }
    return out;
}

static inline int16_t clamp(int16_t v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

static inline int16_t high(int16_t a, int16_t b) { return (int16_t)((a * b) >> 16); }
static inline uint16_t low(int16_t a, int16_t b) { return (uint16_t)(a * b); }
static inline int16_t halve(int16_t a) { return (int16_t)((a + 1) >> 1); }

/* STEP pixels, red and green | << 8 in rg.  BT.601 full range (JFIF) in 16-bit fixed point: the factors are 1.402,
 * -0.34414, -0.71414, 1.772, less the whole number that brings them into 16 bits.  The product with one of them is
 * rounded as (floor(2 x) + 1) >> 1; the two of green are rounded as one sum: high halves, carry of the low halves
 * (the majority of both top bits and the missing one of the sum), top bit of the low sum. */
static inline void ycc_step(const uint8_t *restrict y, const uint8_t *restrict cb, const uint8_t *restrict cr,
                            uint16_t *restrict rg, uint16_t *restrict blue) {
    enum { R_CR = 91881 - 65536, G_CB = -22554, G_CR = 65536 - 46802, B_CB = 116130 - 131072 };
    for (int i = 0; i < STEP; i++) {
        const int16_t b = (int16_t)(cb[i] - 128), r = (int16_t)(cr[i] - 128), b2 = (int16_t)(2 * b), r2 = (int16_t)(2 * r);
        const uint16_t lb = low(b, G_CB), lr = low(r, G_CR), sum = (uint16_t)(lb + lr);
        const uint16_t carry = (uint16_t)((uint16_t)((lb & lr) | ((lb | lr) & (uint16_t)~sum)) >> 15);
        const int16_t red = (int16_t)(y[i] + r + halve(high(r2, R_CR)));
        const int16_t green = (int16_t)(y[i] - r + high(b, G_CB) + high(r, G_CR) + carry + (sum >> 15));
        rg[i] = (uint16_t)(clamp(red) | clamp(green) << 8);
        blue[i] = (uint16_t)clamp((int16_t)(y[i] + b2 + halve(high(b2, B_CB))));
    }
}

static void rgb_step(const uint8_t *restrict r, const uint8_t *restrict g, const uint8_t *restrict b,
                     uint16_t *restrict rg, uint16_t *restrict blue) {
    for (int i = 0; i < STEP; i++) rg[i] = (uint16_t)(r[i] | g[i] << 8), blue[i] = b[i];
}

static void pixels(const uint8_t *const s[3], bool ycc, size_t n, uint8_t *out) {
    for (size_t at = 0; at < n; at += STEP) {
        uint16_t rg[STEP], blue[STEP];
        uint32_t px[STEP];
        if (ycc) ycc_step(s[0] + at, s[1] + at, s[2] + at, rg, blue);
        else rgb_step(s[0] + at, s[1] + at, s[2] + at, rg, blue);
        for (int i = 0; i < STEP; i++) px[i] = rg[i] | (uint32_t)blue[i] << 16;
        /* Four bytes at a time, the last of which the next pixel overwrites; not at the end of the row. */
        const size_t some = sv_min(STEP, n - at);
        for (size_t i = 0; i + 1 < some; i++, out += 3) memcpy(out, &px[i], 4);
        memcpy(out, &px[some - 1], 3), out += 3;
    }
}

void sv_jpeg_emit(struct sv_jpeg *d, size_t row) {
    /* The last row of samples of an MCU row needs the next MCU row. */
    const size_t tall = 8u * d->vmax, lo = row ? row * tall - d->vmax : 0;
    const size_t hi = row + 1 == d->mcuy ? d->h : (row + 1) * tall - d->vmax;
    for (size_t y = lo; y < hi; y++) {
        uint8_t *out = d->im->px + y * d->w * d->n;
        const uint8_t *s[3] = { 0 };
        for (size_t i = 0; i < d->n; i++) s[i] = upsample(d, &d->comp[i], y, d->line[i]);
        if (d->n == 1) memcpy(out, s[0], d->w);
        else pixels(s, d->ycc, d->w, out);
    }
}
