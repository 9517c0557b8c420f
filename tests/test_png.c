#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "io/file.h"
#include "io/image.h"
#include "io/png.h"
#include "tests/util.h"

Test(png, corpus) {
    if (!corpus_images("png", sv_png_decode, NULL)) cr_skip_test("no corpus");
}

/* A writer of its own: stored DEFLATE, filters taken in turn, so that files of every kind need no corpus. */
struct file { uint8_t p[20000]; size_t n; };

static void put32(struct file *f, uint32_t v) {
    for (int i = 24; i >= 0; i -= 8) f->p[f->n++] = (uint8_t)(v >> i);
}

static void chunk(struct file *f, const char *type, const void *data, size_t n) {
    put32(f, (uint32_t)n);
    const size_t from = f->n;
    memcpy(f->p + f->n, type, 4);
    if (n) memcpy(f->p + f->n + 4, data, n);
    f->n += 4 + n;
    put32(f, sv_crc32(0, f->p + from, n + 4));
}

static void start(struct file *f, unsigned w, unsigned h, unsigned depth, unsigned colour, bool interlaced) {
    const uint8_t head[13] = { 0, 0, 0, (uint8_t)w, 0, 0, 0, (uint8_t)h, (uint8_t)depth, (uint8_t)colour, 0, 0, interlaced };
    memcpy(f->p, "\x89PNG\r\n\x1a\n", 8);
    f->n = 8;
    chunk(f, "IHDR", head, 13);
}

static unsigned channels_of(unsigned colour) { return colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1; }

/* The sample of channel c at x, y: any function of all four that uses every bit. */
static unsigned sample(unsigned depth, unsigned x, unsigned y, unsigned c) {
    return ((x * 40503u + y * 30011u + c * 9973u + x * y * 769u) >> 3) & ((1u << depth) - 1);
}

static uint8_t predict(unsigned filter, int a, int b, int c) {
    const int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    const int q = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    return (uint8_t)(filter == 1 ? a : filter == 2 ? b : filter == 3 ? (a + b) / 2 : filter == 4 ? q : 0);
}

/* The rows of the pixels x0 + i dx, y0 + j dy behind raw[n]; returns the new n. */
static size_t pass(uint8_t *raw, size_t n, unsigned w, unsigned h, unsigned depth, unsigned colour, const unsigned at[4]) {
    const unsigned ch = channels_of(colour), bpp = ch * depth / 8 ? ch * depth / 8 : 1;
    uint8_t line[2][600] = { { 0 } };
    unsigned filter = 0, k = 0;
    for (unsigned y = at[1]; y < h && at[0] < w; y += at[3], k ^= 1, filter = (filter + 1) % 5) {
        uint8_t *row = line[k];
        const uint8_t *up = line[!k];
        size_t bit = 0;
        memset(row, 0, sizeof line[0]);
        for (unsigned x = at[0]; x < w; x += at[2])
            for (unsigned c = 0; c < ch; c++)
                for (unsigned b = depth; b--; bit++)
                    row[bit / 8] |= (uint8_t)((sample(depth, x, y, c) >> b & 1) << (7 - bit % 8));
        raw[n++] = (uint8_t)filter;
        for (size_t i = 0; i < (bit + 7) / 8; i++)
            raw[n++] = (uint8_t)(row[i] - predict(filter, i < bpp ? 0 : row[i - bpp], up[i], i < bpp ? 0 : up[i - bpp]));
    }
    return n;
}

static size_t zlib_stored(uint8_t *z, const uint8_t *raw, size_t n) {
    const uint8_t head[] = { 0x78, 1, 1, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8) };
    const uint32_t sum = sv_adler32(1, raw, n);
    memcpy(z, head, 7);
    memcpy(z + 7, raw, n);
    for (unsigned i = 0; i < 4; i++) z[7 + n + i] = (uint8_t)(sum >> (24 - 8 * i));
    return n + 11;
}

/* A whole file; the pixel data in pieces of `piece` bytes. */
static void make(struct file *f, unsigned w, unsigned h, unsigned depth, unsigned colour, bool interlaced, size_t piece) {
    static const unsigned adam[7][4] = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 },
                                         { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 } };
    static const unsigned all[4] = { 0, 0, 1, 1 };
    static uint8_t raw[16000], z[17000];
    uint8_t palette[768];
    size_t n = 0;
    for (unsigned i = 0; i < sizeof palette; i++) palette[i] = (uint8_t)(i * 7 + 1);
    if (!interlaced) n = pass(raw, n, w, h, depth, colour, all);
    for (int i = 0; interlaced && i < 7; i++) n = pass(raw, n, w, h, depth, colour, adam[i]);
    n = zlib_stored(z, raw, n);
    start(f, w, h, depth, colour, interlaced);
    if (colour == 3) chunk(f, "PLTE", palette, 3u << depth);
    for (size_t at = 0; at < n; at += piece) chunk(f, "IDAT", z + at, sv_min(piece, n - at));
    chunk(f, "IEND", NULL, 0);
}

static int decode(const struct file *f, size_t n, struct sv_image *im) {
    /* A copy of exactly n bytes, so that a sanitizer sees a read past the end. */
    uint8_t *copy = sv_alloc(n, 1, NULL);
    struct sv_err e = { 0 };
    memcpy(copy, f->p, n);
    const int rc = sv_image_decode(copy, n, "t", im, &e);
    cr_expect(!rc || (rc == SV_EINPUT && e.msg[0] && !im->px), "%d %s", rc, e.msg);
    sv_free(copy);
    return rc;
}

static void check_pixels(const struct sv_image *im, unsigned depth, unsigned colour) {
    static const enum sv_mode modes[7] = { SV_GRAY, 0, SV_RGB, SV_PALETTE, SV_GRAY_ALPHA, 0, SV_RGBA };
    const unsigned ch = channels_of(colour), max = (1u << depth) - 1;
    cr_assert_eq(im->mode, modes[colour]);
    cr_expect_eq(im->bilevel, colour == 0 && depth == 1);
    for (unsigned y = 0; y < im->h; y++)
        for (unsigned x = 0; x < im->w; x++)
            for (unsigned c = 0; c < ch; c++) {
                const unsigned v = sample(depth, x, y, c);
                const unsigned want = depth == 16 ? v >> 8 : colour == 3 ? v : v * 255 / max;
                cr_assert_eq(im->px[(y * im->w + x) * ch + c], want, "depth %u colour %u at %u, %u", depth, colour, x, y);
            }
    if (colour == 3) {
        const unsigned last = max * 3;
        cr_expect(im->palette[0][0] == 1 && im->palette[max][0] == (uint8_t)(last * 7 + 1));
        if (max < 255) cr_expect(!im->palette[max + 1][0] && !im->palette[255][2]);
    }
}

Test(png, every_kind) {
    static struct file f;
    static const uint8_t kinds[][2] = { { 1, 0 }, { 2, 0 }, { 4, 0 }, { 8, 0 }, { 16, 0 }, { 8, 2 }, { 16, 2 }, { 1, 3 },
                                        { 2, 3 }, { 4, 3 }, { 8, 3 }, { 8, 4 }, { 16, 4 }, { 8, 6 }, { 16, 6 } };
    for (size_t k = 0; k < SV_LEN(kinds); k++)
        for (unsigned w = 1; w < 20; w += w < 10 ? 1 : 7)
            for (unsigned h = 1; h < 20; h += h < 10 ? 1 : 9)
                for (int interlaced = 0; interlaced < 2; interlaced++) {
                    struct sv_image im;
                    make(&f, w, h, kinds[k][0], kinds[k][1], interlaced, w % 3 ? 10000 : 13);
                    cr_assert_eq(decode(&f, f.n, &im), 0, "%u x %u depth %u colour %u", w, h, kinds[k][0], kinds[k][1]);
                    cr_assert(im.w == w && im.h == h);
                    check_pixels(&im, kinds[k][0], kinds[k][1]);
                    sv_image_free(&im);
                }
}

Test(png, kinds_that_do_not_exist) {
    static struct file f;
    for (unsigned depth = 0; depth < 40; depth++)
        for (unsigned colour = 0; colour < 10; colour++) {
            const bool any = depth == 8 || depth == 16, small = depth == 1 || depth == 2 || depth == 4;
            if ((colour == 0 && (any || small)) || (colour == 3 && (small || depth == 8))) continue;
            if (any && (colour == 2 || colour == 4 || colour == 6)) continue;
            struct sv_image im;
            make(&f, 4, 4, 8, 3, false, 1000);
            f.p[24] = (uint8_t)depth, f.p[25] = (uint8_t)colour;
            const uint32_t crc = sv_crc32(0, f.p + 12, 17);
            for (int i = 0; i < 4; i++) f.p[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
            cr_expect_eq(decode(&f, f.n, &im), SV_EINPUT, "depth %u colour %u", depth, colour);
        }
}

Test(png, truncations_are_refused) {
    static struct file f;
    for (int k = 0; k < 2; k++) {
        make(&f, 9, 5, 2, k ? 3 : 0, k, k ? 20 : 1000);
        for (size_t n = 0; n < f.n; n++) {
            struct sv_image im;
            cr_expect_eq(decode(&f, n, &im), SV_EINPUT, "%zu of %zu bytes", n, f.n);
        }
    }
}

/* Without ancillary chunks, every bit of a file stands under some check. */
Test(png, flipped_bits_are_found) {
    static struct file f;
    make(&f, 7, 6, 4, 3, true, 50);
    for (size_t bit = 0; bit < f.n * 8; bit++) {
        struct sv_image im;
        f.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_eq(decode(&f, f.n, &im), SV_EINPUT, "bit %zu", bit);
        sv_image_free(&im);
        f.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Chunks by their first letter, in any order: H header, P palette, D pixels, E end, a ancillary, X unknown critical. */
static int order(const char *plan) {
    static struct file f;
    static const uint8_t raw[] = { 0, 0 }, palette[] = { 1, 2, 3 };
    uint8_t z[32];
    const size_t n = zlib_stored(z, raw, sizeof raw);
    const uint8_t head[13] = { 0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0 };
    memcpy(f.p, "\x89PNG\r\n\x1a\n", 8);
    f.n = 8;
    for (const char *s = plan; *s; s++) switch (*s) {
        case 'H': chunk(&f, "IHDR", head, 13); break;
        case 'P': chunk(&f, "PLTE", palette, 3); break;
        case 'D': chunk(&f, "IDAT", z, n); break;
        case '1': chunk(&f, "IDAT", z, 5); break;
        case '2': chunk(&f, "IDAT", z + 5, n - 5); break;
        case '0': chunk(&f, "IDAT", NULL, 0); break;
        case 'E': chunk(&f, "IEND", NULL, 0); break;
        case 'a': chunk(&f, "tEXt", "a", 1); break;
        case 'w': chunk(&f, "tEXt", "a", 1); f.p[f.n - 1] ^= 1; break;
        default: chunk(&f, "XXXX", "a", 1);
        }
    struct sv_image im;
    const int rc = decode(&f, f.n, &im);
    sv_image_free(&im);
    return rc;
}

Test(png, order_of_chunks) {
    static const char *const good[] = { "HPDE", "HaPaDaE", "HP12E", "HP0102E", "HPDEHPD", "HPwDE", "HPDDE" };
    static const char *const not[] = { "PHDE", "aHPDE", "HHPDE", "HPPDE", "HDPE", "HDE", "HPE",
                                       "HPD", "P", "HP1a2E", "HPXDE", "XHPDE", "HP1E", "E", "HPDaDE" };
    for (size_t i = 0; i < SV_LEN(good); i++) cr_expect_eq(order(good[i]), 0, "%s", good[i]);
    for (size_t i = 0; i < SV_LEN(not); i++) cr_expect_eq(order(not[i]), SV_EINPUT, "%s", not[i]);
}

/* A header that claims the largest picture there is must cost nothing. */
Test(png, claims_are_not_believed) {
    static struct file f;
    static const uint32_t sides[][2] = { { 16384, 16384 }, { 65535, 4096 }, { 65536, 1 }, { 0, 1 }, { 1, 0 },
                                         { 0x7fffffff, 0x7fffffff }, { 0xffffffff, 0xffffffff }, { 65535, 65535 } };
    for (size_t k = 0; k < SV_LEN(sides); k++) {
        make(&f, 4, 4, 8, 6, k % 2, 1000);
        const size_t end = f.n;
        f.n = 16;
        put32(&f, sides[k][0]), put32(&f, sides[k][1]);
        f.n = 29;
        put32(&f, sv_crc32(0, f.p + 12, 17));
        struct sv_image im;
        struct sv_err e = { 0 };
        cr_expect_eq(sv_png_decode(f.p, end, "t", &im, &e), SV_EINPUT, "%zu", k);
        cr_expect(strstr(e.msg, k < 2 ? "hold less" : "expected 1 .. 65535 a side"), "%s", e.msg);
    }
}
