/* png.h - PNG (ISO/IEC 15948): every colour type, depth 1 to 16, interlaced or not.
 *
 * The result has the file's mode: palette stays palette, transparency by tRNS is dropped (as alpha is later), gamma and
 * profiles are ignored, of an animation the default image is read.  Refused: unknown critical chunks (Apple's CgBI is
 * one), wrong CRCs of critical chunks, pixel data that is short or fails its check. */
#ifndef IO_PNG_H
#define IO_PNG_H

#include "core/image.h"

bool sv_png_is(const uint8_t *data, size_t size);           /* begins with the signature */

/* Fills im (free with sv_image_free); on failure im is {0}.  name is for messages. */
int sv_png_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);

#endif
