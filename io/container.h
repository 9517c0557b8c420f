/* container.h - the one file format of the engine: models (*.svad), scenes (*.scene), features, training state.
 *
 * Little endian, no pointers, no alignment needed to read it; data is 64-byte aligned so that it maps into memory.
 *
 *     header   64 bytes
 *         0  8  magic 89 53 56 41 44 0d 0a 1a ("\x89SVAD\r\n\x1a")
 *         8  4  version, 1            12  4  0x01020304: the bytes 04 03 02 01
 *        16 16  kind: text, zero padded ("model", "scene", "features", ...)
 *        32  8  bytes of the whole file
 *        40  8  where the index begins: a multiple of 64     48  8  its bytes; it ends where the file ends
 *        56  4  zero                  60  4  CRC-32C of bytes 0 .. 59
 *     data     of each tensor in directory order: the first at 64, each next one at the next multiple of 64, the gaps
 *              (the last one before the index) zero
 *     index    u32 values, u32 tensors, then
 *         a value    u32 bytes of what follows in this entry, u16 type, u16 name bytes, name, payload
 *                    type 1 int: i64; 2 real: f64; 3 text: UTF-8 without NUL; 4 reals: f64 ...
 *                    a reader skips an entry of a type it does not know by its length
 *         a tensor   u32 bytes of what follows in this entry, u16 dtype, u16 name bytes, u32 rank, u32 CRC-32C of its data,
 *                    u64 offset, u64 bytes, rank x u64 dimensions, name
 *                    dtype 0 f32, 1 f16, 2 bf16, 3 i8, 4 u8, 5 i16, 6 i32, 7 i64, 8 f64, 9 bool
 *         u32 CRC-32C of the index before it
 *
 * The index is last so that a file is written in one pass with tensors that are made on the way.  Names are 1 .. 255
 * bytes of UTF-8 without control characters, unique among values and among tensors.  Every byte is under a checksum or
 * known to be zero.  An i8 tensor "x" has a companion "x.scale" f32 [rows]: element [r, c] means x[r, c] * scale[r]. */
#ifndef IO_CONTAINER_H
#define IO_CONTAINER_H

#include "core/tensor.h"
#include "io/file.h"

enum { SV_CONTAINER_VERSION = 1, SV_CONTAINER_VALUES = 4096, SV_CONTAINER_TENSORS = 1 << 16 };

bool sv_container_is(const struct sv_file *f);       /* begins with the magic */

/* Writes the store as a file of this kind (1 .. 15 bytes); atomic. */
int sv_container_write(const char *path, const char *kind, const struct sv_store *s, struct sv_err *e);

/* The same with data made on the way: fill puts elements first .. first + n - 1 of *v (a view of s) to out, in the file's
 * dtype; called once for each piece, in order, tensor after tensor.  Views with data are written from there. */
struct sv_filler {
    int (*fill)(void *arg, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e);
    void *arg;
};
int sv_container_stream(const char *path, const char *kind, const struct sv_store *s, const struct sv_filler *f,
                        struct sv_err *e);

/* Adds everything in f to s, which must be initialised and outlived by f: tensor data borrows from it.  The whole
 * structure is checked, padding included; the checksums of tensor data are not: sv_container_verify reads those.
 * kind NULL: any. */
int sv_container_read(const struct sv_file *f, const char *kind, struct sv_store *s, struct sv_err *e);
int sv_container_verify(const struct sv_file *f, struct sv_err *e);

/* The kind of a file that sv_container_read accepted. */
void sv_container_kind(const struct sv_file *f, char out[16]);

#endif
