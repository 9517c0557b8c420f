#include "clip/round.h"

#include "clip/clip_int.h"
#include "nn/round.h"
#include <string.h>

/* What one matrix needs, for all pictures at once; kept: of one layer. */
struct room { float *kept, *rows, *moment, *weights, *errors, *scratch; };

static struct room lay_out(struct sv_arena *a, const struct sv_clip *m, const struct sv_stack *one, size_t pictures) {
    const struct sv_trip t = { .seqs = { .batch = pictures, .len = sv_vision_len(&m->cfg) } };
    const size_t rows = sv_seqs_rows(&t.seqs), w = one->width, in = 3 * m->cfg.patch * m->cfg.patch, most = sv_max(w, sv_max(one->mlp, in));
    const size_t widest = w * sv_max(sv_max(3 * w, most), m->cfg.embed);
    struct room r;
    r.kept = SV_TAKE(a, float, sv_trip_kept(one, &t)), r.rows = SV_TAKE(a, float, rows * most), r.moment = SV_TAKE(a, float, most * most);
    r.weights = SV_TAKE(a, float, widest), r.errors = SV_TAKE(a, float, widest), r.scratch = SV_TAKE(a, float, sv_moment_floats(m->cpu, rows, most));
    return r;
}

/* One matrix: its moment from the rows it was given, then its bytes. */
static int round_matrix(struct sv_store *out, const struct sv_store *s, const struct sv_cpu *c, const char *name, const struct room *r, size_t rows,
                        size_t n, size_t k, struct sv_err *e) {
    const struct sv_prefix factor = sv_prefix("%s.scale", name);
    const struct sv_view *v;
    int rc = sv_store_expect(s, name, SV_FLOATS, 2, (size_t[]){ n, k }, &v, e);
    int8_t *q = rc ? NULL : sv_store_alloc(out, n * k, 1, e);
    float *scale = q ? sv_store_alloc(out, n, sizeof *scale, e) : NULL;
    if (!scale) return rc ? rc : SV_ENOMEM;
    sv_view_f32(v, 0, n * k, r->weights);
    memset(r->moment, 0, k * k * sizeof *r->moment);
    sv_moment_add(c, r->moment, r->rows, rows, k, r->scratch);
    sv_moment_factor(c, r->moment, k);
    sv_round_rows(c, q, scale, r->weights, n, k, r->moment, r->errors);
    rc = sv_store_add(out, name, SV_I8, 2, (size_t[]){ n, k }, q, n * k, e);
    return rc ? rc : sv_store_add(out, factor.text, SV_F32, 1, &n, scale, n * sizeof *scale, e);
}

static int round_layer(struct sv_store *out, const struct sv_store *s, const struct sv_clip *m, const struct sv_stack *one, const struct sv_trip *t,
                       size_t layer, const struct room *r, struct sv_err *e) {
    static const char *const part[] = { "qkv", "out", "fc1", "fc2" };
    const size_t w = one->width, n[] = { 3 * w, w, one->mlp, w }, k[] = { w, w, w, one->mlp };
    int rc = 0;
    for (int p = 0; !rc && p < SV_PARTS; p++) {
        sv_trip_input(m->cpu, one, &m->visual.block[layer], t, 0, (enum sv_part)p, r->rows);
        rc = round_matrix(out, s, m->cpu, sv_prefix("clip.visual.block.%zu.%s.weight", layer, part[p]).text, r, sv_seqs_rows(&t->seqs), n[p], k[p], e);
    }
    return rc;
}

int sv_clip_round(struct sv_store *out, const struct sv_store *s, const struct sv_cpu *c, const float *pixels, size_t n,
                  void (*tick)(void *arg, size_t layer), void *arg, struct sv_err *e) {
    struct sv_clip *m = sv_clip_open(s, c, SV_CLIP_IMAGE, n, e);
    if (!m) return e->code;
    struct sv_stack one = m->cfg.visual;
    const size_t layers = one.layers;
    struct sv_arena a = { 0 };
    one.layers = 1;
    lay_out(&a, m, &one, n);
    void *mem = sv_alloc(a.used, 1, e);
    if (!mem) {
        sv_clip_free(m);
        return SV_ENOMEM;
    }
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    const struct room r = lay_out(&a, m, &one, n);
    const size_t w = one.width, len = sv_vision_len(&m->cfg), in = 3 * m->cfg.patch * m->cfg.patch;
    m->cut = r.rows;
    sv_vision_begin(m, pixels, n);
    const struct sv_trip t = { .seqs = m->trip.seqs, .kept = r.kept };
    int rc = round_matrix(out, s, c, "clip.visual.patch.weight", &r, n * (len - 1), w, in, e);
    for (size_t i = 0; !rc && i < layers; i++) {
        if (tick) tick(arg, i);
        sv_stack_there(c, &one, &m->visual.block[i], m->x, &t, m->scratch);
        rc = round_layer(out, s, m, &one, &t, i, &r, e);
    }
    sv_norm_rows(c, r.rows, m->x, len * w, n, w, &m->visual.ln_post);
    if (!rc) rc = round_matrix(out, s, c, "clip.visual.proj", &r, n, m->cfg.embed, w, e);
    sv_free(mem);
    sv_clip_free(m);
    return rc;
}
