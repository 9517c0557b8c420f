/* bmp.h - Windows and OS/2 bitmaps: 1, 2, 4, 8 bits a pixel through a palette, 16, 24 and 32 bits, run lengths (RLE4, RLE8),
 * masks of bits; bottom-up and top-down.
 *
 * A palette of 8 bits that counts 0, 1, 2, ... in gray, and one of black and white, are read as gray.  Channels of
 * fewer bits become v * 255 / max, rounded down.  Alpha is kept where the header has a mask for it.  A run of one colour
 * that reaches past the end of its row is cut there, literal pixels that do are an error; pixels that no run sets are the
 * palette's first.  Refused: embedded JPEG and PNG, OS/2's Huffman and RLE24. */
#ifndef IO_BMP_H
#define IO_BMP_H

#include "core/image.h"

bool sv_bmp_is(const uint8_t *data, size_t size);           /* begins with BM */

/* Fills im (free with sv_image_free); on failure im is {0}.  name is for messages. */
int sv_bmp_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);

#endif
