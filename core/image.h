/* image.h - one decoded picture, in the mode its file has.
 *
 * Preprocessing must know the mode: a palette is resized by nearest neighbour, alpha premultiplies.  16-bit samples
 * have already become their high byte, 1/2/4-bit gray v * 255 / max; a 1-bit gray file is SV_GRAY with bilevel set. */
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include "core/mem.h"

enum sv_mode { SV_GRAY, SV_GRAY_ALPHA, SV_RGB, SV_RGBA, SV_PALETTE };

struct sv_image {
    size_t w, h;
    enum sv_mode mode;
    bool bilevel;
    uint8_t *px;                        /* [h, w, sv_image_channels(mode)], owned; palette: indices */
    uint8_t palette[256][3];            /* indices past the file's palette are black */
};

/* Refused before anything is allocated: sides above 65535, more than 2^28 pixels. */
enum { SV_IMAGE_MAX_SIDE = 65535, SV_IMAGE_MAX_PIXELS = 1 << 28 };

static inline size_t sv_image_channels(enum sv_mode m) {
    return m == SV_RGB ? 3 : m == SV_RGBA ? 4 : m == SV_GRAY_ALPHA ? 2 : 1;
}

/* Checks the size against the limits (and against 0) and allocates px.  name is for the message. */
int sv_image_new(struct sv_image *im, size_t w, size_t h, enum sv_mode mode, const char *name, struct sv_err *e);
void sv_image_free(struct sv_image *im);            /* {0} is fine; leaves {0} */

/* out [h, w, 3]: gray replicated, palette expanded, alpha dropped without blending. */
void sv_image_rgb(const struct sv_image *im, uint8_t *out);

#endif
