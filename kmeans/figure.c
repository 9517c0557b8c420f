#include "kmeans/figure.h"

#include "core/mem.h"
#include "core/rng.h"
#include "kmeans/sight.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- medians over tracks ---- */

enum { WINDOW = 2 * SV_FIGURE_STEADY + 1 };

/* Boxes of a track in one frame are more than one only in files that are wrong; then the window ends early.  was: f before. */
static void steady(struct sv_figure *f, const struct sv_figure *was, const struct sv_sight *s, size_t n, size_t i) {
    size_t from = i, to = i + 1;
    while (from && i - from < SV_FIGURE_STEADY && s[from - 1].track == s[i].track && s[i].frame - s[from - 1].frame <= SV_FIGURE_STEADY) from--;
    while (to < n && to - i <= SV_FIGURE_STEADY && s[to].track == s[i].track && s[to].frame - s[i].frame <= SV_FIGURE_STEADY) to++;
    double w[WINDOW], h[WINDOW], right[WINDOW], down[WINDOW];
    for (size_t k = from; k < to; k++) {
        const struct sv_figure *at = &was[s[k].row];
        w[k - from] = at->w, h[k - from] = at->h, right[k - from] = at->right, down[k - from] = at->down;
    }
    struct sv_figure *o = &f[s[i].row];
    o->w = sv_median(w, to - from), o->h = sv_median(h, to - from);
    o->right = sv_median(right, to - from), o->down = sv_median(down, to - from);
}

int sv_figure_steady(struct sv_figure *f, size_t n, struct sv_err *e) {
    struct sv_sight *s = sv_alloc(n, sizeof *s, e);
    struct sv_figure *was = sv_alloc(n, sizeof *was, e);
    const bool room = s && was;
    for (size_t i = 0; room && i < n; i++) s[i] = (struct sv_sight){ f[i].track, f[i].frame, i }, was[i] = f[i];
    if (room) sv_sights_sort(s, n);
    for (size_t i = 0; room && i < n; i++)
        if (s[i].track >= 0) steady(f, was, s, n, i);
    sv_free(was), sv_free(s);
    return room ? 0 : SV_ENOMEM;
}

/* ---- the figures of a scene ---- */

double sv_figures_height(const struct sv_figures *g, double bottom) { return fmax(g->line[0] + g->line[1] * bottom, g->least); }

static void figure(const struct sv_figures *g, const struct sv_figure *f, double out[SV_FIGURE]) {
    const double tall = sv_figures_height(g, f->bottom);
    out[0] = f->w / tall, out[1] = f->h / tall, out[2] = hypot(f->right, f->down) / tall;
}

void sv_figures_z(const struct sv_figures *g, const struct sv_figure *f, double z[SV_FIGURE]) {
    figure(g, f, z);
    for (size_t d = 0; d < SV_FIGURE; d++) {
        z[d] = (z[d] - g->middle[d]) / g->spread[d];
        if (z[d] < 0) z[d] *= SV_FIGURE_BELOW;
    }
}

/* H: least squares over all, then again over those within 30 % of the line before.  Without slope where all stand in one row. */
static void fit_line(struct sv_figures *g, const struct sv_figure *f, const uint8_t *use, size_t n) {
    for (size_t round = 0; round < 6; round++) {
        double k = 0, y = 0, yy = 0, h = 0, yh = 0;
        for (size_t i = 0; i < n; i++) {
            const double ratio = round ? f[i].h / sv_figures_height(g, f[i].bottom) : 1;
            if ((use && !use[i]) || ratio < 0.7 || ratio > 1.3) continue;
            k++, y += f[i].bottom, yy += f[i].bottom * f[i].bottom, h += f[i].h, yh += f[i].bottom * f[i].h;
        }
        if (k < 1) return;
        const double spread = k * yy - y * y, slope = spread > k * k ? (k * yh - y * h) / spread : 0;
        g->line[0] = (h - slope * y) / k, g->line[1] = slope, g->least = h / k / 8;
    }
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median and standard deviation of each component; a component that does not vary is told apart from nothing by any change. */
static void fit_scale(struct sv_figures *g, double *column /* [SV_FIGURE, n] */, size_t n) {
    for (size_t d = 0; d < SV_FIGURE; d++) {
        double *c = column + d * n, mean = 0, square = 0;
        for (size_t i = 0; i < n; i++) mean += c[i] / (double)n;
        for (size_t i = 0; i < n; i++) square += (c[i] - mean) * (c[i] - mean) / (double)n;
        qsort(c, n, sizeof *c, by_value);
        g->middle[d] = c[n / 2];
        g->spread[d] = fmax(sqrt(square), 1e-3);
    }
}

static int draw(struct sv_figures *g, const struct sv_figure *f, const uint8_t *use, size_t n, size_t taking_part, uint64_t seed, struct sv_err *e) {
    const size_t want = sv_min(taking_part, SV_FIGURE_SAMPLE);
    if (!(g->sample = sv_alloc(want, SV_FIGURE * sizeof *g->sample, e))) return SV_ENOMEM;
    size_t left = taking_part;
    for (size_t i = 0; i < n && g->n < want; i++) {
        double z[SV_FIGURE];
        if (use && !use[i]) continue;
        if (!sv_rng_keep(&seed, left--, want - g->n)) continue;
        sv_figures_z(g, &f[i], z);
        for (size_t d = 0; d < SV_FIGURE; d++) g->sample[g->n * SV_FIGURE + d] = (float)z[d];
        g->n++;
    }
    return 0;
}

/* How many take part, all of them with a size and finite. */
static int check(const struct sv_figure *f, const uint8_t *use, size_t n, size_t *taking_part, struct sv_err *e) {
    *taking_part = 0;
    for (size_t i = 0; i < n; i++) {
        if (use && !use[i]) continue;
        ++*taking_part;
        if (!isfinite(f[i].bottom + f[i].w + f[i].h + f[i].right + f[i].down) || f[i].w <= 0 || f[i].h <= 0)
            return sv_fail(e, SV_EINPUT, "figure %zu: %g x %g pixels that move by %g, %g; expected a size above 0 and numbers", i, f[i].w, f[i].h,
                           f[i].right, f[i].down);
    }
    return *taking_part ? 0 : sv_fail(e, SV_EINPUT, "figures: none to learn from");
}

int sv_figures_fit(struct sv_figures *g, const struct sv_figure *f, const uint8_t *use, size_t n, uint64_t seed, struct sv_err *e) {
    *g = (struct sv_figures){0};
    size_t m;
    const int rc = check(f, use, n, &m, e);
    if (rc) return rc;
    double *column = sv_alloc(m, SV_FIGURE * sizeof *column, e);
    if (!column) return SV_ENOMEM;
    fit_line(g, f, use, n);
    for (size_t i = 0, k = 0; i < n; i++) {
        double v[SV_FIGURE];
        if (use && !use[i]) continue;
        figure(g, &f[i], v);
        for (size_t d = 0; d < SV_FIGURE; d++) column[d * m + k] = v[d];
        k++;
    }
    fit_scale(g, column, m);
    sv_free(column);
    return draw(g, f, use, n, m, seed, e);
}

int sv_figures_adapt(struct sv_figures *g, const struct sv_figure *f, size_t n, struct sv_err *e) {
    size_t all;
    const int rc = check(f, NULL, n, &all, e);
    if (!rc) fit_line(g, f, NULL, n);
    return rc;
}

void sv_figures_free(struct sv_figures *g) {
    sv_free(g->sample);
    *g = (struct sv_figures){0};
}

struct job { const struct sv_figures *g; const struct sv_figure *f; double *score; };

static double distance(const struct sv_figures *g, const struct sv_figure *f) {
    double z[SV_FIGURE], best[SV_FIGURE_NEAR], sum = 0;
    size_t n = 0;
    sv_figures_z(g, f, z);
    for (size_t i = 0; i < g->n; i++) {
        const float *r = g->sample + i * SV_FIGURE;
        double s = 0;
        for (size_t d = 0; d < SV_FIGURE; d++) s += (z[d] - (double)r[d]) * (z[d] - (double)r[d]);
        if (isnan(s)) return s;
        if (n == SV_FIGURE_NEAR && s >= best[n - 1]) continue;
        size_t to = n < SV_FIGURE_NEAR ? n++ : n - 1;
        for (; to && s < best[to - 1]; to--) best[to] = best[to - 1];
        best[to] = s;
    }
    for (size_t i = 0; i < n; i++) sum += sqrt(best[i]);
    return sum / (double)n;
}

static void score_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) j->score[i] = distance(j->g, &j->f[i]);
}

void sv_figures_score(struct sv_pool *p, double *score, const struct sv_figures *g, const struct sv_figure *f, size_t n) {
    struct job j = { g, f, score };
    sv_pool_for(p, n, score_range, &j);
}
