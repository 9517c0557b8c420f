/* The last byte picks the way in: odd, the bytes before it are a file; even, they are packed data, read by a fax coding, LZW and PackBits,
 * with the size of the rows and the coding from the byte itself. */
#include "io/fax.h"
#include "io/tiff.h"
#include "io/tiff_pack.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void picture(const uint8_t *data, size_t size) {
    struct sv_image im;
    struct sv_err e = { 0 };
    const int rc = sv_tiff_decode(data, size, "fuzz", &im, &e);
    if (rc ? !e.msg[0] || im.px : !im.px) abort();
    uint8_t *rgb = rc || im.w * im.h > 1 << 20 ? NULL : sv_alloc(im.w * im.h, 3, NULL);
    if (rgb) sv_image_rgb(&im, rgb);
    sv_free(rgb);
    sv_image_free(&im);
}

static void packed(const uint8_t *data, size_t size, unsigned how) {
    const size_t w = (how >> 3) * 3 + 1, h = 20;
    struct sv_err e = { 0 };
    uint8_t *out = sv_alloc((w + 7) / 8, h, NULL);
    if (sv_fax_decode(data, size, how >> 1 & 3, w, h, out, "fuzz", &e) && !e.msg[0]) abort();
    sv_tiff_lzw(data, size, out, (w + 7) / 8 * h);
    sv_tiff_packbits(data, size, out, (w + 7) / 8 * h);
    sv_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    if (data[size - 1] & 1) picture(data, size - 1);
    else packed(data, size - 1, data[size - 1]);
    return 0;
}
