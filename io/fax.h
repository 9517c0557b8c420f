/* fax.h - ITU T.4 and T.6 (Group 3 and 4 fax) as TIFF uses them: rows of black and white.
 *
 * Refused: codes that the standards do not define (extensions and uncompressed mode among them), runs past the end of a row,
 * data that ends early. */
#ifndef IO_FAX_H
#define IO_FAX_H

#include "core/mem.h"

enum sv_fax {
    SV_FAX_RUNS,                        /* one-dimensional, each row begins with a byte */
    SV_FAX_G3,                          /* one-dimensional, end-of-line codes are skipped where they are */
    SV_FAX_G3_2D,                       /* an end-of-line code and a bit that picks the coding before each row */
    SV_FAX_G4,
};

/* Decodes h rows of w pixels (at most 2^24) into out [h, (w + 7) / 8], the first pixel in the highest bit, 1 black.  What
 * follows the last row is not read.  name is for messages. */
int sv_fax_decode(const uint8_t *in, size_t n, enum sv_fax kind, size_t w, size_t h, uint8_t *out, const char *name, struct sv_err *e);

#endif
