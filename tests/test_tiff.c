#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "io/image.h"
#include "io/tiff.h"
#include "io/tiff_pack.h"
#include "tests/util.h"

/* Zstandard, WebP, and more rows than a picture may have here. */
static const char *const unclaimed[] = { "gen-libtiff/gray360x240_zstd.tif", "gen-libtiff/rgb253x171_zstd.tif", "pillow/hopper_webp.tif",
                                         "image-tiff/big_g4.tif", NULL };

Test(tiff, corpus) {
    if (!corpus_images("tiff", sv_tiff_decode, unclaimed)) cr_skip_test("no corpus");
}

/* A writer of its own, for every layout that the corpus may lack. */
struct spec {
    bool motorola, big, tiled, planar, reversed;
    unsigned w, h, part_w, part_h, bits, samples, kind, packing, predictor, extra, turn, format;
};
struct file { uint8_t p[1 << 16]; size_t n; const struct spec *s; };

static void put(struct file *f, uint64_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) f->p[f->n++] = (uint8_t)(v >> 8 * (f->s->motorola ? bytes - 1 - i : i));
}

/* The sample of channel c at x, y: any function of all three that uses every bit. */
static uint32_t sample(const struct spec *s, unsigned x, unsigned y, unsigned c) {
    return ((x * 40503u + y * 30011u + c * 9973u + x * y * 769u) * 2654435761u) >> (s->bits < 32 ? 32 - s->bits : 0);
}

static size_t put_bits(uint8_t *row, size_t bit, unsigned n, uint64_t v) {
    for (unsigned i = n; i--; bit++) row[bit / 8] = (uint8_t)(row[bit / 8] | (v >> i & 1) << (7 - bit % 8));
    return bit;
}

/* Rows of one strip or tile before packing. */
static size_t raw(const struct file *f, unsigned px, unsigned py, unsigned plane, uint8_t *out) {
    const struct spec *s = f->s;
    const unsigned step = s->planar ? 1 : s->samples, rows = s->tiled || py + s->part_h <= s->h ? s->part_h : s->h - py;
    size_t n = 0;
    for (unsigned y = 0; y < rows; y++) {
        const size_t bytes = (s->part_w * step * s->bits + 7) / 8;
        uint8_t *row = out + n;
        memset(row, 0, bytes);
        for (unsigned x = 0, at = 0; x < s->part_w; x++)
            for (unsigned c = 0; c < step; c++, at++) {
                uint64_t v = sample(s, px + x, py + y, s->planar ? plane : c);
                if (s->predictor == 2 && x) v -= sample(s, px + x - 1, py + y, s->planar ? plane : c);
                if (s->bits <= 8) put_bits(row, at * s->bits, s->bits, v & ((1u << s->bits) - 1));
                for (unsigned i = 0; s->bits > 8 && i < s->bits / 8; i++)
                    row[at * s->bits / 8 + i] = (uint8_t)(v >> 8 * (s->motorola ? s->bits / 8 - 1 - i : i));
            }
        n += bytes;
    }
    return n;
}

/* Greedy LZW with a linear search; the table is small because the data is. */
static size_t lzw(const uint8_t *in, size_t n, uint8_t *out, size_t clear_after) {
    struct { unsigned before; uint8_t last; } table[4096];
    unsigned width = 9, next = 258, old = 256;
    size_t bit = put_bits(out, 0, 9, 256);
    for (size_t i = 0; i < n; i++) {
        unsigned k = 258;
        if (old == 256) { old = in[i]; continue; }
        while (k < next && (table[k].before != old || table[k].last != in[i])) k++;
        if (k < next) { old = k; continue; }
        bit = put_bits(out, bit, width, old);
        table[next].before = old, table[next].last = in[i];
        next++, old = in[i];
        if (next == 1u << width) width++;
        if (next == clear_after) bit = put_bits(out, bit, width, 256), width = 9, next = 258;
    }
    bit = put_bits(out, bit, width, old);
    if (next + 1 == 1u << width && width < 12) width++;
    return (put_bits(out, bit, width, 257) + 7) / 8;
}

static size_t pack(const struct spec *s, const uint8_t *in, size_t n, uint8_t *out) {
    size_t k = 0;
    memset(out, 0, 2 * n + 16);
    if (s->packing == 5) k = lzw(in, n, out, 4094);
    else if (s->packing == 32773) {
        for (size_t i = 0, m; i < n; i += m) {              /* runs of equal bytes, the rest as literals of two */
            for (m = 1; i + m < n && m < 128 && in[i + m] == in[i];) m++;
            if (m > 1) { out[k++] = (uint8_t)(257 - m), out[k++] = in[i]; continue; }
            m = i + 1 < n ? 2 : 1;
            out[k++] = (uint8_t)(m - 1), memcpy(out + k, in + i, m), k += m;
        }
    } else if (s->packing == 8) {
        const uint32_t sum = sv_adler32(1, in, n);
        const uint8_t head[7] = { 0x78, 1, 1, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8) };
        memcpy(out, head, 7), memcpy(out + 7, in, n), k = n + 7;
        for (int i = 24; i >= 0; i -= 8) out[k++] = (uint8_t)(sum >> i);
    } else memcpy(out, in, k = n);
    for (size_t i = 0; s->reversed && i < k; i++) {
        const uint8_t v = out[i];
        out[i] = 0;
        for (unsigned b = 0; b < 8; b++) out[i] = (uint8_t)(out[i] | (v >> b & 1) << (7 - b));
    }
    return k;
}

static void entry(struct file *f, unsigned tag, unsigned type, size_t count, uint64_t v) {
    const size_t bytes = type == 3 ? 2 : 4, word = f->s->big ? 8 : 4, from = f->n;
    put(f, tag, 2), put(f, type, 2), put(f, count, word);
    put(f, v, count == 1 ? bytes : word);
    while (f->n < from + 4 + 2 * word) f->p[f->n++] = 0;
}

static void write_tiff(struct file *f, const struct spec *s) {
    static uint8_t part[1 << 14], packed[1 << 15];
    size_t at[64], n[64], parts = 0;
    f->s = s, f->n = 0;
    memcpy(f->p, s->motorola ? "MM" : "II", 2), f->n = 2;
    put(f, s->big ? 43 : 42, 2);
    if (s->big) put(f, 8, 2), put(f, 0, 2);
    const size_t link = f->n;
    put(f, 0, s->big ? 8 : 4);
    for (unsigned plane = 0; plane < (s->planar ? s->samples : 1); plane++)
        for (unsigned y = 0; y < s->h; y += s->part_h)
            for (unsigned x = 0; x < s->w; x += s->part_w, parts++) {
                at[parts] = f->n, n[parts] = pack(s, part, raw(f, x, y, plane, part), packed);
                memcpy(f->p + f->n, packed, n[parts]), f->n += n[parts];
            }
    const size_t offsets = f->n;
    for (size_t i = 0; i < parts; i++) put(f, at[i], 4);
    const size_t sizes = f->n;
    for (size_t i = 0; i < parts; i++) put(f, n[i], 4);
    const size_t map = f->n;
    for (unsigned i = 0; s->kind == 3 && s->bits <= 8 && i < 3u << s->bits; i++) put(f, (i * 977u) & 0xffff, 2);
    const size_t ifd = f->n;
    f->n = link, put(f, ifd, s->big ? 8 : 4), f->n = ifd;
    put(f, 0, s->big ? 8 : 2);
    const unsigned simple[][2] = { { 256, s->w }, { 257, s->h }, { 258, s->bits }, { 259, s->packing }, { 262, s->kind },
        { 266, s->reversed ? 2 : 1 }, { 274, s->turn ? s->turn : 1 }, { 277, s->samples }, { 284, s->planar ? 2 : 1 },
        { 317, s->predictor ? s->predictor : 1 }, { 338, s->extra }, { 339, s->format ? s->format : 1 },
        { s->tiled ? 322 : 278, s->tiled ? s->part_w : s->part_h }, { 323, s->part_h } };
    size_t fields = 2;
    for (size_t i = 0; i < SV_LEN(simple) - !s->tiled; i++, fields++) entry(f, simple[i][0], 3, 1, simple[i][1]);
    entry(f, s->tiled ? 324 : 273, 4, parts, parts == 1 ? at[0] : offsets);
    entry(f, s->tiled ? 325 : 279, 4, parts, parts == 1 ? n[0] : sizes);
    if (s->kind == 3) entry(f, 320, 3, 3u << s->bits, map), fields++;
    const size_t end = f->n;
    f->n = ifd, put(f, fields, s->big ? 8 : 2), f->n = end;
}

static uint8_t as_8_bits(const struct spec *s, uint32_t v) {
    if (s->kind == 3) return (uint8_t)v;
    return (uint8_t)(s->bits >= 8 ? v >> (s->bits - 8) : v * 255 / ((1u << s->bits) - 1));
}

static int decode(const uint8_t *p, size_t n, struct sv_image *im, struct sv_err *e) {
    uint8_t *copy = sv_alloc(n, 1, NULL);                   /* exactly n bytes, so that a sanitizer sees a read past the end */
    memcpy(copy, p, n);
    const int rc = sv_image_decode(copy, n, "t", im, e);
    sv_free(copy);
    return rc;
}

static void check(const struct spec *s) {
    static struct file f;
    static const enum sv_mode modes[] = { SV_GRAY, SV_GRAY, SV_RGB, SV_PALETTE };
    struct sv_image im;
    struct sv_err e = { 0 };
    char what[128];
    snprintf(what, sizeof what, "kind %u, %u x %u bits, packing %u, predictor %u%s%s%s%s%s", s->kind, s->samples, s->bits, s->packing,
             s->predictor, s->motorola ? ", MM" : "", s->big ? ", big" : "", s->tiled ? ", tiles" : "", s->planar ? ", planes" : "",
             s->reversed ? ", reversed" : "");
    write_tiff(&f, s);
    cr_assert_eq(decode(f.p, f.n, &im, &e), 0, "%s: %s", what, e.msg);
    cr_assert(im.w == s->w && im.h == s->h && im.mode == modes[s->kind] && im.bilevel == (s->bits == 1 && s->kind < 2), "%s", what);
    const size_t c = sv_image_channels(im.mode);
    for (unsigned y = 0; y < s->h; y++)
        for (unsigned x = 0; x < s->w; x++)
            for (unsigned k = 0; k < c; k++) {
                const uint8_t v = as_8_bits(s, sample(s, x, y, k));
                cr_assert_eq(im.px[(y * s->w + x) * c + k], s->kind ? v : 255 - v, "%s: %u, %u, %u", what, x, y, k);
            }
    for (unsigned i = 0; s->kind == 3 && i < 1u << s->bits; i++)
        for (unsigned k = 0; k < 3; k++) cr_assert_eq(im.palette[i][k], (((k << s->bits) + i) * 977u & 0xffff) >> 8, "%s", what);
    sv_image_free(&im);
}

Test(tiff, every_layout) {
    static const struct { unsigned kind, samples, bits; } kinds[] = { { 0, 1, 1 }, { 1, 1, 1 }, { 1, 1, 2 }, { 0, 1, 4 }, { 0, 1, 8 }, { 1, 1, 8 },
        { 1, 1, 16 }, { 1, 1, 32 }, { 2, 3, 8 }, { 2, 3, 16 }, { 2, 4, 8 }, { 3, 1, 1 }, { 3, 1, 4 }, { 3, 1, 8 }, { 2, 3, 2 } };
    static const unsigned packings[] = { 1, 5, 8, 32773 };
    for (size_t k = 0; k < SV_LEN(kinds); k++)
        for (unsigned flags = 0; flags < 32; flags++)
            for (size_t p = 0; p < 2 * SV_LEN(packings); p++) {
                struct spec s = { .motorola = flags & 1, .big = flags & 2, .tiled = flags & 4, .planar = flags & 8, .reversed = flags & 16,
                    .w = 21, .h = 13, .bits = kinds[k].bits, .samples = kinds[k].samples, .kind = kinds[k].kind, .packing = packings[p / 2] };
                if (s.planar && s.samples == 1) continue;
                s.part_w = s.tiled ? 16 : s.w, s.part_h = s.tiled ? 8 : 5;
                s.predictor = p % 2 ? 2 : 0;
                if (s.predictor && (s.bits < 8 || s.bits > 16 || (s.packing != 5 && s.packing != 8))) continue;
                check(&s);
            }
}

/* Long strings and a full table: 12 bits and the code that clears it. */
Test(tiff, lzw) {
    static uint8_t in[40000], packed[80000], out[40000];
    static const size_t clears[] = { 300, 511, 512, 513, 1023, 2047, 4094 };
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i < 9000 ? i * i >> 6 : i < 20000 ? 7 : (i * 2654435761u) >> 29);
    for (size_t i = 0; i < SV_LEN(clears); i++) {
        memset(packed, 0, sizeof packed);
        const size_t n = lzw(in, sizeof in, packed, clears[i]);
        cr_assert(sv_tiff_lzw(packed, n, out, sizeof out), "cleared at %zu", clears[i]);
        cr_expect_arr_eq(in, out, sizeof in);
        cr_expect(!sv_tiff_lzw(packed, n / 2, out, sizeof out));
        cr_expect(sv_tiff_lzw(packed, n, out, 9001) && !memcmp(in, out, 9001), "a string that does not fit is cut");
    }
    static const uint8_t bad[][4] = { { 0x80, 0x7f, 0xc0, 0 },         /* clear, 511 */ { 0x80, 0x00, 0x60, 0 }, /* clear, 1, 258 + 125.. */
                                      { 0x80, 0x40, 0, 0 } /* clear, 257 */ };
    for (size_t i = 0; i < SV_LEN(bad); i++) cr_expect(!sv_tiff_lzw(bad[i], 4, out, 100), "%zu", i);
    cr_expect(!sv_tiff_packbits((const uint8_t *)"\x80\x80\x05" "abc", 6, out, 6) && !sv_tiff_packbits(in, 0, out, 1));
    cr_expect(sv_tiff_packbits((const uint8_t *)"\x80\xfe" "a\1bcd", 6, out, 5) && !memcmp(out, "aaabc", 5));
}

Test(tiff, alpha_cmyk_and_signs) {
    static struct file f;
    struct spec s = { .w = 3, .h = 2, .part_w = 3, .part_h = 2, .bits = 8, .samples = 4, .kind = 2, .packing = 1, .extra = 2 };
    struct sv_image im;
    for (unsigned extra = 1; extra <= 2; extra++) {
        s.extra = extra;
        write_tiff(&f, &s);
        cr_assert(!decode(f.p, f.n, &im, NULL) && im.mode == SV_RGBA);
        for (unsigned i = 0; i < 24; i++) {
            const unsigned v = sample(&s, i / 4 % 3, i / 12, i % 4), a = sample(&s, i / 4 % 3, i / 12, 3);
            cr_expect_eq(im.px[i], extra == 2 || i % 4 == 3 || !a ? v : sv_min(v * 255 / a, 255), "%u", i);
        }
        sv_image_free(&im);
    }
    s.kind = 5, s.extra = 0;
    write_tiff(&f, &s);
    cr_assert(!decode(f.p, f.n, &im, NULL) && im.mode == SV_RGB);
    for (unsigned i = 0; i < 18; i++)
        cr_expect_eq(im.px[i], (255 - sample(&s, i / 3 % 3, i / 9, i % 3)) * (255 - sample(&s, i / 3 % 3, i / 9, 3)) / 255);
    sv_image_free(&im);
    s.kind = 1, s.samples = 1, s.bits = 16, s.format = 2;
    write_tiff(&f, &s);
    cr_assert_eq(decode(f.p, f.n, &im, NULL), 0);
    for (unsigned i = 0; i < 6; i++) {
        const uint32_t v = sample(&s, i % 3, i / 3, 0);
        cr_expect_eq(im.px[i], v >> 15 ? 0 : v >> 8);
    }
    sv_image_free(&im);
}

/* Where each orientation puts the stored pixel 0, 0 and its neighbour to the right. */
Test(tiff, orientation) {
    static struct file f;
    static const struct { unsigned w, x0, y0, x1, y1; } want[9] = { { 0 }, { 3, 0, 0, 1, 0 }, { 3, 2, 0, 1, 0 }, { 3, 2, 1, 1, 1 },
        { 3, 0, 1, 1, 1 }, { 2, 0, 0, 0, 1 }, { 2, 1, 0, 1, 1 }, { 2, 1, 2, 1, 1 }, { 2, 0, 2, 0, 1 } };
    for (unsigned i = 1; i <= 8; i++) {
        struct spec s = { .w = 3, .h = 2, .part_w = 3, .part_h = 2, .bits = 8, .samples = 3, .kind = 2, .packing = 1, .turn = i };
        struct sv_image im;
        write_tiff(&f, &s);
        cr_assert_eq(decode(f.p, f.n, &im, NULL), 0);
        cr_assert(im.w == want[i].w && im.h == 6 / want[i].w, "%u: %zu x %zu", i, im.w, im.h);
        for (unsigned c = 0; c < 3; c++) {
            cr_expect_eq(im.px[(want[i].y0 * im.w + want[i].x0) * 3 + c], sample(&s, 0, 0, c), "%u", i);
            cr_expect_eq(im.px[(want[i].y1 * im.w + want[i].x1) * 3 + c], sample(&s, 1, 0, c), "%u", i);
        }
        sv_image_free(&im);
    }
}

Test(tiff, refused) {
    static struct file f;
    static const struct spec bad[] = {
        { .bits = 3, .samples = 1, .kind = 1, .packing = 1 }, { .bits = 64, .samples = 1, .kind = 1, .packing = 1 },
        { .bits = 8, .samples = 2, .kind = 1, .packing = 1 }, { .bits = 8, .samples = 3, .kind = 1, .packing = 1 },
        { .bits = 8, .samples = 5, .kind = 2, .packing = 1 }, { .bits = 16, .samples = 1, .kind = 3, .packing = 1 },
        { .bits = 8, .samples = 3, .kind = 8, .packing = 1 }, { .bits = 8, .samples = 3, .kind = 6, .packing = 1 },
        { .bits = 8, .samples = 1, .kind = 1, .packing = 50000 }, { .bits = 8, .samples = 1, .kind = 1, .packing = 4 },
        { .bits = 4, .samples = 1, .kind = 1, .packing = 5, .predictor = 2 }, { .bits = 8, .samples = 1, .kind = 1, .packing = 8, .predictor = 3 },
        { .bits = 16, .samples = 1, .kind = 1, .packing = 1, .format = 3 }, { .bits = 16, .samples = 4, .kind = 5, .packing = 1 },
        { .bits = 8, .samples = 1, .kind = 1, .packing = 7 },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        struct spec s = bad[i];
        struct sv_image im;
        struct sv_err e = { 0 };
        s.w = s.part_w = 3, s.h = s.part_h = 2;
        write_tiff(&f, &s);
        cr_expect_eq(decode(f.p, f.n, &im, &e), SV_EINPUT, "%zu", i);
        cr_expect(e.msg[0] && !im.px);
    }
}

/* No cut file and no file with a changed byte in its directory reads outside or takes the sanitizer's patience. */
Test(tiff, damage) {
    static struct file f;
    struct spec s = { .w = 5, .h = 4, .part_w = 5, .part_h = 3, .bits = 4, .samples = 1, .kind = 3, .packing = 5 };
    struct sv_image im;
    write_tiff(&f, &s);
    for (size_t n = 0; n < f.n; n++) cr_expect_eq(decode(f.p, n, &im, NULL), SV_EINPUT, "%zu bytes", n);
    for (size_t i = 0; i < f.n; i++)
        for (unsigned v = 0; v < 4; v++) {
            const uint8_t was = f.p[i];
            f.p[i] = (uint8_t[]){ 0, 0xff, (uint8_t)(was + 1), (uint8_t)(was ^ 0x80) }[v];
            struct sv_err e = { 0 };
            const int rc = decode(f.p, f.n, &im, &e);
            cr_expect(!rc || (rc == SV_EINPUT && e.msg[0]));
            sv_image_free(&im);
            f.p[i] = was;
        }
}
