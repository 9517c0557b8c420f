#include "tools/feature.h"

#include "clip/image.h"
#include "core/half.h"
#include "tools/model.h"
#include "tools/stop.h"
#include <math.h>
#include <string.h>

/* ---- shared by all clips ---- */

static size_t fitting_batch(const struct sv_clip_config *g) {
    const size_t side = g->image_size / g->patch, len = 1 + side * side;
    const size_t floats = len * (6 * g->visual.width + g->visual.mlp) + 3 * g->image_size * g->image_size;
    return sv_min(sv_max(((size_t)128 << 20) / 4 / floats, 8), 64);
}

/* Crops that even one slow core encodes in about a second, but at least one. */
static size_t fitting_piece(const struct sv_clip_config *g) {
    const double grid = (double)(g->image_size / g->patch), w = (double)g->visual.width, mlp = (double)g->visual.mlp;
    const double flops = (double)g->visual.layers * (grid * grid + 1) * 2 * w * (4 * w + 2 * mlp);
    return sv_max((size_t)(1e11 / flops), 1);
}

int sv_crops_open(struct sv_crops *c, const struct sv_store *store, const struct sv_cpu *cpu, size_t batch,
                  struct sv_err *e) {
    *c = (struct sv_crops){ .cpu = cpu };
    struct sv_clip_config g;
    int rc = sv_clip_config_read(&g, store, e);
    if (rc) return rc;
    c->batch = batch ? batch : fitting_batch(&g);
    c->piece = fitting_piece(&g);
    if (!(c->clip = sv_clip_open(store, cpu, SV_CLIP_IMAGE, c->batch, e))) return e && e->code ? e->code : SV_ENOMEM;
    c->threads = sv_pool_threads(cpu->pool);
    if (!(c->crop = sv_alloc(c->threads, sizeof *c->crop, e)) ||
        !(c->pixels = sv_alloc(c->batch, 3 * g.image_size * g.image_size * sizeof *c->pixels, e)) ||
        !(c->out = sv_alloc(c->batch, g.embed * sizeof *c->out, e))) {
        sv_crops_close(c);
        return SV_ENOMEM;
    }
    return 0;
}

static void drop_croppers(struct sv_crops *c) {
    for (size_t i = 0; c->crop && i < c->threads; i++) sv_crop_free(&c->crop[i]);
    c->max_w = c->max_h = 0;
}

void sv_crops_close(struct sv_crops *c) {
    drop_croppers(c);
    sv_free(c->crop), sv_free(c->pixels), sv_free(c->out);
    sv_clip_free(c->clip);
    *c = (struct sv_crops){0};
}

int sv_crops_fit(struct sv_crops *c, size_t w, size_t h, struct sv_err *e) {
    if (w <= c->max_w && h <= c->max_h) return 0;
    w = sv_max(w, c->max_w), h = sv_max(h, c->max_h);
    drop_croppers(c);
    const struct sv_clip_config *g = sv_clip_config(c->clip);
    for (size_t i = 0; i < c->threads; i++) {
        const int rc = sv_crop_init(&c->crop[i], g->image_size, w, h, g->mean, g->std, e);
        if (rc) return rc;
    }
    c->max_w = w, c->max_h = h;
    return 0;
}

/* ---- one clip ---- */

struct slot {                           /* one row of the batch */
    const uint8_t *frame;
    size_t box[4];
    float *out;                         /* [E] in feats */
};

struct sv_feed_own {
    struct sv_crops *c;
    const char *clip;
    struct sv_tube tube;
    enum sv_crop_rule rule;
    struct sv_ring ring;
    bool ended;
    const struct sv_object *object; size_t n;
    size_t at, i;                       /* crop i of object `at` is the next to be taken */
    struct slot *slot; size_t slots, cropped;
    float *feats;                       /* [batch + 2, tube.n, E] of objects first, first + 1, ... */
    size_t first, ready, given;         /* objects whose features are complete, and those handed out */
};

static size_t embed(const struct sv_feed_own *o) { return sv_clip_config(o->c->clip)->embed; }

static int check_boxes(const struct sv_feed *f, struct sv_err *e) {
    const struct sv_feed_own *o = f->own;
    for (size_t i = 0; i < o->n; i++) {
        size_t box[4];
        const double *b = o->object[i].box;
        if (!sv_tube_box(b, f->video.w, f->video.h, box))
            return sv_fail(e, SV_EINPUT,
                           "clip %s, frame %zu: box %g %g %g %g has nothing inside the frame of %zu x %zu", o->clip,
                           o->object[i].frame, b[0], b[1], b[2], b[3], f->video.w, f->video.h);
    }
    return 0;
}

int sv_feed_open(struct sv_feed *f, struct sv_crops *c, const struct sv_rule *r, const char *clip, const char *path,
                 const struct sv_object *object, size_t n, struct sv_err *e) {
    *f = (struct sv_feed){0};
    int rc = sv_video_open(&f->video, path, e);
    if (rc) return rc;
    struct sv_feed_own *o = f->own = sv_alloc(1, sizeof *o, e);
    if (!o) rc = SV_ENOMEM;
    if (!rc) {
        o->c = c, o->clip = clip, o->object = object, o->n = n;
        o->rule = r->square ? SV_CROP_SQUARE : SV_CROP_SQUASH;
        if (!(f->video.fps > 0)) f->video.fps = c->fps;
        rc = sv_rule_tube(r, f->video.fps, clip, &o->tube, e);
        if (r->track) o->tube.n = 1;
    }
    if (!rc) rc = check_boxes(f, e);
    if (!rc) rc = sv_crops_fit(c, f->video.w, f->video.h, e);
    if (!rc) rc = sv_ring_init(&o->ring, 2 * sv_tube_reach(&o->tube) + 1, f->video.w * f->video.h * 3, e);
    if (!rc && (!(o->slot = sv_alloc(c->batch, sizeof *o->slot, e)) ||
                !(o->feats = sv_alloc((c->batch + 2) * o->tube.n, embed(o) * sizeof *o->feats, e))))
        rc = SV_ENOMEM;
    if (rc) sv_feed_close(f);
    return rc;
}

void sv_feed_close(struct sv_feed *f) {
    if (f->own) {
        sv_ring_free(&f->own->ring);
        sv_free(f->own->slot), sv_free(f->own->feats);
    }
    sv_free(f->own);
    sv_video_close(&f->video);
    *f = (struct sv_feed){0};
}

static void crop_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct sv_feed *f = arg;
    const struct sv_feed_own *o = f->own;
    const size_t size = sv_clip_config(o->c->clip)->image_size;
    for (size_t k = o->cropped + begin; k < o->cropped + end; k++)
        sv_crop_pixels(&o->c->crop[thread], o->slot[k].frame, f->video.w, f->video.h, o->slot[k].box, o->rule,
                       o->c->pixels + k * 3 * size * size);
}

/* Crops what was collected: it must happen before the ring turns. */
static void crop(struct sv_feed *f) {
    struct sv_feed_own *o = f->own;
    sv_pool_for(o->c->cpu->pool, o->slots - o->cropped, crop_range, f);
    o->cropped = o->slots;
}

/* Reads on until frame t is there or the clip has ended. */
static int read_to(struct sv_feed *f, size_t t, struct sv_err *e) {
    struct sv_feed_own *o = f->own;
    if (o->ring.end <= t && !o->ended) crop(f);
    while (o->ring.end <= t && !o->ended) {
        const int rc = sv_video_next(&f->video, sv_ring_room(&o->ring), e);
        if (rc < 0) return rc;
        if (rc) sv_ring_push(&o->ring);
        else o->ended = true;
        f->frames = o->ring.end;
    }
    return 0;
}

/* Collects the crops of the objects from `at` on until the batch is full or there is none left. */
static int collect(struct sv_feed *f, struct sv_err *e) {
    struct sv_feed_own *o = f->own;
    while (o->at < o->n && o->slots < o->c->batch) {
        const struct sv_object *b = &o->object[o->at];
        int rc = read_to(f, b->frame + sv_tube_reach(&o->tube), e);
        if (rc) return rc;
        if (b->frame >= f->frames)
            return sv_fail(e, SV_EINPUT, "clip %s: a box in frame %zu, but it has %zu frames (the first is 0)", o->clip,
                           b->frame, f->frames);
        const size_t frame = sv_tube_frame(&o->tube, b->frame, o->i, f->frames);
        if (!o->i || frame != sv_tube_frame(&o->tube, b->frame, o->i - 1, f->frames)) {
            struct slot *s = &o->slot[o->slots++];
            s->frame = sv_ring_at(&o->ring, frame);
            s->out = o->feats + ((o->at - o->first) * o->tube.n + o->i) * embed(o);
            sv_tube_box(b->box, f->video.w, f->video.h, s->box);
        }
        if (++o->i == o->tube.n) o->i = 0, o->at++;
    }
    return 0;
}

/* Crops that share a frame with the one before them share its features. */
static void copy_repeats(const struct sv_feed *f, size_t object) {
    const struct sv_feed_own *o = f->own;
    const size_t width = embed(o), t = o->object[object].frame;
    float *row = o->feats + (object - o->first) * o->tube.n * width;
    for (size_t i = 1; i < o->tube.n; i++)
        if (sv_tube_frame(&o->tube, t, i, f->frames) == sv_tube_frame(&o->tube, t, i - 1, f->frames))
            memcpy(row + i * width, row + (i - 1) * width, width * sizeof *row);
}

/* All n crops; the bits are the same in pieces. */
static int encode_crops(const struct sv_crops *c, size_t n) {
    const struct sv_clip_config *g = sv_clip_config(c->clip);
    const size_t image = 3 * g->image_size * g->image_size, piece = c->stop ? c->piece : n;
    for (size_t i = 0; i < n; i += piece) {
        if (c->stop && c->stop()) return SV_STOPPED;
        sv_clip_image(c->clip, c->pixels + i * image, sv_min(piece, n - i), c->out + i * g->embed);
    }
    return 0;
}

static int encode(struct sv_feed *f, struct sv_err *e) {
    struct sv_feed_own *o = f->own;
    const size_t width = embed(o), pending = o->first + o->ready;
    crop(f);
    int rc = encode_crops(o->c, o->slots);
    if (!rc) rc = sv_check_finite(o->c->out, o->slots * width, o->clip, e);
    if (rc) return rc;
    for (size_t k = 0; k < o->slots; k++) memcpy(o->slot[k].out, o->c->out + k * width, width * sizeof(float));
    o->slots = o->cropped = 0;
    for (size_t k = pending; k < o->at; k++) copy_repeats(f, k);
    o->ready = o->at - o->first;
    return 0;
}

int sv_feed_next(struct sv_feed *f, const float **feats, struct sv_err *e) {
    struct sv_feed_own *o = f->own;
    const size_t tube = o->tube.n * embed(o);
    if (o->given == o->ready) {
        /* The object whose crops the last batch cut in two moves to the front. */
        memmove(o->feats, o->feats + o->ready * tube, tube * sizeof *o->feats);
        o->first += o->ready, o->ready = o->given = 0;
        while (!o->ready && o->first < o->n) {
            int rc = collect(f, e);
            if (!rc) rc = encode(f, e);
            if (rc) return rc;
        }
        if (!o->ready) {
            const int rc = read_to(f, SIZE_MAX, e);
            return rc;
        }
    }
    *feats = o->feats + o->given++ * tube;
    return 1;
}

int sv_narrow(void *out, enum sv_dtype t, const float *x, size_t n, struct sv_err *e) {
    uint16_t *half = out;
    if (t == SV_F32) memcpy(out, x, n * sizeof *x);
    else for (size_t i = 0; i < n; i++) {
        half[i] = t == SV_F16 ? sv_f32_f16(x[i]) : sv_f32_bf16(x[i]);
        if (t == SV_F16 && fabsf(x[i]) >= 65520)
            return sv_fail(e, SV_ECHECK, "a feature of %g does not fit f16; use --dtype f32 or bf16", (double)x[i]);
    }
    return 0;
}
