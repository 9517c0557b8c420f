/* boxes_text.c - boxes in lines of columns: our own text, MOT, YOLO. */
#include "io/boxes_int.h"

#include "core/num.h"
#include <math.h>
#include <string.h>

enum { COLUMNS = 64, SHOWN = 40 };

struct column { const char *s; size_t n; };

struct line { struct column col[COLUMNS]; size_t cols; bool commas; };

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static int shown(const struct column *c) { return (int)sv_min(c->n, SHOWN); }

static int split(const struct sv_box_reader *r, struct line *l, const char *s, const char *end, struct sv_err *e) {
    const bool commas = memchr(s, ',', (size_t)(end - s)) != NULL;
    l->commas = commas;
    for (l->cols = 0;; s++) {
        while (s < end && blank(*s)) s++;
        if (s == end && !commas) return 0;
        const char *from = s;
        while (s < end && (commas ? *s != ',' : !blank(*s))) s++;
        const char *to = s;
        while (to > from && blank(to[-1])) to--;
        if (to == from && l->cols < 6) return sv_box_bad(r, e, "column %zu is empty", l->cols + 1);
        if (l->cols == COLUMNS) return sv_box_bad(r, e, "more than %d columns", COLUMNS);
        l->col[l->cols++] = (struct column){ from, (size_t)(to - from) };
        if (s == end) return 0;
    }
}

/* The next line that is neither empty nor a comment, in columns: 1; 0 at the end. */
static int next_line(struct sv_box_reader *r, struct line *l, const char **s, const char *end, struct sv_err *e) {
    if (!r->at && end - *s >= 3 && !memcmp(*s, "\xef\xbb\xbf", 3)) *s += 3;
    while (*s < end) {
        const char *from = *s, *eol = memchr(from, '\n', (size_t)(end - from)), *stop = eol ? eol : end;
        r->at++;
        *s = eol ? eol + 1 : end;
        while (from < stop && blank(*from)) from++;
        if (from == stop || *from == '#') continue;
        const int rc = split(r, l, from, stop, e);
        return rc ? rc : 1;
    }
    return 0;
}

static int real(const struct sv_box_reader *r, const struct line *l, size_t i, double limit, const char *what, double *out, struct sv_err *e) {
    const struct column *c = &l->col[i];
    if (sv_num_real(c->s, c->n, out) && fabs(*out) <= limit) return 0;
    return sv_box_bad(r, e, "%s is \"%.*s\", expected a number within %g", what, shown(c), c->s, limit);
}

/* ---- our own ---- */

/* Column i as a track: t17. */
static bool track_of(const struct line *l, size_t i, int64_t *out) {
    const struct column *c = &l->col[i];
    return i < l->cols && c->n > 1 && c->s[0] == 't' && sv_num_int(c->s + 1, c->n - 1, out) && *out >= 0;
}

static int text_line(struct sv_box_reader *r, const struct line *l, struct sv_err *e) {
    static const char *const what[] = { "x1", "y1", "x2", "y2" };
    double v[4];
    int64_t frame, track;
    if (l->cols < 6) return sv_box_bad(r, e, "%zu columns, expected clip frame x1 y1 x2 y2 [score]", l->cols);
    const struct column *clip = &l->col[0], *t = &l->col[1];
    if (clip->n > SV_NAMES_MAX || memchr(clip->s, 0, clip->n))
        return sv_box_bad(r, e, "a clip name of %zu bytes, expected at most %d without NUL", clip->n, SV_NAMES_MAX);
    if (!sv_num_int(t->s, t->n, &frame) || frame < 0 || frame > SV_FRAME_MAX)
        return sv_box_bad(r, e, "frame is \"%.*s\", expected a whole number from 0 to %d", shown(t), t->s, SV_FRAME_MAX);
    for (size_t i = 0; i < 4; i++) {
        const int rc = real(r, l, 2 + i, SV_PIXEL_MAX, what[i], &v[i], e);
        if (rc) return rc;
    }
    struct sv_box x = { (size_t)frame, v[0], v[1], v[2], v[3], 1, -1 };
    const bool scored = l->cols > 6 && !track_of(l, 6, &track);
    const int rc = scored ? real(r, l, 6, SV_PIXEL_MAX, "score", &x.score, e) : 0;
    if (rc) return rc;
    if (track_of(l, scored ? 7 : 6, &track)) x.track = track;
    return sv_box_add(r, clip->s, clip->n, &x, scored, e);
}

int sv_box_text(struct sv_box_reader *r, const char *s, size_t n, struct sv_err *e) {
    const char *const end = s + n;
    struct line l;
    int rc;
    r->unit = "line", r->at = 0;
    while ((rc = next_line(r, &l, &s, end, e)) > 0) if ((rc = text_line(r, &l, e))) return rc;
    return rc;
}

/* ---- MOT ---- */

/* A whole number; some trackers write all columns as 12.00. */
static bool whole(const struct column *c, double low, double high, double *out) {
    return sv_num_real(c->s, c->n, out) && *out >= low && *out <= high && floor(*out) >= *out;
}

static int mot_line(struct sv_box_reader *r, const char *clip, const struct line *l, struct sv_err *e) {
    static const char *const what[] = { "x", "y", "w", "h" };
    double v[4], frame, id, score = -1;
    if (l->cols < 6) return sv_box_bad(r, e, "%zu columns, expected frame,id,x,y,w,h,score", l->cols);
    if (!whole(&l->col[0], 1, SV_FRAME_MAX, &frame))
        return sv_box_bad(r, e, "frame is \"%.*s\", expected a whole number from 1 to %d", shown(&l->col[0]), l->col[0].s, SV_FRAME_MAX);
    if (!whole(&l->col[1], -1, INT32_MAX, &id))
        return sv_box_bad(r, e, "id is \"%.*s\", expected a whole number from -1", shown(&l->col[1]), l->col[1].s);
    int rc = 0;
    for (size_t i = 0; !rc && i < 4; i++) rc = real(r, l, 2 + i, SV_PIXEL_MAX / 2, what[i], &v[i], e);
    if (!rc && l->cols > 6) rc = real(r, l, 6, SV_PIXEL_MAX, "score", &score, e);
    if (rc) return rc;
    const bool scored = l->cols > 6 && (r->any ? r->b->scored || score > -1 || score < -1 : score > -1 || score < -1);
    const struct sv_box x = { (size_t)frame - 1, v[0] - 1, v[1] - 1, v[0] - 1 + v[2], v[1] - 1 + v[3], scored ? score : 1, (int64_t)id };
    return sv_box_add(r, clip, strlen(clip), &x, scored, e);
}

int sv_box_mot(struct sv_box_reader *r, const char *clip, const char *s, size_t n, struct sv_err *e) {
    const char *const end = s + n;
    struct line l;
    int rc;
    r->unit = "line", r->at = 0;
    while ((rc = next_line(r, &l, &s, end, e)) > 0) if ((rc = mot_line(r, clip, &l, e))) return rc;
    return rc;
}

/* ---- YOLO ---- */

/* A share of the frame; the writers round. */
static int share(const struct sv_box_reader *r, const struct line *l, size_t i, const char *what, double *out, struct sv_err *e) {
    const struct column *c = &l->col[i];
    if (sv_num_real(c->s, c->n, out) && *out >= -0.01 && *out <= 1.01) return 0;
    return sv_box_bad(r, e, "%s is \"%.*s\", expected a share from 0 to 1", what, shown(c), c->s);
}

static int yolo_line(struct sv_box_reader *r, const struct sv_box_place *p, double w, double h, const struct line *l, struct sv_err *e) {
    static const char *const what[] = { "x", "y", "w", "h" };
    double v[4], score = 1, track = -1;
    if (l->cols < 5 || l->cols > 7) return sv_box_bad(r, e, "%zu columns, expected class x y w h [score [track]]", l->cols);
    int rc = 0;
    for (size_t i = 0; !rc && i < 4; i++) rc = share(r, l, 1 + i, what[i], &v[i], e);
    if (!rc && l->cols > 5) rc = share(r, l, 5, "score", &score, e);
    if (rc) return rc;
    if (l->cols > 6 && !whole(&l->col[6], 0, INT32_MAX, &track))
        return sv_box_bad(r, e, "track is \"%.*s\", expected a whole number from 0", shown(&l->col[6]), l->col[6].s);
    const struct sv_box x = { p->frame, (v[0] - v[2] / 2) * w, (v[1] - v[3] / 2) * h, (v[0] + v[2] / 2) * w, (v[1] + v[3] / 2) * h,
                              score, (int64_t)track };
    return sv_box_add(r, p->name, p->len, &x, l->cols > 5, e);
}

int sv_box_yolo(struct sv_box_reader *r, const struct sv_box_place *place, size_t w, size_t h, const char *s, size_t n, struct sv_err *e) {
    const char *const end = s + n;
    struct line l;
    int rc;
    r->unit = "line", r->at = 0;
    while ((rc = next_line(r, &l, &s, end, e)) > 0) if ((rc = yolo_line(r, place, (double)w, (double)h, &l, e))) return rc;
    return rc;
}

/* ---- which of them ---- */

static bool is(const struct column *c, const char *s) { return c->n == strlen(s) && !memcmp(c->s, s, c->n); }

enum sv_box_format sv_box_format(const char *s, size_t n, bool one_clip) {
    struct sv_box_reader r = { .at = 0 };
    struct line l;
    const char *const end = s + n;
    size_t i = 0;
    while (i < n && (blank(s[i]) || s[i] == '\n')) i++;
    if (i < n && (s[i] == '[' || s[i] == '{')) return SV_BOX_COCO;
    const int rc = next_line(&r, &l, &s, end, NULL);
    if (!rc) return SV_BOX_NONE;
    if (one_clip) return l.commas ? SV_BOX_MOT : SV_BOX_YOLO;
    return rc > 0 && l.commas && l.cols == 10 && is(&l.col[7], "-1") && is(&l.col[8], "-1") && is(&l.col[9], "-1") ? SV_BOX_MOT : SV_BOX_TEXT;
}
