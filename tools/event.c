#include "tools/event.h"

#include "tfc/track.h"

#include <math.h>
#include <string.h>

/* Something that is followed: a track, or boxes without one that overlap from frame to frame. */
struct sv_body {
    int64_t track;
    double box[4];
    size_t seen, row, row_begin;        /* last frame; scored frames in a row at the threshold */
    size_t muted;                       /* no new event before frame `muted` */
    bool open, here;                    /* has an event; is in this frame */
    struct sv_event event;
};

#define NOBODY SIZE_MAX

/* Boxes grown by half their size overlap: what one may become while it is not seen. */
static bool near(const double a[4], const double b[4]) {
    double x[4], y[4];
    for (int i = 0; i < 4; i++) {
        const double sign = i < 2 ? -0.5 : 0.5;
        x[i] = a[i] + sign * (a[2 + i % 2] - a[i % 2]), y[i] = b[i] + sign * (b[2 + i % 2] - b[i % 2]);
    }
    return sv_overlap(x, y) > 0.25;
}

/* ---- who is who ---- */

static size_t by_track(const struct sv_events *v, int64_t track) {
    for (size_t k = 0; k < v->n; k++)
        if (track >= 0 && v->body[k].track == track && !v->body[k].here) return k;
    return NOBODY;
}

/* The body without a track that overlaps most. */
static size_t by_overlap(const struct sv_events *v, const double box[4]) {
    size_t best = NOBODY;
    double most = 0.3;
    for (size_t k = 0; k < v->n; k++) {
        const double o = v->body[k].track < 0 && !v->body[k].here ? sv_overlap(v->body[k].box, box) : 0;
        if (o > most) best = k, most = o;
    }
    return best;
}

/* A body out of sight that has an event, or had one just now, near the box. */
static size_t lost(const struct sv_events *v, const double box[4], size_t t) {
    for (size_t k = 0; k < v->n; k++) {
        const struct sv_body *b = &v->body[k];
        if (!b->here && (b->open || t < b->muted) && near(b->box, box)) return k;
    }
    return NOBODY;
}

static int bind(struct sv_events *v, size_t t, const struct sv_event_object *o, size_t n, struct sv_err *e) {
    while (n > v->of_cap)
        if (sv_grow(&v->of, &v->of_cap, v->of_cap, sizeof *v->of, e)) return SV_ENOMEM;
    for (size_t k = 0; k < v->n; k++) v->body[k].here = false;
    for (size_t i = 0; i < n; i++) {
        v->of[i] = o[i].track >= 0 ? by_track(v, o[i].track) : by_overlap(v, o[i].box);
        if (v->of[i] != NOBODY) v->body[v->of[i]].here = true;
    }
    for (size_t i = 0; i < n; i++) {
        if (v->of[i] == NOBODY && (v->of[i] = lost(v, o[i].box, t)) == NOBODY) {
            if (sv_grow(&v->body, &v->cap, v->n, sizeof *v->body, e)) return SV_ENOMEM;
            v->body[v->n] = (struct sv_body){ 0 };
            v->of[i] = v->n++;
        }
        struct sv_body *b = &v->body[v->of[i]];
        b->track = o[i].track, b->here = true, b->seen = t;
        memcpy(b->box, o[i].box, sizeof b->box);
    }
    return 0;
}

/* ---- events ---- */

static void note(struct sv_body *b, size_t t, double score, const struct sv_event_rule *r) {
    struct sv_event *x = &b->event;
    x->track = b->track, x->score = score;
    memcpy(x->box, b->box, sizeof x->box);
    if (score >= r->low) x->last = t;
    if (score > x->peak) {
        x->peak = score, x->peak_at = t;
        memcpy(x->peak_box, b->box, sizeof x->peak_box);
    }
}

/* A new event, or that of a lost body nearby goes on in this one. */
static bool begin(struct sv_events *v, struct sv_body *b, size_t t, double score) {
    const size_t k = lost(v, b->box, t);
    const bool fresh = k == NOBODY;
    if (!fresh) {
        b->open = v->body[k].open, b->muted = v->body[k].muted, b->event = v->body[k].event;
        v->body[k].open = false, v->body[k].muted = 0;
    } else {
        if (!v->high || b->row_begin > v->high + v->rule.gap) v->alarms++;
        v->high = t + 1;
        b->event = (struct sv_event){ .id = ++v->events, .alarm = v->alarms, .begin = b->row_begin, .peak = -1, .told = t };
        b->open = true;
    }
    if (b->open) note(b, t, score, &v->rule);
    return fresh;
}

static int step_object(struct sv_events *v, size_t t, size_t i, const struct sv_event_object *o, sv_event_fn *fn, void *arg, struct sv_err *e) {
    struct sv_body *b = &v->body[v->of[i]];
    const struct sv_event_rule *r = &v->rule;
    const bool high = o->score >= r->threshold;
    if (high && !b->row) b->row_begin = t;
    b->row = high ? b->row + 1 : 0;
    if (b->open) note(b, t, o->score, r);
    else if (b->row >= r->length && t >= b->muted && begin(v, b, t, o->score)) return fn(arg, SV_EVENT_START, &b->event, i, e);
    return 0;
}

/* The object of this frame that is body k. */
static size_t object_of(const struct sv_events *v, size_t n, size_t k) {
    for (size_t i = 0; i < n; i++)
        if (v->of[i] == k) return i;
    return SIZE_MAX;
}

static int end(struct sv_events *v, struct sv_body *b, sv_event_fn *fn, void *arg, struct sv_err *e) {
    b->open = false;
    b->muted = b->event.last + v->rule.gap + 2;
    return fn(arg, SV_EVENT_END, &b->event, SIZE_MAX, e);
}

/* Updates and ends; forgets bodies that nothing hangs on. */
static int settle(struct sv_events *v, size_t t, size_t n, sv_event_fn *fn, void *arg, struct sv_err *e) {
    const struct sv_event_rule *r = &v->rule;
    size_t kept = 0;
    int rc = 0;
    for (size_t k = 0; !rc && k < v->n; k++) {
        struct sv_body *b = &v->body[k];
        if (b->open && t > b->event.last + r->quiet) rc = end(v, b, fn, arg, e);
        else if (b->open && r->update && t >= b->event.told + r->update) {
            b->event.told = t;
            rc = fn(arg, SV_EVENT_UPDATE, &b->event, object_of(v, n, k), e);
        }
    }
    for (size_t k = 0; k < v->n; k++) {
        const struct sv_body *b = &v->body[k];
        if (b->open || t < b->muted || t <= b->seen + r->quiet) v->body[kept++] = *b;
    }
    v->n = kept;
    return rc;
}

int sv_events_step(struct sv_events *v, size_t t, const struct sv_event_object *o, size_t n, sv_event_fn *fn, void *arg, struct sv_err *e) {
    int rc = bind(v, t, o, n, e);
    for (size_t i = 0; !rc && i < n; i++) rc = step_object(v, t, i, &o[i], fn, arg, e);
    for (size_t i = 0; !rc && i < n; i++)
        if (v->body[v->of[i]].row >= v->rule.length) v->high = t + 1;
    return rc ? rc : settle(v, t, n, fn, arg, e);
}

int sv_events_close(struct sv_events *v, sv_event_fn *fn, void *arg, struct sv_err *e) {
    int rc = 0;
    for (size_t k = 0; !rc && k < v->n; k++)
        if (v->body[k].open) rc = end(v, &v->body[k], fn, arg, e);
    return rc;
}

void sv_events_free(struct sv_events *v) {
    sv_free(v->body), sv_free(v->of);
    *v = (struct sv_events){0};
}
