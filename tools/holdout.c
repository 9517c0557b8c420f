#include "tools/holdout.h"

#include "kmeans/score.h"
#include "kmeans/steady.h"
#include "tools/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 25, STAY = 10 };          /* frames a second where they are not known; seconds that somebody stays in view */

int sv_holdout_add(struct sv_holdout *h, const struct sv_clip_tubes *c, const struct sv_rule *r, struct sv_err *e) {
    struct sv_tube tube;
    int rc = sv_rule_tube(r, c->fps, c->name, &tube, e);
    if (!rc) rc = sv_grow(&h->clip, &h->clip_cap, h->clips, sizeof *h->clip, e);
    if (rc) return rc;
    h->figures = r->figures;
    if (!h->clips) h->seconds = c->fps > 0;
    h->clip[h->clips++] = (struct sv_hold_clip){ c->frames, c->every, sv_tube_reach(&tube), h->rows, c->n, c->fps };
    for (size_t i = 0; i < c->n; i++) {
        if (sv_grow(&h->frame, &h->cap, h->rows, sizeof *h->frame, e) || sv_grow(&h->track, &h->track_cap, h->rows, sizeof *h->track, e)) return SV_ENOMEM;
        if (h->figures && sv_grow(&h->figure, &h->figure_cap, h->rows, sizeof *h->figure, e)) return SV_ENOMEM;
        h->track[h->rows] = c->object[i].track, h->frame[h->rows++] = c->object[i].frame;
    }
    return h->figures ? sv_tubes_figures(c->name, c->fps, c->object, c->n, h->seconds, h->figure + h->rows - c->n, e) : 0;
}

/* ---- blocks ---- */

static int add(struct sv_holdout *h, size_t clip, size_t begin, size_t end, size_t guard, struct sv_err *e) {
    const int rc = sv_grow(&h->block, &h->block_cap, h->blocks, sizeof *h->block, e);
    if (!rc) h->block[h->blocks++] = (struct sv_hold_block){ clip, begin, end, guard };
    return rc;
}

/* Places go through a piece in steps of the golden ratio: any few of them lie far apart. */
static size_t place(size_t nth, size_t room) {
    const double x = 0.6180339887498949 * (double)nth;
    return (size_t)((x - floor(x)) * (double)(room + 1));
}

/* What the share of a clip comes to: pieces with a block each. */
struct plan { size_t pieces, piece, len, guard; };

/* stay: seconds that people may stay in view. */
static struct plan plan(const struct sv_holdout *h, const struct sv_hold_clip *c, double stay) {
    const double fps = c->fps > 0 ? c->fps : RATE, out = h->share * (double)c->frames;
    struct plan p = { .pieces = out > 60 * fps ? (size_t)(out / (60 * fps)) : 1, .guard = 2 * c->reach + (size_t)(stay * fps) };
    p.piece = c->frames / p.pieces, p.len = (size_t)(out / (double)p.pieces);
    return p;
}

static bool fits(const struct plan *p) { return p->len && p->len + 2 * p->guard <= p->piece / 2; }

/* Blocks of one clip, or the clip as a whole if its turn has come. */
static int pick_from(struct sv_holdout *h, size_t i, double stay, size_t *turn, struct sv_err *e) {
    const struct plan p = plan(h, &h->clip[i], stay);
    int rc = 0;
    if (!fits(&p)) {
        const double n = (double)++*turn;
        return floor(n * h->share + 1e-9) > floor((n - 1) * h->share + 1e-9) ? add(h, i, 0, h->clip[i].frames, 0, e) : 0;
    }
    for (size_t k = 0; !rc && k < p.pieces; k++) {
        const size_t begin = k * p.piece + place(h->blocks, p.piece - p.len);
        rc = add(h, i, begin, begin + p.len, p.guard, e);
    }
    return rc;
}

static int pick(struct sv_holdout *h, struct sv_err *e) {
    size_t turn = 0, shorts = 0;
    int rc = 0;
    for (size_t i = 0; i < h->clips; i++) {
        const struct plan p = plan(h, &h->clip[i], STAY);
        shorts += !fits(&p);
    }
    const bool few = shorts && (double)shorts * h->share < 1 - 1e-9;       /* not one of them would be held out */
    for (size_t i = 0; !rc && i < h->clips; i++) {
        const struct plan p = plan(h, &h->clip[i], STAY);
        rc = pick_from(h, i, few && !fits(&p) ? 0 : STAY, &turn, e);
    }
    return rc;
}

/* ---- rows ---- */

enum part { FITTED, HELD, BESIDE };

/* The part that frame t of clip has, by the blocks of that clip from `first` on. */
static enum part part_of(const struct sv_holdout *h, size_t first, size_t clip, size_t t) {
    enum part p = FITTED;
    for (size_t b = first; b < h->blocks && h->block[b].clip == clip; b++) {
        const struct sv_hold_block *k = &h->block[b];
        if (t >= k->begin && t < k->end) return HELD;
        if (t + k->guard >= k->begin && t < k->end + k->guard) p = BESIDE;
    }
    return p;
}

static void mark(struct sv_holdout *h, uint8_t *part) {
    h->fitted = h->held = h->beside = 0;
    for (size_t i = 0, b = 0; i < h->clips; i++) {
        while (b < h->blocks && h->block[b].clip < i) b++;
        for (size_t r = h->clip[i].first; r < h->clip[i].first + h->clip[i].n; r++) {
            part[r] = (uint8_t)part_of(h, b, i, h->frame[r]);
            h->fitted += part[r] == FITTED, h->held += part[r] == HELD, h->beside += part[r] == BESIDE;
        }
    }
}

/* Frames of a block that tubes were made on, and the number of the first. */
static size_t samples(const struct sv_holdout *h, const struct sv_hold_block *b, size_t *first) {
    const size_t every = h->clip[b->clip].every;
    *first = (b->begin + every - 1) / every;
    return (b->end + every - 1) / every - *first;
}

/* The held rows' frames, numbered through all blocks. */
static void number(struct sv_holdout *h, const uint8_t *part) {
    size_t held = 0, before = 0;
    for (size_t b = 0; b < h->blocks; b++) {
        const struct sv_hold_block *k = &h->block[b];
        const struct sv_hold_clip *c = &h->clip[k->clip];
        size_t first;
        const size_t n = samples(h, k, &first);
        for (size_t r = c->first; r < c->first + c->n; r++)
            if (part[r] == HELD && h->frame[r] >= k->begin && h->frame[r] < k->end) h->where[held++] = before + h->frame[r] / c->every - first;
        before += n;
    }
}

/* Rows of `bytes` bytes each: the fitted ones move to the front, the held ones behind them. */
static int reorder(const struct sv_holdout *h, const uint8_t *part, void *rows, size_t bytes, struct sv_err *e) {
    uint8_t *row = rows, *held = sv_alloc(h->held, bytes, e);
    if (!held) return SV_ENOMEM;
    for (size_t r = 0, f = 0, k = 0; r < h->rows; r++) {
        if (part[r] == HELD) memcpy(held + k++ * bytes, row + r * bytes, bytes);
        else if (part[r] == FITTED) memmove(row + f++ * bytes, row + r * bytes, bytes);
    }
    if (h->held) memcpy(row + h->fitted * bytes, held, h->held * bytes);
    sv_free(held);
    return 0;
}

/* h->frame keeps the fitted rows' frames, numbered through all clips so that rows of one frame share a number. */
static void renumber(struct sv_holdout *h, const uint8_t *part) {
    size_t n = 0, at = 0, last_clip = 0, last_frame = 0;
    for (size_t i = 0; i < h->clips; i++)
        for (size_t r = h->clip[i].first; r < h->clip[i].first + h->clip[i].n; r++) {
            const size_t t = h->frame[r];
            if (part[r] != FITTED) continue;
            if (n && (i != last_clip || t != last_frame)) at++;
            last_clip = i, last_frame = t, h->frame[n++] = at;
        }
    h->frames = n ? at + 1 : 0;
}

int sv_holdout_split(struct sv_holdout *h, float *video, size_t embed, struct sv_err *e) {
    uint8_t *part = sv_alloc(h->rows, 1, e);
    int rc = part ? 0 : SV_ENOMEM;
    if (!rc && h->share > 0) rc = pick(h, e);
    if (!rc) {
        mark(h, part);
        if (!h->fitted || !h->held) h->blocks = 0, mark(h, part);
        if (!(h->where = sv_alloc(h->held, sizeof *h->where, e))) rc = SV_ENOMEM;
    }
    if (!rc) rc = reorder(h, part, video, embed * sizeof *video, e);
    if (!rc) rc = reorder(h, part, h->track, sizeof *h->track, e);
    if (!rc && h->figures) rc = reorder(h, part, h->figure, sizeof *h->figure, e);
    if (!rc) number(h, part), renumber(h, part);
    sv_free(part);
    return rc;
}

void sv_holdout_free(struct sv_holdout *h) {
    sv_free(h->clip), sv_free(h->frame), sv_free(h->block), sv_free(h->where), sv_free(h->track), sv_free(h->figure);
    *h = (struct sv_holdout){0};
}

/* ---- scores ---- */

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Lengths of the blocks, and samples a second over all of them: 0 where a clip's frame rate is not known. */
static int lay_out(const struct sv_holdout *h, struct sv_held *d, struct sv_err *e) {
    double seconds = 0;
    bool known = true;
    if (!(d->block = sv_alloc(h->blocks, sizeof *d->block, e))) return SV_ENOMEM;
    for (; d->blocks < h->blocks; d->blocks++) {
        const struct sv_hold_block *b = &h->block[d->blocks];
        const double fps = h->clip[b->clip].fps;
        size_t first;
        const size_t n = samples(h, b, &first);
        known = known && fps > 0;
        if (known) seconds += (double)n * (double)h->clip[b->clip].every / fps;
        d->block[d->blocks] = (int32_t)n, d->frames += n;
    }
    d->per_second = known && seconds > 0 ? (double)d->frames / seconds : 0;
    return 0;
}

/* Sorted scores [n], thinned to SV_HELD_OBJECTS at even ranks, the highest one kept; returns their number. */
static size_t thin(double *score, size_t n) {
    const size_t most = sv_min(n, SV_HELD_OBJECTS);
    qsort(score, n, sizeof *score, by_value);
    for (size_t i = 0; i < most && n > most; i++)
        score[i] = score[n - 1 - (size_t)((double)(most - 1 - i) * (double)(n - 1) / (double)(most - 1))];
    return most;
}

/* The scene keeps what the heads say by themselves; then they can be weighed. */
static int keep_heads(struct sv_held *d, struct sv_judge *j, const struct sv_verdict *v, size_t n, struct sv_err *e) {
    for (enum sv_head h = 0; h < SV_HEADS && sv_scene_joins(j->scene); h++) {
        if (!sv_scene_has(j->scene, h)) continue;
        if (!(d->head[h] = sv_alloc(n, sizeof *d->head[h], e))) return SV_ENOMEM;
        memcpy(d->head[h], h ? v->more[h] : v->score, n * sizeof *d->head[h]);
        d->heads = thin(d->head[h], n);
    }
    return sv_judge_learn(j, e);
}

/* Tracks end where their block ends. */
static int steady(const struct sv_holdout *h, const struct sv_held *d, double *score, size_t reach, struct sv_err *e) {
    int rc = 0;
    for (size_t b = 0, row = 0, frame = 0; !rc && b < d->blocks; b++) {
        const size_t first = row, begin = frame;
        frame += (size_t)d->block[b];
        while (row < h->held && h->where[row] < frame) row++;
        const struct sv_tracked r = { h->where + first, h->track + h->fitted + first, row - first, begin, frame };
        rc = sv_steady(score + first, score + first, &r, reach, d->frame + begin, begin, frame, e);
    }
    return rc;
}

int sv_holdout_score(struct sv_holdout *h, const float *held, struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e) {
    struct sv_judge j = {0};
    struct sv_verdict v = {0};
    if (!h->held) return 0;
    int rc = lay_out(h, &s->held, e);
    if (!rc) rc = sv_judge_open(&j, s, cpu, e);
    if (!rc && (!(v.response = sv_alloc(h->held, s->texts * sizeof *v.response, e)) || !(v.score = sv_alloc(h->held, sizeof *v.score, e)) ||
                sv_verdict_room(&v, s, h->held, e) || !(s->held.frame = sv_alloc(s->held.frames, sizeof *s->held.frame, e))))
        rc = SV_ENOMEM;
    if (!rc) {
        v.shape = h->figures ? h->figure + h->fitted : NULL;
        sv_judge_look(&j, held, h->held, &v);
        rc = keep_heads(&s->held, &j, &v, h->held, e);
    }
    if (!rc) {
        sv_judge_weigh(&j, h->held, &v);
        if (s->steady) rc = steady(h, &s->held, v.score, s->steady, e);
        else sv_frame_scores(s->held.frame, s->held.frames, v.score, h->where, h->held);
    }
    if (!rc) {
        s->held.objects = thin(v.score, h->held);
        s->held.object = v.score, v.score = NULL;
    }
    sv_free(v.response), sv_free(v.score), sv_verdict_free(&v);
    sv_judge_close(&j);
    return rc;
}
