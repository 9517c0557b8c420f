#include "bench/bench.h"

#include "bench/table.h"
#include "clip/clip.h"
#include "core/mem.h"
#include "core/rng.h"
#include <stdio.h>
#include <string.h>

static const struct sv_column columns[] = {
    { "model", -18, 0 }, { "isa", -8, 0 }, { "threads", 7, 0 }, { "ms", 9, 2 }, { "median", 9, 2 }, { "per s", 8, 2 }, { "GFLOP/s", 8, 1 },
    { "peak", 7, 1 }, { "peak%", 6, 1 },
};

static const char *const families[] = { "tiny", "B/32", "B/16", "L/14" };
static const size_t batches[] = { 1, 9 };

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

struct forward { struct sv_clip *clip; float *pixels, *out; int32_t *ids; size_t batch; };

static void run_image(void *arg) { struct forward *f = arg; sv_clip_image(f->clip, f->pixels, f->batch, f->out); }
static void run_text(void *arg) { struct forward *f = arg; sv_clip_text(f->clip, f->ids, f->batch, f->out); }

static void measure(const struct sv_cpu *c, struct forward *f, const char *name, bool text, double flops, const struct sv_bench_options *o) {
    char row[64];
    snprintf(row, sizeof row, "%s %s %zu", name, text ? "text" : "image", f->batch);
    if (o->filter && !strstr(row, o->filter)) return;
    struct sv_peak peak = { c, sv_pool_threads(c->pool) };
    struct sv_bench b[] = { { .run = text ? run_text : run_image, .arg = f }, { .run = sv_peak_run, .arg = &peak } };
    sv_bench_run(b, 2, o->quick ? 0 : 5e-3, o->quick ? 1 : 15);
    const double most = sv_peak_flops(&peak) / b[1].min, rate = flops * (double)f->batch / b[0].min;
    sv_table_row(columns, SV_LEN(columns), (struct sv_cell[]){ { row, 0 }, { c->kern->isa, 0 }, { NULL, (double)peak.threads }, { NULL, b[0].min * 1e3 },
                 { NULL, b[0].median * 1e3 }, { NULL, (double)f->batch / b[0].min }, { NULL, rate * 1e-9 }, { NULL, most * 1e-9 },
                 { NULL, 100 * rate / most } }, o->json);
}

/* One tower at a time, so that no more than one is in memory twice: as read and as packed. */
static int bench_tower(const struct sv_cpu *c, const char *name, bool text, const struct sv_bench_options *o, struct sv_err *e) {
    struct sv_clip_config g;
    struct sv_store s = { 0 };
    struct forward f = { 0 };
    const size_t most = batches[SV_LEN(batches) - 1];
    if (!sv_clip_family(&g, name)) return sv_fail(e, SV_EUSAGE, "bench: no model family %s", name);
    const size_t pixels = 3 * g.image_size * g.image_size;
    int rc = sv_store_init(&s, name, e);
    if (!rc) rc = sv_clip_random(&s, &g, 1, e);
    if (!rc && !(f.clip = sv_clip_open(&s, c, text ? SV_CLIP_TEXT : SV_CLIP_IMAGE, most, e))) rc = SV_ENOMEM;
    if (!rc && !text) sv_store_free(&s);
    if (!rc && !(f.pixels = sv_alloc(most * pixels, sizeof *f.pixels, e))) rc = SV_ENOMEM;
    if (!rc && !(f.out = sv_alloc(most * g.embed, sizeof *f.out, e))) rc = SV_ENOMEM;
    if (!rc && !(f.ids = sv_alloc(most * g.context, sizeof *f.ids, e))) rc = SV_ENOMEM;
    if (!rc) {
        uint64_t state = 1;
        for (size_t i = 0; i < most * pixels; i++) f.pixels[i] = (float)(4 * sv_rng_unit(&state) - 2);
        for (size_t i = 0; i < most * g.context; i++) f.ids[i] = (int32_t)(i % g.context + 1 < g.context ? sv_rng_below(&state, g.vocab - 1) : g.vocab - 1);
        for (size_t i = 0; i < SV_LEN(batches); i++) {
            f.batch = batches[i];
            measure(c, &f, name, text, text ? text_flops(&g) : image_flops(&g), o);
        }
    }
    sv_free(f.pixels), sv_free(f.out), sv_free(f.ids), sv_clip_free(f.clip), sv_store_free(&s);
    return rc;
}

/* Whether a row "NAME image ..." could match: building a tower for nothing takes long. */
static bool wanted(const struct sv_bench_options *o, const char *name, bool text) {
    char row[64];
    bool any = !o->filter;
    for (size_t i = 0; i < SV_LEN(batches); i++) {
        snprintf(row, sizeof row, "%s %s %zu", name, text ? "text" : "image", batches[i]);
        any = any || strstr(row, o->filter);
    }
    return any;
}

int sv_bench_model(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_err *e) {
    int rc = 0;
    sv_table_head(columns, SV_LEN(columns), o->json);
    for (size_t i = 0; !rc && i < (o->quick ? 1 : SV_LEN(families)); i++)
        for (int text = 0; !rc && text < 2; text++)
            if (wanted(o, families[i], text)) rc = bench_tower(c, families[i], text, o, e);
    return rc;
}
