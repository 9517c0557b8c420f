/* inflate.h - DEFLATE (RFC 1951), bare or wrapped as zlib (RFC 1950) or gzip (RFC 1952).
 *
 * Refused: codes that are over- or under-subscribed (a single code of one bit is fine), distances that reach before
 * the start, symbols that the format does not define, wrong check values, preset dictionaries, reserved gzip flags.
 * gzip: any number of members, one after the other; behind the last only zeros may follow. */
#ifndef IO_INFLATE_H
#define IO_INFLATE_H

#include "core/mem.h"

enum sv_wrap { SV_RAW, SV_ZLIB, SV_GZIP };

/* Inflates in[n] into fresh memory (*out, free with sv_free; *out_n bytes), which grows as data comes and is refused
 * past `limit` bytes.  *used gets the input bytes the stream took; where used is NULL it must have taken all.  name is
 * for messages.  0, SV_EINPUT or SV_ENOMEM; on failure *out is NULL. */
int sv_inflate(const uint8_t *in, size_t n, enum sv_wrap wrap, size_t limit, uint8_t **out, size_t *out_n, size_t *used,
               const char *name, struct sv_err *e);

/* The same into the caller's memory: the stream must hold exactly out_n bytes.  On failure out holds anything. */
int sv_inflate_into(const uint8_t *in, size_t n, enum sv_wrap wrap, uint8_t *out, size_t out_n, size_t *used,
                    const char *name, struct sv_err *e);

#endif
