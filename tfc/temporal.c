#include "tfc/temporal_int.h"

#include "nn/random.h"
#include <string.h>

bool sv_tfc_backbone(struct sv_tfc_config *g, const char *name, size_t width, size_t frames) {
    static const struct { const char *name; size_t layers; float eps; bool residual, frame_norm; } row[] = {
        { "prompt-vlm", 2, 1e-5f, false, false }, { "actionclip", 6, 1e-12f, true, false },
        { "clip4clip", 4, 1e-12f, true, true },   { "mean", 0, 0, false, false },
    };
    for (size_t i = 0; i < SV_LEN(row); i++) {
        if (strcmp(name, row[i].name)) continue;
        *g = (struct sv_tfc_config){
            .backbone = row[i].name, .frames = frames, .residual = row[i].residual, .frame_norm = row[i].frame_norm,
            .stack = { width, row[i].layers, sv_max(1, width / 64), 4 * width, SV_ACT_QUICK, row[i].eps, false },
            .norm_then_blend = row[i].frame_norm, .alpha = 0.7f, .beta = 0.3f,
        };
        return true;
    }
    return false;
}

int sv_tfc_config_read(struct sv_tfc_config *g, const struct sv_store *s, size_t width, size_t frames, struct sv_err *e) {
    if (!sv_store_value(s, "tfc.backbone")) {
        sv_tfc_backbone(g, "mean", width, frames);
        return 0;
    }
    const char *name;
    int64_t n, layers, heads, blend;
    double alpha, beta;
    int rc;
    if ((rc = sv_store_get_text(s, "tfc.backbone", &name, e)) || (rc = sv_store_get_int(s, "tfc.frames", 1, 255, &n, e)) ||
        (rc = sv_store_get_int(s, "tfc.layers", 0, 64, &layers, e)) || (rc = sv_store_get_int(s, "tfc.heads", 1, 4096, &heads, e)) ||
        (rc = sv_store_get_int(s, "tfc.norm_then_blend", 0, 1, &blend, e)) ||
        (rc = sv_store_get_real(s, "tfc.alpha", -1e6, 1e6, &alpha, e)) || (rc = sv_store_get_real(s, "tfc.beta", -1e6, 1e6, &beta, e))) return rc;
    if (!sv_tfc_backbone(g, name, width, (size_t)n))
        return sv_fail(e, SV_EINPUT, "%s: tfc.backbone is \"%s\", expected prompt-vlm, actionclip, clip4clip or mean", s->file, name);
    if (n % 2 == 0) return sv_fail(e, SV_EINPUT, "%s: tfc.frames is %lld, expected an odd number", s->file, (long long)n);
    if (!g->stack.layers != !layers || width % (size_t)heads)
        return sv_fail(e, SV_EINPUT, "%s: tfc.layers %lld and tfc.heads %lld do not fit backbone %s of width %zu", s->file,
                       (long long)layers, (long long)heads, name, width);
    g->stack.layers = (size_t)layers, g->stack.heads = (size_t)heads;
    g->norm_then_blend = blend || g->frame_norm;
    g->alpha = (float)alpha, g->beta = (float)beta;
    return 0;
}

int sv_tfc_config_write(const struct sv_tfc_config *g, struct sv_store *s, struct sv_err *e) {
    int rc;
    if ((rc = sv_store_set_text(s, "tfc.backbone", g->backbone, e)) || (rc = sv_store_set_int(s, "tfc.frames", (int64_t)g->frames, e)) ||
        (rc = sv_store_set_int(s, "tfc.layers", (int64_t)g->stack.layers, e)) || (rc = sv_store_set_int(s, "tfc.heads", (int64_t)g->stack.heads, e)) ||
        (rc = sv_store_set_int(s, "tfc.norm_then_blend", g->norm_then_blend, e)) || (rc = sv_store_set_real(s, "tfc.alpha", (double)g->alpha, e)) ||
        (rc = sv_store_set_real(s, "tfc.beta", (double)g->beta, e))) return rc;
    return 0;
}

int sv_tfc_random(struct sv_store *s, const struct sv_tfc_config *g, uint64_t seed, struct sv_err *e) {
    struct sv_fill f = { s, seed, sv_tfc_config_write(g, s, e), e };
    const struct sv_prefix p = sv_prefix("tfc.");
    if (g->stack.layers) sv_fill_tensor(&f, &p, "position", g->frames, g->stack.width, 0, 0.01);
    sv_fill_blocks(&f, p.text, &g->stack);
    return f.rc;
}

void sv_tfc_load(struct sv_tfc *t, struct sv_load *l) {
    const struct sv_tfc_config *g = &t->cfg;
    const struct sv_prefix p = sv_prefix("tfc.");
    if (!g->stack.layers) return;
    t->position = sv_load_f32(l, &p, "position", g->frames, g->stack.width);
    t->block = SV_TAKE(l->arena, struct sv_block, g->stack.layers);
    for (size_t i = 0; i < g->stack.layers; i++) {
        const struct sv_block b = sv_block_load(l, p.text, i, &g->stack);
        if (t->block) t->block[i] = b;
    }
}

static struct sv_tfc *carve(struct sv_tfc *t, struct sv_load *l) {
    struct sv_tfc *place = SV_TAKE(l->arena, struct sv_tfc, 1);
    const struct sv_tfc_config *g = &t->cfg;
    const size_t floats = t->batch * g->frames * g->stack.width;
    sv_tfc_load(t, l);
    if (g->norm_then_blend) t->unit = SV_TAKE(l->arena, float, floats);
    if (g->stack.layers) {
        t->x = SV_TAKE(l->arena, float, floats);
        t->scratch = SV_TAKE(l->arena, float, sv_stack_floats(t->cpu, &g->stack, t->batch, g->frames));
    }
    if (place) *place = *t;
    return place;
}

struct sv_tfc *sv_tfc_open(const struct sv_tfc_config *g, const struct sv_store *s, const struct sv_cpu *c, size_t max_batch, struct sv_err *e) {
    struct sv_tfc t = { .cfg = *g, .cpu = c, .batch = max_batch ? max_batch : 1 };
    struct sv_arena a = {0};
    struct sv_load l = { .store = s, .cpu = c, .arena = &a, .err = e };
    carve(&t, &l);
    void *mem = l.rc ? NULL : sv_alloc(a.used, 1, e);
    if (!mem) return NULL;
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    return carve(&t, &l);
}

void sv_tfc_free(struct sv_tfc *t) { sv_free(t); }

const struct sv_tfc_config *sv_tfc_config(const struct sv_tfc *t) { return &t->cfg; }

/* One tube's frames to their mean: out [E] from x [n, E]. */
static void mean_row(const struct sv_tfc_config *g, float *out, const float *x) {
    const size_t n = g->frames, w = g->stack.width;
    for (size_t i = 0; i < w; i++) {
        double sum = 0;
        for (size_t f = 0; f < n; f++) sum += x[f * w + i];
        out[i] = (float)(sum / (double)n);
    }
}

/* What stands in for the frames after the stack: x [batch, n, E], or the frames themselves where there is no stack. */
static const float *frames(struct sv_tfc *t, const float *feats, size_t batch) {
    const struct sv_tfc_config *g = &t->cfg;
    const size_t n = g->frames, w = g->stack.width, tube = n * w;
    if (!g->stack.layers) return feats;
    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < tube; i++) t->x[b * tube + i] = feats[b * tube + i] + t->position[i];
    t->trip.seqs = (struct sv_seqs){ .batch = batch, .len = n };
    sv_stack_there(t->cpu, &g->stack, t->block, t->x, &t->trip, t->scratch);
    if (g->residual)
        for (size_t i = 0; i < batch * tube; i++) t->x[i] += feats[i];
    if (!g->frame_norm) return t->x;
    float *unit = t->frames ? t->frames : t->x;
    sv_unit_rows(unit, t->x, batch * n, w);
    return unit;
}

void sv_tfc_pass(struct sv_tfc *t, const float *feats, size_t batch, float *out) {
    const struct sv_tfc_config *g = &t->cfg;
    const size_t n = g->frames, w = g->stack.width, tube = n * w;
    if (g->norm_then_blend) {
        sv_unit_rows(t->unit, feats, batch * n, w);
        feats = t->unit;
    }
    const float *x = frames(t, feats, batch);
    for (size_t b = 0; b < batch; b++, out += w) {
        const float *middle = feats + b * tube + n / 2 * w;
        float *mean = t->mean ? t->mean + b * w : out;
        mean_row(g, mean, x + b * tube);
        if (g->norm_then_blend) sv_unit_rows(out, mean, 1, w);
        for (size_t i = 0; i < w; i++) out[i] = g->alpha * out[i] + g->beta * middle[i];
        if (t->blend) memcpy(t->blend + b * w, out, w * sizeof *out);
        sv_unit_rows(out, out, 1, w);
    }
}

void sv_tfc_video(struct sv_tfc *t, const float *feats, size_t batch, float *out) {
    const size_t w = t->cfg.stack.width;
    for (size_t at = 0; at < batch; at += t->batch)
        sv_tfc_pass(t, feats + at * t->cfg.frames * w, sv_min(t->batch, batch - at), out + at * w);
}
