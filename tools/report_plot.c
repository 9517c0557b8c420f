/* report_plot.c - curves as inline SVG.  The drawing is stretched to its place (preserveAspectRatio none, lines keep their width) and its marks
 * are HTML beside it: so it fills any screen and its letters stay as large as the text's. */
#include "tools/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Units of a drawing; columns of the longest curve: more frames than two a column become its lowest and highest; columns of all
 * curves together, which bounds the page; frames that have a row of their own. */
enum { WIDE = 2000, TALL = 800, COLUMNS = 1000, BUDGET = 150000, FIGURES = 200, ROWS = 48, LONG = 45000, SERIES = 6 };

struct plot {
    const char *clip, *id;
    const double *score, *before;       /* [n]; before may be NULL */
    const uint8_t *label;               /* [n] or NULL */
    size_t n, first;                    /* first: number of the first frame shown */
    size_t columns;
    double fps;
};

double sv_report_step(double range, int marks) {
    const double least = range / marks, ten = pow(10, floor(log10(least)));
    return least <= ten ? ten : least <= 2 * ten ? 2 * ten : least <= 5 * ten ? 5 * ten : 10 * ten;
}

/* Seconds that divide time as people do. */
static double time_step(double range, int marks) {
    static const double nice[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400 };
    for (size_t i = 0; i < SV_LEN(nice); i++) if (range / nice[i] <= marks) return nice[i];
    return 86400 * ceil(range / 86400 / marks);
}

/* h:mm:ss, m:ss, and tenths where the step is below a second. */
static const char *time_text(char out[32], double s, double step) {
    const unsigned long tenths = (unsigned long)(10 * s + (step < 1 ? 0.5 : 5)), whole = tenths / 10, h = whole / 3600;
    const int n = h ? snprintf(out, 32, "%lu:%02lu:%02lu", h, whole / 60 % 60, whole % 60) : snprintf(out, 32, "%lu:%02lu", whole / 60, whole % 60);
    if (step < 1) snprintf(out + n, 32 - (size_t)n, ".%lu", tenths % 10);
    return out;
}

const char *sv_report_when(char out[64], size_t frame, double fps) {
    char t[32];
    if (fps > 0) snprintf(out, 64, "frame %zu (%s)", frame, time_text(t, (double)frame / fps, 0.1));
    else snprintf(out, 64, "frame %zu", frame);
    return out;
}

/* ---- paths ---- */

struct pen { struct sv_html *h; int x, y; enum { UP, DOWN, DRAWING } is; };

/* Whole units, each point as the step from the one before. */
static void to(struct pen *p, double x, double y) {
    const int nx = (int)floor(x + 0.5), ny = (int)floor(fmin(fmax(y, 0), TALL) + 0.5), dx = nx - p->x, dy = ny - p->y;
    if (p->is != UP && !dx && !dy) return;
    if (p->is == UP) sv_html(p->h, "M%d %d", nx, ny);
    else sv_html(p->h, p->is == DOWN ? "l%d" : dx < 0 ? "%d" : " %d", dx), sv_html(p->h, dy < 0 ? "%d" : " %d", dy);
    p->is = p->is == UP ? DOWN : DRAWING, p->x = nx, p->y = ny;
}

static double at_y(const struct sv_report *r, double v) { return TALL * (r->high - v) / (r->high - r->low); }

static void put_path(const struct sv_report *r, struct sv_html *h, const double *v, size_t n, size_t columns) {
    struct pen p = { .h = h };
    if (n == 1) to(&p, 0, at_y(r, *v)), to(&p, WIDE, at_y(r, *v));
    for (size_t i = 0; n > 1 && n <= 2 * columns && i < n; i++) to(&p, ((double)i + 0.5) * WIDE / (double)n, at_y(r, v[i]));
    for (size_t c = 0; n > 2 * columns && c < columns; c++) {
        const size_t begin = n * c / columns, end = n * (c + 1) / columns;
        const double x = ((double)c + 0.5) * WIDE / (double)columns;
        size_t low = begin, high = begin;
        for (size_t i = begin; i < end; i++) {
            if (v[i] < v[low]) low = i;
            if (v[i] > v[high]) high = i;
        }
        to(&p, x, at_y(r, v[sv_min(low, high)])), to(&p, x, at_y(r, v[sv_max(low, high)]));
    }
}

/* Where frames are labelled abnormal, to the cell that a frame or a column of frames takes. */
static void put_bands(struct sv_html *h, const uint8_t *label, size_t n) {
    const size_t cells = sv_min(n, COLUMNS);
    size_t open = SIZE_MAX;
    for (size_t c = 0; c <= cells; c++) {
        bool any = false;
        for (size_t i = c < cells ? n * c / cells : n; i < n * (c + 1) / cells && i < n; i++) any = any || label[i];
        if (any && open == SIZE_MAX) open = c;
        if (any || open == SIZE_MAX) continue;
        const size_t x0 = open * WIDE / cells, x1 = c * WIDE / cells;
        sv_html(h, "M%zu 0h%zuv%dh-%zuz", x0, x1 - x0, TALL, x1 - x0);
        open = SIZE_MAX;
    }
}

/* ---- marks ---- */

static void y_marks(struct sv_html *h, double low, double high, double step) {
    sv_html(h, "<div class=\"y\" aria-hidden=\"true\">");
    for (double v = ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step)
        sv_html(h, "<span style=\"top:%.2f%%\">%.4g</span>", 100 * (high - v) / (high - low), fabs(v) < step / 2 ? 0 : v);
    sv_html(h, "</div>");
}

/* Every second one is left out on a narrow screen. */
static void x_marks(struct sv_html *h, size_t first, size_t n, double fps) {
    const double unit = fps > 0 ? fps : 1, from = (double)first / unit, range = (double)n / unit;
    const double step = fps > 0 ? time_step(range, 9) : fmax(1, sv_report_step(range, 9));
    char t[32];
    size_t k = 0;
    sv_html(h, "<div class=\"x\" aria-hidden=\"true\">");
    for (double v = fabs(ceil(from / step - 1e-9)) * step; v <= from + range * 1.0001; v += step, k++)
        sv_html(h, "<span%s style=\"left:%.2f%%\">%s</span>", k % 2 ? " class=\"w\"" : "", 100 * (v - from) / range,
                fps > 0 ? time_text(t, v, step) : (snprintf(t, sizeof t, "%.0f", v), t));
    sv_html(h, "</div>");
}

static void grid(struct sv_html *h, double low, double high, double step) {
    sv_html(h, "<path class=\"g\" d=\"");
    for (double v = ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) sv_html(h, "M0 %.0fh%d", TALL * (high - v) / (high - low), WIDE);
    sv_html(h, "\"/>");
}

/* ---- one curve ---- */

/* What a screen reader says in place of the drawing. */
static void describe(struct sv_report *r, const struct plot *p) {
    struct sv_html *h = &r->h;
    char t[64];
    size_t top = 0, above = 0, abnormal = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (p->score[i] > p->score[top]) top = i;
        above += p->score[i] >= r->line;
        abnormal += p->label && p->label[i];
    }
    sv_html(h, "Scores of ");
    sv_html_text(h, p->clip);
    sv_html(h, ", frames %zu to %zu: highest %.4g at %s", p->first, p->first + p->n - 1, p->score[top], sv_report_when(t, p->first + top, p->fps));
    if (!isnan(r->line)) sv_html(h, "; %zu at the line or above", above);
    if (p->label) sv_html(h, "; %zu labelled abnormal", abnormal);
    if (p->before) sv_html(h, "; the dashed curve is from before the texts");
    sv_html(h, ".");
}

static void put_plot(struct sv_report *r, const struct plot *p) {
    struct sv_html *h = &r->h;
    sv_html(h, "<div class=\"plot\"><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"", WIDE, TALL);
    describe(r, p);
    sv_html(h, "\">");
    grid(h, r->low, r->high, r->step);
    if (p->label) sv_html(h, "<path class=\"t\" d=\""), put_bands(h, p->label, p->n), sv_html(h, "\"/>");
    if (p->before) sv_html(h, "<path class=\"c b\" d=\""), put_path(r, h, p->before, p->n, p->columns), sv_html(h, "\"/>");
    sv_html(h, "<g class=\"c\"><path vector-effect=\"non-scaling-stroke\" id=\"%s\" d=\"", p->id);         /* used again in another colour: its parent's */
    put_path(r, h, p->score, p->n, p->columns);
    sv_html(h, "\"/></g>");
    const double line = isnan(r->line) ? 0 : fmin(fmax(at_y(r, r->line), 0), TALL);
    if (line > 0)                       /* the part above the line again, in its colour */
        sv_html(h, "<g class=\"c o\" clip-path=\"url(#above)\"><use href=\"#%s\"/></g><path class=\"l\" d=\"M0 %.0fh%d\"/>", p->id, line, WIDE);
    sv_html(h, "</svg>");
    y_marks(h, r->low, r->high, r->step);
    x_marks(h, p->first, p->n, p->fps);
}

/* Links from the curve to the pictures of what made it high. */
static void put_pins(struct sv_report *r, const struct plot *p) {
    for (size_t i = 0; i < r->picks; i++) {
        const struct sv_object_row *o = &r->objects.object[r->pick[i].object];
        if (strcmp(r->objects.clip.name[r->pick[i].clip], p->clip) || o->frame >= p->n) continue;
        sv_html(&r->h, "<a class=\"pin\" href=\"#b%zu\" style=\"left:%.2f%%;top:%.2f%%\" aria-label=\"box %zu, frame %zu\">%zu</a>", i + 1,
                100 * ((double)o->frame + 0.5) / (double)p->n, 100 * at_y(r, fmin(fmax(o->score, r->low), r->high)) / TALL, i + 1, o->frame, i + 1);
    }
}

static void put_rows(struct sv_report *r, const struct plot *whole, size_t clip) {
    const size_t hour = whole->fps > 0 ? (size_t)(3600 * whole->fps) : LONG, rows = sv_min(sv_ceil_div(whole->n, sv_max(hour, 1)), ROWS);
    const size_t length = sv_ceil_div(whole->n, rows);
    char id[48];
    sv_html(&r->h, "<details><summary>%s</summary>", whole->fps > 0 && length == hour ? "Hour by hour" : "Part by part");
    for (size_t k = 0; k < rows && k * length < whole->n; k++) {
        struct plot p = *whole;
        p.first = k * length, p.n = sv_min(length, whole->n - p.first);
        p.score += p.first;
        if (p.before) p.before += p.first;
        if (p.label) p.label += p.first;
        snprintf(id, sizeof id, "s%zu-%zu", clip, k);
        p.id = id;
        put_plot(r, &p);
        sv_html(&r->h, "</div>");
    }
    sv_html(&r->h, "</details>\n");
}

static void put_clip(struct sv_report *r, size_t clip, size_t columns, bool rows) {
    const struct sv_frames *f = &r->j.scores.frames[clip];
    const char *name = r->j.scores.clip.name[clip];
    const struct sv_frames *before = r->redefined ? sv_scores_of(&r->before, name) : NULL;
    const struct sv_label *label = r->labels ? sv_labels_of(&r->j.label, name) : NULL;
    const size_t top = r->clip[clip].top;
    char id[24], t[64];
    snprintf(id, sizeof id, "s%zu", clip);
    const struct plot p = { .clip = name, .id = id, .score = f->score, .before = before ? before->score : NULL, .label = label ? label->frame : NULL,
                            .n = f->n, .columns = columns, .fps = sv_report_fps(r, name) };
    sv_html(&r->h, "<article class=\"clip\" id=\"c%zu\"><h3><bdi>", clip);
    sv_html_text(&r->h, name);
    sv_html(&r->h, "</bdi> <small>%zu frames, highest %.4g at %s</small></h3>\n", f->n, f->score[top], sv_report_when(t, top, p.fps));
    put_plot(r, &p), put_pins(r, &p);
    sv_html(&r->h, "</div>\n");
    if (rows && f->n > LONG) put_rows(r, &p, clip);
    sv_html(&r->h, "</article>\n");
}

int sv_report_choose(struct sv_report *r, struct sv_err *e) {
    const struct sv_scores *s = &r->j.scores;
    if (!(r->clip = sv_alloc(s->clip.n, sizeof *r->clip, e))) return SV_ENOMEM;
    for (size_t i = 0; i < s->clip.n; i++)
        for (size_t t = 1; t < s->frames[i].n; t++) if (s->frames[i].score[t] > s->frames[i].score[r->clip[i].top]) r->clip[i].top = t;
    for (size_t k = 0; k < FIGURES && k < s->clip.n; k++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < s->clip.n; i++)
            if (!r->clip[i].curve && (best == SIZE_MAX || s->frames[i].score[r->clip[i].top] > s->frames[best].score[r->clip[best].top])) best = i;
        r->clip[best].curve = true;
    }
    return 0;
}

static void put_key(struct sv_report *r) {
    struct sv_html *h = &r->h;
    sv_html(h, "<ul class=\"key\"><li><i class=\"k\"></i>score</li>");
    if (!isnan(r->line)) {
        sv_html(h, "<li><i class=\"k o\"></i>score above the line</li><li><i class=\"k l\"></i>%.4g, ", r->line);
        sv_html_text(h, r->line_is);
        sv_html(h, "</li>");
    }
    if (r->redefined) sv_html(h, "<li><i class=\"k b\"></i>before redefinition</li>");
    if (r->labels) sv_html(h, "<li><i class=\"k t\"></i>labelled abnormal</li>");
    if (r->picks) sv_html(h, "<li><i class=\"k p\">1</i>a box shown above</li>");
    sv_html(h, "</ul>\n");
}

void sv_report_curves(struct sv_report *r) {
    const size_t clips = r->j.scores.clip.n, figures = sv_min(clips, FIGURES);
    const size_t columns = sv_max(100, sv_min(COLUMNS, BUDGET / figures / (r->redefined ? 2 : 1)));
    size_t rows = BUDGET / COLUMNS / ROWS;              /* clips that are also shown part by part */
    sv_html(&r->h, "<section id=\"scores\"><h2>Scores over time</h2>\n");
    if (clips > FIGURES) sv_html(&r->h, "<p>The %d clips with the highest scores of %zu.</p>\n", FIGURES, clips);
    put_key(r);
    if (!isnan(r->line))
        sv_html(&r->h, "<svg class=\"none\" width=\"0\" height=\"0\" aria-hidden=\"true\"><clipPath id=\"above\"><rect width=\"%d\" height=\"%.0f\"/></clipPath></svg>\n", WIDE,
                fmin(fmax(at_y(r, r->line), 0), TALL));
    for (size_t i = 0; i < clips; i++) {
        if (!r->clip[i].curve) continue;
        put_clip(r, i, columns, rows > 0);
        rows -= rows && r->j.scores.frames[i].n > LONG;
    }
    sv_html(&r->h, "</section>\n");
}

/* ---- other drawings ---- */

void sv_report_roc(struct sv_report *r, const struct sv_roc_point *raw, size_t raw_n, const struct sv_roc_point *smooth, size_t smooth_n) {
    struct sv_html *h = &r->h;
    const struct { const char *class; const struct sv_roc_point *p; size_t n; } curve[] = { { "c", raw, raw_n }, { "c b", smooth, smooth_n } };
    sv_html(h, "<figure class=\"roc\"><div class=\"plot\"><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\""
            "ROC curve: share of the abnormal frames found against share of the normal frames that are above the same threshold.\">", WIDE, TALL);
    grid(h, 0, 1, 0.25);
    sv_html(h, "<path class=\"g\" d=\"M500 0v%dM1000 0v%dM1500 0v%dM2000 0v%d\"/><path class=\"l n\" d=\"M0 %dL%d 0\"/>", TALL, TALL, TALL, TALL, TALL, WIDE);
    for (size_t k = 0; k < 2; k++) {
        struct pen pen = { .h = h };
        sv_html(h, "<path class=\"%s\" d=\"", curve[k].class);
        for (size_t i = 0; i < curve[k].n; i++) to(&pen, curve[k].p[i].fpr * WIDE, (1 - curve[k].p[i].tpr) * TALL);
        sv_html(h, "\"/>");
    }
    sv_html(h, "</svg>");
    y_marks(h, 0, 1, 0.25);
    sv_html(h, "<div class=\"x\" aria-hidden=\"true\">");
    for (int k = 0; k <= 4; k++) sv_html(h, "<span style=\"left:%d%%\">%.4g</span>", 25 * k, k / 4.0);
    sv_html(h, "</div></div><figcaption>Found (up) against false alarms (right), all frames.<br><span class=\"nb\"><span class=\"k\"></span>raw</span> "
            "<span class=\"nb\"><span class=\"k b\"></span>smoothed</span></figcaption></figure>\n");
}

static void series_range(const struct sv_series *s, size_t n, double out[4]) {
    out[0] = out[2] = INFINITY, out[1] = out[3] = -INFINITY;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < s[k].n; i++) {
            out[0] = fmin(out[0], s[k].x[i]), out[1] = fmax(out[1], s[k].x[i]);
            out[2] = fmin(out[2], s[k].y[i]), out[3] = fmax(out[3], s[k].y[i]);
        }
}

void sv_report_lines(struct sv_html *h, const char *title, const char *x_name, const struct sv_series *s, size_t n) {
    double b[4];
    series_range(s, n, b);
    if (b[2] > 0 && b[2] < b[3] / 2) b[2] = 0;
    const double step = sv_report_step(b[3] > b[2] ? b[3] - b[2] : 1, 5), low = floor(b[2] / step + 1e-9) * step;
    const double high = fmax(ceil(b[3] / step - 1e-9), low / step + 1) * step, wide = b[1] > b[0] ? b[1] - b[0] : 1;
    sv_html(h, "<figure><h3>");
    sv_html_text(h, title);
    sv_html(h, "</h3><div class=\"plot\"><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"", WIDE, TALL);
    sv_html_text(h, title);
    for (size_t k = 0; k < n; k++) sv_html(h, "%s", k ? "; " : ": "), sv_html_text(h, s[k].name), sv_html(h, " from %.4g to %.4g", s[k].y[0], s[k].y[s[k].n - 1]);
    sv_html(h, ".\">");
    grid(h, low, high, step);
    for (size_t k = 0; k < n; k++) {
        struct pen pen = { .h = h };
        const size_t stride = sv_ceil_div(s[k].n, COLUMNS);
        sv_html(h, "<path class=\"c n%zu%s\" d=\"", k % SERIES, k < SERIES ? "" : " d");
        for (size_t i = 0; i < s[k].n; i += stride) to(&pen, WIDE * (s[k].x[i] - b[0]) / wide, TALL * (high - s[k].y[i]) / (high - low));
        sv_html(h, "\"/>");
    }
    sv_html(h, "</svg>");
    y_marks(h, low, high, step);
    sv_html(h, "<div class=\"x\" aria-hidden=\"true\">");
    const double x_step = fmax(1, sv_report_step(wide, 6));
    for (double v = fabs(ceil(b[0] / x_step - 1e-9)) * x_step; v <= b[1] + x_step * 1e-9; v += x_step)
        sv_html(h, "<span style=\"left:%.2f%%\">%.0f</span>", 100 * (v - b[0]) / wide, v);
    sv_html(h, "</div></div><figcaption>");
    for (size_t k = 0; k < n; k++) sv_html(h, "<span class=\"nb\"><span class=\"k n%zu%s\"></span>", k % SERIES, k < SERIES ? "" : " d"), sv_html_text(h, s[k].name), sv_html(h, "</span> ");
    sv_html(h, "by %s</figcaption></figure>\n", x_name);
}
