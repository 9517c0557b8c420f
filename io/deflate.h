/* deflate.h - DEFLATE (RFC 1951) written, in the zlib wrapping (RFC 1950): what PNG wants. */
#ifndef IO_DEFLATE_H
#define IO_DEFLATE_H

#include "core/mem.h"

/* A zlib stream of in[n] in fresh memory: *out, *out_n bytes, free with sv_free.  0 or SV_ENOMEM; *out is then NULL. */
int sv_deflate(const uint8_t *in, size_t n, uint8_t **out, size_t *out_n, struct sv_err *e);

#endif
