/* npy.h - numpy's array files, versions 1, 2 and 3.
 *
 * Read: |u1 |b1 |i1, u2 u4 u8 i2 i4 i8 f2 f4 f8 c8 c16 of either byte order, |S of at least one byte; C and Fortran order.
 * u2 becomes i32, u4 and u8 i64 (a u8 above 2^63 - 1 is an error), |S<n> u8 with one more dimension of n, complex
 * numbers floats with one more dimension of 2.  Objects, structures, U, M and m are refused.  Bytes after the array are
 * ignored. */
#ifndef IO_NPY_H
#define IO_NPY_H

#include "core/tensor.h"

/* Adds the array as the tensor "npy" (s->view[0] of a fresh store): borrowed from data where the bytes can stay as
 * they are, in the store's memory otherwise. */
int sv_npy_read(const uint8_t *data, size_t size, struct sv_store *s, struct sv_err *e);

/* Writes version 1, C order, atomically.  f16, f32, f64, the integers and bool; bf16 has no numpy type and is an error. */
int sv_npy_write(const char *path, enum sv_dtype t, size_t rank, const size_t *dim, const void *data, struct sv_err *e);

#endif
