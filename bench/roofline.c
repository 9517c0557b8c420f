#include "bench/roofline.h"

#include "bench/bench.h"
#include "core/mem.h"
#include <math.h>
#include <stdio.h>

static bool is_roof(const struct sv_row *r) { return !strncmp(r->name, "roof ", 5); }

/* Registers alone have no bytes to speak of: such rows are roofs, not points. */
static bool is_point(const struct sv_row *r) {
    return r->threads == 1 && r->flops > 0 && r->bytes > 0 && r->peak > 0 && !is_roof(r) && strcmp(r->name, "peak");
}

/* The bandwidths are those of the table with the highest peak: the roof over all. */
static bool find_roofs(struct sv_roofline *l, const struct sv_rows *r, const char *isa) {
    const struct sv_row *best = NULL;
    for (size_t i = 0; i < r->n && l->peaks < SV_LEN(l->peak); i++) {
        const struct sv_row *row = &r->row[i];
        if (row->threads != 1 || strcmp(row->name, "roof registers") || (isa && strcmp(row->isa, isa))) continue;
        l->peak[l->peaks++] = row;
        if (!best || row->flops / row->min > best->flops / best->min) best = row;
    }
    for (size_t i = 0; best && i < SV_LEVELS; i++) {
        struct sv_row like = *best;
        snprintf(like.name, sizeof like.name, "roof %s", sv_level_name[i]);
        snprintf(like.type, sizeof like.type, "f32");
        l->level[i] = sv_rows_find(r, &like);
        if (!l->level[i]) return false;
    }
    return best;
}

static void widen(double *low, double *high, double v) { *low = fmin(*low, v), *high = fmax(*high, v); }

int sv_roofline_open(struct sv_roofline *l, const struct sv_rows *r, const char *isa, const char *file, struct sv_err *e) {
    *l = (struct sv_roofline){ .low = INFINITY, .left = INFINITY };
    if (!(l->point = sv_alloc(r->n, sizeof *l->point, e))) return SV_ENOMEM;
    const bool roofs = find_roofs(l, r, isa);
    for (size_t i = 0; i < r->n; i++) {
        const struct sv_row *row = &r->row[i];
        if (!is_point(row) || (isa && strcmp(row->isa, isa))) continue;
        l->point[l->points++] = row;
        widen(&l->low, &l->high, row->flops / row->min), widen(&l->left, &l->right, sv_row_intensity(row));
    }
    if (!roofs || !l->points) {
        sv_roofline_close(l);
        return sv_fail(e, SV_EINPUT, "%s: no roofs or no kernels of one thread%s%s in it; svad bench kernels --json writes them", file,
                       isa ? " of table " : "", isa ? isa : "");
    }
    for (size_t i = 0; i < l->peaks; i++) widen(&l->low, &l->high, l->peak[i]->flops / l->peak[i]->min);
    l->low = exp2(floor(log2(l->low * 1e-9))) * 1e9, l->high = exp2(ceil(log2(l->high * 1.1e-9))) * 1e9;
    l->left = exp2(floor(log2(l->left))), l->right = exp2(ceil(log2(l->right)));
    return 0;
}

void sv_roofline_close(struct sv_roofline *l) {
    sv_free(l->point);
    *l = (struct sv_roofline){0};
}

double sv_roofline_at(const struct sv_roofline *l, size_t level, double intensity) {
    double peak = 0;
    for (size_t i = 0; i < l->peaks; i++) peak = fmax(peak, l->peak[i]->flops / l->peak[i]->min);
    return fmin(peak, intensity * l->level[level]->bytes / l->level[level]->min);
}

/* Columns of an octave of intensity, lines of an octave of FLOP/s; at most so many of each. */
enum { ACROSS = 5, DOWN = 4, COLUMNS = 120, LINES = 60 };
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static size_t place(double v, double low, int per_octave, size_t most) {
    const double at = log2(v / low) * per_octave + 0.5;
    return at < 0 ? most : sv_min((size_t)at, most);
}

struct canvas { char cell[LINES][COLUMNS]; size_t columns, lines; };

static void dot(struct canvas *c, size_t x, size_t up, char mark, bool over) {
    if (x >= c->columns || up >= c->lines) return;
    char *cell = &c->cell[c->lines - 1 - up][x];
    if (over || *cell == ' ') *cell = mark;
}

static void draw(struct canvas *c, const struct sv_roofline *l) {
    memset(c->cell, ' ', sizeof c->cell);
    for (size_t x = 0; x < c->columns; x++) {
        const double intensity = l->left * exp2((double)x / ACROSS);
        for (size_t i = 0; i < l->peaks; i++)
            if (l->peak[i]->flops / l->peak[i]->min <= sv_roofline_at(l, 0, intensity) * 1.001) dot(c, x, place(l->peak[i]->flops / l->peak[i]->min, l->low, DOWN, LINES), '-', false);
        for (size_t i = 0; i < SV_LEVELS; i++) {
            const double roof = sv_roofline_at(l, i, intensity);
            if (roof < sv_roofline_at(l, i, INFINITY)) dot(c, x, place(roof, l->low, DOWN, LINES), (char)('1' + i), true);
        }
    }
    for (size_t i = l->points; i-- > 0;)            /* the first rows on top */
        dot(c, place(sv_row_intensity(l->point[i]), l->left, ACROSS, COLUMNS), place(l->point[i]->flops / l->point[i]->min, l->low, DOWN, LINES),
            letters[i % (sizeof letters - 1)], true);
}

void sv_roofline_text(const struct sv_roofline *l) {
    struct canvas c = { .columns = place(l->right, l->left, ACROSS, COLUMNS - 1) + 1, .lines = place(l->high, l->low, DOWN, LINES - 1) + 1 };
    draw(&c, l);
    puts("\nGFLOP/s");
    for (size_t i = 0; i < c.lines; i++) {
        const size_t up = c.lines - 1 - i;
        if (up % DOWN) printf("%8s |", "");
        else printf("%8.4g |", l->low * exp2((double)up / DOWN) * 1e-9);
        size_t n = c.columns;
        while (n && c.cell[i][n - 1] == ' ') n--;
        printf("%.*s\n", (int)n, c.cell[i]);
    }
    printf("%8s +", "");
    for (size_t x = 0; x < c.columns; x++) putchar(x % (2 * ACROSS) ? '-' : '+');
    printf("\n%8s  ", "");
    for (size_t x = 0; x < c.columns; x += 2 * ACROSS) printf("%-*.4g", 2 * ACROSS, l->left * exp2((double)x / ACROSS));
    printf("FLOP/byte\n\n");
    for (size_t i = 0; i < SV_LEVELS; i++)
        printf("%zu %s %.0f GB/s%s", i + 1, sv_level_name[i], l->level[i]->bytes / l->level[i]->min * 1e-9, i + 1 < SV_LEVELS ? ", " : "\n");
    for (size_t i = 0; i < l->peaks; i++)
        printf("%s%s %s %.1f GFLOP/s%s", i ? "" : "- ", l->peak[i]->isa, l->peak[i]->type, l->peak[i]->flops / l->peak[i]->min * 1e-9, i + 1 < l->peaks ? ", " : "\n\n");
    for (size_t i = 0; i < l->points; i++) {
        const struct sv_row *r = l->point[i];
        printf("%c %-28s %-10s %-4s %8.2f FLOP/byte %8.1f GFLOP/s %6.1f %% of the roof\n", letters[i % (sizeof letters - 1)], r->name, r->isa, r->type,
               sv_row_intensity(r), r->flops / r->min * 1e-9, 100 * sv_row_of_roof(r));
    }
}
