#include "nn/random.h"

#include "core/rng.h"
#include <math.h>

/* The tensor with room for its values; NULL after a failure. */
static float *add(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t rows, size_t cols, size_t *n) {
    *n = (rows ? rows : 1) * cols;
    if (f->rc) return NULL;
    float *v = sv_store_alloc(f->store, *n, sizeof *v, f->err);
    if (!v) f->rc = SV_ENOMEM;
    else f->rc = sv_store_add(f->store, sv_prefix("%s%s", p->text, name).text, SV_F32, rows ? 2 : 1, rows ? (size_t[]){ rows, cols } : &cols,
                              v, *n * sizeof *v, f->err);
    return f->rc ? NULL : v;
}

void sv_fill_tensor(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t rows, size_t cols, double mean, double sd) {
    size_t n;
    float *v = add(f, p, name, rows, cols, &n);
    for (size_t i = 0; v && i < n; i++) v[i] = (float)(mean + sd * 3.4641016151377544 * (sv_rng_unit(&f->rng) - 0.5));
}

void sv_fill_normal(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t rows, size_t cols, double sd) {
    size_t n;
    float *v = add(f, p, name, rows, cols, &n);
    for (size_t i = 0; v && i < n; i++) v[i] = (float)(sd * sv_rng_normal(&f->rng));
}

void sv_fill_norm(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t width) {
    sv_fill_tensor(f, p, sv_prefix("%s.weight", name).text, 0, width, 1, 0.1);
    sv_fill_tensor(f, p, sv_prefix("%s.bias", name).text, 0, width, 0, 0.05);
}

static void fill_linear(struct sv_fill *f, const struct sv_prefix *p, const char *name, size_t out, size_t in) {
    sv_fill_tensor(f, p, sv_prefix("%s.weight", name).text, out, in, 0, 1 / sqrt((double)in));
    sv_fill_tensor(f, p, sv_prefix("%s.bias", name).text, 0, out, 0, 0.05);
}

void sv_fill_blocks(struct sv_fill *f, const char *prefix, const struct sv_stack *s) {
    const size_t w = s->width;
    for (size_t i = 0; i < s->layers; i++) {
        const struct sv_prefix p = sv_prefix("%sblock.%zu.", prefix, i);
        sv_fill_norm(f, &p, "ln1", w);
        fill_linear(f, &p, "qkv", 3 * w, w);
        fill_linear(f, &p, "out", w, w);
        sv_fill_norm(f, &p, "ln2", w);
        fill_linear(f, &p, "fc1", s->mlp, w);
        fill_linear(f, &p, "fc2", w, s->mlp);
    }
}
