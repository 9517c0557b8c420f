/* street_shot.c - tiny worlds, filmed: the crops of a tube's frames with captions and classes. */
#include "tools/street.h"

#include "core/rng.h"
#include "tfc/tube.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_W = 240, MOST_H = 160, MIDDLE = SV_STREET_FRAMES / 2, SEEN = 12, WARM = 40, LEAST = 16 };

/* One frame that was drawn. */
struct frame {
    bool drawn;
    uint8_t *rgb;                       /* [h, w, 3] */
    struct sv_world_object object[SEEN]; size_t n;
    char caption[SEEN][SV_STREET_TEXT];
};

/* One thread's. */
struct shot {
    struct sv_crop crop;
    float pixels[SV_STREET_PIXELS];
    struct frame frame[SV_STREET_FRAMES];
    struct sv_world_box box[SEEN]; size_t boxes;
    bool gray;
    struct sv_err err;
    int rc;
};

struct job {
    const struct sv_street_film *film;
    struct sv_street_roll *roll;
    const struct sv_street_deed *deed; size_t deeds;
    size_t *count, slots;               /* [worlds] samples of a world; room for each */
    struct shot *shot;
};

static int open_shot(struct shot *s, struct sv_err *e) {
    static const float zero[3], byte[3] = { 1 / 255.0f, 1 / 255.0f, 1 / 255.0f };    /* a crop's values are then its bytes */
    int rc = sv_crop_init(&s->crop, SV_STREET_SIDE, MOST_W, MOST_H, zero, byte, e);
    for (size_t i = 0; !rc && i < SV_STREET_FRAMES; i++)
        if (!(s->frame[i].rgb = sv_alloc(MOST_W * MOST_H, 3, e))) rc = SV_ENOMEM;
    return rc;
}

static void close_shot(struct shot *s) {
    sv_crop_free(&s->crop);
    for (size_t i = 0; i < SV_STREET_FRAMES; i++) sv_free(s->frame[i].rgb);
}

/* Everything about a world follows from its number. */
static struct sv_world_config config_of(const struct sv_street_film *f, uint64_t number, uint64_t *r) {
    *r = f->seed * 0x9e3779b97f4a7c15u ^ ((uint64_t)f->stream << 56) ^ number * 0xd1342543de82ef95u;
    struct sv_world_config g = { .seed = sv_rng(r) };
    if (f->stream == SV_STREET_SCENES) {
        const char *const *name;
        const size_t n = sv_world_scenes(&name);
        g.scene = name[number % n], g.w = MOST_W, g.h = MOST_H, g.fps = 10;
        return g;
    }
    g.w = 96 + 8 * sv_rng_below(r, 9), g.h = 80 + 8 * sv_rng_below(r, 7);
    g.fps = 8 + 4.5 * sv_rng_unit(r);
    g.crowd = 1 + 2 * sv_rng_unit(r);
    g.height = 28 + 36 * sv_rng_unit(r);
    return g;
}

/* A caption is the world's own, or the deed; it may go on with where in the crop. */
static void say(const struct sv_world *w, const struct sv_world_object *o, uint64_t *r, char text[SV_STREET_TEXT]) {
    const struct sv_street_deed d = sv_street_deed_of(o);
    memset(text, 0, SV_STREET_TEXT);
    if (sv_rng_below(r, 3)) sv_world_caption(w, o, r, text);
    else sv_street_deed_text(&d, text);
}

static int film_world(struct shot *s, const struct sv_street_film *f, uint64_t number, uint64_t *r, size_t size[2], struct sv_err *e) {
    static const float even[SV_ACTIONS] = {
#define X(name, phrase, from, to, prop) (to) > 2.2 ? 2.5f : 1,     /* who is fast is soon gone */
        SV_ACTION_LIST(X)
#undef X
    };
    struct sv_world_config g = config_of(f, number, r);
    g.weight = even;
    struct sv_world *w = sv_world_open(&g, e);
    if (!w) return e && e->code ? e->code : SV_ENOMEM;
    size[0] = g.w, size[1] = g.h, s->gray = sv_world_gray(w);
    for (size_t i = sv_rng_below(r, WARM); i; i--) sv_world_next(w, NULL);
    for (size_t i = 0, left = f->frames - 1; i < SV_STREET_FRAMES; i++) {
        struct frame *p = &s->frame[i];
        const size_t rest = SV_STREET_FRAMES - i - (i <= MIDDLE);       /* places that others may still take, this one with them */
        p->drawn = i == MIDDLE || (left && sv_rng_below(r, rest) < left);
        left -= p->drawn && i != MIDDLE;
        sv_world_next(w, p->drawn ? p->rgb : NULL);
        p->n = p->drawn ? sv_min(sv_world_objects(w, p->object, SEEN), SEEN) : 0;     /* it counts those beyond too */
        for (size_t k = 0; k < p->n; k++) say(w, &p->object[k], r, p->caption[k]);
        if (i == MIDDLE) s->boxes = sv_world_detect(w, r, s->box, SEEN);
    }
    sv_world_free(w);
    return 0;
}

static const struct sv_world_object *find(const struct frame *f, uint64_t track, size_t *at) {
    for (*at = 0; *at < f->n; (*at)++)
        if (f->object[*at].track == track) return &f->object[*at];
    return NULL;
}

/* Where an object's middle lies in the square that is cropped around a box, 0 .. 1. */
static void place_in(const struct sv_world_object *o, const size_t box[4], double out[2]) {
    const double side = ceil(1.25 * (double)sv_max(box[2] - box[0], box[3] - box[1]));
    for (size_t k = 0; k < 2; k++) {
        const double size = (double)(box[k + 2] - box[k]);
        out[k] = ((o->box[k] + o->box[k + 2]) / 2 - ((double)box[k] - ceil((side - size) / 2))) / side;
    }
}

/* The deviation of a crop's pixels: where it is too small a person would see nothing either. */
static bool plain(const float *pixels) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < SV_STREET_PIXELS; i++) sum += (double)pixels[i], square += (double)pixels[i] * (double)pixels[i];
    const double mean = sum / SV_STREET_PIXELS;
    return square / SV_STREET_PIXELS - mean * mean < LEAST * LEAST;
}

static uint16_t number_of(const struct job *j, const struct sv_street_deed *d) {
    size_t i = 0;
    while (i + 1 < j->deeds && memcmp(&j->deed[i], d, sizeof *d)) i++;
    return (uint16_t)i;
}

/* The samples of one box: its square in every frame that was drawn. */
static size_t take_box(const struct job *j, struct shot *s, const struct sv_world_box *b, const size_t size[2], uint64_t *r, struct sv_street_sample *out) {
    size_t box[4], at, n = 0;
    const struct sv_world_object *middle = find(&s->frame[MIDDLE], b->track, &at);
    if (!middle || middle->seen < 0.3 || !sv_tube_box(b->box, size[0], size[1], box) || box[2] - box[0] < 4 || box[3] - box[1] < 6) return 0;
    sv_crop_pixels(&s->crop, s->frame[MIDDLE].rgb, size[0], size[1], box, SV_CROP_SQUARE, s->pixels);
    if (plain(s->pixels)) return 0;
    const struct sv_street_deed d = sv_street_deed_of(middle);
    for (size_t i = 0; i < SV_STREET_FRAMES; i++) {
        struct frame *f = &s->frame[i];
        if (!f->drawn) continue;
        struct sv_street_sample *x = &out[n];
        const struct sv_world_object *o = find(f, b->track, &at);
        double where[2] = { -1, -1 };
        if (o) place_in(o, box, where);
        sv_street_classes_of(o ? o : middle, where, s->gray, x->class);
        x->deed = number_of(j, &d), x->turn = (uint32_t)n++;
        memset(x->caption, 0, SV_STREET_TEXT);
        if (!o || o->seen < 0.15 || where[0] < 0.02 || where[0] > 0.98 || where[1] < 0.02 || where[1] > 0.98) x->class[SV_STREET_PLACE] = SV_STREET_NONE;
        else if (sv_rng_below(r, 3)) memcpy(x->caption, f->caption[at], SV_STREET_TEXT);
        else snprintf(x->caption, SV_STREET_TEXT, "%.110s, %s", f->caption[at], sv_street_phrase(SV_STREET_PLACE, x->class[SV_STREET_PLACE]));
        sv_crop_pixels(&s->crop, f->rgb, size[0], size[1], box, SV_CROP_SQUARE, s->pixels);
        for (size_t k = 0; k < SV_STREET_PIXELS; k++) x->pixels[k] = (uint8_t)(s->pixels[k] + 0.5f);
    }
    return n;
}

static void some_worlds(void *arg, size_t begin, size_t end, size_t thread) {
    struct job *j = arg;
    struct shot *s = &j->shot[thread];
    for (size_t i = begin; !s->rc && i < end; i++) {
        struct sv_street_sample *out = j->roll->sample + i * j->slots;
        uint64_t r;
        size_t size[2], n = 0;
        if ((s->rc = film_world(s, j->film, j->film->first + i, &r, size, &s->err))) return;
        for (size_t k = 0, taken = 0; k < s->boxes && taken < SV_STREET_OBJECTS; k++) {
            const size_t more = take_box(j, s, &s->box[k], size, &r, out + n);
            taken += more > 0, n += more;
        }
        for (size_t k = 0; k < n; k++) out[k].world = (uint32_t)(j->film->first + i);
        j->count[i] = n;
    }
}

/* Samples close up, worlds in their order. */
static void gather(struct job *j) {
    struct sv_street_roll *r = j->roll;
    r->n = 0;
    for (size_t i = 0; i < j->film->worlds; r->n += j->count[i++])
        memmove(r->sample + r->n, r->sample + i * j->slots, j->count[i] * sizeof *r->sample);
}

static int film(struct job *j, const struct sv_cpu *c, struct sv_err *e) {
    const size_t threads = sv_pool_threads(c->pool), worlds = j->film->worlds;
    int rc = 0;
    if (j->roll->cap < worlds * j->slots) {
        sv_street_roll_free(j->roll);
        if (!(j->roll->sample = sv_alloc(worlds * j->slots, sizeof *j->roll->sample, e))) return SV_ENOMEM;
        j->roll->cap = worlds * j->slots;
    }
    if (!(j->count = sv_alloc(worlds, sizeof *j->count, e)) || !(j->shot = sv_alloc(threads, sizeof *j->shot, e))) return SV_ENOMEM;
    for (size_t t = 0; !rc && t < threads; t++) rc = open_shot(&j->shot[t], e);
    if (!rc) sv_pool_for(c->pool, worlds, some_worlds, j);
    for (size_t t = 0; t < threads; t++) {
        if (!rc && j->shot[t].rc) rc = sv_fail(e, j->shot[t].rc, "%s", j->shot[t].err.msg);
        close_shot(&j->shot[t]);
    }
    if (!rc) gather(j);
    return rc;
}

int sv_street_film(struct sv_street_roll *r, const struct sv_cpu *c, const struct sv_street_film *f, struct sv_err *e) {
    struct job j = { .film = f, .roll = r, .slots = SV_STREET_OBJECTS * f->frames, .deeds = sv_street_deeds(NULL, 0) };
    struct sv_street_deed *deed = sv_alloc(j.deeds, sizeof *deed, e);
    if (!deed) return SV_ENOMEM;
    sv_street_deeds(deed, j.deeds);
    j.deed = deed;
    const int rc = film(&j, c, e);
    sv_free(deed), sv_free(j.count), sv_free(j.shot);
    return rc;
}

void sv_street_roll_free(struct sv_street_roll *r) {
    sv_free(r->sample);
    *r = (struct sv_street_roll){0};
}

void sv_street_pixels(const float table[3][256], const struct sv_street_sample *s, float *out) {
    const size_t plane = SV_STREET_SIDE * SV_STREET_SIDE;
    for (size_t i = 0; i < 3 * plane; i++) out[i] = table[i / plane][s->pixels[i]];
}
