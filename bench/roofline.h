/* roofline.h - rows of svad bench kernels as a chart: FLOP/s over FLOP a byte, both logarithmic, under the roofs that the machine
 * gave (Williams, Waterman, Patterson 2009).  A point on a slope waits for memory, one under the level part for its own
 * instructions; its distance from the roof is what is left to win.  Rows of one thread. */
#ifndef BENCH_ROOFLINE_H
#define BENCH_ROOFLINE_H

#include "bench/row.h"
#include "core/err.h"

struct sv_roofline {
    const struct sv_row *level[4];      /* bandwidths of the fastest table, by sv_level_name */
    const struct sv_row *peak[32]; size_t peaks;        /* one for each table and type */
    const struct sv_row **point; size_t points;         /* owned */
    double low, high, left, right;      /* FLOP/s and FLOP a byte at the edges, powers of two */
};

/* Of rows that are kept; isa: of this table alone, NULL: all.  Without roofs or points in them: an error that names file. */
int sv_roofline_open(struct sv_roofline *l, const struct sv_rows *r, const char *isa, const char *file, struct sv_err *e);
void sv_roofline_close(struct sv_roofline *l);

void sv_roofline_text(const struct sv_roofline *l);             /* to stdout */
int sv_roofline_svg(const struct sv_roofline *l, const char *path, struct sv_err *e);

/* What is attainable at an intensity, of the best peak and a level. */
double sv_roofline_at(const struct sv_roofline *l, size_t level, double intensity);

#endif
