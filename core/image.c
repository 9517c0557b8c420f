#include "core/image.h"

#include <string.h>

int sv_image_new(struct sv_image *im, size_t w, size_t h, enum sv_mode mode, const char *name, struct sv_err *e) {
    memset(im, 0, sizeof *im);
    if (!w || !h || w > SV_IMAGE_MAX_SIDE || h > SV_IMAGE_MAX_SIDE || w * h > SV_IMAGE_MAX_PIXELS)
        return sv_fail(e, SV_EINPUT, "%s: image of %zu x %zu pixels, expected 1 .. %d a side and at most %d in all",
                       name, w, h, SV_IMAGE_MAX_SIDE, SV_IMAGE_MAX_PIXELS);
    im->px = sv_alloc(w * h, sv_image_channels(mode), e);
    if (!im->px) return SV_ENOMEM;
    im->w = w, im->h = h, im->mode = mode;
    return 0;
}

void sv_image_free(struct sv_image *im) {
    sv_free(im->px);
    memset(im, 0, sizeof *im);
}

void sv_image_rgb(const struct sv_image *im, uint8_t *out) {
    const size_t n = im->w * im->h, c = sv_image_channels(im->mode);
    const uint8_t *p = im->px;
    if (im->mode == SV_RGB) { memcpy(out, p, n * 3); return; }
    for (size_t i = 0; i < n; i++, p += c, out += 3) {
        if (im->mode == SV_PALETTE) memcpy(out, im->palette[*p], 3);
        else if (c == 4) memcpy(out, p, 3);
        else out[0] = out[1] = out[2] = *p;
    }
}
