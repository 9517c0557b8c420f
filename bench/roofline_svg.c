/* roofline_svg.c - the roofline as one SVG file, readable on light and dark grounds, without script: a point's title is its row. */
#include "bench/roofline.h"

#include "bench/bench.h"
#include "io/file.h"
#include <math.h>
#include <stdio.h>

enum { WIDTH = 1108, HEIGHT = 680, LEFT = 76, TOP = 64, PLOT_W = 760, PLOT_H = 540, KEY = LEFT + PLOT_W + 32, SERIES = 8, LABELS = 64 };

static const char style[] =
    "text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2328}\n"
    ".ground{fill:#fff}.title{font-size:18px;font-weight:600}.soft,.tick{fill:#59636e}.small{font-size:11px}\n"
    ".grid{stroke:#e4e8ec;stroke-width:1}.axis{stroke:#8c959f;stroke-width:1;fill:none}\n"
    ".slope{stroke:#59636e;stroke-width:1.5;fill:none}.s0,.s1,.s2,.s3,.s4,.s5,.s6,.s7{stroke:#fff;stroke-width:1}\n"
    ".s0{fill:#0969da}.s1{fill:#d1570a}.s2{fill:#1a7f37}.s3{fill:#8250df}.s4{fill:#cf222e}.s5{fill:#0b7b83}.s6{fill:#9a6700}.s7{fill:#bf3989}\n"
    ".p0{stroke:#0969da}.p1{stroke:#d1570a}.p2{stroke:#1a7f37}.p3{stroke:#8250df}.p4{stroke:#cf222e}.p5{stroke:#0b7b83}.p6{stroke:#9a6700}.p7{stroke:#bf3989}\n"
    ".peak{stroke-width:2;fill:none}\n"
    "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.ground{fill:#0d1117}.soft,.tick{fill:#9198a1}.grid{stroke:#21262d}.axis{stroke:#59636e}\n"
    ".slope{stroke:#9198a1}.s0,.s1,.s2,.s3,.s4,.s5,.s6,.s7{stroke:#0d1117}\n"
    ".s0{fill:#4493f8}.s1{fill:#f0883e}.s2{fill:#3fb950}.s3{fill:#ab7df8}.s4{fill:#f85149}.s5{fill:#39c5cf}.s6{fill:#d29922}.s7{fill:#f778ba}\n"
    ".p0{stroke:#4493f8}.p1{stroke:#f0883e}.p2{stroke:#3fb950}.p3{stroke:#ab7df8}.p4{stroke:#f85149}.p5{stroke:#39c5cf}.p6{stroke:#d29922}.p7{stroke:#f778ba}}\n";

struct box { double x, y, w, h; };
struct svg {
    const struct sv_roofline *l;
    struct sv_out out;
    struct sv_err *e;
    int rc;
    struct box taken[LABELS + 512]; size_t n;           /* points and labels that are there */
};

#define PUT(s, ...) ((s)->rc = (s)->rc ? (s)->rc : sv_out_printf(&(s)->out, (s)->e, __VA_ARGS__))

static double at_x(const struct svg *s, double intensity) { return LEFT + PLOT_W * log2(intensity / s->l->left) / log2(s->l->right / s->l->left); }
static double at_y(const struct svg *s, double rate) { return TOP + PLOT_H * (1 - log2(rate / s->l->low) / log2(s->l->high / s->l->low)); }
static double rate(const struct sv_row *r) { return r->flops / r->min; }
static double peak_of(const struct svg *s, size_t i) { return rate(s->l->peak[i]); }

/* The peak a row belongs to is its colour. */
static size_t series(const struct svg *s, const struct sv_row *r) {
    size_t i = 0;
    while (i + 1 < s->l->peaks && (strcmp(s->l->peak[i]->isa, r->isa) || strcmp(s->l->peak[i]->type, r->type))) i++;
    return i % SERIES;
}

static bool overlaps(const struct svg *s, const struct box *b) {
    for (size_t i = 0; i < s->n; i++) {
        const struct box *t = &s->taken[i];
        if (b->x < t->x + t->w && t->x < b->x + b->w && b->y < t->y + t->h && t->y < b->y + b->h) return true;
    }
    return b->x < LEFT || b->x + b->w > LEFT + PLOT_W || b->y < TOP || b->y + b->h > TOP + PLOT_H;
}

static void take(struct svg *s, struct box b) { if (s->n < SV_LEN(s->taken)) s->taken[s->n++] = b; }

static void put_axes(struct svg *s) {
    const struct sv_roofline *l = s->l;
    for (double v = l->left; v <= l->right * 1.001; v *= 2) {
        PUT(s, "<path class=\"grid\" d=\"M%.1f %dv%d\"/>", at_x(s, v), TOP, PLOT_H);
        PUT(s, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>\n", at_x(s, v), TOP + PLOT_H + 20, v);
    }
    for (double v = l->low; v <= l->high * 1.001; v *= 2) {
        PUT(s, "<path class=\"grid\" d=\"M%d %.1fh%d\"/>", LEFT, at_y(s, v), PLOT_W);
        PUT(s, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", LEFT - 8, at_y(s, v) + 4, v * 1e-9);
    }
    PUT(s, "<path class=\"axis\" d=\"M%d %dv%dh%d\"/>\n", LEFT, TOP, PLOT_H, PLOT_W);
    PUT(s, "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">arithmetic intensity, FLOP/byte</text>\n", LEFT + PLOT_W / 2, TOP + PLOT_H + 44);
    PUT(s, "<text class=\"soft\" transform=\"translate(22 %d) rotate(-90)\" text-anchor=\"middle\">GFLOP/s, one thread</text>\n", TOP + PLOT_H / 2);
}

/* A slope from the left or lower edge up to the highest peak, its name along it. */
static void put_slope(struct svg *s, size_t level) {
    const struct sv_roofline *l = s->l;
    const double bandwidth = l->level[level]->bytes / l->level[level]->min, top = sv_roofline_at(l, level, INFINITY);
    const double from = fmax(l->left, l->low / bandwidth), to = fmin(top / bandwidth, l->right);
    if (from >= to) return;
    const double x0 = at_x(s, from), y0 = at_y(s, from * bandwidth), x1 = at_x(s, to), y1 = at_y(s, to * bandwidth);
    const double angle = atan2(y1 - y0, x1 - x0) * 57.29577951, x = x0 + (x1 - x0) * 0.06, y = y0 + (y1 - y0) * 0.06;
    PUT(s, "<path class=\"slope\" d=\"M%.1f %.1fL%.1f %.1f\"/>", x0, y0, x1, y1);
    PUT(s, "<text class=\"soft small\" transform=\"translate(%.1f %.1f) rotate(%.1f)\" dy=\"%d\">%s %.0f GB/s</text>\n", x, y, angle,
        level % 2 ? 14 : -5, sv_level_name[level], bandwidth * 1e-9);         /* neighbours are close to each other: one above, one below */
}

/* Level parts begin where the first cache lets them. */
static void put_peaks(struct svg *s) {
    const struct sv_roofline *l = s->l;
    const double bandwidth = l->level[0]->bytes / l->level[0]->min;
    for (size_t i = 0; i < l->peaks; i++) {
        const double x = at_x(s, fmin(fmax(peak_of(s, i) / bandwidth, l->left), l->right)), y = at_y(s, peak_of(s, i));
        PUT(s, "<path class=\"peak p%zu\" d=\"M%.1f %.1fH%d\"/>\n", i % SERIES, x, y, LEFT + PLOT_W);
    }
}

static void put_points(struct svg *s) {
    for (size_t i = s->l->points; i-- > 0;) {
        const struct sv_row *r = s->l->point[i];
        const double x = at_x(s, sv_row_intensity(r)), y = at_y(s, rate(r));
        PUT(s, "<circle class=\"s%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%s, %s %s: %.2f FLOP/byte, %.1f GFLOP/s, %.1f %% of the roof</title></circle>\n",
            series(s, r), x, y, r->name, r->isa, r->type, sv_row_intensity(r), rate(r) * 1e-9, 100 * sv_row_of_roof(r));
        take(s, (struct box){ x - 5, y - 5, 10, 10 });
    }
}

/* Names of the points of the last table, where there is room for them. */
static void put_labels(struct svg *s) {
    const struct sv_roofline *l = s->l;
    const char *isa = l->peak[l->peaks - 1]->isa;
    for (size_t i = 0, labels = 0; i < l->points && labels < LABELS; i++) {
        const struct sv_row *r = l->point[i];
        if (strcmp(r->isa, isa)) continue;
        const char *name = strncmp(r->name, "gemm ", 5) ? r->name : r->name + 5;
        const double x = at_x(s, sv_row_intensity(r)), y = at_y(s, rate(r)), w = 6.2 * (double)strlen(name), h = 13;
        const struct box spot[] = { { x + 8, y - h / 2, w, h }, { x - 8 - w, y - h / 2, w, h }, { x - w / 2, y + 7, w, h }, { x - w / 2, y - 7 - h, w, h },
                                    { x + 6, y + 8, w, h }, { x - 6 - w, y + 8, w, h } };
        for (size_t k = 0; k < SV_LEN(spot); k++) {
            if (overlaps(s, &spot[k])) continue;
            PUT(s, "<text class=\"small\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", spot[k].x, spot[k].y + 10, name);
            take(s, spot[k]), labels++;
            break;
        }
    }
}

static void put_key(struct svg *s) {
    const struct sv_roofline *l = s->l;
    double y = TOP + 8;
    PUT(s, "<text class=\"soft\" x=\"%d\" y=\"%.0f\">peak of registers, GFLOP/s</text>\n", KEY, y);
    for (size_t i = l->peaks; i-- > 0;) {
        y += 24;
        PUT(s, "<circle class=\"s%zu\" cx=\"%d\" cy=\"%.0f\" r=\"6\"/>", i % SERIES, KEY + 6, y - 4);
        PUT(s, "<text x=\"%d\" y=\"%.0f\">%s %s</text><text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%.1f</text>\n", KEY + 20, y, l->peak[i]->isa,
            l->peak[i]->type, WIDTH - 24, y, peak_of(s, i) * 1e-9);
    }
    y += 36;
    PUT(s, "<text class=\"soft\" x=\"%d\" y=\"%.0f\">share of the roof, %s</text>\n", KEY, y, l->peak[l->peaks - 1]->isa);
    for (size_t i = 0; i < l->points && y < TOP + PLOT_H - 12; i++) {
        const struct sv_row *r = l->point[i];
        if (strcmp(r->isa, l->peak[l->peaks - 1]->isa)) continue;
        y += 17;
        PUT(s, "<text class=\"small\" x=\"%d\" y=\"%.0f\">%s</text><text class=\"small\" x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%.0f %%</text>\n", KEY, y,
            r->name, WIDTH - 24, y, 100 * sv_row_of_roof(r));
    }
}

int sv_roofline_svg(const struct sv_roofline *l, const char *path, struct sv_err *e) {
    struct svg s = { .l = l, .e = e };
    if ((s.rc = sv_out_open(&s.out, path, e))) return s.rc;
    PUT(&s, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Roofline of svad's kernels\">\n<style>\n%s</style>\n",
        WIDTH, HEIGHT, style);
    PUT(&s, "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n<text class=\"title\" x=\"%d\" y=\"36\">Roofline of svad's kernels</text>\n", WIDTH, HEIGHT, LEFT);
    put_axes(&s);
    for (size_t i = 0; i < SV_LEVELS; i++) put_slope(&s, i);
    put_peaks(&s), put_points(&s), put_labels(&s), put_key(&s);
    PUT(&s, "</svg>\n");
    if (!s.rc) s.rc = sv_out_commit(&s.out, e);
    sv_out_drop(&s.out);
    return s.rc;
}
