/* model.c - configuration, and the one carve function that measures and places a model. */
#include "clip/clip_int.h"

#include "nn/random.h"
#include <math.h>
#include <string.h>

enum { MAX_WIDTH = 1 << 16, MAX_LAYERS = 1024, MAX_VOCAB = 1 << 24 };

static int get_size(const struct sv_store *s, const char *name, size_t hi, size_t *out, struct sv_err *e) {
    int64_t v;
    const int rc = sv_store_get_int(s, name, 1, (int64_t)hi, &v, e);
    if (!rc) *out = (size_t)v;
    return rc;
}

static int read_stack(struct sv_stack *k, const struct sv_store *s, const char *tower, struct sv_err *e) {
    const struct sv_prefix width = sv_prefix("clip.%s.width", tower), layers = sv_prefix("clip.%s.layers", tower),
                           heads = sv_prefix("clip.%s.heads", tower), mlp = sv_prefix("clip.%s.mlp", tower);
    int rc;
    if ((rc = get_size(s, width.text, MAX_WIDTH, &k->width, e)) || (rc = get_size(s, layers.text, MAX_LAYERS, &k->layers, e)) ||
        (rc = get_size(s, heads.text, MAX_WIDTH, &k->heads, e)) || (rc = get_size(s, mlp.text, MAX_WIDTH, &k->mlp, e))) return rc;
    if (k->width % k->heads)
        return sv_fail(e, SV_EINPUT, "%s: %s %zu is not a multiple of %s %zu", s->file, width.text, k->width, heads.text, k->heads);
    return 0;
}

static int read_choice(const struct sv_store *s, const char *name, const char *no, const char *yes, bool *out, struct sv_err *e) {
    const char *text;
    const int rc = sv_store_get_text(s, name, &text, e);
    if (rc) return rc;
    if (strcmp(text, no) && strcmp(text, yes))
        return sv_fail(e, SV_EINPUT, "%s: %s is \"%s\", expected \"%s\" or \"%s\"", s->file, name, text, no, yes);
    *out = !strcmp(text, yes);
    return 0;
}

int sv_clip_config_read(struct sv_clip_config *g, const struct sv_store *s, struct sv_err *e) {
    memset(g, 0, sizeof *g);
    double mean[3], std[3], eps;
    bool gelu;
    int rc;
    if ((rc = get_size(s, "clip.embed", MAX_WIDTH, &g->embed, e)) || (rc = get_size(s, "clip.image_size", 4096, &g->image_size, e)) ||
        (rc = get_size(s, "clip.patch", 4096, &g->patch, e)) || (rc = get_size(s, "clip.context", 4096, &g->context, e)) ||
        (rc = get_size(s, "clip.vocab", MAX_VOCAB, &g->vocab, e)) || (rc = read_stack(&g->visual, s, "visual", e)) ||
        (rc = read_stack(&g->text, s, "text", e)) || (rc = read_choice(s, "clip.act", "quick", "gelu", &gelu, e)) ||
        (rc = sv_store_get_reals(s, "clip.mean", 3, mean, e)) || (rc = sv_store_get_reals(s, "clip.std", 3, std, e)) ||
        (rc = sv_store_get_real(s, "clip.logit_scale", -100, 100, &g->logit_scale, e)) ||
        (rc = sv_store_get_real(s, "clip.eps", 1e-30, 1, &eps, e)) || (rc = read_choice(s, "clip.resize", "crop", "squash", &g->squash, e)) ||
        (rc = read_choice(s, "clip.tube_crop", "squash", "square", &g->square_crop, e)) ||
        (rc = sv_store_get_real(s, "clip.tube_seconds", 0, 3600, &g->tube_seconds, e))) return rc;
    if (g->image_size % g->patch)
        return sv_fail(e, SV_EINPUT, "%s: clip.image_size %zu is not a multiple of clip.patch %zu", s->file, g->image_size, g->patch);
    for (int i = 0; i < 3; i++) {
        if (!isfinite(mean[i]) || !(std[i] > 0 && std[i] < 1e6))
            return sv_fail(e, SV_EINPUT, "%s: clip.mean or clip.std of channel %d is %g, %g, expected finite and positive", s->file, i, mean[i], std[i]);
        g->mean[i] = (float)mean[i], g->std[i] = (float)std[i];
    }
    g->visual.act = g->text.act = gelu ? SV_ACT_GELU : SV_ACT_QUICK;
    g->visual.eps = g->text.eps = (float)eps;
    g->text.causal = true;
    return 0;
}

static int write_stack(const struct sv_stack *k, struct sv_store *s, const char *tower, struct sv_err *e) {
    const struct { const char *name; size_t v; } row[] = { { "width", k->width }, { "layers", k->layers }, { "heads", k->heads }, { "mlp", k->mlp } };
    int rc = 0;
    for (size_t i = 0; !rc && i < SV_LEN(row); i++)
        rc = sv_store_set_int(s, sv_prefix("clip.%s.%s", tower, row[i].name).text, (int64_t)row[i].v, e);
    return rc;
}

int sv_clip_config_write(const struct sv_clip_config *g, struct sv_store *s, struct sv_err *e) {
    const double mean[3] = { g->mean[0], g->mean[1], g->mean[2] }, std[3] = { g->std[0], g->std[1], g->std[2] };
    int rc;
    if ((rc = sv_store_set_int(s, "clip.embed", (int64_t)g->embed, e)) || (rc = sv_store_set_int(s, "clip.image_size", (int64_t)g->image_size, e)) ||
        (rc = sv_store_set_int(s, "clip.patch", (int64_t)g->patch, e)) || (rc = sv_store_set_int(s, "clip.context", (int64_t)g->context, e)) ||
        (rc = sv_store_set_int(s, "clip.vocab", (int64_t)g->vocab, e)) || (rc = write_stack(&g->visual, s, "visual", e)) ||
        (rc = write_stack(&g->text, s, "text", e)) ||
        (rc = sv_store_set_text(s, "clip.act", g->visual.act == SV_ACT_GELU ? "gelu" : "quick", e)) ||
        (rc = sv_store_set_reals(s, "clip.mean", mean, 3, e)) || (rc = sv_store_set_reals(s, "clip.std", std, 3, e)) ||
        (rc = sv_store_set_real(s, "clip.logit_scale", g->logit_scale, e)) || (rc = sv_store_set_real(s, "clip.eps", g->visual.eps, e)) ||
        (rc = sv_store_set_text(s, "clip.resize", g->squash ? "squash" : "crop", e)) ||
        (rc = sv_store_set_text(s, "clip.tube_crop", g->square_crop ? "square" : "squash", e)) ||
        (rc = sv_store_set_real(s, "clip.tube_seconds", g->tube_seconds, e))) return rc;
    return 0;
}

bool sv_clip_family(struct sv_clip_config *g, const char *name) {
    static const struct { const char *name; size_t embed, image, patch, v[4], t[4]; bool gelu; } family[] = {
        { "tiny",     64,   64, 16, { 128, 3, 2, 512 },      { 128, 3, 2, 512 },      false },
        { "B/32",     512,  224, 32, { 768, 12, 12, 3072 },  { 512, 12, 8, 2048 },    false },
        { "B/16",     512,  224, 16, { 768, 12, 12, 3072 },  { 512, 12, 8, 2048 },    false },
        { "L/14",     768,  224, 14, { 1024, 24, 16, 4096 }, { 768, 12, 12, 3072 },   false },
        { "L/14@336", 768,  336, 14, { 1024, 24, 16, 4096 }, { 768, 12, 12, 3072 },   false },
        { "H/14",     1024, 224, 14, { 1280, 32, 16, 5120 }, { 1024, 24, 16, 4096 },  true },
        { "bigG/14",  1280, 224, 14, { 1664, 48, 16, 8192 }, { 1280, 32, 20, 5120 },  true },
    };
    for (size_t i = 0; i < SV_LEN(family); i++) {
        if (strcmp(name, family[i].name)) continue;
        const size_t *v = family[i].v, *t = family[i].t;
        const enum sv_act act = family[i].gelu ? SV_ACT_GELU : SV_ACT_QUICK;
        *g = (struct sv_clip_config){
            .embed = family[i].embed, .image_size = family[i].image, .patch = family[i].patch, .context = 77, .vocab = i ? 49408 : 664,
            .visual = { v[0], v[1], v[2], v[3], act, 1e-5f, false }, .text = { t[0], t[1], t[2], t[3], act, 1e-5f, true },
            .mean = { 0.48145466f, 0.4578275f, 0.40821073f }, .std = { 0.26862954f, 0.26130258f, 0.27577711f },
            .logit_scale = 4.6051702, /* ln 100 */
        };
        return true;
    }
    return false;
}

static struct sv_clip *carve(struct sv_clip *m, struct sv_load *l) {
    struct sv_clip *place = SV_TAKE(l->arena, struct sv_clip, 1);
    const struct sv_clip_config *g = &m->cfg;
    size_t stream = 0, rows = 0, floats = 0;
    if (m->towers & SV_CLIP_IMAGE) {
        sv_vision_load(m, l);
        stream = sv_vision_len(g) * g->visual.width, rows = g->visual.width, floats = sv_vision_floats(m);
    }
    if (m->towers & SV_CLIP_TEXT) {
        sv_text_load(m, l);
        stream = sv_max(stream, g->context * g->text.width), rows = sv_max(rows, g->text.width);
        floats = sv_max(floats, sv_text_floats(m));
        sv_text_rows(m, l->arena);
    }
    m->x = SV_TAKE(l->arena, float, m->batch * stream);
    m->rows = SV_TAKE(l->arena, float, m->batch * rows);
    m->scratch = SV_TAKE(l->arena, float, floats);
    if (place) *place = *m;
    return place;
}

/* One run of carve on a model that lives on the stack until it is placed. */
static struct sv_clip *run(struct sv_arena *a, const struct sv_store *s, const struct sv_cpu *c, int towers, size_t batch, int *rc, struct sv_err *e) {
    struct sv_clip m = { .cpu = c, .towers = towers, .batch = batch ? batch : 1 };
    if ((*rc = sv_clip_config_read(&m.cfg, s, e))) return NULL;
    struct sv_load l = { .store = s, .cpu = c, .arena = a, .err = e };
    struct sv_clip *place = carve(&m, &l);
    *rc = l.rc;
    return place;
}

size_t sv_clip_size(const struct sv_store *s, const struct sv_cpu *c, int towers, size_t max_batch, struct sv_err *e) {
    struct sv_arena a = {0};
    int rc;
    run(&a, s, c, towers, max_batch, &rc, e);
    return rc ? 0 : a.used;
}

struct sv_clip *sv_clip_init(void *mem, size_t size, const struct sv_store *s, const struct sv_cpu *c, int towers, size_t max_batch,
                             struct sv_err *e) {
    const size_t need = sv_clip_size(s, c, towers, max_batch, e);
    if (!need) return NULL;
    if (size < need) {
        sv_fail(e, SV_ENOMEM, "%s: %zu bytes given, the model needs %zu", s->file, size, need);
        return NULL;
    }
    struct sv_arena a = { .base = mem, .cap = size };
    int rc;
    return run(&a, s, c, towers, max_batch, &rc, e);
}

struct sv_clip *sv_clip_open(const struct sv_store *s, const struct sv_cpu *c, int towers, size_t max_batch, struct sv_err *e) {
    const size_t size = sv_clip_size(s, c, towers, max_batch, e);
    void *mem = size ? sv_alloc(size, 1, e) : NULL;
    if (!mem) return NULL;
    struct sv_arena a = { .base = mem, .cap = size };
    int rc;
    return run(&a, s, c, towers, max_batch, &rc, e);
}

void sv_clip_free(struct sv_clip *m) { sv_free(m); }

const struct sv_clip_config *sv_clip_config(const struct sv_clip *m) { return &m->cfg; }

int sv_clip_random(struct sv_store *s, const struct sv_clip_config *g, uint64_t seed, struct sv_err *e) {
    const size_t in = 3 * g->patch * g->patch, v = g->visual.width, t = g->text.width;
    const struct sv_prefix visual = sv_prefix("clip.visual."), text = sv_prefix("clip.text.");
    struct sv_fill f = { s, seed, sv_clip_config_write(g, s, e), e };
    sv_fill_tensor(&f, &visual, "patch.weight", v, in, 0, 1 / sqrt((double)in));
    sv_fill_tensor(&f, &visual, "class", 0, v, 0, 1 / sqrt((double)v));
    sv_fill_tensor(&f, &visual, "position", sv_vision_len(g), v, 0, 1 / sqrt((double)v));
    sv_fill_norm(&f, &visual, "ln_pre", v);
    sv_fill_blocks(&f, visual.text, &g->visual);
    sv_fill_norm(&f, &visual, "ln_post", v);
    sv_fill_tensor(&f, &visual, "proj", g->embed, v, 0, 1 / sqrt((double)v));
    sv_fill_tensor(&f, &text, "token", g->vocab, t, 0, 0.02);
    sv_fill_tensor(&f, &text, "position", g->context, t, 0, 0.01);
    sv_fill_blocks(&f, text.text, &g->text);
    sv_fill_norm(&f, &text, "ln_final", t);
    sv_fill_tensor(&f, &text, "proj", g->embed, t, 0, 1 / sqrt((double)t));
    return f.rc;
}
