/* mat.h - MATLAB's files, versions 4, 5, 6 and 7 (compressed), of either byte order.
 *
 * Numbers and cells of them are read; texts, structures, objects and functions are listed without what is in them, of
 * complex numbers the real part counts.  Refused: sparse matrices, version 7.3 (HDF5). */
#ifndef IO_MAT_H
#define IO_MAT_H

#include "core/mem.h"

/* Bounds on what a file may ask for. */
enum { SV_MAT_RANK = 8, SV_MAT_DEPTH = 16, SV_MAT_CELLS = 1 << 20, SV_MAT_INFLATED = 1 << 30 };

enum sv_mat_class { SV_MAT_CELL, SV_MAT_NUMBERS, SV_MAT_OTHER };

struct sv_mat_array {
    char name[64];                      /* empty inside a cell */
    enum sv_mat_class class;
    size_t rank, dim[SV_MAT_RANK], count;
    unsigned type;                      /* numbers: how they are stored, see sv_mat_at */
    bool swapped;
    const uint8_t *data;                /* in the file or in a block that struct sv_mat owns; any alignment */
    struct sv_mat_array *cell;          /* [count] of a cell */
};

struct sv_mat {
    struct sv_mat_array *var; size_t n, cap;
    void **block; size_t blocks, block_cap;     /* owned */
    size_t cells, inflated;             /* taken so far of SV_MAT_CELLS, SV_MAT_INFLATED */
};

bool sv_mat_is(const uint8_t *data, size_t size);
/* data is borrowed as long as m lives; name is for messages.  Free with sv_mat_free. */
int sv_mat_read(struct sv_mat *m, const uint8_t *data, size_t size, const char *name, struct sv_err *e);
void sv_mat_free(struct sv_mat *m);                 /* {0} is fine; leaves {0} */

/* Number i of an array of class SV_MAT_NUMBERS, the first index the fastest. */
double sv_mat_at(const struct sv_mat_array *a, size_t i);

#endif
