#include "tools/watch_out.h"

#include "io/json.h"
#include "io/png_write.h"
#include "kmeans/score.h"
#include "kmeans/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void put_box(struct sv_json_out *j, const char *key, const double box[4]) {
    sv_json_open(j, key, '[');
    for (int i = 0; i < 4; i++) sv_json_put_real(j, NULL, box[i]);
    sv_json_close(j);
}

static void begin(struct sv_json_out *j, const struct sv_watch_out *o, const char *type, size_t frame) {
    sv_json_open(j, NULL, '{');
    sv_json_put_text(j, "type", type);
    sv_json_put_text(j, "clip", o->clip);
    sv_json_put_int(j, "frame", (int64_t)frame);
    sv_json_put_real(j, "time", (double)frame / o->fps);
}

/* Ends the line and gives it out at once: somebody is waiting for it. */
static int finish(struct sv_json_out *j, struct sv_err *e) {
    sv_json_close(j);
    int rc = j->rc;
    if (!rc && (fputs(j->text, stdout) == EOF || fflush(stdout))) rc = sv_fail(e, SV_ENOMEM, "stdout: cannot write: %s", strerror(errno));
    sv_free(j->text);
    return rc;
}

/* The actions that stand out most on one side of the centre, and by how much of a unit response. */
static void put_actions(struct sv_json_out *j, const struct sv_watch_out *o, size_t object, const char *key, int sign) {
    const struct sv_scene *s = o->scene;
    const float *r = o->verdict->response + object * s->texts;
    const double *centre = s->centre + o->verdict->nearest[object] * s->texts, scale = sv_unit_scale(r, s->texts);
    size_t action[SV_WATCH_ACTIONS];
    const size_t k = sv_min(SV_WATCH_ACTIONS, s->texts);
    sv_explain(action, k, r, centre, s->texts, sign);
    sv_json_open(j, key, '[');
    for (size_t i = 0; i < k; i++) {
        const double by = sign * ((double)r[action[i]] * scale - centre[action[i]]);
        if (!(by > 0)) break;           /* the rest lies on the other side */
        sv_json_open(j, NULL, '{');
        sv_json_put_text(j, "action", s->actions.name[action[i]]);
        sv_json_put_real(j, "by", by);
        sv_json_close(j);
    }
    sv_json_close(j);
}

/* ---- pictures ---- */

static void line(uint8_t *px, size_t w, size_t h, double x, double y, bool along, double length) {
    for (double i = 0; i < length; i++) {
        const double a = along ? x + i : x, b = along ? y : y + i;
        if (a < 0 || b < 0 || a >= (double)w || b >= (double)h) continue;
        uint8_t *p = px + ((size_t)b * w + (size_t)a) * 3;
        p[0] = 255, p[1] = p[2] = 0;
    }
}

static int picture(const struct sv_watch_out *o, const struct sv_event *v, const char *path, struct sv_err *e) {
    const size_t bytes = o->w * o->h * 3;
    uint8_t *px = sv_alloc(bytes, 1, e);
    if (!px) return SV_ENOMEM;
    const double *b = v->box, w = b[2] - b[0], h = b[3] - b[1];
    memcpy(px, o->now->rgb, bytes);
    for (int i = 0; i < 2; i++) {
        line(px, o->w, o->h, b[0] - i, b[1] - i, true, w + 2 * i), line(px, o->w, o->h, b[0] - i, b[3] - 1 + i, true, w + 2 * i);
        line(px, o->w, o->h, b[0] - i, b[1] - i, false, h + 2 * i), line(px, o->w, o->h, b[2] - 1 + i, b[1] - i, false, h + 2 * i);
    }
    const int rc = sv_png_write(path, o->w, o->h, 3, px, e);
    sv_free(px);
    return rc;
}

/* A picture that cannot be written is no reason to stop watching. */
static void snapshot(struct sv_json_out *j, const struct sv_watch_out *o, const struct sv_event *v) {
    struct sv_err e = {0};
    char path[4096];
    const int n = snprintf(path, sizeof path, "%s/%s-event%06zu.png", o->snapshots, o->clip, v->id);
    int rc = n < 0 || (size_t)n >= sizeof path ? sv_fail(&e, SV_EUSAGE, "--snapshots: the path is too long") : 0;
    if (!rc) rc = picture(o, v, path, &e);
    if (rc) sv_say(o->common, "no picture of event %zu: %s", v->id, e.msg);
    sv_json_put_text(j, "snapshot", rc ? NULL : path);
}

/* ---- lines ---- */

static void put_seen(struct sv_json_out *j, const struct sv_watch_out *o, const double box[4], double score) {
    put_box(j, "box", box);
    sv_json_put_real(j, "score", score);
    sv_json_put_real(j, "p_value", sv_levels_frame(o->levels, score));
    sv_json_put_real(j, "p_object", sv_levels_object(o->levels, score));
    sv_json_put_real(j, "threshold", o->levels->threshold);
}

int sv_watch_event(void *out, enum sv_event_kind kind, const struct sv_event *v, size_t object, struct sv_err *e) {
    static const char *const names[] = { [SV_EVENT_START] = "start", [SV_EVENT_UPDATE] = "update", [SV_EVENT_END] = "end" };
    const struct sv_watch_out *o = out;
    struct sv_json_out j = { .e = e };
    const bool ends = kind == SV_EVENT_END;
    begin(&j, o, names[kind], ends ? v->last : o->now->frame);
    sv_json_put_int(&j, "event", (int64_t)v->id);
    sv_json_put_int(&j, "alarm", (int64_t)v->alarm);
    sv_json_put_real(&j, "begin", (double)v->begin / o->fps);
    sv_json_put_int(&j, "track", v->track);
    put_seen(&j, o, ends ? v->peak_box : v->box, ends ? v->peak : v->score);
    if (ends) {
        sv_json_put_real(&j, "peak_time", (double)v->peak_at / o->fps);
        sv_json_put_text(&j, "reason", o->reason);
    } else {
        sv_json_put_real(&j, "peak", v->peak);
        sv_json_put_bool(&j, "seen", object != SIZE_MAX);
        if (object != SIZE_MAX) {
            put_actions(&j, o, o->index[object], "over", 1);
            put_actions(&j, o, o->index[object], "under", -1);
        }
        if (kind == SV_EVENT_START && o->snapshots && o->now->rgb) snapshot(&j, o, v);
    }
    return finish(&j, e);
}

int sv_watch_frame(const struct sv_watch_out *o, struct sv_err *e) {
    struct sv_json_out j = { .e = e };
    double most = o->of_tracks;
    begin(&j, o, "frame", o->now->frame);
    for (size_t i = 0; i < o->now->n; i++) most = o->verdict->score[i] > most ? o->verdict->score[i] : most;
    sv_json_put_real(&j, "score", most);
    sv_json_put_real(&j, "p_value", sv_levels_frame(o->levels, most));
    sv_json_open(&j, "objects", '[');
    for (size_t i = 0; i < o->now->n; i++) {
        const struct sv_object *x = &o->now->object[i];
        sv_json_open(&j, NULL, '{');
        put_box(&j, "box", x->box);
        sv_json_put_int(&j, "track", x->track);
        sv_json_put_real(&j, "score", o->verdict->score[i]);
        sv_json_put_text(&j, "action", o->scene->actions.name[o->verdict->action[i]]);
        sv_json_close(&j);
    }
    sv_json_close(&j);
    return finish(&j, e);
}

int sv_watch_dropped(const struct sv_watch_out *o, size_t frame, size_t dropped, struct sv_err *e) {
    struct sv_json_out j = { .e = e };
    begin(&j, o, "dropped", frame);
    sv_json_put_int(&j, "frames", (int64_t)dropped);
    return finish(&j, e);
}

int sv_watch_summary(const struct sv_watch_out *o, const struct sv_watch_sum *s, struct sv_err *e) {
    struct sv_json_out j = { .e = e };
    begin(&j, o, "summary", s->frames);
    sv_json_put_int(&j, "dropped", (int64_t)s->dropped);
    sv_json_put_int(&j, "scored", (int64_t)s->scored);
    sv_json_put_int(&j, "objects", (int64_t)s->objects);
    sv_json_put_int(&j, "events", (int64_t)s->events);
    sv_json_put_int(&j, "alarms", (int64_t)s->alarms);
    sv_json_put_real(&j, "threshold", o->levels->threshold);
    sv_json_put_text(&j, "reason", o->reason);
    return finish(&j, e);
}
