/* jpeg_write.h - a picture as baseline JPEG, for pages with many small ones: Huffman tables of T.81 annex K, chroma at half size. */
#ifndef IO_JPEG_WRITE_H
#define IO_JPEG_WRITE_H

#include "core/mem.h"

/* px [h, w, channels], channels 1 (gray) or 3 (RGB); quality 1 .. 100 on libjpeg's scale.  *out, *out_n bytes, free with sv_free; NULL
 * on failure.  Sizes are held against what struct sv_image takes: SV_EUSAGE. */
int sv_jpeg_encode(size_t w, size_t h, size_t channels, const uint8_t *px, unsigned quality, uint8_t **out, size_t *out_n, struct sv_err *e);

#endif
