/* zip.h - the entries of a zip archive in memory, found through its central directory.
 *
 * Everything is checked on opening: the end record and its zip64 form, every central and local header, names (relative,
 * no "..", no backslash, no NUL, unique), and that the entries lie before the directory and do not overlap.  One disk,
 * nothing encrypted, the directory right before its end records, offsets counted from the first byte of the file.
 * Sizes come from the central directory, the place of the data from the local header: writers pad there. */
#ifndef IO_ZIP_H
#define IO_ZIP_H

#include "core/mem.h"

struct sv_zip_entry {
    const char *name; size_t name_n;    /* borrowed, no NUL behind */
    size_t at, header;                  /* of the data and of the local header, in the file */
    size_t packed, size;
    unsigned method;                    /* 0 stored, 8 deflate; others cannot be read but may stand there */
    uint32_t crc;
};

struct sv_zip {
    const uint8_t *data; size_t size;   /* borrowed */
    const char *file;                   /* borrowed, for messages */
    struct sv_zip_entry *entry; size_t n;       /* sorted by name */
};

int sv_zip_open(struct sv_zip *z, const uint8_t *data, size_t size, const char *file, struct sv_err *e);
void sv_zip_close(struct sv_zip *z);                /* {0} is fine; leaves {0} */

const struct sv_zip_entry *sv_zip_find(const struct sv_zip *z, const char *name, size_t n);     /* NULL if absent */

/* The bytes of an entry, CRC-32 checked.  Stored: *out points into the file.  Deflated: at most 64 MiB, 1000 times its
 * packed size; *out is *owned, which the caller frees with sv_free.  *owned is NULL otherwise. */
int sv_zip_read(const struct sv_zip *z, const struct sv_zip_entry *en, const uint8_t **out, uint8_t **owned,
                struct sv_err *e);

#endif
