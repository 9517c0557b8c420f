#include "io/boxes_int.h"

#include "io/file.h"
#include "io/json.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 30, PATH = 4096 };

/* ---- collecting ---- */

int sv_box_bad(const struct sv_box_reader *r, struct sv_err *e, const char *fmt, ...) {
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return sv_fail(e, SV_EINPUT, "%s: %s %zu: %s", r->file, r->unit, r->at, what);
}

int sv_box_add(struct sv_box_reader *r, const char *name, size_t len, const struct sv_box *x, bool scored, struct sv_err *e) {
    struct sv_boxes *b = r->b;
    size_t clip;
    if (!(x->x2 > x->x1 && x->y2 > x->y1))
        return sv_box_bad(r, e, "clip %.*s frame %zu: the box %g %g %g %g is empty, expected x1 < x2 and y1 < y2", (int)sv_min(len, 40), name,
                          x->frame, x->x1, x->y1, x->x2, x->y2);
    if (r->any && b->scored != scored) return sv_box_bad(r, e, "%s a score, unlike the boxes before", scored ? "has" : "lacks");
    r->any = true, b->scored = scored;
    const int rc = sv_names_add(&b->clip, name, len, &clip, e);
    if (rc) return rc;
    if (scored && x->score < r->min_score) return b->dropped++, 0;
    if (sv_grow(&b->box, &b->cap, b->n, sizeof *b->box, e) || sv_grow(&r->clip, &r->clip_cap, b->n, sizeof *r->clip, e))
        return SV_ENOMEM;
    const size_t last = b->n - 1;
    if (b->n && (clip < r->clip[last] || (clip == r->clip[last] && x->frame < b->box[last].frame))) r->sorted = false;
    r->clip[b->n] = clip;
    b->box[b->n++] = *x;
    return 0;
}

struct key { size_t clip, frame, at; };

static int by_place(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int sort(struct sv_box_reader *r, struct sv_err *e) {
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
static int index_clips(struct sv_box_reader *r, struct sv_err *e) {
    struct sv_boxes *b = r->b;
    if (!(b->first = sv_alloc(b->clip.n + 1, sizeof *b->first, e))) return SV_ENOMEM;
    for (size_t i = 0; i < b->n; i++) b->first[r->clip[i] + 1]++;
    for (size_t i = 0; i < b->clip.n; i++) b->first[i + 1] += b->first[i];
    return 0;
}

/* ---- files ---- */

static int one_json(struct sv_box_reader *r, const void *data, size_t size, struct sv_err *e) {
    struct sv_json j;
    const char *file = r->file;
    int rc = sv_json_parse(&j, data, size, file, e);
    if (rc) return rc;
    rc = sv_box_coco(r, (const struct sv_json_node *const[]){ j.root }, &file, 1, e);
    sv_json_free(&j);
    return rc;
}

/* The last part of a path without its extension. */
static size_t stem(const char *path, const char **from) {
    const char *slash = strrchr(path, '/'), *s = slash ? slash + 1 : path, *dot = strrchr(s, '.');
    *from = s;
    return sv_min(dot && dot != s ? (size_t)(dot - s) : strlen(s), SV_NAMES_MAX);
}

static int one_mot(struct sv_box_reader *r, const char *file, const void *data, size_t size, struct sv_err *e) {
    char clip[SV_NAMES_MAX + 1];
    const char *s;
    size_t n = stem(file, &s), at;
    memcpy(clip, s, n), clip[n] = 0;
    const int rc = sv_names_add(&r->b->clip, clip, n, &at, e);
    return rc ? rc : sv_box_mot(r, clip, data, size, e);
}

static int one_file(struct sv_box_reader *r, const void *data, size_t size, struct sv_err *e) {
    switch (sv_box_format(data, size, false)) {
    case SV_BOX_COCO: return one_json(r, data, size, e);
    case SV_BOX_MOT: return r->clips && r->clips->n == 1 ? sv_box_mot(r, r->clips->item[0].name, data, size, e) : one_mot(r, r->file, data, size, e);
    default: return sv_box_text(r, data, size, e);
    }
}

/* ---- folders ---- */

static int join(char out[PATH], const char *folder, const char *name, struct sv_err *e) {
    return (size_t)snprintf(out, PATH, "%s/%s", folder, name) < PATH ? 0 : sv_fail(e, SV_EINPUT, "%s/%.40s...: the path is too long", folder, name);
}

static bool ends(const char *name, const char *tail) {
    const size_t n = strlen(name), k = strlen(tail);
    return n > k && !strcmp(name + n - k, tail);
}

/* One frame's file; clip NULL: the name says whose it is. */
static int yolo_file(struct sv_box_reader *r, const char *path, const char *clip, const char *name, const void *data, size_t size, struct sv_err *e) {
    char place[PATH];
    struct sv_box_place p;
    const struct sv_box_clip *about;
    int rc = clip ? join(place, clip, name, e) : 0;
    r->file = path, r->unit = "line", r->at = 1;
    if (!rc) rc = sv_box_place(r, clip ? place : name, strlen(clip ? place : name), &p, e);
    if (rc || !p.clip || !size) return rc;
    rc = sv_box_measure(r, p.clip, &about, e);
    return rc ? rc : sv_box_yolo(r, &p, about->w, about->h, data, size, e);
}

/* The .txt files of a folder, all YOLO or all MOT: the first that says something tells. */
static int text_folder(struct sv_box_reader *r, const char *folder, const char *clip, const struct sv_dir *d, struct sv_err *e) {
    enum sv_box_format format = clip ? SV_BOX_YOLO : SV_BOX_NONE;
    char path[PATH];
    int rc = 0;
    for (size_t i = 0; !rc && i < d->n; i++) {
        struct sv_file f;
        if (!ends(d->name[i], ".txt") || !strcmp(d->name[i], "classes.txt")) continue;
        if ((rc = join(path, folder, d->name[i], e)) || (rc = sv_file_read(&f, path, FILE_MAX, e))) return rc;
        r->file = path;
        if (format == SV_BOX_NONE) format = sv_box_format((const char *)f.data, f.size, true);
        if (format == SV_BOX_MOT || format == SV_BOX_NONE) rc = one_mot(r, path, f.data, f.size, e);
        else rc = yolo_file(r, path, clip, d->name[i], f.data, f.size, e);
        sv_file_close(&f);
    }
    return rc;
}

/* A folder of frames' files for each clip. */
static int yolo_tree(struct sv_box_reader *r, const char *folder, const struct sv_dir *clips, struct sv_err *e) {
    char path[PATH], labels[PATH];
    int rc = 0;
    for (size_t i = 0; !rc && i < clips->n; i++) {
        struct sv_dir d;
        size_t at;
        if ((rc = join(path, folder, clips->name[i], e)) || !sv_is_dir(path)) continue;
        if ((rc = join(labels, path, "labels", e)) || (rc = sv_names_add(&r->b->clip, clips->name[i], strlen(clips->name[i]), &at, e))) return rc;
        const char *from = sv_is_dir(labels) ? labels : path;
        if ((rc = sv_dir_list(&d, from, e))) return rc;
        rc = text_folder(r, from, clips->name[i], &d, e);
        sv_dir_free(&d);
    }
    return rc;
}

static int json_folder(struct sv_box_reader *r, const char *folder, const struct sv_dir *d, struct sv_err *e) {
    struct sv_json *json = sv_alloc(d->n, sizeof *json, e);
    const struct sv_json_node **root = sv_alloc(d->n, sizeof *root, e);
    char (*path)[PATH] = sv_alloc(d->n, sizeof *path, e);
    const char **name = sv_alloc(d->n, sizeof *name, e);
    size_t n = 0;
    int rc = json && root && path && name ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < d->n; i++) {
        struct sv_file f;
        if (!ends(d->name[i], ".json")) continue;
        if ((rc = join(path[n], folder, d->name[i], e)) || (rc = sv_file_read(&f, path[n], FILE_MAX, e))) break;
        rc = sv_json_parse(&json[n], f.data, f.size, path[n], e);
        sv_file_close(&f);
        if (!rc) root[n] = json[n].root, name[n] = path[n], n++;
    }
    if (!rc) rc = sv_box_coco(r, root, name, n, e);
    for (size_t i = 0; i < n; i++) sv_json_free(&json[i]);
    sv_free(json), sv_free(root), sv_free(path), sv_free(name);
    return rc;
}

static int read_folder(struct sv_box_reader *r, const char *folder, struct sv_err *e) {
    struct sv_dir d;
    char path[PATH];
    bool tree = false, json = false, text = false;
    int rc = sv_dir_list(&d, folder, e);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < d.n; i++) {
        json = json || ends(d.name[i], ".json"), text = text || ends(d.name[i], ".txt");
        rc = join(path, folder, d.name[i], e);
        tree = tree || (!rc && sv_is_dir(path));
    }
    if (!rc) rc = tree ? yolo_tree(r, folder, &d, e) : json ? json_folder(r, folder, &d, e) : text ? text_folder(r, folder, NULL, &d, e)
        : sv_fail(e, SV_EINPUT, "%s: no boxes in this folder, expected CLIP.txt (MOT), FRAME.txt (YOLO, or folders of them) or .json (COCO)", folder);
    sv_dir_free(&d);
    r->file = folder;
    return rc;
}

/* ---- all ---- */

static int finish(struct sv_box_reader *r, int rc, struct sv_err *e) {
    if (!rc && !r->b->clip.n) rc = sv_fail(e, SV_EINPUT, "%s: no boxes", r->file);
    if (!rc && !r->sorted) rc = sort(r, e);
    if (!rc) rc = index_clips(r, e);
    for (size_t i = 0; r->about && i < r->clips->n; i++) sv_names_free(&r->about[i].frame), sv_names_free(&r->about[i].number);
    sv_free(r->about), sv_free(r->clip);
    if (rc) sv_boxes_free(r->b);
    return rc;
}

static struct sv_box_reader reader(struct sv_boxes *b, const char *file, double min_score) {
    memset(b, 0, sizeof *b);
    return (struct sv_box_reader){ .file = file, .b = b, .sorted = true, .min_score = min_score };
}

int sv_boxes_parse(struct sv_boxes *b, const char *file, const void *data, size_t size, double min_score, struct sv_err *e) {
    struct sv_box_reader r = reader(b, file, min_score);
    return finish(&r, one_file(&r, data, size, e), e);
}

int sv_boxes_read_of(struct sv_boxes *b, const char *path, const struct sv_clip_list *clips, double min_score, struct sv_err *e) {
    struct sv_box_reader r = reader(b, path, min_score);
    struct sv_file f;
    r.clips = clips;
    if (clips && !(r.about = sv_alloc(clips->n, sizeof *r.about, e))) return SV_ENOMEM;
    if (sv_is_dir(path)) return finish(&r, read_folder(&r, path, e), e);
    int rc = sv_file_read(&f, path, FILE_MAX, e);
    if (rc) return finish(&r, rc, e);
    rc = one_file(&r, f.data, f.size, e);
    sv_file_close(&f);
    return finish(&r, rc, e);
}

int sv_boxes_read(struct sv_boxes *b, const char *path, double min_score, struct sv_err *e) {
    return sv_boxes_read_of(b, path, NULL, min_score, e);
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
