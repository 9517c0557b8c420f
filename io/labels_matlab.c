/* labels_matlab.c - labels that data sets carry for MATLAB: UCSD's script of ranges, and .mat files of intervals, masks or frames. */
#include "io/labels.h"
#include "io/labels_int.h"
#include "io/mat.h"
#include "core/num.h"

#include <stdio.h>
#include <string.h>

/* Marks frames from .. to, counted from 1 and both in, of the clip that was added last; its frames grow as needed. */
static int mark(struct sv_labels *l, const char *file, double from, double to, struct sv_err *e) {
    struct sv_label *c = &l->label[l->clip.n - 1];
    const double most = SV_LABELS_MAX;
    if (!(from >= 1 && from <= to && to <= most) || from > (double)(size_t)from || to > (double)(size_t)to)
        return sv_fail(e, SV_EINPUT, "%s: clip %s: frames %g to %g, expected whole numbers from 1 to %d in order", file,
                       l->clip.name[l->clip.n - 1], from, to, SV_LABELS_MAX);
    const size_t a = (size_t)from - 1, b = (size_t)to;
    if (b > c->n) {
        uint8_t *more = sv_alloc(b, 1, e);
        if (!more) return SV_ENOMEM;
        memcpy(more, c->frame, c->n);
        sv_free(c->frame);
        c->frame = more, c->n = b;
    }
    memset(c->frame + a, 1, b - a);
    return 0;
}

/* The next clip of a file that counts them. */
static int next_numbered(struct sv_labels *l, const char *file, struct sv_err *e) {
    char name[24];
    uint8_t *frames;
    const int n = snprintf(name, sizeof name, "%zu", l->clip.n + 1);
    l->numbered = true;
    return sv_labels_clip(l, file, name, (size_t)n, 0, &frames, e);
}

/* ---- UCSD's .m ---- */

struct text { const char *s, *end, *file; size_t line; };

static void space(struct text *t) {
    while (t->s < t->end && (*t->s == ' ' || *t->s == '\t' || *t->s == '\r')) t->s++;
}

static bool take(struct text *t, const char *word) {
    const size_t n = strlen(word);
    space(t);
    if ((size_t)(t->end - t->s) < n || memcmp(t->s, word, n)) return false;
    t->s += n;
    return true;
}

static bool number(struct text *t, double *out) {
    space(t);
    const char *from = t->s;
    while (t->s < t->end && *t->s >= '0' && *t->s <= '9') t->s++;
    return t->s > from && sv_num_real(from, (size_t)(t->s - from), out);
}

static bool identifier(struct text *t) {
    space(t);
    const char *from = t->s;
    while (t->s < t->end && ((*t->s | 32) >= 'a' || (*t->s >= '0' && *t->s <= '9') || *t->s == '_') && (*t->s | 32) <= 'z') t->s++;
    return t->s > from;
}

static bool line_ends(struct text *t) {
    while (take(t, ";")) {}
    return t->s == t->end || *t->s == '%';
}

static int bad_line(const struct text *t, const char *expected, struct sv_err *e) {
    return sv_fail(e, SV_EINPUT, "%s: line %zu: expected %s", t->file, t->line, expected);
}

/* NAME = {};   or   NAME{end+1}.gt_frame = [5:90, 140:200];   of which NAME{3} is the third. */
static int statement(struct sv_labels *l, struct text *t, struct sv_err *e) {
    static const char whole[] = "NAME{end+1}.gt_frame = [FIRST:LAST, ...];";
    double from, to;
    if (line_ends(t)) return 0;
    if (!identifier(t)) return bad_line(t, whole, e);
    if (take(t, "=")) return take(t, "{") && take(t, "}") && line_ends(t) ? 0 : bad_line(t, whole, e);
    if (!take(t, "{")) return bad_line(t, whole, e);
    if (!take(t, "end")) {
        if (!number(t, &from)) return bad_line(t, whole, e);
        if (from != (double)(l->clip.n + 1)) return bad_line(t, "clips in order, each once", e);
    } else if (!take(t, "+") || !take(t, "1")) return bad_line(t, whole, e);
    if (!take(t, "}") || !take(t, ".gt_frame") || !take(t, "=") || !take(t, "[")) return bad_line(t, whole, e);
    int rc = next_numbered(l, t->file, e);
    while (!rc && !take(t, "]")) {
        if (take(t, ",") || take(t, ";")) continue;
        if (!number(t, &from)) return bad_line(t, whole, e);
        to = from;
        if (take(t, ":") && !number(t, &to)) return bad_line(t, whole, e);
        rc = mark(l, t->file, from, to, e);
    }
    return rc ? rc : line_ends(t) ? 0 : bad_line(t, whole, e);
}

bool sv_labels_is_m(const char *s, size_t n) {
    static const char word[] = ".gt_frame";
    for (size_t i = 0; i + sizeof word - 1 <= sv_min(n, 4096); i++) if (!memcmp(s + i, word, sizeof word - 1)) return true;
    return false;
}

int sv_labels_m(struct sv_labels *l, const char *file, const char *s, size_t n, struct sv_err *e) {
    const char *const end = s + n;
    int rc = 0;
    for (size_t line = 1; !rc && s < end; line++) {
        const char *eol = memchr(s, '\n', (size_t)(end - s));
        struct text t = { s, eol ? eol : end, file, line };
        rc = statement(l, &t, e);
        s = eol ? eol + 1 : end;
    }
    return rc;
}

/* ---- .mat ---- */

static bool is_interval(const struct sv_mat_array *a) {
    return a->class == SV_MAT_NUMBERS && (!a->count || (a->rank == 2 && a->dim[0] == 2));
}

/* A cell of [2, K] arrays, first and last frames: one clip each. */
static int intervals(struct sv_labels *l, const char *file, const struct sv_mat_array *a, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && i < a->count; i++) {
        rc = next_numbered(l, file, e);
        for (size_t k = 0; !rc && k + 1 < a->cell[i].count; k += 2)
            rc = mark(l, file, sv_mat_at(&a->cell[i], k), sv_mat_at(&a->cell[i], k + 1), e);
    }
    return rc;
}

/* A cell of [h, w] masks, one a frame of the clip that the file's name numbers; a frame with any pixel set is abnormal. */
static int masks(struct sv_labels *l, const char *clip, const char *file, const struct sv_mat_array *a, struct sv_err *e) {
    uint8_t *frames;
    for (size_t i = 0; i < a->count; i++) {
        const struct sv_mat_array *m = &a->cell[i];
        if (m->class != SV_MAT_NUMBERS || m->rank != 2 || m->dim[0] != a->cell[0].dim[0] || m->dim[1] != a->cell[0].dim[1])
            return sv_fail(e, SV_EINPUT, "%s: cell %zu of \"%s\" is neither frames [2, K] nor a mask like the first", file, i + 1, a->name);
    }
    l->numbered = true;
    const int rc = sv_labels_clip(l, file, clip, strlen(clip), a->count, &frames, e);
    for (size_t i = 0; !rc && i < a->count; i++)
        for (size_t k = 0; k < a->cell[i].count && !frames[i]; k++) frames[i] = sv_mat_at(&a->cell[i], k) > 0;
    return rc;
}

/* Variables named by clip, a zero or one a frame. */
static int vectors(struct sv_labels *l, const char *file, const struct sv_mat *m, struct sv_err *e) {
    int rc = 0;
    for (size_t v = 0; !rc && v < m->n; v++) {
        const struct sv_mat_array *a = &m->var[v];
        uint8_t *frames;
        if (a->class != SV_MAT_NUMBERS || a->rank != 2 || (a->dim[0] != 1 && a->dim[1] != 1) || a->count > SV_LABELS_MAX || !a->name[0])
            return sv_fail(e, SV_EINPUT, "%s: \"%s\" is no row of labels, expected variables named by clip, a cell of intervals, or one of masks",
                           file, a->name);
        rc = sv_labels_clip(l, file, a->name, strlen(a->name), a->count, &frames, e);
        for (size_t i = 0; !rc && i < a->count; i++) {
            const double x = sv_mat_at(a, i);
            if (x > 0 ? x < 1 || x > 1 : x < 0 || x != x)
                rc = sv_fail(e, SV_EINPUT, "%s: label %zu of %s is %g, expected 0 or 1", file, i, a->name, x);
            else frames[i] = x > 0;
        }
    }
    return rc;
}

int sv_labels_mat(struct sv_labels *l, const char *clip, const char *file, const void *data, size_t size, struct sv_err *e) {
    struct sv_mat m;
    int rc = sv_mat_read(&m, data, size, file, e);
    if (rc) return rc;
    const struct sv_mat_array *cell = NULL;
    for (size_t i = 0; i < m.n && !cell; i++) if (m.var[i].class == SV_MAT_CELL) cell = &m.var[i];
    bool all = cell != NULL;
    for (size_t i = 0; all && i < cell->count; i++) all = is_interval(&cell->cell[i]);
    if (!m.n) rc = sv_fail(e, SV_EINPUT, "%s: a MAT file without variables", file);
    else if (!cell) rc = vectors(l, file, &m, e);
    else rc = all ? intervals(l, file, cell, e) : masks(l, clip, file, cell, e);
    sv_mat_free(&m);
    return rc;
}
