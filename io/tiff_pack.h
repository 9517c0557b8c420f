/* tiff_pack.h - the two packings that are TIFF's own.  Both fill out and then stop; data that ends before is false. */
#ifndef IO_TIFF_PACK_H
#define IO_TIFF_PACK_H

#include "core/base.h"

bool sv_tiff_packbits(const uint8_t *in, size_t n, uint8_t *out, size_t out_n);
/* TIFF's variable codes of 9 to 12 bits, the highest bit first, which grow one code early. */
bool sv_tiff_lzw(const uint8_t *in, size_t n, uint8_t *out, size_t out_n);

#endif
