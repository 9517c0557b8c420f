#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "io/bmp.h"
#include "io/image.h"
#include "tests/util.h"

Test(bmp, corpus) {
    if (!corpus_images("bmp", sv_bmp_decode, NULL)) cr_skip_test("no corpus");
}

/* A writer of its own: a header, a palette, then raw bytes. */
struct file { uint8_t p[4096]; size_t n; };

static void put(struct file *f, uint32_t v, size_t bytes) {
    for (; bytes; bytes--, v >>= 8) f->p[f->n++] = (uint8_t)v;
}

static void start(struct file *f, size_t head, int32_t w, int32_t h, unsigned bits, unsigned how, size_t colours) {
    const size_t side = head == 12 ? 2 : 4;
    f->n = 0;
    put(f, 0x4d42, 2), put(f, 0, 4), put(f, 0, 4), put(f, 0, 4), put(f, (uint32_t)head, 4);
    put(f, (uint32_t)w, side), put(f, (uint32_t)h, side), put(f, 1, 2), put(f, bits, 2);
    if (head >= 40) put(f, how, 4), put(f, 0, 4), put(f, 0, 4), put(f, 0, 4), put(f, (uint32_t)colours, 4), put(f, 0, 4);
    while (f->n < 14 + head) f->p[f->n++] = 0;
}

static void palette(struct file *f, size_t n, size_t entry, const uint8_t *rgb) {
    for (size_t i = 0; i < n; i++, f->n += entry) {
        f->p[f->n] = rgb[3 * i + 2], f->p[f->n + 1] = rgb[3 * i + 1], f->p[f->n + 2] = rgb[3 * i];
        if (entry == 4) f->p[f->n + 3] = 0;
    }
}

static void pixels(struct file *f, const void *p, size_t n) {
    for (size_t i = 0; i < 4; i++) f->p[10 + i] = (uint8_t)(f->n >> 8 * i);
    memcpy(f->p + f->n, p, n);
    f->n += n;
}

/* The file's RGB in hex, with the mode in front; "!" where it is refused. */
static const char *decode(const uint8_t *p, size_t n) {
    static char out[512];
    static const char *const mode[] = { "gray", "graya", "rgb", "rgba", "palette" };
    struct sv_image im;
    struct sv_err e = { 0 };
    uint8_t *copy = sv_alloc(n, 1, NULL), rgb[3 * 64];      /* exactly n bytes, so that a sanitizer sees a read past the end */
    memcpy(copy, p, n);
    const int rc = sv_image_decode(copy, n, "t", &im, &e);
    sv_free(copy);
    if (rc) {
        cr_expect(rc == SV_EINPUT && e.msg[0] && !im.px);
        return "!";
    }
    cr_assert_leq(im.w * im.h, 64);
    sv_image_rgb(&im, rgb);
    int k = snprintf(out, sizeof out, "%s%s %zux%zu", im.bilevel ? "bilevel " : "", mode[im.mode], im.w, im.h);
    for (size_t i = 0; i < im.w * im.h * 3; i++)
        k += snprintf(out + k, sizeof out - (size_t)k, "%s%02x", i % 3 ? "" : " ", rgb[i]);
    sv_image_free(&im);
    return out;
}

#define EXPECT(f, want) cr_expect_str_eq(decode((f).p, (f).n), want)

static const uint8_t colours[4][3] = { { 1, 2, 3 }, { 0x10, 0x20, 0x30 }, { 0xff, 0, 0 }, { 0, 0, 0xee } };

Test(bmp, palettes) {
    struct file f;
    static const size_t heads[] = { 12, 16, 40, 52, 56, 64, 108, 124 };
    for (size_t i = 0; i < SV_LEN(heads); i++) {
        const size_t entry = heads[i] == 12 ? 3 : 4;
        start(&f, heads[i], 3, 2, 8, 0, 4), palette(&f, 4, entry, colours[0]), pixels(&f, "\0\1\2_\3\4\1_", 8);
        EXPECT(f, "palette 3x2 0000ee 000000 102030 010203 102030 ff0000");         /* bottom row first; 4 is past the palette */
        start(&f, heads[i], 9, 1, 1, 0, 2), palette(&f, 2, entry, colours[0]), pixels(&f, "\x55\x80__", 4);
        EXPECT(f, "palette 9x1 010203 102030 010203 102030 010203 102030 010203 102030 102030");
    }
    start(&f, 40, 3, -2, 4, 0, 4), palette(&f, 4, 4, colours[0]), pixels(&f, "\x01\x20__\x31\x00__", 8);
    EXPECT(f, "palette 3x2 010203 102030 ff0000 0000ee 102030 010203");
    start(&f, 40, 5, 1, 2, 0, 0), palette(&f, 4, 4, colours[0]), pixels(&f, "\x1b\x40__", 4);
    EXPECT(f, "palette 5x1 010203 102030 ff0000 0000ee 102030");
}

Test(bmp, gray) {
    struct file f;
    uint8_t ramp[256][3];
    for (size_t i = 0; i < 256; i++) memset(ramp[i], (int)i, 3);
    start(&f, 40, 2, 1, 8, 0, 256), palette(&f, 256, 4, ramp[0]), pixels(&f, "\x07\xfe__", 4);
    EXPECT(f, "gray 2x1 070707 fefefe");
    memset(ramp[1], 255, 3);
    start(&f, 40, 2, 1, 1, 0, 2), palette(&f, 2, 4, ramp[0]), pixels(&f, "\x40___", 4);
    EXPECT(f, "bilevel gray 2x1 000000 ffffff");
}

Test(bmp, true_colour) {
    struct file f;
    start(&f, 40, 2, 1, 24, 0, 0), pixels(&f, "\1\2\3\4\5\6__", 8);
    EXPECT(f, "rgb 2x1 030201 060504");
    start(&f, 40, 2, 1, 24, 0, 0), pixels(&f, "\1\2\3\4\5\6", 6);             /* the last row need not be padded */
    EXPECT(f, "rgb 2x1 030201 060504");
    start(&f, 40, 2, 1, 32, 0, 0), pixels(&f, "\1\2\3\xff\4\5\6\0", 8);
    EXPECT(f, "rgb 2x1 030201 060504");
    start(&f, 40, 2, 1, 16, 0, 0), pixels(&f, "\xff\x7f\x21\x44", 4);
    EXPECT(f, "rgb 2x1 ffffff 8b0808");
    start(&f, 40, 1, 1, 16, 3, 0), put(&f, 0xf800, 4), put(&f, 0x7e0, 4), put(&f, 0x1f, 4), pixels(&f, "\x20\x80__", 4);
    EXPECT(f, "rgb 1x1 830400");
    start(&f, 40, 1, 1, 32, 6, 0), put(&f, 0xff, 4), put(&f, 0xff00, 4), put(&f, 0xff0000, 4), put(&f, 0xff000000u, 4);
    pixels(&f, "\1\2\3\4", 4);
    EXPECT(f, "rgba 1x1 010203");
    start(&f, 40, 1, 1, 16, 3, 0), put(&f, 0xf801, 4), put(&f, 0x7e0, 4), put(&f, 0x1e, 4), pixels(&f, "\x20\x80__", 4);
    EXPECT(f, "!");
}

Test(bmp, run_lengths) {
    struct file f;
    static const uint8_t code8[] = { 2, 1, 1, 3, 0, 0, 0, 3, 2, 1, 3, '_', 0, 1 };
    start(&f, 40, 3, 2, 8, 1, 4), palette(&f, 4, 4, colours[0]), pixels(&f, code8, sizeof code8);
    EXPECT(f, "palette 3x2 ff0000 102030 0000ee 102030 102030 0000ee");
    static const uint8_t code4[] = { 3, 0x12, 0, 0, 0, 2, 1, 0, 7, 0x32, 0, 1 };
    start(&f, 40, 3, -2, 4, 2, 4), palette(&f, 4, 4, colours[0]), pixels(&f, code4, sizeof code4);
    EXPECT(f, "palette 3x2 102030 ff0000 102030 010203 0000ee ff0000");        /* a move, then seven of which two fit */
    for (size_t n = 0; n + 2 < sizeof code4; n++) {
        start(&f, 40, 3, -2, 4, 2, 4), palette(&f, 4, 4, colours[0]), pixels(&f, code4, n);
        EXPECT(f, "!");
    }
    static const uint8_t literals[] = { 0, 2, 1, 0, 0, 3, 0x32, 0x10, 0, 1 };
    start(&f, 40, 3, -2, 4, 2, 4), palette(&f, 4, 4, colours[0]), pixels(&f, literals, sizeof literals);
    EXPECT(f, "!");
    static const uint8_t below[] = { 0, 2, 0, 2, 1, 1, 0, 1 };
    start(&f, 40, 3, 2, 8, 1, 4), palette(&f, 4, 4, colours[0]), pixels(&f, below, sizeof below);
    EXPECT(f, "!");
}

Test(bmp, refused) {
    struct file f;
    static const struct { size_t head; int32_t w, h; unsigned bits, how; size_t colours; } bad[] = {
        { 40, 0, 1, 24, 0, 0 }, { 40, 1, 0, 24, 0, 0 }, { 40, -1, 1, 24, 0, 0 }, { 40, 1, INT32_MIN, 24, 0, 0 }, { 40, 65536, 1, 24, 0, 0 },
        { 40, 65535, 65535, 8, 0, 4 }, { 40, 60000, 4000, 8, 1, 4 }, { 40, 1, 1, 3, 0, 4 }, { 40, 1, 1, 64, 0, 0 }, { 40, 1, 1, 0, 0, 0 },
        { 40, 1, 1, 8, 2, 4 }, { 40, 1, 1, 24, 4, 0 }, { 64, 1, 1, 1, 3, 2 }, { 40, 1, 1, 8, 0, 257 }, { 41, 1, 1, 24, 0, 0 },
        { 40, 1, 1, 65535, 0, 0 }, { 0, 1, 1, 24, 0, 0 }, { 24, 1, 1, 24, 0, 0 },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        start(&f, bad[i].head, bad[i].w, bad[i].h, bad[i].bits, bad[i].how, bad[i].colours);
        palette(&f, 4, 4, colours[0]), pixels(&f, "\1\1\0\1....", 8);
        EXPECT(f, "!");
    }
    start(&f, 40, 1, 1, 8, 0, 4), palette(&f, 4, 4, colours[0]), pixels(&f, "\1___", 4);
    f.p[10] = 54;                                           /* pixels where the palette is */
    EXPECT(f, "!");
    f.p[13] = 0x80;
    EXPECT(f, "!");
}

Test(bmp, truncations_are_refused) {
    struct file f;
    start(&f, 108, 3, 2, 8, 0, 4), palette(&f, 4, 4, colours[0]), pixels(&f, "\0\1\2_\3\2\1", 7);
    cr_expect_str_neq(decode(f.p, f.n), "!");
    for (size_t n = 0; n < f.n; n++) cr_expect_str_eq(decode(f.p, n), "!", "%zu bytes", n);
}
