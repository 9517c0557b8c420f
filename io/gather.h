/* gather.h - a tensor with permuted dimensions, written out row by row. */
#ifndef IO_GATHER_H
#define IO_GATHER_H

#include "core/base.h"

/* Whether dim and stride (in elements) are a dense block with its dimensions in some order; dimensions of size 1 do not
 * count.  *rows: it is the row-major order already.  count of 0 is dense and in order. */
bool sv_dense(size_t rank, const size_t *dim, const size_t *stride, bool *rows);

/* out [dim], row-major, from elements of `size` bytes at in + stride . index.  rank <= SV_MAX_RANK; in and out do not
 * overlap. */
void sv_gather(uint8_t *out, const uint8_t *in, size_t size, size_t rank, const size_t *dim, const size_t *stride);

#endif
