#include "bench/bench.h"

#include "bench/size.h"
#include "core/mem.h"
#include "core/rng.h"
#include "tfc/temporal.h"
#include <stdio.h>

/* Multiply-adds count as two; softmax, norms and activations are left out. */
static double stack_flops(const struct sv_stack *s, size_t len) {
    const double w = (double)s->width, t = (double)len, seen = s->causal ? (t + 1) / 2 : t;
    return (double)s->layers * (2 * t * w * (4 * w + 2 * (double)s->mlp) + 4 * t * seen * w);
}

static double image_flops(const struct sv_clip_config *g) {
    const size_t side = g->image_size / g->patch, patches = side * side;
    const double w = (double)g->visual.width;
    return 2 * w * (double)(patches * 3 * g->patch * g->patch) + stack_flops(&g->visual, patches + 1) + 2 * w * (double)g->embed;
}

static double text_flops(const struct sv_clip_config *g) {
    return stack_flops(&g->text, g->context) + 2 * (double)(g->text.width * g->embed);
}

static const char *type_of(enum sv_precision p) { return p == SV_ALL_BF16 ? "bf16" : p == SV_ALL_I8 ? "i8" : "f32"; }

static int measure(const struct sv_cpu *c, const char *name, size_t batch, double flops, void (*run)(void *), void *arg,
                   const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    struct sv_probe p = { { .flops = flops * (double)batch, .items = (double)batch }, c, run, arg };
    snprintf(p.row.name, sizeof p.row.name, "%s", name);
    snprintf(p.row.type, sizeof p.row.type, "%s", type_of(c->precision));
    return sv_measure(&p, 1, o, out, e);
}

struct tower { struct sv_clip *clip; float *pixels, *out; int32_t *ids; size_t batch; };

static void run_image(void *arg) { struct tower *t = arg; sv_clip_image(t->clip, t->pixels, t->batch, t->out); }
static void run_text(void *arg) { struct tower *t = arg; sv_clip_text(t->clip, t->ids, t->batch, t->out); }

/* The weights of a store into a tower, and random inputs. */
static int open_tower(struct tower *t, const struct sv_clip_config *g, bool text, const struct sv_store *s, const struct sv_cpu *c, struct sv_err *e) {
    enum { PASS = 50 };                 /* texts that travel together; a call with more is cut */
    const size_t pixels = 3 * g->image_size * g->image_size * t->batch, ids = g->context * t->batch;
    uint64_t state = 1;
    int rc = 0;
    if (!(t->clip = sv_clip_open(s, c, text ? SV_CLIP_TEXT : SV_CLIP_IMAGE, text ? sv_min(t->batch, PASS) : t->batch, e))) rc = e->code;
    if (!rc && !(t->out = sv_alloc(t->batch * g->embed, sizeof *t->out, e))) rc = SV_ENOMEM;
    if (!rc && text && !(t->ids = sv_alloc(ids, sizeof *t->ids, e))) rc = SV_ENOMEM;
    if (!rc && !text && !(t->pixels = sv_alloc(pixels, sizeof *t->pixels, e))) rc = SV_ENOMEM;
    for (size_t i = 0; !rc && text && i < ids; i++)     /* the end token, which has the largest id, at the end */
        t->ids[i] = (int32_t)((i + 1) % g->context ? sv_rng_below(&state, g->vocab - 1) : g->vocab - 1);
    for (size_t i = 0; !rc && !text && i < pixels; i++) t->pixels[i] = (float)(4 * sv_rng_unit(&state) - 2);
    return rc;
}

/* The types that a table's model rows are measured in: the one asked for, or all that it does not emulate. */
static size_t precisions(const struct sv_cpu *c, enum sv_precision out[3]) {
    size_t n = 0;
    if (c->precision) return out[0] = c->precision, 1;
    out[n++] = SV_ALL_F32;
    if (c->kern->bf16) out[n++] = SV_ALL_BF16;
    out[n++] = SV_ALL_I8;
    return n;
}

/* What a model file's matrices are multiplied as. */
static enum sv_precision stored(const struct sv_store *s, const struct sv_cpu *c) {
    const struct sv_view *v = sv_store_find(s, "clip.visual.block.0.qkv.weight");
    if (c->precision || !v) return c->precision;
    return v->dtype == SV_I8 ? SV_ALL_I8 : v->dtype == SV_BF16 && c->kern->bf16 ? SV_ALL_BF16 : SV_ALL_F32;
}

/* One tower in some precisions, side by side in the same rounds. */
static int bench_tower(const struct sv_cpu *c, const char *size, bool text, size_t batch, const struct sv_bench_options *o, struct sv_rows *out,
                       struct sv_err *e) {
    struct sv_clip_config g;
    struct sv_store random = { 0 };
    struct tower t[3] = { { .batch = batch }, { .batch = batch }, { .batch = batch } };
    struct sv_cpu cpu[3] = { *c, *c, *c };
    struct sv_probe probe[3];
    enum sv_precision want[3];
    char name[64];
    snprintf(name, sizeof name, "%.40s %s %zu", size, text ? "text" : "image", batch);
    if (!sv_bench_wants(o, name)) return 0;
    int rc = o->model ? sv_clip_config_read(&g, o->model, e) : sv_clip_sized(&g, size, e);
    if (!rc && !o->model) rc = sv_store_init(&random, "random model", e);
    if (!rc && !o->model) rc = sv_clip_random(&random, &g, 1, e);
    const size_t n = o->model ? 1 : precisions(c, want);
    if (o->model) want[0] = stored(o->model, c);
    for (size_t i = 0; !rc && i < n; i++) {
        const double flops = text ? text_flops(&g) : image_flops(&g);
        cpu[i].precision = o->model ? c->precision : want[i];
        rc = open_tower(&t[i], &g, text, o->model ? o->model : &random, &cpu[i], e);
        probe[i] = (struct sv_probe){ { .flops = flops * (double)batch, .items = (double)batch }, &cpu[i], text ? run_text : run_image, &t[i] };
        snprintf(probe[i].row.name, sizeof probe[i].row.name, "%s", name);
        snprintf(probe[i].row.type, sizeof probe[i].row.type, "%s", type_of(want[i]));
    }
    if (!rc && !text) sv_store_free(&random);       /* texts read token rows from it */
    if (!rc) rc = sv_measure(probe, n, o, out, e);
    for (size_t i = 0; i < n; i++) sv_free(t[i].pixels), sv_free(t[i].out), sv_free(t[i].ids), sv_clip_free(t[i].clip);
    sv_store_free(&random);
    return rc;
}

struct fusion { struct sv_tfc *tfc; float *feats, *out; size_t batch; };

static void run_fusion(void *arg) { struct fusion *f = arg; sv_tfc_video(f->tfc, f->feats, f->batch, f->out); }

static int bench_fusion(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    enum { WIDTH = 512, FRAMES = 9, TUBES = 512 };
    struct fusion f = { .batch = o->batch ? o->batch : TUBES };
    struct sv_tfc_config g;
    struct sv_store s = { 0 };
    char name[64];
    snprintf(name, sizeof name, "tfc forward %zu", f.batch);
    if (!sv_bench_wants(o, name)) return 0;
    const size_t feats = f.batch * FRAMES * WIDTH;
    sv_tfc_backbone(&g, "prompt-vlm", WIDTH, FRAMES);
    int rc = sv_store_init(&s, "random fusion", e);
    if (!rc) rc = sv_tfc_random(&s, &g, 1, e);
    if (!rc && !(f.tfc = sv_tfc_open(&g, &s, c, f.batch, e))) rc = SV_ENOMEM;
    if (!rc && (!(f.feats = sv_alloc(feats, sizeof *f.feats, e)) || !(f.out = sv_alloc(f.batch * WIDTH, sizeof *f.out, e)))) rc = SV_ENOMEM;
    uint64_t state = 1;
    for (size_t i = 0; !rc && i < feats; i++) f.feats[i] = (float)(2 * sv_rng_unit(&state) - 1);
    if (!rc) rc = measure(c, name, f.batch, stack_flops(&g.stack, FRAMES), run_fusion, &f, o, out, e);
    sv_free(f.feats), sv_free(f.out), sv_tfc_free(f.tfc), sv_store_free(&s);
    return rc;
}

int sv_bench_model(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    static const struct { const char *size; bool text; size_t batch; } usual[] = {
        { "B/32", false, 1 }, { "B/32", false, 9 }, { "B/16", false, 1 }, { "B/16", false, 9 }, { "L/14", false, 1 }, { "L/14", false, 9 },
        { "B/16", true, 1 }, { "B/16", true, 400 }, { "L/14", true, 50 },
    }, sized[] = { { NULL, false, 1 }, { NULL, false, 9 }, { NULL, true, 1 }, { NULL, true, 50 } };
    const char *size = o->model ? "model" : o->size ? o->size : o->quick ? "tiny" : NULL;
    const size_t n = size ? SV_LEN(sized) : SV_LEN(usual);
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        const bool text = size ? sized[i].text : usual[i].text, again = i && text == (size ? sized[i - 1].text : usual[i - 1].text);
        const char *which = size ? size : usual[i].size;
        if (o->batch && again && (size || !strcmp(which, usual[i - 1].size))) continue;       /* one batch: one row */
        rc = bench_tower(c, which, text, o->batch ? o->batch : size ? sized[i].batch : usual[i].batch, o, out, e);
    }
    if (!rc && !o->size && !o->model) rc = bench_fusion(c, o, out, e);
    return rc || o->size || o->model ? rc : sv_bench_steps(c, o, out, e);
}
