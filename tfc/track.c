#include "tfc/track.h"

#include "core/arena.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TW = 8, TH = 16,                    /* the picture of a track: samples of its box */
    UNSEEN = 20,                        /* frames without a box until a track is dropped */
    RIPE = 6,                           /* frames with a box until it may stand still */
    PATIENT = 1500,                     /* frames that somebody may rest */
};

struct track {
    int64_t id;
    double box[4], vx, vy;              /* the whole body, seen or not; pixels a frame */
    double w, h;                        /* its usual size */
    double x0, y0;                      /* the centre where it began, or last came to rest */
    uint8_t look[TH * TW];              /* of what was seen */
    size_t seen, unseen;                /* frames with a box; frames since the last */
    size_t partly, rest;                /* frames since all of it was seen; since it left x0, y0 */
    float score;
    bool moved;                         /* once further than half its width */
    bool taken;                         /* has its box in this frame */
};

struct pair { float cost; uint16_t track, box; };

struct sv_tracker {
    size_t w, h, most, n;
    int64_t next;
    struct track *track;                /* [SV_TRACKS_MOST], by age */
    struct pair *pair; size_t pairs, pairs_most;
    uint8_t (*look)[TH * TW];           /* [most] of the boxes of this frame */
};

static struct sv_tracker *carve(struct sv_arena *a, size_t w, size_t h, size_t most) {
    struct sv_tracker t = { .w = w, .h = h, .most = most, .pairs_most = 16 * most }, *place = SV_TAKE(a, struct sv_tracker, 1);
    t.track = SV_TAKE(a, struct track, SV_TRACKS_MOST);
    t.pair = SV_TAKE(a, struct pair, t.pairs_most);
    t.look = sv_arena_take(a, sizeof *t.look, most);
    if (place) *place = t;
    return place;
}

struct sv_tracker *sv_tracker_open(size_t w, size_t h, size_t most, struct sv_err *e) {
    struct sv_arena a = {0};
    carve(&a, w, h, most);
    void *mem = sv_alloc(a.used, 1, e);
    if (!mem) return NULL;
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    return carve(&a, w, h, most);
}

void sv_tracker_free(struct sv_tracker *t) { sv_free(t); }

/* ---- likeness ---- */

static void sample(const struct sv_tracker *t, const uint8_t *luma, const double b[4], uint8_t look[TH * TW]) {
    for (int i = 0; i < TH; i++)
        for (int j = 0; j < TW; j++) {
            const double x = b[0] + (b[2] - b[0]) * (j + 0.5) / TW, y = b[1] + (b[3] - b[1]) * (i + 0.5) / TH;
            look[i * TW + j] = luma[(size_t)fmin(fmax(y, 0), (double)t->h - 1) * t->w + (size_t)fmin(fmax(x, 0), (double)t->w - 1)];
        }
}

/* Mean absolute difference in gray levels. */
static double unlike(const uint8_t *a, const uint8_t *b) {
    int sum = 0;
    for (int i = 0; i < TH * TW; i++) sum += abs(a[i] - b[i]);
    return (double)sum / (TH * TW);
}

double sv_overlap(const double a[4], const double b[4]) {
    const double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
}

/* The share of b that lies in a. */
static double inside(const double a[4], const double b[4]) {
    const double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    return w <= 0 || h <= 0 ? 0 : w * h / ((b[2] - b[0]) * (b[3] - b[1]));
}

/* b is a piece of the body k, expected at a: narrower or lower than it uses to be, and within it. */
static bool piece(const struct track *k, const double a[4], const double b[4]) {
    return k->seen >= RIPE && (b[2] - b[0] < 0.8 * k->w || b[3] - b[1] < 0.8 * k->h) && inside(a, b) > 0.5;
}

static bool known(const struct track *k) { return k->moved && k->seen >= RIPE && k->rest < PATIENT; }

/* ---- assignment ---- */

static void predict(const struct track *k, double out[4]) {
    const double ahead = (double)sv_min(k->unseen + 1, UNSEEN);
    for (int i = 0; i < 4; i++) out[i] = k->box[i] + ahead * (i % 2 ? k->vy : k->vx);
}

static int cheaper(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->cost < y->cost || x->cost > y->cost) return x->cost < y->cost ? -1 : 1;
    return x->track != y->track ? (x->track < y->track ? -1 : 1) : (x->box > y->box) - (x->box < y->box);
}

static void pair_up(struct sv_tracker *t, const struct sv_tracked *box, size_t n) {
    t->pairs = 0;
    for (size_t i = 0; i < t->n; i++) {
        double where[4];
        predict(&t->track[i], where);
        for (size_t k = 0; k < n && t->pairs < t->pairs_most; k++) {
            const bool part = piece(&t->track[i], where, box[k].box);
            const double o = sv_overlap(where, box[k].box), differ = part ? 0.4 : unlike(t->track[i].look, t->look[k]) / 64;
            if (o < 0.2 && !part) continue;
            const double cost = 1 - fmax(o, part ? 0.3 : 0) + differ + 0.02 * (double)sv_min(t->track[i].unseen, 10);
            const double order = cost + (t->track[i].seen < RIPE ? 2 : 0);      /* tracks that lasted choose first */
            if (cost < 1.25) t->pair[t->pairs++] = (struct pair){ (float)order, (uint16_t)i, (uint16_t)k };
        }
    }
    qsort(t->pair, t->pairs, sizeof *t->pair, cheaper);
}

/* The track's state after a box of this frame.  While only a piece is seen the whole goes on as predicted. */
static void take(struct track *k, struct sv_tracked *b, const uint8_t *look) {
    double whole[4];
    predict(k, whole);
    if (k->partly < UNSEEN && piece(k, whole, b->box)) {
        memcpy(k->box, whole, sizeof whole);
        k->partly++;
    } else {
        const double gain = k->seen < 4 ? 0.5 : 0.1, frames = (double)k->unseen + 1;
        k->vx += gain * ((b->box[0] + b->box[2] - k->box[0] - k->box[2]) / 2 / frames - k->vx);
        k->vy += gain * ((b->box[1] + b->box[3] - k->box[1] - k->box[3]) / 2 / frames - k->vy);
        k->w += gain * (b->box[2] - b->box[0] - k->w), k->h += gain * (b->box[3] - b->box[1] - k->h);
        memcpy(k->box, b->box, sizeof k->box);
        memcpy(k->look, look, sizeof k->look);
        k->partly = 0;
    }
    const double x = (k->box[0] + k->box[2]) / 2, y = (k->box[1] + k->box[3]) / 2, dx = x - k->x0, dy = y - k->y0, w = k->box[2] - k->box[0];
    k->rest++;
    if (dx * dx + dy * dy > 0.25 * w * w) k->moved = true, k->rest = 0, k->x0 = x, k->y0 = y;
    k->seen++, k->unseen = 0, k->score = b->score, k->taken = true;
    b->track = k->id, b->known = known(k);
}

static void begin(struct sv_tracker *t, struct sv_tracked *b, const uint8_t *look) {
    if (t->n == SV_TRACKS_MOST) return;
    struct track *k = &t->track[t->n++];
    *k = (struct track){ .id = t->next++, .x0 = (b->box[0] + b->box[2]) / 2, .y0 = (b->box[1] + b->box[3]) / 2 };
    memcpy(k->box, b->box, sizeof k->box);
    k->w = b->box[2] - b->box[0], k->h = b->box[3] - b->box[1];
    take(k, b, look);
}

/* Somebody stands in the last box of k: it moved there, nothing covers it, and the picture is what it was. */
static bool stands(const struct sv_tracker *t, const struct track *k, const uint8_t *luma, const struct sv_tracked *box, size_t n) {
    uint8_t look[TH * TW];
    if (!known(k) || k->partly) return false;
    for (size_t i = 0; i < n; i++)
        if (sv_overlap(k->box, box[i].box) > 0.3) return false;
    sample(t, luma, k->box, look);
    return unlike(k->look, look) < 5;
}

size_t sv_tracker_step(struct sv_tracker *t, const uint8_t *luma, struct sv_tracked *box, size_t n) {
    n = sv_min(n, t->most);
    for (size_t k = 0; k < n; k++) sample(t, luma, box[k].box, t->look[k]), box[k].track = -1, box[k].known = false;
    for (size_t i = 0; i < t->n; i++) t->track[i].taken = false;
    pair_up(t, box, n);
    for (size_t i = 0; i < t->pairs; i++) {
        struct track *k = &t->track[t->pair[i].track];
        struct sv_tracked *b = &box[t->pair[i].box];
        if (k->taken || b->track >= 0) continue;
        take(k, b, t->look[t->pair[i].box]);
    }
    const size_t detected = n;
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct track *k = &t->track[i];
        if (!k->taken) {
            const bool still = stands(t, k, luma, box, detected);
            if (++k->unseen > UNSEEN && !still) continue;
            if (still) {
                k->vx = k->vy = 0, k->rest++;
                box[n] = (struct sv_tracked){ .score = k->score, .track = k->id, .known = true };
                memcpy(box[n++].box, k->box, sizeof k->box);
            }
        }
        t->track[kept++] = *k;
    }
    t->n = kept;
    for (size_t k = 0; k < detected; k++)
        if (box[k].track < 0) begin(t, &box[k], t->look[k]);
    return n;
}
