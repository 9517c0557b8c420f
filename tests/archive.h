/* archive.h - zip archives assembled in memory, so that tests can break them byte by byte. */
#ifndef TESTS_ARCHIVE_H
#define TESTS_ARCHIVE_H

#include "core/hash.h"

#include <string.h>

struct archive {
    uint8_t p[1 << 15]; size_t n;
    size_t local[16], central[16], end; /* where the headers are */
    size_t entries;
};

static inline void set(uint8_t *p, uint64_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> 8 * i);
}

static inline void le(struct archive *a, uint64_t v, size_t bytes) {
    set(a->p + a->n, v, bytes);
    a->n += bytes;
}

static inline void raw(struct archive *a, const void *p, size_t n) {
    if (n) memcpy(a->p + a->n, p, n);
    a->n += n;
}

/* One stored entry; `pad` bytes of extra field before the data. */
static inline void add_entry(struct archive *a, const char *name, size_t name_n, const void *data, size_t n, size_t pad) {
    a->local[a->entries++] = a->n;
    le(a, 0x04034b50, 4), le(a, 20, 2), le(a, 0, 2), le(a, 0, 2), le(a, 0, 4), le(a, sv_crc32(0, data, n), 4),
        le(a, n, 4), le(a, n, 4);
    le(a, name_n, 2), le(a, pad, 2), raw(a, name, name_n);
    memset(a->p + a->n, 'Z', pad);
    a->n += pad;
    raw(a, data, n);
}

/* The central directory, from the local headers, and the end record. */
static inline void close_archive(struct archive *a) {
    const size_t begin = a->n;
    for (size_t i = 0; i < a->entries; i++) {
        const uint8_t *l = a->p + a->local[i];
        const size_t name = l[26] | (size_t)l[27] << 8;
        a->central[i] = a->n;
        le(a, 0x02014b50, 4), le(a, 20, 2), raw(a, l + 4, 22), le(a, name, 2), le(a, 0, 2), le(a, 0, 2), le(a, 0, 2),
            le(a, 0, 2), le(a, 0, 4);
        le(a, a->local[i], 4), raw(a, l + 30, name);
    }
    a->end = a->n;
    le(a, 0x06054b50, 4), le(a, 0, 4), le(a, a->entries, 2), le(a, a->entries, 2), le(a, a->end - begin, 4),
        le(a, begin, 4), le(a, 0, 2);
}

#endif
