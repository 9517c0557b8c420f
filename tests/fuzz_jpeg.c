#include <stdlib.h>

#include "io/jpeg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_image im;
    struct sv_err e = { 0 };
    const int rc = sv_jpeg_decode(data, size, "fuzz", &im, &e);
    if (rc ? !e.msg[0] || im.px || (rc != SV_EINPUT && rc != SV_ENOMEM) : !im.px) abort();
    if (!rc && im.w * im.h < 1 << 22) {
        uint8_t *rgb = sv_alloc(im.w * im.h, 3, NULL);
        if (rgb) sv_image_rgb(&im, rgb);
        sv_free(rgb);
    }
    sv_image_free(&im);
    return 0;
}
