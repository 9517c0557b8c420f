/* png_write.h - a picture as PNG: 8 bits, gray or RGB, filters chosen row by row, packed by io/deflate. */
#ifndef IO_PNG_WRITE_H
#define IO_PNG_WRITE_H

#include "core/mem.h"

/* px [h, w, channels], channels 1 (gray) or 3 (RGB).  Sizes are held against what struct sv_image takes: SV_EUSAGE. */
int sv_png_write(const char *path, size_t w, size_t h, size_t channels, const uint8_t *px, struct sv_err *e);       /* atomic */

/* The same in memory: *out, *out_n bytes, free with sv_free; NULL on failure. */
int sv_png_encode(size_t w, size_t h, size_t channels, const uint8_t *px, uint8_t **out, size_t *out_n, struct sv_err *e);

#endif
