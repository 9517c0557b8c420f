#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/file.h"
#include "io/image.h"
#include "io/pnm.h"
#include "tests/util.h"

Test(pnm, corpus) {
    if (!corpus_images("pnm", sv_pnm_decode, NULL)) cr_skip_test("no corpus");
}

/* Text with raw bytes in it as a picture; its samples as digits in hex, or "!" where it is refused. */
static const char *decode(const char *text, size_t n) {
    static char out[256];
    struct sv_image im;
    struct sv_err e = { 0 };
    /* A copy of exactly n bytes, so that a sanitizer sees a read past the end. */
    uint8_t *copy = sv_alloc(n, 1, NULL);
    memcpy(copy, text, n);
    const int rc = sv_pnm_decode(copy, n, "t", &im, &e);
    sv_free(copy);
    if (rc) {
        cr_expect_eq(rc, SV_EINPUT);
        cr_expect(e.msg[0] && !im.px);
        return "!";
    }
    int k = snprintf(out, sizeof out, "%zux%zu%s", im.w, im.h, im.mode == SV_RGB ? "c" : im.bilevel ? "b" : "g");
    for (size_t i = 0; i < im.w * im.h * sv_image_channels(im.mode); i++)
        k += snprintf(out + k, sizeof out - (size_t)k, " %02x", im.px[i]);
    sv_image_free(&im);
    return out;
}

#define EXPECT(text, want) cr_expect_str_eq(decode(text, sizeof(text) - 1), want)

Test(pnm, kinds) {
    EXPECT("P1 3 2 1 0 1 001", "3x2b 00 ff 00 ff ff 00");
    EXPECT("P2\n2 1\n4\n0 1", "2x1g 00 40");            /* 63.75 */
    EXPECT("P2 4 1 6 1 3 5 6", "4x1g 2a 80 d4 ff");     /* 42.5 and 212.5 go to the even neighbour, 127.5 to 128 */
    EXPECT("P3 1 1 65535 65535 256 255", "1x1c ff 01 00");
    EXPECT("P4 9 2\n\xaa\x80\x55\x00", "9x2b 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff");
    EXPECT("P5 2 1 255\n\x7f\xff", "2x1g 7f ff");
    EXPECT("P5 2 1 1023\n\x03\xff\x02\x00", "2x1g ff 80");
    EXPECT("P6 1 1 255\nabc and then something", "1x1c 61 62 63");
}

Test(pnm, comments_and_spaces) {
    EXPECT("P2#c\n#d\r 1 # 7 8\n1\v\f255#\n 9", "1x1g 09");
    EXPECT("P5 1#x\n1 255#comment\n#", "1x1g 23");       /* the comment is the one space; '#' is then a sample */
    EXPECT("P5 1 1 255\r\n", "1x1g 0a");
    EXPECT("P1 2 1 1#x\n0", "2x1b 00 ff");
}

Test(pnm, refused) {
    EXPECT("P0 1 1 1 1", "!");
    EXPECT("P7 1 1 1 1", "!");
    EXPECT("P21 1 1 1 1", "!");
    EXPECT("P2 1 1 0 0", "!");
    EXPECT("P2 1 1 65536 0", "!");
    EXPECT("P2 0 1 1 1", "!");
    EXPECT("P2 1 0 1 1", "!");
    EXPECT("P2 1 1 5 6", "!");
    EXPECT("P5 1 1 5 \x06", "!");
    EXPECT("P5 1 1 500 \x06\x06", "!");
    EXPECT("P2 1 1 5 -1", "!");
    EXPECT("P2 1 1 5 1x", "!");
    EXPECT("P2 1x 1 5 1", "!");
    EXPECT("P1 1 1 2", "!");
    EXPECT("P5 65536 1 255 x", "!");
    EXPECT("P6 4294967296 4294967296 255 abcdef", "!");
    EXPECT("P6 18446744073709551617 1 255 abcdef", "!");
    EXPECT("P3 65535 4096 255 1 1 1", "!");
}

Test(pnm, truncations_are_refused) {
    static const char *const whole[] = { "P1 2 2 1 0 1 1", "P2 2 1 255 7 9", "P3 1 1 9 1 2 3",
                                         "P4 9 1 ab", "P5 2 1 255 ab", "P6 1 1 65535 abcdef" };
    for (size_t i = 0; i < SV_LEN(whole); i++) {
        const size_t n = strlen(whole[i]);
        cr_expect_str_neq(decode(whole[i], n), "!", "%s", whole[i]);
        for (size_t k = 0; k < n; k++) cr_expect_str_eq(decode(whole[i], k), "!", "%s at %zu", whole[i], k);
    }
}

Test(pnm, written_reads_back) {
    const char *dir = temp_dir();
    char path[5000];
    uint8_t rgb[5 * 3 * 3];
    struct sv_image im;
    struct sv_err e = { 0 };
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 37);
    snprintf(path, sizeof path, "%s/a.ppm", dir);
    cr_assert_eq(sv_pnm_write(path, 5, 3, rgb, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_image_load(path, &im, &e), 0, "%s", e.msg);
    cr_expect(im.w == 5 && im.h == 3 && im.mode == SV_RGB);
    cr_expect_arr_eq(im.px, rgb, sizeof rgb);
    sv_image_free(&im);
    struct stat st;
    cr_expect(!stat(path, &st));
    cr_expect_eq(st.st_size, (off_t)(11 + sizeof rgb));
    snprintf(path, sizeof path, "%s/none/a.ppm", dir);
    cr_expect_eq(sv_pnm_write(path, 5, 3, rgb, &e), SV_ENOMEM);
    cr_expect(strstr(e.msg, "none/a.ppm"), "%s", e.msg);
}

Test(pnm, unknown_formats_are_named) {
    struct sv_image im;
    struct sv_err e = { 0 };
    cr_expect_eq(sv_image_decode((const uint8_t *)"GIF89a", 6, "x.png", &im, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "x.png") && strstr(e.msg, "47 49 46 38"), "%s", e.msg);
    cr_expect(strstr(e.msg, "PNG") && strstr(e.msg, "JPEG") && strstr(e.msg, "PNM"), "%s", e.msg);
    for (size_t n = 0; n < 3; n++) {
        struct sv_err f = { 0 };
        cr_expect_eq(sv_image_decode((const uint8_t *)"P6", n, "y", &im, &f), SV_EINPUT);
        cr_expect(f.msg[0]);
    }
}
