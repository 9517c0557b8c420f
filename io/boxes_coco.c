/* boxes_coco.c - boxes in COCO's JSON: results, and the list of images that says what their numbers mean. */
#include "io/boxes_int.h"

#include "io/json.h"
#include <math.h>
#include <string.h>

enum { SHOWN = 40 };

struct images { struct sv_names id; const struct sv_json_node **file; size_t cap; };

/* A number or a text, as text. */
static bool is_id(const struct sv_json_node *n) {
    int64_t v;
    return n && ((n->type == SV_JSON_NUMBER && sv_json_int(n, &v)) || (n->type == SV_JSON_TEXT && sv_json_text(n) && n->n <= SV_NAMES_MAX));
}

static int add_images(struct sv_box_reader *r, struct images *m, const struct sv_json_node *list, struct sv_err *e) {
    if (list->type != SV_JSON_ARRAY) return sv_fail(e, SV_EINPUT, "%s: \"images\" is no array", r->file);
    r->unit = "image", r->at = 0;
    for (const struct sv_json_node *x = list->child; x; x = x->next, r->at++) {
        const struct sv_json_node *id = sv_json_get(x, "id"), *file = sv_json_get(x, "file_name");
        size_t at;
        if (!is_id(id)) return sv_box_bad(r, e, "expected an \"id\", a whole number or a text");
        if (!sv_json_text(file) || !file->n) return sv_box_bad(r, e, "expected a \"file_name\"");
        if (sv_names_find(&m->id, id->text, id->n) != SIZE_MAX) return sv_box_bad(r, e, "id %.*s comes twice", SHOWN, id->text);
        if (sv_grow(&m->file, &m->cap, m->id.n, sizeof *m->file, e) || sv_names_add(&m->id, id->text, id->n, &at, e)) return SV_ENOMEM;
        m->file[at] = file;
    }
    return 0;
}

static int place_of(struct sv_box_reader *r, const struct images *m, const struct sv_json_node *id, struct sv_box_place *out, struct sv_err *e) {
    int64_t number;
    if (!is_id(id)) return sv_box_bad(r, e, "expected an \"image_id\", a whole number or a text");
    if (m->id.n) {
        const size_t at = sv_names_find(&m->id, id->text, id->n);
        if (at == SIZE_MAX) return sv_box_bad(r, e, "image_id %.*s is not in the list of images", SHOWN, id->text);
        return sv_box_place(r, m->file[at]->text, m->file[at]->n, out, e);
    }
    return sv_json_int(id, &number) ? sv_box_numbered(r, number, out, e) : sv_box_place(r, id->text, id->n, out, e);
}

static int result(struct sv_box_reader *r, const struct images *m, const struct sv_json_node *x, struct sv_err *e) {
    const struct sv_json_node *box = sv_json_get(x, "bbox"), *score = sv_json_get(x, "score"), *track = sv_json_get(x, "track_id");
    struct sv_box b = { .score = 1, .track = -1 };
    struct sv_box_place p;
    double v[4];
    size_t n = 0;
    if (!box || box->type != SV_JSON_ARRAY || box->n != 4) return sv_box_bad(r, e, "expected a \"bbox\" of four numbers, [x, y, w, h]");
    for (const struct sv_json_node *c = box->child; c; c = c->next, n++)
        if (!sv_json_real(c, &v[n]) || fabs(v[n]) > SV_PIXEL_MAX / 2) return sv_box_bad(r, e, "number %zu of its bbox is none within %d", n, SV_PIXEL_MAX / 2);
    if (score && (!sv_json_real(score, &b.score) || fabs(b.score) > SV_PIXEL_MAX)) return sv_box_bad(r, e, "its score is no number");
    if (track && (!sv_json_int(track, &b.track) || b.track < -1 || b.track > INT32_MAX))
        return sv_box_bad(r, e, "its track_id is no whole number from -1");
    const int rc = place_of(r, m, sv_json_get(x, "image_id"), &p, e);
    if (rc) return rc;
    b.frame = p.frame, b.x1 = v[0], b.y1 = v[1], b.x2 = v[0] + v[2], b.y2 = v[1] + v[3];
    if (p.clip) return sv_box_add(r, p.name, p.len, &b, score != NULL, e);
    /* Of another clip: only its name counts. */
    return sv_names_add(&r->b->clip, p.name, p.len, &n, e);
}

static int results(struct sv_box_reader *r, const struct images *m, const struct sv_json_node *list, const char *unit, struct sv_err *e) {
    int rc = 0;
    if (list->type != SV_JSON_ARRAY) return sv_fail(e, SV_EINPUT, "%s: \"annotations\" is no array", r->file);
    r->unit = unit, r->at = 0;
    for (const struct sv_json_node *x = list->child; !rc && x; x = x->next, r->at++) rc = result(r, m, x, e);
    return rc;
}

/* Where there are results, annotations beside them are the truth of a data set and not detections. */
int sv_box_coco(struct sv_box_reader *r, const struct sv_json_node *const *root, const char *const *file, size_t n, struct sv_err *e) {
    struct images m = { 0 };
    bool any = false;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        const struct sv_json_node *list = sv_json_get(root[i], "images");
        r->file = file[i];
        any = any || root[i]->type == SV_JSON_ARRAY;
        if (list) rc = add_images(r, &m, list, e);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        const struct sv_json_node *list = root[i]->type == SV_JSON_ARRAY ? root[i] : any ? NULL : sv_json_get(root[i], "annotations");
        r->file = file[i];
        if (list) rc = results(r, &m, list, root[i]->type == SV_JSON_ARRAY ? "result" : "annotation", e);
        else if (!sv_json_get(root[i], "images"))
            rc = sv_fail(e, SV_EINPUT, "%s: expected COCO results [{\"image_id\", \"bbox\", \"score\"}, ...] or a list of images", file[i]);
    }
    sv_names_free(&m.id), sv_free(m.file);
    return rc;
}
