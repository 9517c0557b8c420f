/* identity.h - which weights a container holds, told from its index: names, shapes, checksums and values. */
#ifndef IO_IDENTITY_H
#define IO_IDENTITY_H

#include "io/file.h"

enum { SV_IDENTITY = 33 };              /* 32 hex digits and a NUL */

/* The identity of the tensors and values whose names begin with prefix ("" for all), in the order of the file: where the
 * data lies does not matter, nor does the value clip.source, a file name.  f was accepted by sv_container_read. */
void sv_identity(const struct sv_file *f, const char *prefix, char out[SV_IDENTITY]);

#endif
