/* random.c - a model of random weights, of any size: for benches, tests and the self-test. */
#include "clip/clip.h"

#include "core/rng.h"
#include <math.h>

struct fill { struct sv_store *s; uint64_t rng; int rc; struct sv_err *e; };

/* Uniform with the given standard deviation around mean; the scale keeps activations of a deep stack near 1. */
static void add(struct fill *f, const struct sv_prefix *p, const char *name, size_t rows, size_t cols, double mean, double sd) {
    const size_t n = (rows ? rows : 1) * cols;
    float *v = f->rc ? NULL : sv_store_alloc(f->s, n, sizeof *v, f->e);
    if (!v) { f->rc = SV_ENOMEM; return; }
    for (size_t i = 0; i < n; i++) v[i] = (float)(mean + sd * 3.4641016151377544 * (sv_rng_unit(&f->rng) - 0.5));
    const struct sv_prefix full = sv_prefix("%s%s", p->text, name);
    f->rc = sv_store_add(f->s, full.text, SV_F32, rows ? 2 : 1, rows ? (size_t[]){ rows, cols } : &cols, v, n * sizeof *v, f->e);
}

static void add_norm(struct fill *f, const struct sv_prefix *p, const char *weight, const char *bias, size_t w) {
    add(f, p, weight, 0, w, 1, 0.1);
    add(f, p, bias, 0, w, 0, 0.05);
}

static void add_blocks(struct fill *f, const char *prefix, const struct sv_stack *s) {
    const size_t w = s->width;
    const double sd = 1 / sqrt((double)w);
    for (size_t i = 0; i < s->layers; i++) {
        const struct sv_prefix p = sv_prefix("%sblock.%zu.", prefix, i);
        add_norm(f, &p, "ln1.weight", "ln1.bias", w);
        add(f, &p, "qkv.weight", 3 * w, w, 0, sd), add(f, &p, "qkv.bias", 0, 3 * w, 0, 0.05);
        add(f, &p, "out.weight", w, w, 0, sd), add(f, &p, "out.bias", 0, w, 0, 0.05);
        add_norm(f, &p, "ln2.weight", "ln2.bias", w);
        add(f, &p, "fc1.weight", s->mlp, w, 0, sd), add(f, &p, "fc1.bias", 0, s->mlp, 0, 0.05);
        add(f, &p, "fc2.weight", w, s->mlp, 0, 1 / sqrt((double)s->mlp)), add(f, &p, "fc2.bias", 0, w, 0, 0.05);
    }
}

int sv_clip_random(struct sv_store *s, const struct sv_clip_config *g, uint64_t seed, struct sv_err *e) {
    const size_t grid = g->image_size / g->patch, in = 3 * g->patch * g->patch, v = g->visual.width, t = g->text.width;
    const struct sv_prefix visual = sv_prefix("clip.visual."), text = sv_prefix("clip.text.");
    struct fill f = { s, seed, sv_clip_config_write(g, s, e), e };
    add(&f, &visual, "patch.weight", v, in, 0, 1 / sqrt((double)in));
    add(&f, &visual, "class", 0, v, 0, 1 / sqrt((double)v));
    add(&f, &visual, "position", 1 + grid * grid, v, 0, 1 / sqrt((double)v));
    add_norm(&f, &visual, "ln_pre.weight", "ln_pre.bias", v);
    add_blocks(&f, visual.text, &g->visual);
    add_norm(&f, &visual, "ln_post.weight", "ln_post.bias", v);
    add(&f, &visual, "proj", g->embed, v, 0, 1 / sqrt((double)v));
    add(&f, &text, "token", g->vocab, t, 0, 0.02);
    add(&f, &text, "position", g->context, t, 0, 0.01);
    add_blocks(&f, text.text, &g->text);
    add_norm(&f, &text, "ln_final.weight", "ln_final.bias", t);
    add(&f, &text, "proj", g->embed, t, 0, 1 / sqrt((double)t));
    return f.rc;
}
