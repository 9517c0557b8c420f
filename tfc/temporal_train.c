#include "tfc/temporal_train.h"

#include "tfc/temporal_int.h"
#include <string.h>

struct sv_tfc_train {
    struct sv_tfc tfc;
    const struct sv_flat *flat;
    struct sv_arena weights;            /* where they are packed, again and again */
    float *dposition;                   /* [n, E], in the gradient */
    float *dx;                          /* [batch, n, E] */
    float *drow;                        /* [batch, E] */
    size_t n;                           /* tubes of the last forward */
};

static void load(struct sv_tfc_train *t, struct sv_arena *a, struct sv_err *e, int *rc) {
    const struct sv_prefix p = sv_prefix("tfc.");
    struct sv_load l = { .store = &t->flat->store, .cpu = t->tfc.cpu, .arena = a, .err = e, .back = true, .flat = t->flat };
    sv_tfc_load(&t->tfc, &l);
    t->dposition = sv_load_grad(&l, &p, "position");
    *rc = l.rc;
}

static struct sv_tfc_train *carve(struct sv_tfc_train *t, struct sv_arena *a, struct sv_err *e, int *rc) {
    struct sv_tfc_train *place = SV_TAKE(a, struct sv_tfc_train, 1);
    const struct sv_tfc_config *g = &t->tfc.cfg;
    const size_t rows = t->tfc.batch * g->frames, w = g->stack.width;
    t->weights = *a;
    load(t, a, e, rc);
    if (*rc) return NULL;
    t->tfc.trip.seqs = (struct sv_seqs){ .batch = t->tfc.batch, .len = g->frames };
    if (g->norm_then_blend) t->tfc.unit = SV_TAKE(a, float, rows * w), t->tfc.mean = SV_TAKE(a, float, t->tfc.batch * w);
    t->tfc.blend = SV_TAKE(a, float, t->tfc.batch * w);
    t->drow = SV_TAKE(a, float, t->tfc.batch * w);
    if (g->stack.layers) {
        t->tfc.x = SV_TAKE(a, float, rows * w);
        t->dx = SV_TAKE(a, float, rows * w);
        if (g->frame_norm) t->tfc.frames = SV_TAKE(a, float, rows * w);
        t->tfc.scratch = SV_TAKE(a, float, sv_trip_floats(t->tfc.cpu, &g->stack, &t->tfc.trip));
        t->tfc.trip.kept = SV_TAKE(a, float, sv_trip_kept(&g->stack, &t->tfc.trip));
    }
    if (place) *place = *t;
    return place;
}

struct sv_tfc_train *sv_tfc_train_open(const struct sv_tfc_config *g, const struct sv_flat *f, const struct sv_cpu *c, size_t max_batch,
                                       struct sv_err *e) {
    struct sv_tfc_train t = { .tfc = { .cfg = *g, .cpu = c, .batch = max_batch ? max_batch : 1 }, .flat = f };
    struct sv_arena a = {0};
    int rc;
    carve(&t, &a, e, &rc);
    void *mem = rc ? NULL : sv_alloc(a.used, 1, e);
    if (!mem) return NULL;
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    return carve(&t, &a, e, &rc);
}

void sv_tfc_train_free(struct sv_tfc_train *t) { sv_free(t); }

void sv_tfc_train_reload(struct sv_tfc_train *t) {
    struct sv_arena a = t->weights;
    int rc;                             /* the same tensors as when it was opened */
    load(t, &a, NULL, &rc);
}

void sv_tfc_train_forward(struct sv_tfc_train *t, const float *feats, size_t batch, float *video) {
    t->n = batch;
    sv_tfc_pass(&t->tfc, feats, batch, video);
}

/* The formulas of sv_tfc_pass, from the last to the first.  Frames are not trained, so nothing goes back to them. */
void sv_tfc_train_back(struct sv_tfc_train *t, const float *dvideo) {
    const struct sv_tfc_config *g = &t->tfc.cfg;
    const struct sv_cpu *c = t->tfc.cpu;
    const size_t n = g->frames, w = g->stack.width, tube = n * w;
    const float share = g->alpha / (float)n;
    if (!g->stack.layers) return;
    sv_unit_back(c, t->drow, dvideo, t->tfc.blend, t->n, w);
    if (g->norm_then_blend) sv_unit_back(c, t->drow, t->drow, t->tfc.mean, t->n, w);
    for (size_t b = 0; b < t->n; b++)
        for (size_t f = 0; f < n; f++)
            for (size_t i = 0; i < w; i++) t->dx[b * tube + f * w + i] = share * t->drow[b * w + i];
    if (g->frame_norm) sv_unit_back(c, t->dx, t->dx, t->tfc.x, t->n * n, w);
    sv_stack_back(c, &g->stack, t->tfc.block, t->dx, &t->tfc.trip, t->tfc.scratch);
    sv_column_sums(c, t->dposition, t->dx, tube, t->n, tube);
}
