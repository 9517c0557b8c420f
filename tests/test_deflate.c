#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/rng.h"
#include "io/deflate.h"
#include "io/file.h"
#include "io/inflate.h"
#include "io/png.h"
#include "io/png_write.h"
#include "tests/util.h"

/* Packs, unpacks by our reader, compares; returns the packed size. */
static size_t there_and_back(const uint8_t *in, size_t n, const char *what) {
    uint8_t *z, *copy = sv_alloc(n, 1, NULL), *out = NULL;
    size_t z_n, out_n;
    struct sv_err e = {0};
    if (n) memcpy(copy, in, n);         /* exactly n bytes, so that a sanitizer sees a read past the end */
    cr_assert_eq(sv_deflate(copy, n, &z, &z_n, &e), 0, "%s: %s", what, e.msg);
    cr_assert_eq(sv_inflate(z, z_n, SV_ZLIB, n + 1, &out, &out_n, NULL, what, &e), 0, "%s, %zu bytes: %s", what, n, e.msg);
    cr_assert(out_n == n && (!n || !memcmp(out, in, n)), "%s, %zu bytes: others came back", what, n);
    sv_free(z), sv_free(copy), sv_free(out);
    return z_n;
}

enum { MOST = 200000 };
static uint8_t buf[MOST];

Test(deflate, sizes_around_every_edge) {
    static const size_t n[] = { 0, 1, 2, 3, 4, 5, 257, 258, 259, 260, 516, 32766, 32767, 32768, 32769, 32770, 65535, 65536, 65537, 98310 };
    uint64_t rng = 5;
    for (size_t i = 0; i < SV_LEN(n); i++) {
        memset(buf, 'a', n[i]);
        there_and_back(buf, n[i], "one letter");
        for (size_t k = 0; k < n[i]; k++) buf[k] = (uint8_t)(sv_rng(&rng) >> 32);
        cr_expect_leq(there_and_back(buf, n[i], "noise"), n[i] + n[i] / 100 + 350);
        for (size_t k = 0; k < n[i]; k++) buf[k] = (uint8_t)(k % 251 ^ k / 3000);
        there_and_back(buf, n[i], "a pattern");
    }
}

/* The window ends at 32768: something that comes again just inside and just outside of it. */
Test(deflate, distances) {
    uint64_t rng = 6;
    for (size_t d = 32700; d < 32830; d += 1 + d % 3) {
        for (size_t k = 0; k < d; k++) buf[k] = (uint8_t)(sv_rng(&rng) >> 32);
        memcpy(buf + d, buf, 300);
        const size_t got = there_and_back(buf, d + 300, "comes again");
        if (d < 32767) cr_expect_lt(got, d + 200, "%zu bytes back", d);
    }
}

/* Frequencies like Fibonacci's numbers would give codes of 20 bits and more. */
Test(deflate, deep_codes_are_flattened) {
    size_t n = 0;
    for (size_t a = 1, b = 1, v = 0; n + b < 32000; v++) {
        for (size_t k = 0; k < b; k++) buf[n++] = (uint8_t)(v * 37 + 1);
        const size_t c = a + b;
        a = b, b = c;
    }
    uint64_t rng = 7;                   /* shuffled, so that they are literals */
    for (size_t i = n; i-- > 1;) {
        const size_t k = (size_t)(sv_rng_unit(&rng) * (double)(i + 1));
        const uint8_t t = buf[i];
        buf[i] = buf[k], buf[k] = t;
    }
    there_and_back(buf, n, "fibonacci");
}

Test(deflate, packs) {
    static const char text[] = "the quick brown fox jumps over the lazy dog, ";
    for (size_t k = 0; k < MOST; k++) buf[k] = (uint8_t)text[k % (sizeof text - 1)];
    cr_expect_lt(there_and_back(buf, MOST, "text"), 1200);
    uint64_t rng = 8;
    for (size_t k = 0; k < MOST; k++) buf[k] = (uint8_t)("aaaaaaaabbbbccd"[(size_t)(sv_rng_unit(&rng) * 15)]);
    const size_t n = there_and_back(buf, MOST, "entropy of 1.64 bits");
    cr_expect_lt(n, (size_t)(MOST * 2.25 / 8), "%zu", n);       /* zlib 2.13 bits at level 6, 2.52 at level 1 */
}

static void picture(size_t w, size_t h, size_t channels) {
    uint8_t *png;
    size_t n;
    struct sv_image im;
    struct sv_err e = {0};
    cr_assert_eq(sv_png_encode(w, h, channels, buf, &png, &n, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_png_decode(png, n, "t", &im, &e), 0, "%zu x %zu x %zu: %s", w, h, channels, e.msg);
    cr_expect(im.w == w && im.h == h && im.mode == (channels == 3 ? SV_RGB : SV_GRAY));
    cr_expect_eq(memcmp(im.px, buf, w * h * channels), 0, "%zu x %zu x %zu", w, h, channels);
    sv_image_free(&im), sv_free(png);
}

Test(png_write, sizes) {
    uint64_t rng = 9;
    for (size_t k = 0; k < MOST; k++) buf[k] = (uint8_t)(k / 7 + (sv_rng(&rng) >> 60));
    for (size_t w = 1; w < 40; w += w < 6 ? 1 : 11)
        for (size_t h = 1; h < 40; h += h < 6 ? 1 : 13) picture(w, h, 1), picture(w, h, 3);
    picture(65535, 1, 3), picture(1, 65535, 1);
}

/* A slope with an edge in it: every filter has rows it is best for, and the file is far below its pixels. */
Test(png_write, is_small) {
    uint8_t *png;
    size_t n;
    for (size_t y = 0; y < 200; y++)
        for (size_t x = 0; x < 300; x++)
            for (size_t c = 0; c < 3; c++) buf[(y * 300 + x) * 3 + c] = (uint8_t)(x / 2 + y / 3 + c * 20 + (x > 100 && y > 50 ? 60 : 0));
    cr_assert_eq(sv_png_encode(300, 200, 3, buf, &png, &n, NULL), 0);
    cr_expect_lt(n, 300 * 200 * 3 / 60, "%zu bytes", n);
    sv_free(png);
}

Test(png_write, what_cannot_be_written) {
    static const size_t size[][3] = { { 0, 1, 1 }, { 1, 0, 3 }, { 1, 1, 2 }, { 1, 1, 4 }, { 1, 1, 0 }, { 65536, 1, 1 }, { 1, 65536, 1 }, { 65535, 65535, 1 } };
    for (size_t i = 0; i < SV_LEN(size); i++) {
        uint8_t *png = buf;
        size_t n = 7;
        struct sv_err e = {0};
        cr_expect_eq(sv_png_encode(size[i][0], size[i][1], size[i][2], buf, &png, &n, &e), SV_EUSAGE, "%zu", i);
        cr_expect(!png && !n && strstr(e.msg, "PNG"), "%s", e.msg);
    }
}

Test(png_write, file) {
    char path[4200];
    struct sv_err e = {0};
    struct sv_file f;
    struct sv_image im;
    cr_assert(temp_dir());
    snprintf(path, sizeof path, "%s/a.png", temp_dir());
    cr_assert_eq(sv_png_write(path, 30, 20, 3, buf, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_file_read(&f, path, 1 << 20, &e), 0);
    cr_assert_eq(sv_png_decode(f.data, f.size, "a.png", &im, &e), 0, "%s", e.msg);
    sv_image_free(&im), sv_file_close(&f);
    snprintf(path, sizeof path, "%s/no/such/a.png", temp_dir());
    cr_expect_eq(sv_png_write(path, 30, 20, 3, buf, &e), SV_ENOMEM);
}
