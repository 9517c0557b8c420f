#include "bench/roofline.h"

#include "bench/bench.h"
#include "core/mem.h"
#include <math.h>
#include <stdio.h>

static bool is_roof(const struct sv_row *r) { return !strncmp(r->name, "roof ", 5); }

/* Registers alone have no bytes to speak of: such rows are roofs, not points. */
static bool is_point(const struct sv_row *r) {
    const size_t n = strlen(r->name);
    return r->threads == 1 && r->flops > 0 && r->bytes > 0 && r->peak > 0 && !is_roof(r) && (n < 4 || strcmp(r->name + n - 4, "peak"));
}

static double rate(const struct sv_row *r) { return r->flops / r->min; }
static bool is_peak(const struct sv_row *r) { return r->threads == 1 && !strcmp(r->name, "roof registers"); }

/* Of tables that are as fast in a type the last stands for all, and a type slower than f32 is not what a table is used for. */
static bool is_drawn(const struct sv_rows *r, const struct sv_row *peak, const char *isa) {
    if (isa && strcmp(peak->isa, isa)) return false;
    for (size_t i = 0; i < r->n; i++) {
        const struct sv_row *x = &r->row[i];
        if (!is_peak(x) || (isa && strcmp(x->isa, isa))) continue;
        if (x > peak && !strcmp(x->type, peak->type) && fabs(rate(x) / rate(peak) - 1) < 0.03) return false;
        if (!strcmp(x->isa, peak->isa) && !strcmp(x->type, "f32") && rate(peak) < rate(x)) return false;
    }
    return true;
}

/* Bandwidths: the best of any table. */
static bool find_roofs(struct sv_roofline *l, const struct sv_rows *r, const char *isa) {
    for (size_t i = 0; i < r->n && l->peaks < SV_LEN(l->peak); i++)
        if (is_peak(&r->row[i]) && is_drawn(r, &r->row[i], isa)) l->peak[l->peaks++] = &r->row[i];
    for (size_t i = 0; i < r->n; i++) {
        const struct sv_row *x = &r->row[i];
        for (size_t k = 0; k < SV_LEVELS; k++)
            if (x->threads == 1 && is_roof(x) && !strcmp(x->name + 5, sv_level_name[k]) && (!isa || !strcmp(x->isa, isa)) && x->bytes > 0 &&
                (!l->level[k] || x->bytes / x->min > l->level[k]->bytes / l->level[k]->min)) l->level[k] = x;
    }
    for (size_t k = 0; k < SV_LEVELS; k++)
        if (!l->level[k]) return false;
    return l->peaks;
}

/* Its own peak is among those that are drawn. */
static bool belongs(const struct sv_roofline *l, const struct sv_row *r) {
    for (size_t i = 0; i < l->peaks; i++)
        if (!strcmp(l->peak[i]->isa, r->isa) && !strcmp(l->peak[i]->type, r->type)) return true;
    return false;
}

static void widen(double *low, double *high, double v) { *low = fmin(*low, v), *high = fmax(*high, v); }

int sv_roofline_open(struct sv_roofline *l, const struct sv_rows *r, const char *isa, const char *file, struct sv_err *e) {
    *l = (struct sv_roofline){ .low = INFINITY, .left = INFINITY };
    if (!(l->point = sv_alloc(r->n, sizeof *l->point, e))) return SV_ENOMEM;
    const bool roofs = find_roofs(l, r, isa);
    for (size_t i = 0; i < r->n; i++) {
        const struct sv_row *row = &r->row[i];
        if (!is_point(row) || !belongs(l, row)) continue;
        l->point[l->points++] = row;
        widen(&l->low, &l->high, rate(row)), widen(&l->left, &l->right, sv_row_intensity(row));
    }
    if (!roofs || !l->points) {
        sv_roofline_close(l);
        return sv_fail(e, SV_EINPUT, "%s: no roofs or no kernels of one thread%s%s in it; svad bench kernels --json writes them", file,
                       isa ? " of table " : "", isa ? isa : "");
    }
    for (size_t i = 0; i < l->peaks; i++) widen(&l->low, &l->high, rate(l->peak[i]));
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
    for (size_t i = 0; i < l->peaks; i++) peak = fmax(peak, rate(l->peak[i]));
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
            if (rate(l->peak[i]) <= sv_roofline_at(l, 0, intensity) * 1.001) dot(c, x, place(rate(l->peak[i]), l->low, DOWN, LINES), '-', false);
        for (size_t i = 0; i < SV_LEVELS; i++) {
            const double roof = sv_roofline_at(l, i, intensity);
            if (roof < sv_roofline_at(l, i, INFINITY)) dot(c, x, place(roof, l->low, DOWN, LINES), (char)('1' + i), true);
        }
    }
    for (size_t i = l->points; i-- > 0;)            /* the first rows on top */
        dot(c, place(sv_row_intensity(l->point[i]), l->left, ACROSS, COLUMNS), place(rate(l->point[i]), l->low, DOWN, LINES),
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
        printf("%s%s %s %.1f GFLOP/s%s", i ? "" : "- ", l->peak[i]->isa, l->peak[i]->type, rate(l->peak[i]) * 1e-9, i + 1 < l->peaks ? ", " : "\n\n");
    for (size_t i = 0; i < l->points; i++) {
        const struct sv_row *r = l->point[i];
        printf("%c %-28s %-10s %-4s %8.2f FLOP/byte %8.1f GFLOP/s %6.1f %% of the roof\n", letters[i % (sizeof letters - 1)], r->name, r->isa, r->type,
               sv_row_intensity(r), rate(r) * 1e-9, 100 * sv_row_of_roof(r));
    }
}
