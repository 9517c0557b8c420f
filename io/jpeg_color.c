#include "io/jpeg_int.h"

#include <string.h>

/* "Fancy" upsampling: an output sample lies a quarter of an input sample away from its nearest one, so it is 3/4 of
 * that and 1/4 of the next nearest, in each direction that is doubled.  The rounding alternates between neighbours
 * (+1, +2 of 4; +8, +7 of 16) as in libjpeg. */
static void double_width(const uint8_t *in, size_t n, uint8_t *out) {
    *out++ = in[0];
    *out++ = (uint8_t)((3 * in[0] + in[1] + 2) >> 2);
    for (size_t i = 1; i + 1 < n; i++) {
        *out++ = (uint8_t)((3 * in[i] + in[i - 1] + 1) >> 2);
        *out++ = (uint8_t)((3 * in[i] + in[i + 1] + 2) >> 2);
    }
    *out++ = (uint8_t)((3 * in[n - 1] + in[n - 2] + 1) >> 2);
    *out = in[n - 1];
}

static void double_both(const uint8_t *near, const uint8_t *far, size_t n, uint8_t *out) {
    int last, now = 3 * near[0] + far[0], next = 3 * near[1] + far[1];
    *out++ = (uint8_t)((4 * now + 8) >> 4);
    *out++ = (uint8_t)((3 * now + next + 7) >> 4);
    for (size_t i = 2; i < n; i++) {
        last = now, now = next, next = 3 * near[i] + far[i];
        *out++ = (uint8_t)((3 * now + last + 8) >> 4);
        *out++ = (uint8_t)((3 * now + next + 7) >> 4);
    }
    *out++ = (uint8_t)((3 * next + now + 8) >> 4);
    *out = (uint8_t)((4 * next + 7) >> 4);
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
    const uint8_t *far = row_of(c, odd ? (cy + 1 < c->rows ? cy + 1 : cy) : cy ? cy - 1 : 0);
    if (h1 && v2) double_height(near, far, c->w, odd ? 2 : 1, out);
    else if (h1) return near;
    else if (h2 && v1) double_width(near, c->w, out);
    else if (h2 && v2) double_both(near, far, c->w, out);
    else replicate(near, c->h, d->hmax, d->w, out);
    return out;
}

static inline uint8_t clamp(int v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v); }

/* BT.601 full range (JFIF) in 16-bit fixed point; the two parts of green are rounded together. */
static void ycc_row(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t n, uint8_t *out) {
    enum { R_CR = 91881, G_CB = 22554, G_CR = 46802, B_CB = 116130, HALF = 1 << 15 };
    for (size_t i = 0; i < n; i++, out += 3) {
        const int b = cb[i] - 128, r = cr[i] - 128;
        out[0] = clamp(y[i] + ((R_CR * r + HALF) >> 16));
        out[1] = clamp(y[i] + ((HALF - G_CB * b - G_CR * r) >> 16));
        out[2] = clamp(y[i] + ((B_CB * b + HALF) >> 16));
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
        else if (d->ycc) ycc_row(s[0], s[1], s[2], d->w, out);
        else for (size_t x = 0; x < d->w; x++, out += 3) out[0] = s[0][x], out[1] = s[1][x], out[2] = s[2][x];
    }
}
