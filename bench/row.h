/* row.h - what one measurement says: aligned columns for people, one JSON object a line for programs, which can be read back. */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include "core/err.h"

#include <string.h>

struct sv_row {
    char name[64], isa[16], type[8];    /* type: of the arithmetic */
    size_t threads;
    double min, median;                 /* seconds a call */
    double flops, bytes, items;         /* of a call; 0: none, or not counted */
    double peak, bandwidth;             /* FLOP/s and bytes/s that the machine gave in the same run: the roofs; 0: not measured */
};

/* Half of the samples lay within this share of the best. */
double sv_row_noise(const struct sv_row *r);
/* Arithmetic intensity, FLOP a byte. */
double sv_row_intensity(const struct sv_row *r);
/* What is attainable (Williams, Waterman, Patterson 2009): min(peak, intensity * bandwidth) FLOP/s; bytes/s where there are no FLOP.
 * NaN where a roof is missing. */
double sv_row_roof(const struct sv_row *r);
/* The rate reached as a share of the peak and of that roof; NaN where there is none. */
double sv_row_of_peak(const struct sv_row *r);
double sv_row_of_roof(const struct sv_row *r);

/* Rows in the order they came; print: each also goes to stdout as it comes. */
struct sv_rows {
    struct sv_row *row; size_t n, cap;
    bool print, json;
};

int sv_rows_put(struct sv_rows *r, const struct sv_row *row, struct sv_err *e);
void sv_rows_free(struct sv_rows *r);

/* Adds the rows of a file of JSON lines ("-": stdin).  Of rows with one name, isa, type and threads the fastest is kept. */
int sv_rows_read(struct sv_rows *r, const char *path, struct sv_err *e);
/* The row of the same name, isa, type and threads; NULL where there is none. */
const struct sv_row *sv_rows_find(const struct sv_rows *r, const struct sv_row *like);

/* "812 ns", "35.1 ms": three digits. */
const char *sv_time_text(char out[16], double seconds);

#endif
