#include "io/scores.h"

#include "core/num.h"
#include "io/csv.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { FILE_MAX = 1 << 30, FRAME_MAX = 100000000, SHOWN = 40 };

static const char *const score_columns[] = { "clip", "frame", "score" };
static const char *const object_columns[] = {
    "clip", "frame", "x1", "y1", "x2", "y2", "track", "score", "action", "similarity",
};

int sv_scores_open(struct sv_out *o, const char *path, struct sv_err *e) {
    const int rc = sv_out_open(o, path, e);
    return rc ? rc : sv_out_printf(o, e, "clip,frame,score\n");
}

int sv_scores_put(struct sv_out *o, const char *clip, const double *score, size_t n, struct sv_err *e) {
    int rc = 0;
    for (size_t t = 0; !rc && t < n; t++) {
        char text[SV_NUM_TEXT];
        if (!isfinite(score[t])) return sv_fail(e, SV_EINPUT, "clip %s frame %zu: the score is not a finite number", clip, t);
        const size_t len = sv_num_text(score[t], text);
        rc = sv_csv_put(o, clip, e);
        if (!rc) rc = sv_out_printf(o, e, ",%zu,%.*s\n", t, (int)len, text);
    }
    return rc;
}

int sv_objects_open(struct sv_out *o, const char *path, struct sv_err *e) {
    const int rc = sv_out_open(o, path, e);
    return rc ? rc : sv_out_printf(o, e, "clip,frame,x1,y1,x2,y2,track,score,action,similarity\n");
}

static int put_object(struct sv_out *o, const char *clip, const struct sv_object_row *x, struct sv_err *e) {
    const double v[5] = { x->x1, x->y1, x->x2, x->y2, x->score };
    char text[6][SV_NUM_TEXT + 1];
    bool finite = isfinite(x->similarity);
    for (size_t i = 0; i < 5; i++) finite = finite && isfinite(v[i]);
    if (!finite) return sv_fail(e, SV_EINPUT, "clip %s frame %zu: a number of an object is not finite", clip, x->frame);
    for (size_t i = 0; i < 5; i++) text[i][sv_num_text(v[i], text[i])] = 0;
    text[5][sv_num_text_f32(x->similarity, text[5])] = 0;
    int rc = sv_csv_put(o, clip, e);
    if (!rc) rc = sv_out_printf(o, e, ",%zu,%s,%s,%s,%s,%" PRId64 ",%s,", x->frame, text[0], text[1], text[2], text[3],
                                x->track, text[4]);
    if (!rc) rc = sv_csv_put(o, x->action, e);
    return rc ? rc : sv_out_printf(o, e, ",%s\n", text[5]);
}

int sv_objects_put(struct sv_out *o, const char *clip, const struct sv_object_row *x, size_t n, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) rc = put_object(o, clip, &x[i], e);
    return rc;
}

static int bad(const struct sv_csv *c, size_t i, const char *column, const char *expected, struct sv_err *e) {
    return sv_fail(e, SV_EINPUT, "%s: line %zu: %s is \"%.*s\", expected %s", c->file, c->line, column, SHOWN,
                   c->text + c->begin[i], expected);
}

static int real(const struct sv_csv *c, size_t i, const char *column, double *out, struct sv_err *e) {
    size_t len;
    const char *s = sv_csv_field(c, i, &len);
    return sv_num_real(s, len, out) ? 0 : bad(c, i, column, "a number", e);
}

/* A row's clip and frame. */
static int place(const struct sv_csv *c, size_t columns, struct sv_names *clips, size_t *clip, size_t *frame,
                 struct sv_err *e) {
    if (c->fields != columns)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: %zu columns, expected %zu", c->file, c->line, c->fields, columns);
    size_t len;
    int64_t t;
    const char *s = sv_csv_field(c, 1, &len);
    if (!sv_num_int(s, len, &t) || t < 0 || t > FRAME_MAX) return bad(c, 1, "frame", "a whole number from 0 to 100000000", e);
    *frame = (size_t)t;
    s = sv_csv_field(c, 0, &len);
    if (!len || len > SV_NAMES_MAX) return bad(c, 0, "clip", "a name of 1 .. 255 bytes", e);
    return sv_names_add(clips, s, len, clip, e);
}

static int add_score(struct sv_scores *s, const struct sv_csv *c, struct sv_err *e) {
    /* Room first: every clip that has a name has frames to be freed. */
    if (sv_grow(&s->frames, &s->cap, s->clip.n, sizeof *s->frames, e)) return SV_ENOMEM;
    s->frames[s->clip.n] = (struct sv_frames){ 0 };
    size_t clip, frame;
    double v;
    int rc = place(c, SV_LEN(score_columns), &s->clip, &clip, &frame, e);
    if (rc || (rc = real(c, 2, "score", &v, e))) return rc;
    struct sv_frames *f = &s->frames[clip];
    if (frame != f->n)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: clip %.*s: frame %zu, expected %zu: each frame once, in order", c->file,
                       c->line, SHOWN, s->clip.name[clip], frame, f->n);
    if (sv_grow(&f->score, &f->cap, f->n, sizeof *f->score, e)) return SV_ENOMEM;
    f->score[f->n++] = v;
    return 0;
}

int sv_scores_parse(struct sv_scores *s, const char *file, const void *data, size_t size, struct sv_err *e) {
    struct sv_csv c;
    memset(s, 0, sizeof *s);
    sv_csv_open(&c, file, data, size);
    int rc = sv_csv_header(&c, score_columns, SV_LEN(score_columns), e);
    while (!rc && (rc = sv_csv_row(&c, e)) > 0) rc = add_score(s, &c, e);
    if (!rc && !s->clip.n) rc = sv_fail(e, SV_EINPUT, "%s: no scores", file);
    sv_csv_close(&c);
    if (rc) sv_scores_free(s);
    return rc;
}

void sv_scores_free(struct sv_scores *s) {
    for (size_t i = 0; i < s->clip.n; i++) sv_free(s->frames[i].score);
    sv_names_free(&s->clip);
    sv_free(s->frames);
    memset(s, 0, sizeof *s);
}

const struct sv_frames *sv_scores_of(const struct sv_scores *s, const char *clip) {
    const size_t i = sv_names_find(&s->clip, clip, strlen(clip));
    return i == SIZE_MAX ? NULL : &s->frames[i];
}

static int read_object(struct sv_objects *s, const struct sv_csv *c, struct sv_object_row *x, size_t *clip,
                       struct sv_err *e) {
    double v[4], similarity;
    int rc = place(c, SV_LEN(object_columns), &s->clip, clip, &x->frame, e);
    for (size_t i = 0; !rc && i < 4; i++) rc = real(c, 2 + i, object_columns[2 + i], &v[i], e);
    if (!rc) rc = real(c, 7, "score", &x->score, e);
    if (!rc) rc = real(c, 9, "similarity", &similarity, e);
    if (rc) return rc;
    size_t len, action;
    const char *t = sv_csv_field(c, 6, &len);
    if (!sv_num_int(t, len, &x->track) || x->track < -1) return bad(c, 6, "track", "a whole number from -1 on", e);
    if (!(fabs(similarity) <= 1e6)) return bad(c, 9, "similarity", "a number within 1000000", e);
    x->x1 = v[0], x->y1 = v[1], x->x2 = v[2], x->y2 = v[3];
    x->similarity = (float)similarity;
    t = sv_csv_field(c, 8, &len);
    if ((rc = sv_names_add(&s->action, t, len, &action, e))) return rc;
    x->action = s->action.name[action];
    return 0;
}

static int add_object(struct sv_objects *s, const struct sv_csv *c, size_t *first_cap, struct sv_err *e) {
    struct sv_object_row x;
    size_t clip;
    const size_t before = s->clip.n;
    int rc = read_object(s, c, &x, &clip, e);
    if (rc) return rc;
    if (s->clip.n > before) {
        if (sv_grow(&s->first, first_cap, clip, sizeof *s->first, e)) return SV_ENOMEM;
        s->first[clip] = s->n;
    } else if (clip + 1 != s->clip.n || x.frame < s->object[s->n - 1].frame) {
        return sv_fail(e, SV_EINPUT, "%s: line %zu: clip %.*s frame %zu: out of order", c->file, c->line, SHOWN,
                       s->clip.name[clip], x.frame);
    }
    if (sv_grow(&s->object, &s->cap, s->n, sizeof *s->object, e)) return SV_ENOMEM;
    s->object[s->n++] = x;
    return 0;
}

/* A file of nothing but the header is fine: no frame had a box. */
int sv_objects_parse(struct sv_objects *s, const char *file, const void *data, size_t size, struct sv_err *e) {
    struct sv_csv c;
    size_t first_cap = 0;
    memset(s, 0, sizeof *s);
    sv_csv_open(&c, file, data, size);
    int rc = sv_csv_header(&c, object_columns, SV_LEN(object_columns), e);
    while (!rc && (rc = sv_csv_row(&c, e)) > 0) rc = add_object(s, &c, &first_cap, e);
    if (!rc && sv_grow(&s->first, &first_cap, s->clip.n, sizeof *s->first, e)) rc = SV_ENOMEM;
    if (!rc) s->first[s->clip.n] = s->n;
    sv_csv_close(&c);
    if (rc) sv_objects_free(s);
    return rc;
}

void sv_objects_free(struct sv_objects *s) {
    sv_names_free(&s->clip), sv_names_free(&s->action);
    sv_free(s->object), sv_free(s->first);
    memset(s, 0, sizeof *s);
}

int sv_scores_read(struct sv_scores *s, const char *path, struct sv_err *e) {
    struct sv_file f;
    memset(s, 0, sizeof *s);
    int rc = sv_file_read(&f, path, FILE_MAX, e);
    if (rc) return rc;
    rc = sv_scores_parse(s, path, f.data, f.size, e);
    sv_file_close(&f);
    return rc;
}

int sv_objects_read(struct sv_objects *s, const char *path, struct sv_err *e) {
    struct sv_file f;
    memset(s, 0, sizeof *s);
    int rc = sv_file_read(&f, path, FILE_MAX, e);
    if (rc) return rc;
    rc = sv_objects_parse(s, path, f.data, f.size, e);
    sv_file_close(&f);
    return rc;
}
