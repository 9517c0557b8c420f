/* report_boxes.c - the highest boxes: which they are, why they scored, what they look like. */
#include "tools/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/jpeg_write.h"
#include "io/video.h"
#include "tools/actions.h"
#include "tools/run.h"

/* Pixels of a picture, samples a pixel at most each way; bytes that quality gives way to; frames between two boxes of one clip where the frame rate is not known (else seconds). */
enum { SHOT_W = 320, SHOT_H = 240, SAMPLES = 8, APART = 50, APART_SECONDS = 2, QUALITY = 80, SHOT_MAX = 24000 };
static const double around = 2.4;       /* the picture's size in sizes of the box */

/* ---- which ---- */

/* A box whose track was taken, or so near in time to one that was, shows the same thing again. */
static bool is_taken(const struct sv_report *r, size_t clip, const struct sv_object_row *o, double apart) {
    for (size_t i = 0; i < r->picks; i++) {
        const struct sv_object_row *p = &r->objects.object[r->pick[i].object];
        if (r->pick[i].clip != clip) continue;
        if ((o->track >= 0 && o->track == p->track) || fabs((double)o->frame - (double)p->frame) < apart) return true;
    }
    return false;
}

static bool take_next(struct sv_report *r) {
    const struct sv_objects *x = &r->objects;
    size_t best = SIZE_MAX, from = 0;
    for (size_t c = 0; c < x->clip.n; c++) {
        const double fps = sv_report_fps(r, x->clip.name[c]), apart = fps > 0 ? APART_SECONDS * fps : APART;
        for (size_t i = x->first[c]; i < x->first[c + 1]; i++) {
            if (best != SIZE_MAX && x->object[i].score <= x->object[best].score) continue;
            if (!is_taken(r, c, &x->object[i], apart)) best = i, from = c;
        }
    }
    if (best != SIZE_MAX) r->pick[r->picks++] = (struct sv_pick){ .object = best, .clip = from };
    return best != SIZE_MAX;
}

/* ---- why ---- */

static int reason(struct sv_pick *p, const struct sv_stored *s, const struct sv_actions *a, size_t object, struct sv_err *e) {
    static const char *const name[2] = { "over", "under" };
    for (size_t k = 0; k < 2; k++) {
        const struct sv_view *v;
        const int rc = sv_store_expect(&s->store, name[k], 1 << SV_I32, 2, (size_t[]){ s->n, SIZE_MAX }, &v, e);
        if (rc) return rc;
        for (size_t i = 0; i < v->dim[1] && i < SV_REPORT_WHY; i++) {
            int32_t at;
            memcpy(&at, (const char *)v->data + 4 * (object * v->dim[1] + i), 4);
            if (at < 0 || (size_t)at >= a->n) return sv_fail(e, SV_EINPUT, "%s: tensor %s names action %d of %zu", s->file.name, name[k], (int)at, a->n);
            if (!((k ? p->under : p->over)[i] = sv_strdup(a->name[at], e))) return SV_ENOMEM;
        }
    }
    return 0;
}

/* From the stored clip, if it is there and of these objects: files of other versions know nothing of it, and nothing is said then. */
static int find_reasons(struct sv_report *r, struct sv_pick *p, struct sv_err *e) {
    char path[4096];
    struct sv_stored s;
    struct sv_actions a = {0};
    const size_t first = r->objects.first[p->clip], n = r->objects.first[p->clip + 1] - first;
    const struct sv_object_row *o = &r->objects.object[p->object];
    const int len = snprintf(path, sizeof path, "%s/%s.svad", r->dir, r->objects.clip.name[p->clip]);
    if (len < 0 || (size_t)len >= sizeof path || access(path, R_OK)) return 0;
    int rc = sv_stored_open(&s, path, e);
    if (rc) return rc;
    const struct sv_view *v = sv_store_find(&s.store, "actions");
    if (v && v->dtype == SV_U8 && s.n == n && s.object[p->object - first].frame == o->frame) {
        rc = sv_actions_parse(&a, v->data, v->bytes, path, e);
        if (!rc) rc = reason(p, &s, &a, p->object - first, e);
        sv_actions_free(&a);
    }
    sv_stored_close(&s);
    return rc;
}

/* ---- what it looks like ---- */

/* The colour at x, y between pixels; gray outside. */
static void sample(const uint8_t *rgb, size_t w, size_t h, double x, double y, double out[3]) {
    const double fx = floor(x), fy = floor(y);
    for (int k = 0; k < 3; k++) out[k] = 0;
    for (int i = 0; i < 4; i++) {
        const double px = fx + i % 2, py = fy + i / 2.0 - (i % 2) / 2.0, a = (1 - fabs(x - px)) * (1 - fabs(y - py));
        const bool inside = px > -1 && py > -1 && px < (double)w && py < (double)h;
        for (int k = 0; k < 3; k++) out[k] += a * (inside ? rgb[3 * ((size_t)py * w + (size_t)px) + (size_t)k] : 96);
    }
}

/* The box and `around` of it, 4 : 3, moved into the frame where it fits. */
static void surroundings(struct sv_pick *p, const struct sv_object_row *o, size_t w, size_t h, double out[4]) {
    const double bw = o->x2 - o->x1, bh = o->y2 - o->y1, wide = fmax(fmax(around * bw, around * bh * SHOT_W / SHOT_H), SHOT_W / 4.0), tall = wide * SHOT_H / SHOT_W;
    double x = (o->x1 + o->x2 - wide) / 2, y = (o->y1 + o->y2 - tall) / 2;
    if (wide <= (double)w) x = fmin(fmax(x, 0), (double)w - wide);
    if (tall <= (double)h) y = fmin(fmax(y, 0), (double)h - tall);
    out[0] = x, out[1] = y, out[2] = wide, out[3] = tall;
    p->left = (o->x1 - x) / wide, p->top = (o->y1 - y) / tall, p->width = bw / wide, p->height = bh / tall;
}

static int shoot(struct sv_pick *p, const struct sv_object_row *o, const uint8_t *rgb, size_t w, size_t h, struct sv_err *e) {
    uint8_t *shot = sv_alloc(SHOT_W * SHOT_H, 3, e);
    double at[4], c[3];
    if (!shot) return SV_ENOMEM;
    surroundings(p, o, w, h, at);
    const double scale = at[2] / SHOT_W;
    const int m = (int)fmin(fmax(ceil(scale), 1), SAMPLES);
    for (size_t i = 0; i < SHOT_W * SHOT_H; i++) {
        double sum[3] = {0};
        for (int k = 0; k < m * m; k++) {
            sample(rgb, w, h, at[0] + ((double)(i % SHOT_W) + (k % m + 0.5) / m) * scale - 0.5,
                   at[1] + ((double)(i / SHOT_W) + ((double)k / m - (double)(k % m) / m + 0.5) / m) * scale - 0.5, c);
            for (int j = 0; j < 3; j++) sum[j] += c[j];
        }
        for (int j = 0; j < 3; j++) shot[3 * i + (size_t)j] = (uint8_t)(sum[j] / (m * m) + 0.5);
    }
    int rc = 0;
    for (unsigned quality = QUALITY; !rc && quality > 10 && (!p->jpeg || p->jpeg_n > SHOT_MAX); quality -= 10) {
        sv_free(p->jpeg);
        rc = sv_jpeg_encode(SHOT_W, SHOT_H, 3, shot, quality, &p->jpeg, &p->jpeg_n, e);
    }
    sv_free(shot);
    return rc;
}

/* The pick of this clip whose frame comes next from `from` on; SIZE_MAX: none. */
static size_t next_pick(const struct sv_report *r, size_t clip, size_t from) {
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < r->picks; i++) {
        const size_t t = r->objects.object[r->pick[i].object].frame;
        if (r->pick[i].clip == clip && !r->pick[i].jpeg && t >= from && (best == SIZE_MAX || t < r->objects.object[r->pick[best].object].frame)) best = i;
    }
    return best;
}

static int shoot_clip(struct sv_report *r, size_t clip, const char *path, struct sv_err *e) {
    struct sv_video v;
    uint8_t *rgb = NULL;
    int rc = sv_video_open(&v, path, e);
    if (rc) return rc;
    if (!sv_mul(v.w, v.h, &(size_t){0}) || !(rgb = sv_alloc(v.w * v.h, 3, e))) rc = SV_ENOMEM;
    for (size_t i; !rc && (i = next_pick(r, clip, v.next)) != SIZE_MAX;) {
        const struct sv_object_row *o = &r->objects.object[r->pick[i].object];
        rc = sv_video_skip(&v, o->frame - v.next, e);
        if (rc == 1) rc = sv_video_next(&v, rgb, e);
        if (!rc) rc = sv_fail(e, SV_EINPUT, "%s: ends at frame %zu, but clip %s has a box in frame %zu", path, v.next, r->objects.clip.name[clip], o->frame);
        if (rc < 0) break;
        for (rc = 0; !rc && i != SIZE_MAX && r->objects.object[r->pick[i].object].frame + 1 == v.next; i = next_pick(r, clip, v.next - 1))
            rc = shoot(&r->pick[i], &r->objects.object[r->pick[i].object], rgb, v.w, v.h, e);
    }
    sv_free(rgb);
    sv_video_close(&v);
    return rc;
}

static const char *video_of(const struct sv_report *r, const struct sv_clip_list *given, const char *clip) {
    for (size_t i = 0; i < given->n; i++) if (!strcmp(given->item[i].name, clip)) return given->item[i].path;
    return given->n ? NULL : sv_json_text(sv_json_get(sv_run_clip_of(&r->run, clip), "video"));
}

/* A video that the user names must be right; one that run.json remembers may be gone by now. */
static int shoot_all(struct sv_report *r, struct sv_err *e) {
    struct sv_clip_list given = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < r->videos.n; i++) rc = sv_clip_list_add(&given, r->videos.item[i], e);
    for (size_t c = 0; !rc && c < r->objects.clip.n; c++) {
        const char *name = r->objects.clip.name[c], *path = video_of(r, &given, name);
        struct sv_err own = {0};
        if (next_pick(r, c, 0) == SIZE_MAX) continue;
        if (!path && given.n) rc = sv_fail(e, SV_EINPUT, "clip %s is not in --video %s", name, r->videos.item[0]);
        if (!path || !(rc = shoot_clip(r, c, path, &own))) continue;
        if (given.n || rc == SV_ENOMEM) rc = sv_fail(e, rc, "%s", own.msg);
        else sv_say(&r->common, "no pictures of clip %s: %s", name, own.msg), rc = 0;
    }
    sv_clip_list_free(&given);
    return rc;
}

int sv_report_pick(struct sv_report *r, struct sv_err *e) {
    if (!r->wanted) return 0;
    if (!(r->pick = sv_alloc(r->wanted, sizeof *r->pick, e))) return SV_ENOMEM;
    while (r->picks < r->wanted && take_next(r)) continue;
    int rc = 0;
    for (size_t i = 0; !rc && i < r->picks; i++) rc = find_reasons(r, &r->pick[i], e);
    return rc ? rc : shoot_all(r, e);
}

void sv_report_pick_free(struct sv_report *r) {
    for (size_t i = 0; i < r->picks; i++) {
        for (size_t k = 0; k < SV_REPORT_WHY; k++) sv_free(r->pick[i].over[k]), sv_free(r->pick[i].under[k]);
        sv_free(r->pick[i].jpeg);
    }
    sv_free(r->pick);
}

/* ---- the page ---- */

static double part(double v) { return 100 * fmin(fmax(v, 0), 1); }

static void put_shot(struct sv_report *r, const struct sv_pick *p) {
    struct sv_html *h = &r->h;
    const struct sv_object_row *o = &r->objects.object[p->object];
    if (!p->jpeg) return;
    sv_html(h, "<div class=\"shot\"><img width=\"%d\" height=\"%d\" alt=\"Clip ", SHOT_W, SHOT_H);
    sv_html_text(h, r->objects.clip.name[p->clip]);
    sv_html(h, ", frame %zu, around the box\" src=\"data:image/jpeg;base64,", o->frame);
    sv_html_base64(h, p->jpeg, p->jpeg_n);
    sv_html(h, "\"><span style=\"left:%.1f%%;top:%.1f%%;width:%.1f%%;height:%.1f%%\"></span></div>\n", part(p->left), part(p->top),
            part(p->left + p->width) - part(p->left), part(p->top + p->height) - part(p->top));
}

static void put_why(struct sv_html *h, const char *what, char *const action[SV_REPORT_WHY]) {
    if (!action[0]) return;
    sv_html(h, "<dt>%s</dt><dd>", what);
    for (size_t i = 0; i < SV_REPORT_WHY && action[i]; i++) sv_html(h, "%s", i ? ", " : ""), sv_html_text(h, action[i]);
    sv_html(h, "</dd>");
}

static void put_pick(struct sv_report *r, size_t i) {
    struct sv_html *h = &r->h;
    const struct sv_pick *p = &r->pick[i];
    const struct sv_object_row *o = &r->objects.object[p->object];
    const char *name = r->objects.clip.name[p->clip];
    const size_t clip = sv_names_find(&r->j.scores.clip, name, strlen(name));
    char t[64];
    sv_html(h, "<li id=\"b%zu\">\n", i + 1);
    put_shot(r, p);
    sv_html(h, "<h3><i class=\"k p\">%zu</i> <b%s>%.4g</b> ", i + 1, o->score >= r->line ? " class=\"o\"" : "", o->score);
    sv_report_name(r, clip);
    sv_html(h, " <small>%s</small></h3>\n<dl><dt>most like</dt><dd><strong>", sv_report_when(t, o->frame, sv_report_fps(r, name)));
    sv_html_text(h, o->action);
    sv_html(h, "</strong> (%.3g)</dd>", (double)o->similarity);
    put_why(h, "more than usual", p->over), put_why(h, "less than usual", p->under);
    sv_html(h, "</dl></li>\n");
}

void sv_report_boxes(struct sv_report *r) {
    if (!r->picks) return;
    bool why = false, motion = false;
    sv_json_bool(sv_json_get(sv_json_get(r->run.root, "scene"), "motion"), &motion);
    for (size_t i = 0; i < r->picks; i++) why = why || r->pick[i].over[0];
    sv_html(&r->h, "<section id=\"boxes\"><h2>Highest boxes</h2>\n<p>The objects that scored highest, one a track and one in a few seconds of a clip.%s%s</p>\n<ol class=\"cards\">\n",
            why ? " More and less than usual: the actions whose response stands out most from the nearest normal pattern." : "",
            motion ? " Their size and speed count in the score as well." : "");
    for (size_t i = 0; i < r->picks; i++) put_pick(r, i);
    sv_html(&r->h, "</ol></section>\n");
}
