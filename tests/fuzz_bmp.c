/* A bitmap of any kind; what decodes must have pixels for all of its size. */
#include "io/bmp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_image im;
    struct sv_err e = { 0 };
    const int rc = sv_bmp_decode(data, size, "fuzz", &im, &e);
    if (rc ? !e.msg[0] || im.px : !im.px) abort();
    uint8_t *rgb = rc || im.w * im.h > 1 << 20 ? NULL : sv_alloc(im.w * im.h, 3, NULL);
    if (rgb) sv_image_rgb(&im, rgb);
    sv_free(rgb);
    sv_image_free(&im);
    return 0;
}
