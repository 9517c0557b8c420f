#include "io/png_write.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/image.h"
#include "io/deflate.h"
#include "io/file.h"

enum { FILTERS = 5 };

/* Sample i of a row as filter f has it: the difference to what its neighbours left, above and above left let expect. */
static uint8_t filtered(int f, const uint8_t *row, const uint8_t *up, size_t i, size_t bpp) {
    const int a = i < bpp ? 0 : row[i - bpp], b = up[i], c = i < bpp ? 0 : up[i - bpp];
    const int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    return (uint8_t)(row[i] - (f == 0 ? 0 : f == 1 ? a : f == 2 ? b : f == 3 ? (a + b) / 2 : paeth));
}

/* out [1 + n]: the row by the filter whose differences are smallest in sum, as the PNG specification advises. */
static void filter_row(uint8_t *out, const uint8_t *row, const uint8_t *up, size_t n, size_t bpp) {
    size_t least = SIZE_MAX;
    int best = 0;
    for (int f = 0; f < FILTERS; f++) {
        size_t sum = 0;
        for (size_t i = 0; i < n && sum < least; i++) {
            const uint8_t v = filtered(f, row, up, i, bpp);
            sum += v < 128 ? v : 256u - v;
        }
        if (sum < least) least = sum, best = f;
    }
    *out++ = (uint8_t)best;
    for (size_t i = 0; i < n; i++) out[i] = filtered(best, row, up, i, bpp);
}

static uint8_t *put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
    return p + 4;
}

static uint8_t *chunk(uint8_t *p, const char *type, const void *data, size_t n) {
    uint8_t *const begin = put32(p, (uint32_t)n);
    memcpy(begin, type, 4);
    if (n) memcpy(begin + 4, data, n);
    return put32(begin + 4 + n, sv_crc32(0, begin, n + 4));
}

/* Rows with their filters, packed. */
static int pixels(size_t w, size_t h, size_t channels, const uint8_t *px, uint8_t **z, size_t *z_n, struct sv_err *e) {
    const size_t n = w * channels;
    uint8_t *raw = sv_alloc(h, n + 1, e), *zero = sv_alloc(n, 1, e);
    int rc = raw && zero ? 0 : SV_ENOMEM;
    for (size_t y = 0; !rc && y < h; y++) filter_row(raw + y * (n + 1), px + y * n, y ? px + (y - 1) * n : zero, n, channels);
    if (!rc) rc = sv_deflate(raw, h * (n + 1), z, z_n, e);
    sv_free(raw), sv_free(zero);
    return rc;
}

int sv_png_encode(size_t w, size_t h, size_t channels, const uint8_t *px, uint8_t **out, size_t *out_n, struct sv_err *e) {
    uint8_t head[13] = {0}, *z = NULL;
    size_t n;
    *out = NULL, *out_n = 0;
    if (!w || !h || w > SV_IMAGE_MAX_SIDE || h > SV_IMAGE_MAX_SIDE || w * h > SV_IMAGE_MAX_PIXELS || (channels != 1 && channels != 3))
        return sv_fail(e, SV_EUSAGE, "PNG: %zu x %zu pixels of %zu channels cannot be written", w, h, channels);
    int rc = pixels(w, h, channels, px, &z, &n, e);
    if (!rc && !(*out = sv_alloc(8 + 3 * 12 + sizeof head + n, 1, e))) rc = SV_ENOMEM;
    if (!rc) {
        put32(head, (uint32_t)w), put32(head + 4, (uint32_t)h);
        head[8] = 8, head[9] = channels == 3 ? 2 : 0;
        memcpy(*out, "\x89PNG\r\n\x1a\n", 8);
        *out_n = (size_t)(chunk(chunk(chunk(*out + 8, "IHDR", head, sizeof head), "IDAT", z, n), "IEND", NULL, 0) - *out);
    }
    sv_free(z);
    return rc;
}

int sv_png_write(const char *path, size_t w, size_t h, size_t channels, const uint8_t *px, struct sv_err *e) {
    uint8_t *png;
    size_t n;
    struct sv_out o;
    int rc = sv_png_encode(w, h, channels, px, &png, &n, e);
    if (rc) return rc;
    if (!(rc = sv_out_open(&o, path, e))) {
        rc = sv_out_write(&o, png, n, e);
        if (rc) sv_out_drop(&o);
        else rc = sv_out_commit(&o, e);
    }
    sv_free(png);
    return rc;
}
