/* jpeg.h - JPEG (ITU T.81) pictures into pixels, equal bit for bit to libjpeg-turbo with its default settings.
 *
 * Decoded: baseline, extended sequential and progressive Huffman files of 8 bits; one component (SV_GRAY) or three
 * (SV_RGB, from YCbCr or RGB as JFIF and Adobe markers and component names say); sampling factors 1 .. 4; restart
 * intervals; 8 and 16-bit quantization tables; frames without Huffman tables (Motion JPEG) use those of T.81 annex K.
 * Refused: four components (CMYK, YCCK), 12 bits, arithmetic coding, lossless, hierarchical, a height that only a
 * DNL marker tells.  Refused as damaged: entropy-coded data that ends early, holds an undefined code, runs past a
 * block or misses a restart marker, and progressive scans out of order.  Bytes between segments are skipped, and a
 * missing EOI is fine once every coefficient has arrived. */
#ifndef IO_JPEG_H
#define IO_JPEG_H

#include "core/image.h"

bool sv_jpeg_is(const uint8_t *data, size_t size);       /* begins with the start marker */

/* im is overwritten; free it with sv_image_free.  On failure it is {0}.  name is for messages.  Beside the picture the
 * decoder holds two rows of MCUs; for files of several scans all samples; for progressive ones 2 bytes per
 * coefficient.  Nothing is allocated for a scan that the rest of the file is too short to hold. */
int sv_jpeg_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);

#endif
