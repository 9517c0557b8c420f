/* csv.h - comma-separated text as RFC 4180 has it, row by row.
 *
 * A field that begins with a quote ends at its closing quote; two quotes inside stand for one, and commas and line ends
 * inside belong to the field.  Lines end in LF or CRLF; empty lines are skipped; a byte order mark is too. */
#ifndef IO_CSV_H
#define IO_CSV_H

#include "io/file.h"

enum { SV_CSV_FIELDS = 256, SV_CSV_ROW = 1 << 20 };             /* limits of one row: fields, bytes */

struct sv_csv {
    const char *file;                   /* for messages; borrowed */
    const char *at, *end;
    size_t line;                        /* of the row that was read, from 1 */
    size_t next;                        /* of the one behind it */
    char *text; size_t cap;             /* the row's fields, each ended by a NUL */
    size_t fields;
    size_t begin[SV_CSV_FIELDS + 1];    /* field i is begin[i + 1] - begin[i] - 1 bytes at text + begin[i] */
};

/* data is borrowed. */
void sv_csv_open(struct sv_csv *c, const char *file, const void *data, size_t size);
void sv_csv_close(struct sv_csv *c);

/* Reads one row: 1, or 0 at the end, or a negative code.  Fails on text behind a closing quote, a quote that is never
 * closed, a NUL byte, a row beyond the limits. */
int sv_csv_row(struct sv_csv *c, struct sv_err *e);
const char *sv_csv_field(const struct sv_csv *c, size_t i, size_t *len);

/* The next row, which must have exactly these fields (a header). */
int sv_csv_header(struct sv_csv *c, const char *const *name, size_t names, struct sv_err *e);

/* Writes a field, quoted where it has to be. */
int sv_csv_put(struct sv_out *o, const char *s, struct sv_err *e);

#endif
