#include "tfc/temporal.h"

#include "nn/random.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is in a block, in the order of the file: name, rows and columns (rows 0: a vector), whether it is a gain. */
struct part { const char *name; size_t rows, cols; bool gain, bias; };
enum { PARTS = 12 };

static void parts(const struct sv_stack *s, struct part out[PARTS]) {
    const size_t w = s->width, m = s->mlp;
    const struct part all[PARTS] = {
        { "ln1.weight", 0, w, true, false },       { "ln1.bias", 0, w, false, true },
        { "qkv.weight", 3 * w, w, false, false },  { "qkv.bias", 0, 3 * w, false, true },
        { "out.weight", w, w, false, false },      { "out.bias", 0, w, false, true },
        { "ln2.weight", 0, w, true, false },       { "ln2.bias", 0, w, false, true },
        { "fc1.weight", m, w, false, false },      { "fc1.bias", 0, m, false, true },
        { "fc2.weight", w, m, false, false },      { "fc2.bias", 0, w, false, true },
    };
    memcpy(out, all, sizeof all);
}

/* PyTorch: Linear is uniform within 1 / sqrt(in), its bias too; an attention's input projection within sqrt(6 / (in + out)), and its
 * biases are 0.  A uniform value within a has a standard deviation of a / sqrt(3). */
static double torch_sd(const struct sv_stack *s, const struct part *p) {
    const double w = (double)s->width, m = (double)s->mlp;
    if (!strncmp(p->name, "qkv", 3)) return p->bias ? 0 : sqrt(2 / (w + 3 * w));
    if (!strncmp(p->name, "out", 3)) return p->bias ? 0 : sqrt(1 / (3 * w));
    if (!strncmp(p->name, "fc1", 3)) return sqrt(1 / (3 * w));
    if (!strncmp(p->name, "fc2", 3)) return sqrt(1 / (3 * m));
    return 0;
}

/* A tensor of clip's text tower, its first rows where there are more; false where it has none of this width. */
static bool copy(struct sv_fill *f, const struct sv_store *clip, const char *from, const char *to, size_t rows, size_t cols) {
    const struct sv_view *v = sv_store_find(clip, from);
    const size_t n = (rows ? rows : 1) * cols;
    if (!v || v->rank != (rows ? 2 : 1) || v->dim[v->rank - 1] != cols || (rows && v->dim[0] < rows) || !(SV_FLOATS >> v->dtype & 1)) return false;
    if (f->rc) return true;
    float *out = sv_store_alloc(f->store, n, sizeof *out, f->err);
    if (!out) { f->rc = SV_ENOMEM; return true; }
    sv_view_f32(v, 0, n, out);
    f->rc = sv_store_add(f->store, to, SV_F32, rows ? 2 : 1, rows ? (size_t[]){ rows, cols } : &cols, out, n * sizeof *out, f->err);
    return true;
}

/* Whether the text tower has the blocks and positions that clip4clip begins with. */
static bool like_text(const struct sv_store *clip, const struct sv_tfc_config *g) {
    int64_t width, layers, mlp;
    const struct sv_view *v = clip ? sv_store_find(clip, "clip.text.position") : NULL;
    return v && v->rank == 2 && v->dim[0] >= g->frames && !sv_store_get_int(clip, "clip.text.width", 1, INT32_MAX, &width, NULL) &&
           !sv_store_get_int(clip, "clip.text.layers", 1, INT32_MAX, &layers, NULL) && !sv_store_get_int(clip, "clip.text.mlp", 1, INT32_MAX, &mlp, NULL) &&
           (size_t)width == g->stack.width && (size_t)layers >= g->stack.layers && (size_t)mlp == g->stack.mlp;
}

int sv_tfc_init(struct sv_store *s, const struct sv_tfc_config *g, uint64_t seed, const struct sv_store *clip, struct sv_err *e) {
    struct sv_fill f = { s, seed, 0, e };
    struct part part[PARTS];
    const struct sv_prefix p = sv_prefix("tfc.");
    const bool torch = !strcmp(g->backbone, "prompt-vlm"), text = !strcmp(g->backbone, "clip4clip") && like_text(clip, g);
    if (!g->stack.layers) return 0;
    if (!text || !copy(&f, clip, "clip.text.position", "tfc.position", g->frames, g->stack.width))
        sv_fill_normal(&f, &p, "position", g->frames, g->stack.width, torch ? 0.01 : 0.02);
    parts(&g->stack, part);
    for (size_t i = 0; i < g->stack.layers; i++)
        for (const struct part *k = part; k < part + PARTS; k++) {
            const struct sv_prefix name = sv_prefix("block.%zu.%s", i, k->name), from = sv_prefix("clip.text.%s", name.text), to = sv_prefix("tfc.%s", name.text);
            if (text && copy(&f, clip, from.text, to.text, k->rows, k->cols)) continue;
            if (k->gain || torch) sv_fill_tensor(&f, &p, name.text, k->rows, k->cols, k->gain, k->gain ? 0 : torch_sd(&g->stack, k));
            else sv_fill_normal(&f, &p, name.text, k->rows, k->cols, k->bias ? 0 : 0.02);
        }
    return f.rc;
}
