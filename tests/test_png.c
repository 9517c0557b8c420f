#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "io/png.h"
#include "tests/util.h"

static void corpus_row(const struct corpus_row *row, void *arg) {
    (void)arg;
    struct sv_file f;
    struct sv_image im;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_file_read(&f, row->path, 1 << 28, NULL), 0);
    const int rc = sv_png_decode(f.data, f.size, row->col[0], &im, &e);
    cr_expect(!rc || (rc == SV_EINPUT && e.msg[0] && !im.px));
    if (!strcmp(row->status, "ok")) {
        cr_expect_eq(rc, 0, "%s", e.msg);
        if (!rc) {
            char hex[65], side[64];
            uint8_t *rgb = sv_alloc(im.w * im.h, 3, NULL);
            sv_image_rgb(&im, rgb);
            hex_sha256(rgb, im.w * im.h * 3, hex);
            sv_free(rgb);
            cr_expect_str_eq(hex, row->col[4], "%s", row->path);
            snprintf(side, sizeof side, "%zu x %zu", im.w, im.h);
            char want[64];
            snprintf(want, sizeof want, "%s x %s", row->col[2], row->col[3]);
            cr_expect_str_eq(side, want, "%s", row->path);
        }
    } else if (!strcmp(row->status, "reject")) {
        cr_expect_eq(rc, SV_EINPUT, "%s decoded", row->path);
    }
    sv_image_free(&im);
    sv_file_close(&f);
}

Test(png, corpus) {
    if (!corpus_each("png", corpus_row, NULL)) cr_skip_test("no corpus");
}
