/* compare.h - what differs between two runs. */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "bench/row.h"

enum sv_change { SV_SAME, SV_SLOWER, SV_FASTER, SV_MISSING, SV_ADDED, SV_CHANGES };

/* Slower: the best call of now is above the median of before (so beyond what disturbed that run) and above its best by more than
 * share.  Faster: the same the other way round. */
enum sv_change sv_row_change(const struct sv_row *before, const struct sv_row *now, double share);

/* Prints what changed, the worst first, and counts all rows.  json: an object a row, then one with the counts. */
int sv_rows_compare(const struct sv_rows *before, const struct sv_rows *now, double share, bool json, size_t count[SV_CHANGES], struct sv_err *e);

#endif
