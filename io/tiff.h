/* tiff.h - TIFF 6.0 and BigTIFF of either byte order, in strips or tiles, samples together or in planes; the first picture of
 * the file.
 *
 * Kinds: gray (black or white is zero), RGB, palette, CMYK of 8 bits, YCbCr inside JPEG; one alpha channel.  Depths 1, 2, 4,
 * 8, 16 and 32 bits of whole numbers (negative ones become 0).  Packing: none, PackBits, LZW, deflate, Group 3 and 4 fax, JPEG;
 * the horizontal predictor with 8 and 16 bits; either order of bits in a byte.
 *
 * Deep samples become their high byte, shallow gray ones v * 255 / max.  Alpha that the colours are multiplied with
 * is taken out of them again; CMYK becomes (255 - C)(255 - K) / 255.  Orientation is applied.  Refused: floats, other
 * depths and packings, LAB, LogLuv, YCbCr outside JPEG, more samples a pixel than its kind has, data that is short. */
#ifndef IO_TIFF_H
#define IO_TIFF_H

#include "core/image.h"

bool sv_tiff_is(const uint8_t *data, size_t size);          /* begins like one */

/* Fills im (free with sv_image_free); on failure im is {0}.  name is for messages.  Beside the picture one strip or tile is held. */
int sv_tiff_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);

#endif
