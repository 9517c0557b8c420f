#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "io/jpeg.h"
#include "io/jpeg_write.h"

enum { MOST = 300 * 200 * 3 };
static uint8_t buf[MOST];

/* Writes, reads by our reader; returns the peak signal to noise ratio in dB, *n the size. */
static double there_and_back(size_t w, size_t h, size_t channels, unsigned quality, size_t *n) {
    uint8_t *jpeg, *copy = sv_alloc(w * h * channels, 1, NULL);
    struct sv_image im;
    struct sv_err e = {0};
    double err = 0;
    memcpy(copy, buf, w * h * channels);        /* exactly its bytes, so that a sanitizer sees a read past the end */
    cr_assert_eq(sv_jpeg_encode(w, h, channels, copy, quality, &jpeg, n, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_jpeg_decode(jpeg, *n, "t", &im, &e), 0, "%zu x %zu x %zu: %s", w, h, channels, e.msg);
    cr_assert(im.w == w && im.h == h && im.mode == (channels == 3 ? SV_RGB : SV_GRAY));
    for (size_t i = 0; i < w * h * channels; i++) err += (im.px[i] - buf[i]) * (im.px[i] - buf[i]);
    sv_image_free(&im), sv_free(jpeg), sv_free(copy);
    return 10 * log10(255.0 * 255.0 * (double)(w * h * channels) / fmax(err, 1e-9));
}

static void smooth(size_t w, size_t h, size_t channels) {
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            for (size_t c = 0; c < channels; c++)
                buf[(y * w + x) * channels + c] = (uint8_t)(128 + 100 * sin((double)x / 17 + (double)c) * cos((double)y / 23));
}

Test(jpeg_write, sizes) {
    size_t n;
    for (size_t w = 1; w < 40; w += w < 18 ? 1 : 7)
        for (size_t h = 1; h < 40; h += h < 18 ? 1 : 9)
            for (size_t channels = 1; channels < 4; channels += 2) {
                smooth(w, h, channels);
                const double db = there_and_back(w, h, channels, 95, &n);
                cr_expect_gt(db, 33, "%zu x %zu x %zu: %.1f dB", w, h, channels, db);
            }
}

/* Better quality is closer and larger; 75 is what thumbnails want. */
Test(jpeg_write, quality) {
    size_t n[3];
    smooth(300, 200, 3);
    const double db[3] = { there_and_back(300, 200, 3, 10, &n[0]), there_and_back(300, 200, 3, 75, &n[1]), there_and_back(300, 200, 3, 100, &n[2]) };
    cr_expect(db[0] < db[1] && db[1] < db[2] && n[0] < n[1] && n[1] < n[2]);
    cr_expect(db[1] > 38 && n[1] < 300 * 200 / 8, "%.1f dB, %zu bytes", db[1], n[1]);
    cr_expect_gt(db[2], 45, "%.1f dB", db[2]);
}

/* Every size of coefficient, runs of every length, bytes of ones in the data. */
Test(jpeg_write, noise) {
    uint64_t rng = 4;
    size_t n;
    for (size_t i = 0; i < MOST; i++) buf[i] = (uint8_t)(sv_rng(&rng) >> 56);
    cr_expect_gt(there_and_back(300, 200, 1, 100, &n), 45);
    for (size_t i = 0; i < MOST; i++) buf[i] = (sv_rng(&rng) >> 63) ? 255 : 0;
    cr_expect_gt(there_and_back(300, 200, 1, 100, &n), 40);
    cr_expect_gt(there_and_back(300, 200, 1, 1, &n), 2);
    for (size_t i = 0; i < MOST; i++) buf[i] = (uint8_t)(i / 3 % 300 / 16 * 16 % 256);
    there_and_back(300, 200, 3, 40, &n);
}

/* Colours that cannot leave 0 .. 255 on the way. */
Test(jpeg_write, corners_of_the_cube) {
    size_t n;
    for (unsigned k = 0; k < 8; k++) {
        for (size_t i = 0; i < 32 * 32; i++)
            for (size_t c = 0; c < 3; c++) buf[3 * i + c] = k >> c & 1 ? 255 : 0;
        const double db = there_and_back(32, 32, 3, 100, &n);
        cr_expect_gt(db, 42, "corner %u: %.1f dB", k, db);
    }
}

Test(jpeg_write, what_cannot_be_written) {
    static const size_t size[][4] = { { 0, 1, 1, 80 }, { 1, 0, 3, 80 }, { 1, 1, 2, 80 }, { 1, 1, 1, 0 }, { 1, 1, 1, 101 }, { 65536, 1, 1, 80 }, { 65535, 65535, 1, 80 } };
    for (size_t i = 0; i < SV_LEN(size); i++) {
        uint8_t *jpeg = buf;
        size_t n = 7;
        struct sv_err e = {0};
        cr_expect_eq(sv_jpeg_encode(size[i][0], size[i][1], size[i][2], buf, (unsigned)size[i][3], &jpeg, &n, &e), SV_EUSAGE, "%zu", i);
        cr_expect(!jpeg && !n && strstr(e.msg, "JPEG"), "%s", e.msg);
    }
}
