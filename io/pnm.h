/* pnm.h - the portable maps P1 .. P6: plain and raw, of bits, gray and RGB; maxval 1 .. 65535; comments.
 *
 * Samples become v * 255 / maxval rounded to nearest, ties to even (as Pillow does it); above a maxval of 255 the high
 * byte of v * 65535 / maxval.  Samples above maxval and data that ends early are refused; what follows the first
 * picture is not read.  PAM (P7) and PFM are not claimed. */
#ifndef IO_PNM_H
#define IO_PNM_H

#include "core/image.h"

bool sv_pnm_is(const uint8_t *data, size_t size);           /* begins like one */

/* Fills im (SV_GRAY, bilevel for P1 and P4, or SV_RGB; free with sv_image_free); on failure im is {0}. */
int sv_pnm_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);

/* Writes rgb [h, w, 3] as P6 with maxval 255; "-" is stdout. */
int sv_pnm_write(const char *path, size_t w, size_t h, const uint8_t *rgb, struct sv_err *e);

#endif
