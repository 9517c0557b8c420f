#include "nn/load.h"

#include "nn/flat.h"
#include <stdarg.h>
#include <stdio.h>

struct sv_prefix sv_prefix(const char *fmt, ...) {
    struct sv_prefix p;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p.text, sizeof p.text, fmt, ap);
    va_end(ap);
    return p;
}

/* The checked view, or NULL after an error. */
static const struct sv_view *expect_as(struct sv_load *l, const struct sv_prefix *p, const char *name, const char *suffix, int dtypes, size_t rows,
                                       size_t cols) {
    char full[SV_MAX_NAME + 1];
    snprintf(full, sizeof full, "%s%s%s", p->text, name, suffix);
    const struct sv_view *v = NULL;
    if (!l->rc) l->rc = sv_store_expect(l->store, full, dtypes, rows ? 2 : 1, rows ? (size_t[]){ rows, cols } : &cols, &v, l->err);
    return v;
}

static const struct sv_view *expect(struct sv_load *l, const struct sv_prefix *p, const char *name, const char *suffix, size_t rows, size_t cols) {
    return expect_as(l, p, name, suffix, SV_FLOATS, rows, cols);
}

/* A matrix [rows, cols]; as bytes it comes with a factor for each row, NAME.scale; or as the panels of a kernel table. */
struct matrix { const struct sv_view *w, *factor; size_t rows, cols; bool packed; };

/* What a matrix is multiplied as.  The way back is f32. */
static enum sv_dtype type_of(const struct sv_load *l, const struct matrix *m) {
    if (m->packed) return m->w->dtype == SV_U8 ? SV_I8 : m->w->dtype;
    const enum sv_precision p = l->back ? SV_ALL_F32 : l->cpu->precision;
    if (p != SV_AS_STORED) return p == SV_ALL_BF16 ? SV_BF16 : p == SV_ALL_I8 ? SV_I8 : SV_F32;
    return m->w->dtype == SV_I8 || (m->w->dtype == SV_BF16 && l->cpu->kern->bf16) ? m->w->dtype : SV_F32;
}

/* Panels fit the table they were made for, and others whose panels look the same. */
static int check_panels(const struct sv_load *l, const struct matrix *m, const char *isa) {
    static const enum sv_precision as[SV_DTYPES] = { [SV_F32] = SV_ALL_F32, [SV_BF16] = SV_ALL_BF16, [SV_I8] = SV_ALL_I8 };
    const char *file = l->store->file, *name = m->w->name;
    const enum sv_dtype type = type_of(l, m);
    const struct sv_kern *own = sv_kern_named(isa), *k = l->cpu->kern;
    if (!own) return sv_fail(l->err, SV_EINPUT, "%s: packed for %s, which this machine does not have; convert without --packed", file, isa);
    if (own->nr != k->nr || (type != SV_F32 && own->wk != k->wk) || (type == SV_I8 && own->ipair > k->ipair))
        return sv_fail(l->err, SV_EINPUT, "%s: packed for %s, which %s cannot read; run with --isa %s", file, isa, k->isa, isa);
    if (l->back && type != SV_F32) return sv_fail(l->err, SV_EINPUT, "%s: packed as %s, training needs f32", file, sv_dtype_name(type));
    if (l->cpu->precision != SV_AS_STORED && l->cpu->precision != as[type])
        return sv_fail(l->err, SV_EINPUT, "%s: packed as %s, which --precision cannot change", file, sv_dtype_name(type));
    const size_t bytes = sv_pack_floats(own, type, m->rows, m->cols) * sizeof(float);
    if (m->w->bytes == bytes && 1 << type & (1 << SV_F32 | 1 << SV_BF16 | 1 << SV_I8)) return 0;
    return sv_fail(l->err, SV_EINPUT, "%s: tensor %s has %zu bytes, panels of [%zu, %zu] have %zu", file, name, m->w->bytes, m->rows, m->cols, bytes);
}

static struct matrix expect_matrix(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t rows, size_t cols) {
    const struct sv_value *isa = sv_store_value(l->store, "clip.packed");
    const struct sv_view *v = isa && isa->type == SV_TEXT ? sv_store_find(l->store, sv_prefix("%s%s", p->text, name).text) : NULL;
    struct matrix m = { .rows = rows, .cols = cols, .packed = v && v->rank == 1 };
    if (l->rc) return m;
    if (m.packed) {
        m.w = v;
        if ((l->rc = check_panels(l, &m, isa->text))) m.w = NULL;
        return m;
    }
    m.w = expect_as(l, p, name, "", SV_FLOATS | 1 << SV_I8, rows, cols);
    if (m.w && m.w->dtype == SV_I8 && !(m.factor = expect_as(l, p, name, ".scale", 1 << SV_F32, 0, rows))) m.w = NULL;
    return m;
}

static const float *take_f32(struct sv_load *l, const struct sv_view *v) {
    float *out = v ? SV_TAKE(l->arena, float, v->count) : NULL;
    if (out) {
        sv_view_f32(v, 0, v->count, out);
        sv_store_forget(l->store, v);
    }
    return out;
}

/* Panels of the file stay there. */
static struct sv_packed take_packed(struct sv_load *l, const struct matrix *m) {
    if (!m->w) return (struct sv_packed){0};
    const enum sv_dtype type = type_of(l, m);
    if (m->packed) return sv_packed_at(l->cpu->kern, type, m->w->data, m->rows, m->cols);
    float *panel = SV_TAKE(l->arena, float, sv_pack_floats(l->cpu->kern, type, m->rows, m->cols));
    if (!panel) return (struct sv_packed){0};
    const struct sv_packed w = sv_pack(l->cpu, panel, type, m->w, m->factor);
    sv_store_forget(l->store, m->w);
    return w;
}

static float *grad_of(const struct sv_load *l, const struct sv_view *v) {
    return l->flat && v ? l->flat->grads + ((const float *)v->data - l->flat->params) : NULL;
}

float *sv_load_grad(const struct sv_load *l, const struct sv_prefix *p, const char *name) {
    return grad_of(l, sv_store_find(l->store, sv_prefix("%s%s", p->text, name).text));
}

const float *sv_load_f32(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t rows, size_t cols) {
    return take_f32(l, expect(l, p, name, "", rows, cols));
}

struct sv_norm sv_load_norm(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t width, float eps) {
    const struct sv_view *gain = expect(l, p, name, ".weight", 0, width);
    const struct sv_view *bias = expect(l, p, name, ".bias", 0, width);
    return (struct sv_norm){ take_f32(l, gain), take_f32(l, bias), eps, grad_of(l, gain), grad_of(l, bias) };
}

static struct sv_linear take_linear(struct sv_load *l, const struct matrix *m, const struct sv_view *bias) {
    struct sv_linear y = { .w = take_packed(l, m), .bias = take_f32(l, bias), .dw = grad_of(l, m->w), .dbias = grad_of(l, bias) };
    if (!l->back || !m->w) return y;
    float *panel = SV_TAKE(l->arena, float, sv_pack_floats(l->cpu->kern, SV_F32, m->cols, m->rows));
    if (panel) y.turned = sv_turn(l->cpu, panel, &y.w);
    return y;
}

struct sv_linear sv_load_linear(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t out, size_t in, bool bias) {
    const struct matrix m = expect_matrix(l, p, sv_prefix("%s.weight", name).text, out, in);
    return take_linear(l, &m, bias ? expect(l, p, name, ".bias", 0, out) : NULL);
}

struct sv_linear sv_load_projection(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t out, size_t in) {
    const struct matrix m = expect_matrix(l, p, name, out, in);
    return take_linear(l, &m, NULL);
}
