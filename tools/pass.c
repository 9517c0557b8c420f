#include "tools/pass.h"

#include "clip/image.h"
#include "kmeans/figure.h"
#include "tfc/proposal.h"

#include <stdlib.h>
#include <string.h>

/* Objects wait in one queue, in order of frames, and pass through four states: known (object), cropped, encoded (feats), fused
 * (video).  Indices count from the start of the queue. */
struct sv_pass {
    struct sv_tubes *t;
    const char *clip;
    struct sv_pass_opts o;
    size_t w, h, embed, encoded_each;   /* crops that are encoded for an object */
    struct sv_tube tube;
    enum sv_crop_rule rule;
    struct sv_ring ring;
    bool ended;
    struct sv_proposer *proposer;       /* NULL: the file says all */
    const struct sv_box *box; size_t boxes, box_at;
    struct sv_tracked now[SV_DETECTED_MOST];
    struct sv_object found[SV_DETECTED_MOST + SV_MOTION_MOST + SV_TRACKS_MOST];
    uint8_t *bare; size_t due, given;   /* [ring.cap]; frames whose objects are known; frames handed out */
    struct sv_figure *figure, *window; size_t figures, figure_cap, window_cap;          /* of all boxes of late frames, where the rule has figures */
    bool *kept; size_t kept_cap, steady;/* [figures] is the box an object?; frames whose objects have their figures */

    struct sv_object *object; size_t n, object_cap;
    float *feats; size_t feats_cap;     /* [n, encoded_each, E] */
    float *video; size_t video_cap;     /* [n, E] */
    size_t cropped, encoded, fused, out;/* objects in each state, and handed out */
    struct { const uint8_t *rgb; size_t box[4], out; } *slot; size_t slots, pixels;    /* out: row of feats; pixels: slots cropped */
    float *tubes;                       /* [BATCH, tube.n, E] on the way to the fusion */
};

enum { BATCH = 64 };                    /* tubes that travel through the fusion at once */

/* A track's tube waits for the boxes of its last frame, another for its picture. */
static size_t delay(const struct sv_pass *p) {
    const size_t reach = sv_tube_reach(&p->tube), look = p->proposer ? SV_MOTION_LOOK : 0;
    const size_t tube = p->t->rule.track ? reach + look : sv_max(reach, look);
    return p->t->rule.figures ? sv_max(tube, look + SV_FIGURE_STEADY) : tube;
}

static int open_parts(struct sv_pass *p, bool propose, double fps, struct sv_err *e) {
    if (propose && !(p->proposer = sv_proposer_open(p->w, p->h, e))) return SV_ENOMEM;
    if (p->t->rule.figures) sv_proposer_flow(p->proposer, sv_propose_apart(fps));
    int rc = sv_crops_fit(&p->t->crops, p->w, p->h, e);
    if (!rc) rc = sv_ring_init(&p->ring, delay(p) + sv_tube_reach(&p->tube) + 2, p->w * p->h * 3, e);
    if (!rc && (!(p->slot = sv_alloc(p->t->crops.batch, sizeof *p->slot, e)) || !(p->bare = sv_alloc(p->ring.cap, 1, e)) ||
                !(p->tubes = sv_alloc(BATCH * p->tube.n, p->embed * sizeof *p->tubes, e))))
        rc = SV_ENOMEM;
    return rc;
}

int sv_pass_open(struct sv_pass **out, struct sv_tubes *t, const char *clip, size_t w, size_t h, double fps, const struct sv_box *box,
                 size_t boxes, const struct sv_pass_opts *o, struct sv_err *e) {
    struct sv_pass *p = *out = sv_alloc(1, sizeof *p, e);
    if (!p) return SV_ENOMEM;
    p->t = t, p->clip = clip, p->o = *o, p->w = w, p->h = h, p->box = box, p->boxes = boxes;
    p->embed = t->model.cfg.embed, p->encoded_each = sv_rule_encoded(&t->rule);
    p->rule = t->rule.square ? SV_CROP_SQUARE : SV_CROP_SQUASH;
    bool tracks = true;
    for (size_t i = 0; i < boxes; i++) tracks = tracks && box[i].track >= 0;
    int rc = sv_rule_tube(&t->rule, fps, clip, &p->tube, e);
    if (!rc) rc = open_parts(p, t->motion || t->rule.figures || ((t->rule.track || o->tracks) && !tracks), fps, e);
    if (rc) sv_pass_close(p), *out = NULL;
    return rc;
}

void sv_pass_close(struct sv_pass *p) {
    if (!p) return;
    sv_proposer_free(p->proposer);
    sv_ring_free(&p->ring);
    sv_free(p->object), sv_free(p->feats), sv_free(p->video), sv_free(p->slot), sv_free(p->bare), sv_free(p->tubes);
    sv_free(p->figure), sv_free(p->window), sv_free(p->kept);
    sv_free(p);
}

uint8_t *sv_pass_room(struct sv_pass *p) { return sv_ring_room(&p->ring); }
size_t sv_pass_frames(const struct sv_pass *p) { return p->ring.end; }

/* ---- the queue ---- */

static int append(struct sv_pass *p, const struct sv_object *o, struct sv_err *e) {
    const size_t row = p->embed * sizeof(float);
    size_t box[4];
    if (!sv_tube_box(o->box, p->w, p->h, box))
        return sv_fail(e, SV_EINPUT, "clip %s, frame %zu: box %g %g %g %g has nothing inside the frame of %zu x %zu", p->clip, o->frame,
                       o->box[0], o->box[1], o->box[2], o->box[3], p->w, p->h);
    if (sv_grow(&p->object, &p->object_cap, p->n, sizeof *p->object, e) ||
        sv_grow(&p->feats, &p->feats_cap, p->n, p->encoded_each * row, e) || sv_grow(&p->video, &p->video_cap, p->n, row, e))
        return SV_ENOMEM;
    p->object[p->n++] = *o;
    return 0;
}

/* Forgets objects that were handed out and that no tube to come will share. */
static void trim(struct sv_pass *p) {
    const size_t back = p->t->rule.track ? sv_tube_reach(&p->tube) : 0, each = p->encoded_each * p->embed;
    size_t k = 0;
    while (k < p->out && p->object[k].frame + back < p->given) k++;
    if (!k || (k < p->n / 2 && p->n < 64)) return;
    p->n -= k, p->cropped -= k, p->encoded -= k, p->fused -= k, p->out -= k;
    memmove(p->object, p->object + k, p->n * sizeof *p->object);
    memmove(p->feats, p->feats + k * each, p->n * each * sizeof *p->feats);
    memmove(p->video, p->video + k * p->embed, p->n * p->embed * sizeof *p->video);
    for (size_t i = 0; i < p->slots; i++) p->slot[i].out -= k * p->encoded_each;
}

/* ---- objects ---- */

/* The boxes that the file has for frame t, or those that are due with motion and tracks. */
static int objects_of(struct sv_pass *p, size_t t, size_t *n, struct sv_err *e) {
    *n = 0;
    for (; p->box_at < p->boxes && p->box[p->box_at].frame == t; p->box_at++, ++*n) {
        if (*n == SV_DETECTED_MOST) return sv_fail(e, SV_EINPUT, "%s: more than %d boxes in frame %zu", p->clip, SV_DETECTED_MOST, t);
        p->found[*n] = sv_object_of(&p->box[p->box_at]);
        p->now[*n] = (struct sv_tracked){ .score = p->found[*n].score };
        memcpy(p->now[*n].box, p->found[*n].box, sizeof p->now[*n].box);
    }
    if (!p->proposer) return 0;
    const struct sv_tracked *box;
    const size_t given = *n;
    *n = sv_proposer_take(p->proposer, p->now, given, p->t->motion, &box);
    for (size_t i = 0; i < *n; i++) {
        const int64_t own = i < given && !p->t->motion ? p->found[i].track : -1;
        p->found[i] = (struct sv_object){ .frame = t, .score = box[i].score, .track = own >= 0 ? own : box[i].track };
        p->found[i].figure[2] = (float)box[i].flow[0], p->found[i].figure[3] = (float)box[i].flow[1];
        memcpy(p->found[i].box, box[i].box, sizeof box[i].box);
    }
    return 0;
}

static double area(const struct sv_object *o) { return (o->box[2] - o->box[0]) * (o->box[3] - o->box[1]); }

/* Is object i among the p->o.most that matter most?  The earlier of equals comes first. */
static bool matters(const struct sv_pass *p, size_t i, size_t n) {
    const struct sv_object *x = &p->found[i];
    size_t before = 0;
    if (!p->o.most || n <= p->o.most) return true;
    for (size_t k = 0; k < n; k++) {
        const struct sv_object *y = &p->found[k];
        const bool same = !(y->score < x->score) && !(y->score > x->score);
        before += y->score > x->score || (same && (area(y) > area(x) || (k < i && !(area(y) < area(x)))));
    }
    return before < p->o.most;
}

/* ---- figures: medians over a track's near frames, as sv_propose makes them ---- */

static int note_figure(struct sv_pass *p, const struct sv_object *o, bool kept, struct sv_err *e) {
    if (sv_grow(&p->figure, &p->figure_cap, p->figures, sizeof *p->figure, e) || sv_grow(&p->kept, &p->kept_cap, p->figures, sizeof *p->kept, e) ||
        sv_grow(&p->window, &p->window_cap, p->figures, sizeof *p->window, e))
        return SV_ENOMEM;
    p->kept[p->figures] = kept;
    p->figure[p->figures++] = (struct sv_figure){ o->frame, o->track, o->box[3], o->box[2] - o->box[0], o->box[3] - o->box[1],
                                                  (double)o->figure[2], (double)o->figure[3] };
    return 0;
}

static int settle_frame(struct sv_pass *p, size_t t, struct sv_err *e) {
    size_t first = 0, at = 0;
    while (first < p->figures && p->figure[first].frame + SV_FIGURE_STEADY < t) first++;
    p->figures -= first;
    memmove(p->figure, p->figure + first, p->figures * sizeof *p->figure);
    memmove(p->kept, p->kept + first, p->figures * sizeof *p->kept);
    if (!p->figures) return 0;
    memcpy(p->window, p->figure, p->figures * sizeof *p->figure);
    const int rc = sv_figure_steady(p->window, p->figures, e);
    while (at < p->n && p->object[at].frame < t) at++;
    for (size_t i = 0; !rc && i < p->figures; i++) {
        const struct sv_figure *f = &p->window[i];
        if (f->frame != t || !p->kept[i]) continue;
        float *out = p->object[at++].figure;
        out[0] = (float)f->w, out[1] = (float)f->h, out[2] = (float)f->right, out[3] = (float)f->down;
    }
    return rc;
}

static int settle_figures(struct sv_pass *p, struct sv_err *e) {
    int rc = 0;
    for (; p->t->rule.figures && !rc && p->steady < p->due && (p->steady + SV_FIGURE_STEADY < p->due || (p->ended && p->due == p->ring.end)); p->steady += !rc)
        rc = settle_frame(p, p->steady, e);
    return rc;
}

static int take_objects(struct sv_pass *p, struct sv_err *e) {
    const size_t t = p->due;
    const bool tubes = t % p->t->rule.every == 0 && !p->bare[t % p->ring.cap];
    size_t n;
    int rc = objects_of(p, t, &n, e);
    for (size_t i = 0; !rc && i < n; i++) {
        const bool kept = tubes && matters(p, i, n);
        if (kept) rc = append(p, &p->found[i], e);
        if (!rc && p->t->rule.figures) rc = note_figure(p, &p->found[i], kept, e);
    }
    p->due++;
    return rc ? rc : settle_figures(p, e);
}

/* ---- crops ---- */

static void crop_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct sv_pass *p = arg;
    const struct sv_crops *c = &p->t->crops;
    const size_t size = sv_clip_config(c->clip)->image_size;
    for (size_t k = p->pixels + begin; k < p->pixels + end; k++)
        sv_crop_pixels(&c->crop[thread], p->slot[k].rgb, p->w, p->h, p->slot[k].box, p->rule, c->pixels + k * 3 * size * size);
}

/* Pictures must be cropped before the ring turns. */
static void crop(struct sv_pass *p) {
    sv_pool_for(p->t->cpu.pool, p->slots - p->pixels, crop_range, p);
    p->pixels = p->slots;
}

/* Crops that share a frame with the one before them share its features. */
static void copy_repeats(const struct sv_pass *p, size_t object) {
    float *row = p->feats + object * p->encoded_each * p->embed;
    for (size_t i = 1; i < p->encoded_each; i++)
        if (sv_tube_frame(&p->tube, p->object[object].frame, i, p->ring.end) == sv_tube_frame(&p->tube, p->object[object].frame, i - 1, p->ring.end))
            memcpy(row + i * p->embed, row + (i - 1) * p->embed, p->embed * sizeof *row);
}

static int encode(struct sv_pass *p, struct sv_err *e) {
    const struct sv_crops *c = &p->t->crops;
    if (!p->slots) return 0;
    crop(p);
    sv_clip_image(c->clip, c->pixels, p->slots, c->out);
    const int rc = sv_check_finite(c->out, p->slots * p->embed, p->clip, e);
    if (rc) return rc;
    for (size_t k = 0; k < p->slots; k++) memcpy(p->feats + p->slot[k].out * p->embed, c->out + k * p->embed, p->embed * sizeof(float));
    p->slots = p->pixels = 0;
    for (; p->encoded < p->cropped; p->encoded++) copy_repeats(p, p->encoded);
    return 0;
}

static int add_slot(struct sv_pass *p, size_t object, size_t i, size_t frame, struct sv_err *e) {
    if (p->slots == p->t->crops.batch) {
        const int rc = encode(p, e);
        if (rc) return rc;
    }
    const size_t k = p->slots++;
    p->slot[k].rgb = sv_ring_at(&p->ring, frame), p->slot[k].out = object * p->encoded_each + i;
    sv_tube_box(p->object[object].box, p->w, p->h, p->slot[k].box);
    return 0;
}

/* Collects the crops of the objects whose pictures are all there. */
static int collect(struct sv_pass *p, struct sv_err *e) {
    int rc = 0;
    for (; !rc && p->cropped < p->n; p->cropped += !rc) {
        const size_t t = p->object[p->cropped].frame;
        if (p->t->rule.track) {
            rc = add_slot(p, p->cropped, 0, t, e);
            continue;
        }
        if (!p->ended && t + sv_tube_reach(&p->tube) >= p->ring.end) break;
        for (size_t i = 0, last = 0; !rc && i < p->tube.n; i++) {
            const size_t frame = sv_tube_frame(&p->tube, t, i, p->ring.end);
            if (!i || frame != last) rc = add_slot(p, p->cropped, i, frame, e);
            last = frame;
        }
    }
    if (!rc) crop(p);
    return rc;
}

/* ---- tubes ---- */

static int fuse_some(struct sv_pass *p, size_t n, struct sv_err *e) {
    sv_tfc_video(p->t->tfc, p->tubes, n, p->video + p->fused * p->embed);
    const int rc = sv_check_finite(p->video + p->fused * p->embed, n * p->embed, p->clip, e);
    p->fused += n;
    return rc;
}

/* Objects up to `end` whose tubes are complete; index: which crops a track's tubes share, or NULL. */
static int fuse_to(struct sv_pass *p, size_t end, const size_t *index, struct sv_err *e) {
    const size_t n = p->tube.n, row = p->embed * sizeof(float);
    size_t filled = 0;
    int rc = 0;
    for (size_t k = p->fused; !rc && k < end; k++) {
        float *tube = p->tubes + filled++ * n * p->embed;
        for (size_t i = 0; i < n; i++) memcpy(tube + i * p->embed, p->feats + (index ? index[k * n + i] : k * n + i) * p->embed, row);
        if (filled == BATCH || k + 1 == end) rc = fuse_some(p, filled, e), filled = 0;
    }
    return rc;
}

static int fuse_tracks(struct sv_pass *p, struct sv_err *e) {
    const size_t reach = sv_tube_reach(&p->tube), n = p->encoded;
    size_t end = p->fused;
    /* All that such a tube may share is known and encoded. */
    for (; end < n; end++) {
        const size_t last = p->object[end].frame + reach;
        if (!p->ended && (last >= p->due || (n < p->n && p->object[n].frame <= last))) break;
    }
    if (end == p->fused) return 0;
    size_t *frame = sv_alloc(n, sizeof *frame, e), *index = sv_alloc(n * p->tube.n, sizeof *index, e);
    int64_t *track = sv_alloc(n, sizeof *track, e);
    int rc = frame && index && track ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < n; i++) frame[i] = p->object[i].frame, track[i] = p->object[i].track;
    if (!rc) rc = sv_tube_follow(&p->tube, frame, track, n, p->ring.end, index, e);
    if (!rc) rc = fuse_to(p, end, index, e);
    sv_free(frame), sv_free(index), sv_free(track);
    return rc;
}

static int push(struct sv_pass *p, bool more, bool bare, struct sv_err *e) {
    int rc = 0;
    trim(p);
    p->ended = !more;
    if (more) p->bare[p->ring.end % p->ring.cap] = bare;
    const uint8_t *rgb = more ? sv_ring_room(&p->ring) : NULL;
    if (more) sv_ring_push(&p->ring);
    if (!p->proposer) while (!rc && p->due < p->ring.end) rc = take_objects(p, e);
    else if (more) rc = sv_proposer_push(p->proposer, rgb) ? take_objects(p, e) : 0;
    else while (!rc && p->due < p->ring.end && sv_proposer_push(p->proposer, NULL)) rc = take_objects(p, e);
    if (!rc && p->ended && p->box_at < p->boxes)
        rc = sv_fail(e, SV_EINPUT, "clip %s: a box in frame %zu, but it has %zu frames (the first is 0)", p->clip, p->box[p->box_at].frame, p->ring.end);
    if (!rc) rc = collect(p, e);
    if (!rc && (p->o.eager || p->ended)) rc = encode(p, e);
    if (!rc) rc = p->t->rule.track ? fuse_tracks(p, e) : fuse_to(p, p->encoded, NULL, e);
    return rc;
}

int sv_pass_push(struct sv_pass *p, bool more, struct sv_err *e) { return push(p, more, false, e); }

int sv_pass_repeat(struct sv_pass *p, struct sv_err *e) {
    uint8_t *room = sv_ring_room(&p->ring);
    if (p->ring.end) memcpy(room, sv_ring_at(&p->ring, p->ring.end - 1), p->ring.bytes);
    else memset(room, 0, p->ring.bytes);
    return push(p, true, true, e);
}

bool sv_pass_take(struct sv_pass *p, struct sv_pass_out *out) {
    size_t end = p->out;
    const size_t t = p->given;
    if (t >= p->due || (p->t->rule.figures && t >= p->steady) || (!p->ended && t + delay(p) >= p->ring.end)) return false;
    while (end < p->n && p->object[end].frame == t) end++;
    if (end > p->fused) return false;
    *out = (struct sv_pass_out){ .frame = t, .n = end - p->out, .tubes = t % p->t->rule.every == 0 && !p->bare[t % p->ring.cap],
                                 .object = p->object + p->out, .video = p->video + p->out * p->embed };
    if (t >= p->ring.begin) out->rgb = sv_ring_at(&p->ring, t);
    p->out = end, p->given++;
    return true;
}
