#include "tools/source.h"

#include "io/container.h"
#include "io/video.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- lists ---- */

static int kind_of(const struct sv_file *f, enum sv_source_kind *kind) {
    char text[16] = "";
    if (f->size >= 64 && sv_container_is(f)) sv_container_kind(f, text);
    *kind = !strcmp(text, "features") ? SV_FEATURES : !strcmp(text, "objects") ? SV_OBJECTS : SV_LIVE;
    return *kind != SV_LIVE;
}

static int add(struct sv_sources *l, const char *name, const char *path, enum sv_source_kind kind, struct sv_err *e) {
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->item[i].name, name))
            return sv_fail(e, SV_EINPUT, "%s: a clip named %s is there already, from %s", path, name, l->item[i].path);
    struct sv_source s = { sv_strdup(name, e), sv_strdup(path, e), kind };
    const int rc = s.name && s.path ? sv_grow(&l->item, &l->cap, l->n, sizeof *l->item, e) : SV_ENOMEM;
    if (!rc) l->item[l->n++] = s;
    else sv_free(s.name), sv_free(s.path);
    return rc;
}

/* Adds the file if it is a stored clip; *found tells. */
static int add_stored(struct sv_sources *l, const char *path, bool *found, struct sv_err *e) {
    struct sv_file f;
    struct sv_store s = {0};
    enum sv_source_kind kind;
    const char *name;
    *found = false;
    int rc = sv_file_map(&f, path, e);
    if (rc) return rc;
    if (kind_of(&f, &kind)) {
        *found = true;
        if (!(rc = sv_store_init(&s, path, e)) && !(rc = sv_container_read(&f, NULL, &s, e)) &&
            !(rc = sv_store_get_text(&s, "name", &name, e)))
            rc = add(l, name, path, kind, e);
        sv_store_free(&s);
    }
    sv_file_close(&f);
    return rc;
}

static bool ends(const char *s, const char *tail) {
    const size_t n = strlen(s), k = strlen(tail);
    return n > k && !strcmp(s + n - k, tail);
}

int sv_sources_add(struct sv_sources *l, const char *path, struct sv_err *e) {
    bool found = false;
    int rc = 0;
    const bool folder = strcmp(path, "-") && sv_is_dir(path);
    if (folder) {
        /* Only NAME.svad: what an interrupted run left beside it has another ending. */
        struct sv_dir d;
        if ((rc = sv_dir_list(&d, path, e))) return rc;
        for (size_t i = 0; !rc && i < d.n; i++) {
            if (!ends(d.name[i], ".svad")) continue;
            char p[4096];
            bool one = false;
            if (snprintf(p, sizeof p, "%s/%s", path, d.name[i]) >= (int)sizeof p)
                rc = sv_fail(e, SV_EINPUT, "%s: the path is too long", path);
            else if (!sv_is_dir(p)) rc = add_stored(l, p, &one, e);
            found = found || one;
        }
        sv_dir_free(&d);
    } else if (ends(path, ".svad")) rc = add_stored(l, path, &found, e);
    if (rc || found) return rc;
    struct sv_clip_list clips = {0};
    rc = sv_clip_list_add(&clips, path, e);
    for (size_t i = 0; !rc && i < clips.n; i++) rc = add(l, clips.item[i].name, clips.item[i].path, SV_LIVE, e);
    sv_clip_list_free(&clips);
    return rc;
}

void sv_sources_free(struct sv_sources *l) {
    for (size_t i = 0; i < l->n; i++) sv_free(l->item[i].name), sv_free(l->item[i].path);
    sv_free(l->item);
    *l = (struct sv_sources){0};
}

int sv_sources_boxes(const struct sv_sources *l, struct sv_boxes *b, const char *path, double min_score, struct sv_err *e) {
    struct sv_clip_list clips = { .item = sv_alloc(l->n, sizeof *clips.item, e), .n = l->n };
    if (!clips.item) return SV_ENOMEM;
    for (size_t i = 0; i < l->n; i++) clips.item[i] = (struct sv_clip_path){ l->item[i].name, l->item[i].path };
    const int rc = sv_boxes_read_of(b, path, &clips, min_score, e);
    sv_free(clips.item);
    return rc;
}

/* ---- rules ---- */

int sv_rule_write(const struct sv_rule *r, struct sv_store *s, struct sv_err *e) {
    int rc = sv_store_set_int(s, "tube.frames", (int64_t)r->tube.n, e);
    if (!rc) rc = sv_store_set_int(s, "tube.step", (int64_t)r->tube.step, e);
    if (!rc) rc = sv_store_set_real(s, "tube.seconds", r->seconds, e);
    if (!rc) rc = sv_store_set_text(s, "tube.crop", r->square ? "square" : "squash", e);
    if (!rc) rc = sv_store_set_text(s, "tube.boxes", r->track ? "track" : "centre", e);
    if (!rc && r->figures) rc = sv_store_set_int(s, "tube.figures", 1, e);
    if (!rc) rc = sv_store_set_int(s, "tube.every", (int64_t)r->every, e);
    if (!rc) rc = sv_store_set_real(s, "tube.min_score", r->min_score, e);
    return rc ? rc : sv_store_set_text(s, "tube.clip", r->clip, e);
}

int sv_rule_read(struct sv_rule *r, const struct sv_store *s, struct sv_err *e) {
    int64_t n, step, every;
    const char *crop, *clip, *boxes = "centre";
    *r = (struct sv_rule){0};
    int rc = sv_store_get_int(s, "tube.frames", 1, SV_TUBE_MAX_FRAMES, &n, e);
    if (!rc) rc = sv_store_get_int(s, "tube.step", 1, SV_TUBE_MAX_STEP, &step, e);
    if (!rc) rc = sv_store_get_real(s, "tube.seconds", 0, 3600, &r->seconds, e);
    if (!rc) rc = sv_store_get_text(s, "tube.crop", &crop, e);
    if (!rc && sv_store_value(s, "tube.boxes")) rc = sv_store_get_text(s, "tube.boxes", &boxes, e);
    r->figures = !rc && sv_store_value(s, "tube.figures");
    if (!rc) rc = sv_store_get_int(s, "tube.every", 1, INT32_MAX, &every, e);
    if (!rc) rc = sv_store_get_real(s, "tube.min_score", -1e30, 1e30, &r->min_score, e);
    if (!rc) rc = sv_store_get_text(s, "tube.clip", &clip, e);
    if (rc) return rc;
    r->square = !strcmp(crop, "square");
    if (!r->square && strcmp(crop, "squash"))
        return sv_fail(e, SV_EINPUT, "%s: tube.crop is \"%s\", expected squash or square", s->file, crop);
    r->track = !strcmp(boxes, "track");
    if (!r->track && strcmp(boxes, "centre"))
        return sv_fail(e, SV_EINPUT, "%s: tube.boxes is \"%s\", expected centre or track", s->file, boxes);
    if (strlen(clip) != SV_IDENTITY - 1)
        return sv_fail(e, SV_EINPUT, "%s: tube.clip is \"%s\", expected %d hex digits", s->file, clip, SV_IDENTITY - 1);
    memcpy(r->clip, clip, SV_IDENTITY);
    r->tube = (struct sv_tube){ (size_t)n, (size_t)step };
    r->every = (size_t)every;
    return 0;
}

int sv_rule_match(const struct sv_rule *want, const struct sv_rule *found, const char *file, struct sv_err *e) {
    if (strcmp(want->clip, found->clip))
        return sv_fail(e, SV_EINPUT, "%s: made with another model: %s, expected %s", file, found->clip, want->clip);
    if (want->tube.n != found->tube.n)
        return sv_fail(e, SV_EINPUT, "%s: its tubes have %zu frames, expected %zu", file, found->tube.n, want->tube.n);
    if (fabs(want->seconds - found->seconds) > 0 || (want->seconds <= 0 && want->tube.step != found->tube.step))
        return sv_fail(e, SV_EINPUT, "%s: its tubes have a step of %zu frames (%g s), expected %zu (%g s)", file,
                       found->tube.step, found->seconds, want->tube.step, want->seconds);
    if (want->track != found->track)
        return sv_fail(e, SV_EINPUT, "%s: its tubes have the boxes of their %s, expected %s", file, found->track ? "track" : "centre",
                       want->track ? "track" : "centre");
    if (want->square != found->square)
        return sv_fail(e, SV_EINPUT, "%s: its crops are made by the rule %s, expected %s", file,
                       found->square ? "square" : "squash", want->square ? "square" : "squash");
    return 0;
}

int sv_rule_tube(const struct sv_rule *r, double fps, const char *clip, struct sv_tube *out, struct sv_err *e) {
    *out = r->tube;
    if (r->seconds <= 0) return 0;
    if (!(fps > 0))
        return sv_fail(e, SV_EINPUT, "%s: the frame rate is not known, so a step of %g s cannot be taken; give --fps",
                       clip, r->seconds);
    const double step = floor(r->seconds * fps + 0.5);
    if (!(step <= SV_TUBE_MAX_STEP))
        return sv_fail(e, SV_EINPUT, "%s: a step of %g s is %g frames, expected at most %d", clip, r->seconds, step,
                       SV_TUBE_MAX_STEP);
    out->step = step < 1 ? 1 : (size_t)step;
    return 0;
}

/* ---- stored clips ---- */

static int32_t get_i32(const void *p, size_t i) {
    int32_t v;
    memcpy(&v, (const char *)p + 4 * i, 4);
    return v;
}

/* Figures of stored objects: a size above 0, all finite. */
static int read_figures(struct sv_stored *s, struct sv_err *e) {
    const struct sv_view *v;
    const int rc = s->rule.figures ? sv_store_expect(&s->store, "figure", 1 << SV_F32, 2, (size_t[]){ s->n, 4 }, &v, e) : 0;
    for (size_t i = 0; !rc && s->rule.figures && i < s->n; i++) {
        float *f = s->object[i].figure;
        sv_view_f32(v, 4 * i, 4, f);
        if (!(f[0] > 0 && f[1] > 0 && isfinite(f[0] + f[1] + f[2] + f[3])))
            return sv_fail(e, SV_EINPUT, "%s: figure %zu is %g x %g, moving by %g %g; expected a size above 0 and numbers", s->file.name, i,
                           (double)f[0], (double)f[1], (double)f[2], (double)f[3]);
    }
    return rc;
}

static int read_objects(struct sv_stored *s, struct sv_err *e) {
    const struct sv_view *frame, *box, *score, *track;
    int rc;
    if ((rc = sv_store_expect(&s->store, "frame", 1 << SV_I32, 1, (size_t[]){ SIZE_MAX }, &frame, e))) return rc;
    s->n = frame->count;
    if ((rc = sv_store_expect(&s->store, "box", 1 << SV_F64, 2, (size_t[]){ s->n, 4 }, &box, e)) ||
        (rc = sv_store_expect(&s->store, "score", 1 << SV_F32, 1, (size_t[]){ s->n }, &score, e)) ||
        (rc = sv_store_expect(&s->store, "track", 1 << SV_I32, 1, (size_t[]){ s->n }, &track, e)))
        return rc;
    if (!(s->object = sv_alloc(s->n, sizeof *s->object, e))) return SV_ENOMEM;
    for (size_t i = 0; i < s->n; i++) {
        struct sv_object *o = &s->object[i];
        const int32_t t = get_i32(frame->data, i);
        size_t pixels[4];
        o->frame = (size_t)t, o->track = get_i32(track->data, i);
        memcpy(o->box, (const char *)box->data + 32 * i, 32);
        sv_view_f32(score, i, 1, &o->score);
        if (t < 0 || o->frame >= s->frames || (i && o->frame < o[-1].frame) ||
            !sv_tube_box(o->box, s->w, s->h, pixels) || !isfinite(o->score))
            return sv_fail(e, SV_EINPUT, "%s: object %zu (frame %d) does not fit the clip of %zu frames of %zu x %zu",
                           s->file.name, i, (int)t, s->frames, s->w, s->h);
    }
    return read_figures(s, e);
}

static int read_stored(struct sv_stored *s, struct sv_err *e) {
    const struct sv_view *v;
    int64_t w, h, frames;
    int rc = sv_rule_read(&s->rule, &s->store, e);
    if (!rc) rc = sv_store_get_text(&s->store, "name", &s->clip, e);
    if (!rc) rc = sv_store_get_int(&s->store, "width", 1, INT32_MAX, &w, e);
    if (!rc) rc = sv_store_get_int(&s->store, "height", 1, INT32_MAX, &h, e);
    if (!rc) rc = sv_store_get_real(&s->store, "fps", 0, 1e9, &s->fps, e);
    if (!rc) rc = sv_store_expect(&s->store, "frames", 1 << SV_I64, 1, (size_t[]){ 1 }, &v, e);
    if (rc) return rc;
    memcpy(&frames, v->data, 8);
    if (frames < 1 || frames > INT32_MAX)
        return sv_fail(e, SV_EINPUT, "%s: a clip of %lld frames", s->file.name, (long long)frames);
    s->w = (size_t)w, s->h = (size_t)h, s->frames = (size_t)frames;
    if ((rc = read_objects(s, e))) return rc;
    return s->kind == SV_FEATURES
        ? sv_store_expect(&s->store, "features", SV_FLOATS, 3, (size_t[]){ s->n, sv_rule_encoded(&s->rule), SIZE_MAX }, &s->data, e)
        : sv_store_expect(&s->store, "video", SV_FLOATS, 2, (size_t[]){ s->n, SIZE_MAX }, &s->data, e);
}

int sv_stored_open(struct sv_stored *s, const char *path, struct sv_err *e) {
    *s = (struct sv_stored){0};
    int rc = sv_file_map(&s->file, path, e);
    if (!rc && !kind_of(&s->file, &s->kind)) rc = sv_fail(e, SV_EINPUT, "%s: not a file of features or objects", path);
    if (!rc && !(rc = sv_store_init(&s->store, path, e)) && !(rc = sv_container_read(&s->file, NULL, &s->store, e)))
        rc = read_stored(s, e);
    if (rc) sv_stored_close(s);
    return rc;
}

void sv_stored_close(struct sv_stored *s) {
    sv_free(s->object);
    sv_store_free(&s->store);
    sv_file_close(&s->file);
    *s = (struct sv_stored){0};
}

static int put_values(struct sv_store *s, const struct sv_rule *r, const char *clip, size_t w, size_t h, double fps,
                      struct sv_err *e) {
    int rc = sv_rule_write(r, s, e);
    if (!rc) rc = sv_store_set_text(s, "name", clip, e);
    if (!rc) rc = sv_store_set_int(s, "width", (int64_t)w, e);
    if (!rc) rc = sv_store_set_int(s, "height", (int64_t)h, e);
    return rc ? rc : sv_store_set_real(s, "fps", fps, e);
}

int sv_stored_put(struct sv_store *s, const struct sv_rule *r, const char *clip, size_t w, size_t h, double fps,
                  const struct sv_object *object, size_t n, struct sv_err *e) {
    int rc = put_values(s, r, clip, w, h, fps, e);
    if (rc) return rc;
    int32_t *frame = sv_store_alloc(s, n, 4, e), *track = sv_store_alloc(s, n, 4, e);
    double *box = sv_store_alloc(s, n, 32, e);
    float *score = sv_store_alloc(s, n, 4, e), *figure = sv_store_alloc(s, r->figures ? n : 0, 16, e);
    if (!frame || !track || !box || !score || !figure) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        frame[i] = (int32_t)object[i].frame, track[i] = (int32_t)object[i].track, score[i] = object[i].score;
        memcpy(box + 4 * i, object[i].box, 32);
        if (r->figures) memcpy(figure + 4 * i, object[i].figure, 16);
    }
    rc = sv_store_add(s, "frame", SV_I32, 1, &n, frame, 4 * n, e);
    if (!rc) rc = sv_store_add(s, "box", SV_F64, 2, (size_t[]){ n, 4 }, box, 32 * n, e);
    if (!rc) rc = sv_store_add(s, "score", SV_F32, 1, &n, score, 4 * n, e);
    if (!rc && r->figures) rc = sv_store_add(s, "figure", SV_F32, 2, (size_t[]){ n, 4 }, figure, 16 * n, e);
    return rc ? rc : sv_store_add(s, "track", SV_I32, 1, &n, track, 4 * n, e);
}
