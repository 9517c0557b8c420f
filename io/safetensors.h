/* safetensors.h - 8 bytes of header length, a JSON header, data without holes.
 *
 * Every rule of the format is an error when broken: the header is at most 100,000,000 bytes, begins with '{', may end in
 * spaces; keys are unique; a tensor has dtype, shape and data_offsets and nothing else; __metadata__ maps texts to texts;
 * the tensors cover the data from its first to its last byte without holes or overlaps.
 * Types: F32 F16 BF16 F64 I8 I16 I32 I64 U8 BOOL; the format's others (U16, U32, U64, F8_..., C64) are refused by name. */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "core/tensor.h"

/* Adds a view for every tensor, borrowing from data, and a text for every key of __metadata__.  A NUL in a name, which a
 * store cannot hold, appears as the six characters \u0000.  On failure the store may hold a part. */
int sv_safetensors_read(const uint8_t *data, size_t size, struct sv_store *s, struct sv_err *e);

/* Whether the file begins as only a safetensors file does. */
bool sv_safetensors_is(const uint8_t *data, size_t size);

#endif
