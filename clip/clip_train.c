#include "clip/clip_train.h"

#include "clip/clip_int.h"

struct sv_clip_train {
    struct sv_clip image, text;
    const struct sv_flat *flat;
    struct sv_arena weights;            /* where they are packed, again and again */
};

static int load(struct sv_clip_train *t, struct sv_arena *a, struct sv_err *e) {
    struct sv_load l = { .store = &t->flat->store, .cpu = t->image.cpu, .arena = a, .err = e, .back = true, .flat = t->flat };
    sv_vision_load(&t->image, &l);
    sv_text_load(&t->text, &l);
    return l.rc;
}

/* Room for one tower's passes: up to len rows a sequence, floats of scratch beside those of the trip. */
static void room(struct sv_clip *m, struct sv_arena *a, const struct sv_stack *s, size_t len, size_t floats) {
    const size_t w = s->width;
    m->trip.seqs = (struct sv_seqs){ .batch = m->batch, .len = len, .causal = s->causal };
    m->x = SV_TAKE(a, float, m->batch * len * w), m->dx = SV_TAKE(a, float, m->batch * len * w);
    m->rows = SV_TAKE(a, float, m->batch * w), m->drows = SV_TAKE(a, float, m->batch * w);
    floats = sv_max(floats, sv_linear_floats(m->cpu, m->batch, m->cfg.embed, w));
    m->scratch = SV_TAKE(a, float, sv_max(floats, sv_trip_floats(m->cpu, s, &m->trip)));
    m->trip.kept = SV_TAKE(a, float, sv_trip_kept(s, &m->trip));
}

static struct sv_clip_train *carve(struct sv_clip_train *t, struct sv_arena *a, int *rc, struct sv_err *e) {
    struct sv_clip_train *place = SV_TAKE(a, struct sv_clip_train, 1);
    const struct sv_clip_config *g = &t->image.cfg;
    const size_t len = sv_vision_len(g), batch = t->image.batch, in = 3 * g->patch * g->patch, w = g->visual.width;
    t->weights = *a;
    if ((*rc = load(t, a, e))) return NULL;
    room(&t->image, a, &g->visual, len, sv_max(sv_vision_floats(&t->image), sv_linear_floats(t->image.cpu, batch * (len - 1), w, in)));
    t->image.cut = SV_TAKE(a, float, batch * (len - 1) * in);
    t->image.pre = SV_TAKE(a, float, batch * len * w);
    room(&t->text, a, &g->text, g->context, sv_text_floats(&t->text));
    sv_text_rows(&t->text, a);
    if (place) *place = *t;
    return place;
}

struct sv_clip_train *sv_clip_train_open(const struct sv_clip_config *g, const struct sv_flat *f, const struct sv_cpu *c, size_t max_batch,
                                         struct sv_err *e) {
    struct sv_clip_train t = { .flat = f };
    t.image = t.text = (struct sv_clip){ .cfg = *g, .cpu = c, .batch = max_batch ? max_batch : 1 };
    struct sv_arena a = {0};
    int rc;
    carve(&t, &a, &rc, e);
    void *mem = rc ? NULL : sv_alloc(a.used, 1, e);
    if (!mem) return NULL;
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    return carve(&t, &a, &rc, e);
}

void sv_clip_train_free(struct sv_clip_train *t) { sv_free(t); }

void sv_clip_train_reload(struct sv_clip_train *t) {
    struct sv_arena a = t->weights;
    load(t, &a, NULL);                  /* the same tensors as when it was opened */
}

void sv_clip_train_image(struct sv_clip_train *t, const float *pixels, size_t batch, float *out) { sv_vision_pass(&t->image, pixels, batch, out); }
void sv_clip_train_text(struct sv_clip_train *t, const int32_t *ids, size_t batch, float *out) { sv_text_pass(&t->text, ids, batch, out); }
void sv_clip_train_image_back(struct sv_clip_train *t, const float *dout) { sv_vision_back(&t->image, dout); }
void sv_clip_train_text_back(struct sv_clip_train *t, const float *dout) { sv_text_back(&t->text, dout); }
