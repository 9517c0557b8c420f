#include "io/boxes.h"

#include "core/num.h"
#include "io/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64, FILE_MAX = 1 << 30, SHOWN = 40 };

struct column { const char *s; size_t n; };

struct reader {
    const char *file;
    size_t line;
    struct column col[COLUMNS];
    size_t cols;
    struct sv_boxes *b;
    size_t *clip; size_t clip_cap;      /* clip of each box */
    bool sorted, any;
    double min_score;
};

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static int shown(const struct column *c) { return (int)sv_min(c->n, SHOWN); }

static int split(struct reader *r, const char *s, const char *end, struct sv_err *e) {
    const bool commas = memchr(s, ',', (size_t)(end - s)) != NULL;
    for (r->cols = 0;; s++) {
        while (s < end && blank(*s)) s++;
        if (s == end && !commas) return 0;
        const char *from = s;
        while (s < end && (commas ? *s != ',' : !blank(*s))) s++;
        const char *to = s;
        while (to > from && blank(to[-1])) to--;
        if (to == from && r->cols < 6)
            return sv_fail(e, SV_EINPUT, "%s: line %zu: column %zu is empty", r->file, r->line, r->cols + 1);
        if (r->cols == COLUMNS)
            return sv_fail(e, SV_EINPUT, "%s: line %zu: more than %d columns", r->file, r->line, COLUMNS);
        r->col[r->cols++] = (struct column){ from, (size_t)(to - from) };
        if (s == end) return 0;
    }
}

static int real(const struct reader *r, size_t i, double limit, const char *what, double *out, struct sv_err *e) {
    const struct column *c = &r->col[i];
    if (sv_num_real(c->s, c->n, out) && fabs(*out) <= limit) return 0;
    return sv_fail(e, SV_EINPUT, "%s: line %zu: %s is \"%.*s\", expected a number within %g", r->file, r->line, what,
                   shown(c), c->s, limit);
}

/* Column i as a track: t17. */
static bool track_of(const struct reader *r, size_t i, int64_t *out) {
    const struct column *c = &r->col[i];
    return i < r->cols && c->n > 1 && c->s[0] == 't' && sv_num_int(c->s + 1, c->n - 1, out) && *out >= 0;
}

/* The columns as a box; the clip's name stays in column 0. */
static int parse_box(struct reader *r, struct sv_box *x, struct sv_err *e) {
    static const char *const what[] = { "x1", "y1", "x2", "y2" };
    double v[4];
    int64_t frame;
    if (r->cols < 6) return sv_fail(e, SV_EINPUT, "%s: line %zu: %zu columns, expected clip frame x1 y1 x2 y2 [score]",
                                    r->file, r->line, r->cols);
    const struct column *clip = &r->col[0], *t = &r->col[1];
    if (clip->n > SV_NAMES_MAX || memchr(clip->s, 0, clip->n))
        return sv_fail(e, SV_EINPUT, "%s: line %zu: a clip name of %zu bytes, expected at most %d without NUL",
                       r->file, r->line, clip->n, SV_NAMES_MAX);
    if (!sv_num_int(t->s, t->n, &frame) || frame < 0 || frame > SV_FRAME_MAX)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: frame is \"%.*s\", expected a whole number from 0 to %d",
                       r->file, r->line, shown(t), t->s, SV_FRAME_MAX);
    for (size_t i = 0; i < 4; i++) {
        const int rc = real(r, 2 + i, SV_PIXEL_MAX, what[i], &v[i], e);
        if (rc) return rc;
    }
    *x = (struct sv_box){ (size_t)frame, v[0], v[1], v[2], v[3], 1, -1 };
    int64_t track;
    const bool scored = r->cols > 6 && !track_of(r, 6, &track);
    const int rc = scored ? real(r, 6, SV_PIXEL_MAX, "score", &x->score, e) : 0;
    if (rc) return rc;
    if (track_of(r, scored ? 7 : 6, &track)) x->track = track;
    if (!(x->x2 > x->x1 && x->y2 > x->y1))
        return sv_fail(e, SV_EINPUT, "%s: line %zu: clip %.*s frame %zu: the box %g %g %g %g is empty, expected "
                       "x1 < x2 and y1 < y2", r->file, r->line, shown(clip), clip->s, x->frame, v[0], v[1], v[2], v[3]);
    if (r->any && r->b->scored != scored)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: %s a score, unlike the lines before", r->file, r->line, scored ? "has" : "lacks");
    r->any = true, r->b->scored = scored;
    return 0;
}

static int add_line(struct reader *r, struct sv_err *e) {
    struct sv_boxes *b = r->b;
    struct sv_box x;
    size_t clip;
    int rc = parse_box(r, &x, e);
    if (rc || (rc = sv_names_add(&b->clip, r->col[0].s, r->col[0].n, &clip, e))) return rc;
    if (b->scored && x.score < r->min_score) return b->dropped++, 0;
    if (sv_grow(&b->box, &b->cap, b->n, sizeof *b->box, e) || sv_grow(&r->clip, &r->clip_cap, b->n, sizeof *r->clip, e))
        return SV_ENOMEM;
    const size_t last = b->n - 1;
    if (b->n && (clip < r->clip[last] || (clip == r->clip[last] && x.frame < b->box[last].frame))) r->sorted = false;
    r->clip[b->n] = clip;
    b->box[b->n++] = x;
    return 0;
}

struct key { size_t clip, frame, at; };

static int by_place(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int sort(struct reader *r, struct sv_err *e) {
    struct sv_boxes *b = r->b;
    struct key *key = sv_alloc(b->n, sizeof *key, e);
    struct sv_box *box = sv_alloc(b->n, sizeof *box, e);
    size_t *clip = sv_alloc(b->n, sizeof *clip, e);
    const int rc = key && box && clip ? 0 : SV_ENOMEM;
    if (!rc) {
        for (size_t i = 0; i < b->n; i++) key[i] = (struct key){ r->clip[i], b->box[i].frame, i };
        qsort(key, b->n, sizeof *key, by_place);
        for (size_t i = 0; i < b->n; i++) box[i] = b->box[key[i].at], clip[i] = key[i].clip;
        sv_free(b->box), sv_free(r->clip);
        b->box = box, r->clip = clip;
        box = NULL, clip = NULL;
    }
    sv_free(key), sv_free(box), sv_free(clip);
    return rc;
}

/* first[i + 1] counts clip i's boxes, then becomes where they end. */
static int index_clips(struct reader *r, struct sv_err *e) {
    struct sv_boxes *b = r->b;
    if (!(b->first = sv_alloc(b->clip.n + 1, sizeof *b->first, e))) return SV_ENOMEM;
    for (size_t i = 0; i < b->n; i++) b->first[r->clip[i] + 1]++;
    for (size_t i = 0; i < b->clip.n; i++) b->first[i + 1] += b->first[i];
    return 0;
}

static int parse(struct reader *r, const char *s, const char *end, struct sv_err *e) {
    if (end - s >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) s += 3;
    while (s < end) {
        const char *eol = memchr(s, '\n', (size_t)(end - s)), *stop = eol ? eol : end;
        r->line++;
        while (s < stop && blank(*s)) s++;
        if (s < stop && *s != '#') {
            int rc = split(r, s, stop, e);
            if (rc || (rc = add_line(r, e))) return rc;
        }
        s = eol ? eol + 1 : end;
    }
    if (!r->any) return sv_fail(e, SV_EINPUT, "%s: no boxes", r->file);
    const int rc = r->sorted ? 0 : sort(r, e);
    return rc ? rc : index_clips(r, e);
}

int sv_boxes_parse(struct sv_boxes *b, const char *file, const void *data, size_t size, double min_score, struct sv_err *e) {
    memset(b, 0, sizeof *b);
    struct reader r = { .file = file, .b = b, .sorted = true, .min_score = min_score };
    const char *s = data;
    const int rc = parse(&r, s, s + size, e);
    sv_free(r.clip);
    if (rc) sv_boxes_free(b);
    return rc;
}

int sv_boxes_read(struct sv_boxes *b, const char *path, double min_score, struct sv_err *e) {
    struct sv_file f;
    memset(b, 0, sizeof *b);
    int rc = sv_file_read(&f, path, FILE_MAX, e);
    if (rc) return rc;
    rc = sv_boxes_parse(b, path, f.data, f.size, min_score, e);
    sv_file_close(&f);
    return rc;
}

void sv_boxes_free(struct sv_boxes *b) {
    sv_names_free(&b->clip);
    sv_free(b->first), sv_free(b->box);
    memset(b, 0, sizeof *b);
}

const struct sv_box *sv_boxes_of(const struct sv_boxes *b, const char *clip, size_t *n) {
    const size_t i = sv_names_find(&b->clip, clip, strlen(clip));
    *n = i == SIZE_MAX ? 0 : b->first[i + 1] - b->first[i];
    return *n ? b->box + b->first[i] : NULL;
}
