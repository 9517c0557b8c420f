/* table.h - rows of numbers: aligned columns for people, one JSON object a line for programs. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "core/base.h"

struct sv_column {
    const char *name;                   /* heading, and key of the JSON objects */
    int width, digits;                  /* negative width: to the left; digits after the point */
};
struct sv_cell { const char *text; double number; };        /* text NULL: the number; NaN is "-" or null */

void sv_table_head(const struct sv_column *col, size_t n, bool json);
void sv_table_row(const struct sv_column *col, size_t n, const struct sv_cell *cell, bool json);

#endif
