/* The last byte picks the way in: even (as in every real PNG), the file itself with its chunk CRCs made right; odd,
 * a PNG around a header and filtered rows taken from the input, so that the row code is reached without DEFLATE. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "io/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void fix_crcs(uint8_t *p, size_t size) {
    for (size_t at = 8; at < size && size - at >= 12;) {
        const size_t n = get32(p + at);
        if (n > size - at - 12) break;
        put32(p + at + 8 + n, sv_crc32(0, p + at + 4, n + 4));
        at += 12 + n;
    }
}

static size_t chunk(uint8_t *p, const char *type, const uint8_t *data, size_t n) {
    put32(p, (uint32_t)n);
    memcpy(p + 4, type, 4);
    if (n) memcpy(p + 8, data, n);
    return n + 12;
}

/* Sides of 1 .. 64, depth, colour type and interlacing from the first bytes; a palette; the rest are rows, repeated
 * or cut to what the header asks for as far as 60000 bytes go. */
static size_t wrap(uint8_t *p, const uint8_t *in, size_t size) {
    static uint8_t z[65536];
    if (size < 5) return 0;
    const uint8_t depth = (uint8_t)(1 << in[2] % 5);
    const uint8_t head[13] = { 0, 0, 0, in[0] % 64 + 1, 0, 0, 0, in[1] % 64 + 1, depth, in[3] % 7, 0, 0, in[4] % 2 };
    static const uint8_t channels[7] = { 1, 0, 3, 1, 2, 0, 4 };
    size_t n = 0, w = head[3], h = head[7], bits = (size_t)channels[head[9]] * head[8];
    for (int i = 0; i < 7; i++) {
        static const uint8_t x0[] = { 0, 4, 0, 2, 0, 1, 0 }, dx[] = { 8, 8, 4, 4, 2, 2, 1 };
        static const uint8_t y0[] = { 0, 0, 4, 0, 2, 0, 1 }, dy[] = { 8, 8, 8, 4, 4, 2, 2 };
        const size_t pw = head[12] ? (w + dx[i] - 1 - x0[i]) / dx[i] : i ? 0 : w;
        const size_t ph = head[12] ? (h + dy[i] - 1 - y0[i]) / dy[i] : h;
        if (pw) n += ph * ((pw * bits + 7) / 8 + 1);
    }
    in += 5, size -= 5;
    z[0] = 0x78, z[1] = 1, z[2] = 1;
    z[3] = (uint8_t)n, z[4] = (uint8_t)(n >> 8), z[5] = (uint8_t)~n, z[6] = (uint8_t)(~n >> 8);
    for (size_t i = 0; i < n; i++) z[7 + i] = size ? in[i % size] : 0;
    put32(z + 7 + n, sv_adler32(1, z + 7, n));
    size_t at = 8;
    memcpy(p, "\x89PNG\r\n\x1a\n", 8);
    at += chunk(p + at, "IHDR", head, 13);
    at += chunk(p + at, "PLTE", z + 7, n >= 30 ? 30 : 3);
    at += chunk(p + at, "IDAT", z, n + 11);
    at += chunk(p + at, "IEND", NULL, 0);
    fix_crcs(p, at);
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const bool rows = size && data[size - 1] % 2;
    uint8_t *p = sv_alloc(rows ? 70000 : size, 1, NULL);
    size_t n = size;
    if (rows) n = wrap(p, data, size);
    else if (size) memcpy(p, data, size), fix_crcs(p, size);
    struct sv_image im;
    struct sv_err e = { 0 };
    const int rc = sv_png_decode(p, n, "fuzz", &im, &e);
    if (rc ? !e.msg[0] || im.px : !im.px) abort();
    if (!rc) {
        uint8_t *rgb = sv_alloc(im.w * im.h, 3, NULL);
        if (rgb) sv_image_rgb(&im, rgb);
        sv_free(rgb);
    }
    sv_image_free(&im);
    sv_free(p);
    return 0;
}
