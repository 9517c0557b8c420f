#include "bench/table.h"

#include <math.h>
#include <stdio.h>

void sv_table_head(const struct sv_column *col, size_t n, bool json) {
    if (json) return;
    for (size_t i = 0; i < n; i++) printf("%s%*s", i ? "  " : "", col[i].width, col[i].name);
    putchar('\n');
}

/* Names of kernels, tables and models: nothing in them needs escaping. */
static void json_row(const struct sv_column *col, size_t n, const struct sv_cell *cell) {
    for (size_t i = 0; i < n; i++) {
        printf("%s\"%s\": ", i ? ", " : "{", col[i].name);
        if (cell[i].text) printf("\"%s\"", cell[i].text);
        else if (isfinite(cell[i].number)) printf("%.9g", cell[i].number);
        else printf("null");
    }
    puts("}");
}

void sv_table_row(const struct sv_column *col, size_t n, const struct sv_cell *cell, bool json) {
    if (json) { json_row(col, n, cell); return; }
    for (size_t i = 0; i < n; i++) {
        if (i) printf("  ");
        if (cell[i].text || !isfinite(cell[i].number)) printf("%*s", col[i].width, cell[i].text ? cell[i].text : "-");
        else printf("%*.*f", col[i].width, col[i].digits, cell[i].number);
    }
    putchar('\n');
    fflush(stdout);
}
