/* matfile.h - a small writer of MATLAB 5 files for the tests: numbers as bytes or doubles, cells, deflated variables. */
#ifndef TESTS_MATFILE_H
#define TESTS_MATFILE_H

#include "core/hash.h"

#include <string.h>

struct matfile { uint8_t p[1 << 15]; size_t n; bool big; };

static inline void mat_put(struct matfile *f, uint64_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) f->p[f->n++] = (uint8_t)(v >> 8 * (f->big ? bytes - 1 - i : i));
}

static inline void mat_begin(struct matfile *f, bool big) {
    memset(f->p, ' ', 124);
    f->n = 124, f->big = big;
    mat_put(f, 0x100, 2), mat_put(f, 0x4d49, 2);
}

static inline void mat_pad(struct matfile *f) {
    while (f->n % 8) f->p[f->n++] = 0;
}

static inline size_t mat_tag(struct matfile *f, unsigned type) {
    mat_put(f, type, 4), mat_put(f, 0, 4);
    return f->n;
}

static inline void mat_end(struct matfile *f, size_t from) {
    const size_t n = f->n;
    f->n = from - 4, mat_put(f, n - from, 4), f->n = n;
    mat_pad(f);
}

/* The head of an array of class 1 (cell), 6 (double), 9 (bytes), ...; ended by mat_end. */
static inline size_t mat_array(struct matfile *f, const char *name, unsigned class, size_t rows, size_t columns) {
    const size_t at = mat_tag(f, 14), n = strlen(name);
    mat_put(f, 6, 4), mat_put(f, 8, 4), mat_put(f, class, 4), mat_put(f, 0, 4);
    mat_put(f, 5, 4), mat_put(f, 8, 4), mat_put(f, rows, 4), mat_put(f, columns, 4);
    if (n <= 4) mat_put(f, (n << 16) | 1, 4);
    else mat_put(f, 1, 4), mat_put(f, n, 4);
    memcpy(f->p + f->n, name, n), f->n += n;
    while (n <= 4 && f->n % 4) f->p[f->n++] = 0;
    mat_pad(f);
    return at;
}

static inline void mat_bytes(struct matfile *f, const char *name, size_t rows, size_t columns, const uint8_t *v) {
    const size_t at = mat_array(f, name, 9, rows, columns), data = mat_tag(f, 2);
    memcpy(f->p + f->n, v, rows * columns), f->n += rows * columns;
    mat_end(f, data), mat_end(f, at);
}

static inline void mat_doubles(struct matfile *f, const char *name, size_t rows, size_t columns, const double *v) {
    const size_t at = mat_array(f, name, 6, rows, columns), data = mat_tag(f, 9);
    for (size_t i = 0; i < rows * columns; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i], 8), mat_put(f, bits, 8);
    }
    mat_end(f, data), mat_end(f, at);
}

/* Everything from `from` to the end, in one stored block of a zlib stream. */
static inline void mat_deflate(struct matfile *f, size_t from) {
    const size_t n = f->n - from;
    const uint32_t sum = sv_adler32(1, f->p + from, n);
    memmove(f->p + from + 15, f->p + from, n);
    f->n = from;
    mat_put(f, 15, 4), mat_put(f, n + 11, 4);
    const uint8_t head[7] = { 0x78, 1, 1, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8) };
    memcpy(f->p + f->n, head, 7), f->n += 7 + n;
    for (int i = 24; i >= 0; i -= 8) f->p[f->n++] = (uint8_t)(sum >> i);
}

#endif
