#include "tools/agree.h"
#include "tools/any.h"
#include "tools/tool.h"

#include "core/num.h"
#include "io/json.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RUN = 4096, DIFFERENT = 3 };

/* Counted over both files; lines go to stdout. */
struct diff {
    const struct sv_store *a, *b;
    bool json;
    struct sv_out *out;
    struct sv_err *e;
    size_t tensors, values;             /* that differ */
    int rc;
};

static void say(struct diff *d, const char *what, const char *name, const char *how) {
    if (d->rc) return;
    if (!d->json) {
        d->rc = sv_out_printf(d->out, d->e, "%s %s: %s\n", what, name, how);
        return;
    }
    struct sv_json_out o = { .out = d->out, .e = d->e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, what, name);
    sv_json_put_text(&o, "difference", how);
    sv_json_close(&o);
    d->rc = o.rc;
}

/* Where a file was made from says nothing about what it computes. */
static bool is_origin(const char *name) { return !strcmp(name, "clip.source") || !strcmp(name, "clip.sha256"); }

static bool same_value(const struct sv_value *a, const struct sv_value *b) {
    if (a->type != b->type) return false;
    if (a->type == SV_TEXT) return !strcmp(a->text, b->text);
    if (a->type == SV_INT) return a->i == b->i;
    if (a->type == SV_REAL) return !memcmp(&a->r, &b->r, sizeof a->r);
    return a->n == b->n && (!a->n || !memcmp(a->reals, b->reals, a->n * sizeof *a->reals));
}

static void compare_values(struct diff *d) {
    char left[200], right[200], how[420];
    for (size_t i = 0; i < d->a->values; i++) {
        const struct sv_value *v = &d->a->value[i], *w = sv_store_value(d->b, v->name);
        if (w && same_value(v, w)) continue;
        if (w) snprintf(how, sizeof how, "%s | %s", sv_value_text(v, left, sizeof left),
                        sv_value_text(w, right, sizeof right));
        say(d, "value", v->name, w ? how : "only in the first");
        d->values += !is_origin(v->name);
    }
    for (size_t i = 0; i < d->b->values; i++) {
        const struct sv_value *w = &d->b->value[i];
        if (sv_store_value(d->a, w->name)) continue;
        say(d, "value", w->name, "only in the second");
        d->values += !is_origin(w->name);
    }
}

static bool is_float(const struct sv_view *v) { return SV_FLOATS >> v->dtype & 1; }

/* Largest |a - b|, and ||a - b|| / ||a||; elements that are equal, bit for bit NaN included, count as 0. */
static void measure(const struct sv_view *v, const struct sv_view *w, double *most, double *relative, size_t *differ) {
    float x[RUN], y[RUN];
    double num = 0, den = 0;
    *most = 0, *differ = 0;
    for (size_t i = 0; i < v->count; i += RUN) {
        const size_t n = sv_min(RUN, v->count - i);
        sv_view_f32(v, i, n, x);
        sv_view_f32(w, i, n, y);
        for (size_t k = 0; k < n; k++) {
            if (isfinite(x[k])) den += (double)x[k] * (double)x[k];
            if (!memcmp(&x[k], &y[k], sizeof x[k])) continue;
            const double gap = fabs((double)x[k] - (double)y[k]);
            ++*differ;
            num += gap * gap;
            if (!(gap <= *most)) *most = gap;            /* NaN stays */
        }
    }
    *relative = den > 0 ? sqrt(num / den) : num > 0 ? INFINITY : 0;
}

static void compare_tensor(struct diff *d, const struct sv_view *v, const struct sv_view *w) {
    char left[SV_SHAPE_TEXT], right[SV_SHAPE_TEXT], how[512];
    double most = 0, relative = 0;
    size_t differ = 0;
    const bool shape = v->rank == w->rank &&
        (!v->rank || !memcmp(v->dim, w->dim, v->rank * sizeof *v->dim)), type = v->dtype == w->dtype;
    if (!shape || (!type && !(is_float(v) && is_float(w)))) {
        snprintf(how, sizeof how, "%s %s | %s %s", sv_dtype_name(v->dtype), sv_shape_text(v, left), sv_dtype_name(w->dtype),
                 sv_shape_text(w, right));
    } else if (is_float(v)) {
        measure(v, w, &most, &relative, &differ);
        if (!differ && type) return;
        size_t at = type ? 0 : (size_t)snprintf(how, sizeof how, "%s | %s, ", sv_dtype_name(v->dtype),
                                                sv_dtype_name(w->dtype));
        snprintf(how + at, sizeof how - at, "%zu of %zu differ, max abs %.6g, relative %.6g", differ, v->count, sv_num_shown(most),
                 sv_num_shown(relative));
    } else {
        const size_t size = sv_dtype_size(v->dtype);
        for (size_t i = 0; i < v->count; i++)
            differ += memcmp((const char *)v->data + i * size, (const char *)w->data + i * size, size) != 0;
        if (!differ) return;
        snprintf(how, sizeof how, "%zu of %zu differ", differ, v->count);
    }
    say(d, "tensor", v->name, how);
    d->tensors++;
}

static void compare_tensors(struct diff *d, struct sv_progress *p) {
    for (size_t i = 0; i < d->a->views; i++) {
        const struct sv_view *v = &d->a->view[i], *w = sv_store_find(d->b, v->name);
        sv_progress_at(p, i);
        if (w) {
            compare_tensor(d, v, w);
            sv_store_forget(d->a, v), sv_store_forget(d->b, w);
        } else {
            say(d, "tensor", v->name, "only in the first");
            d->tensors++;
        }
    }
    for (size_t i = 0; i < d->b->views; i++) {
        if (sv_store_find(d->a, d->b->view[i].name)) continue;
        say(d, "tensor", d->b->view[i].name, "only in the second");
        d->tensors++;
    }
}

static int summary(struct diff *d) {
    if (d->rc) return d->rc;
    if (d->json) {
        struct sv_json_out o = { .out = d->out, .e = d->e };
        sv_json_open(&o, NULL, '{');
        sv_json_put_bool(&o, "equal", !d->tensors && !d->values);
        sv_json_put_int(&o, "tensors", (int64_t)d->tensors);
        sv_json_put_int(&o, "values", (int64_t)d->values);
        sv_json_close(&o);
        return o.rc;
    }
    if (!d->tensors && !d->values) return sv_out_printf(d->out, d->e, "equal: %zu tensors\n", d->a->views);
    return sv_out_printf(d->out, d->e, "different: %zu tensors, %zu values\n", d->tensors, d->values);
}

static int compare(const struct sv_any *a, const struct sv_any *b, const struct sv_common *o, struct sv_err *e) {
    struct sv_out out;
    struct sv_progress p;
    struct diff d = { .a = &a->store, .b = &b->store, .json = o->json, .out = &out, .e = e };
    int rc = sv_out_open(&out, "-", e);
    if (rc) return rc;
    if (strcmp(a->kind, b->kind)) {
        char how[64];
        snprintf(how, sizeof how, "%s | %s", a->kind, b->kind);
        say(&d, "value", "kind", how);
        d.values++;
    }
    compare_values(&d);
    sv_progress_start(&p, o, "compare", "tensors", a->store.views);
    compare_tensors(&d, &p);
    sv_progress_end(&p);
    if (!(rc = summary(&d))) rc = sv_out_commit(&out, e);
    else sv_out_drop(&out);
    return rc ? rc : d.tensors || d.values ? DIFFERENT : 0;
}

int sv_tool_compare(int argc, char **argv, struct sv_err *e) {
    struct sv_common common = { 0 };
    struct sv_list args = { 0 }, pictures = { 0 };
    const struct sv_opt opt[] = {
        { "embed", SV_OPT_LIST, &pictures, "PATH", "compare features of this picture, or those of this folder (any number)", 0, 0 },
        SV_COMMON(&common),
    };
    const struct sv_usage u = {
        "compare", "A B | --embed PATH... A [B...]",
        "Compares the tensors and values of two files; exits with 3 where they differ.  With --embed, compares features of pictures with those of "
        "model A in f32: A in bf16 and in i8, each B as it is stored.  Told are the least and the mean cosine, and the rank agreement: each picture "
        "ranks the others by likeness, and of two others the same one comes first in this share of cases.",
        "svad compare b16.svad b16-half.svad; svad compare --embed frames b16.svad b16-i8.svad", 1, 16,
    };
    struct sv_any a = { 0 }, b = { 0 };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (rc == 1) rc = 0;
    else if (!rc && pictures.n) rc = sv_agree(&args, &pictures, &common, e);
    else if (!rc && args.n != 2) rc = sv_fail(e, SV_EUSAGE, "compare: %zu files, expected 2", args.n);
    else if (!rc && !(rc = sv_any_open(&a, args.item[0], e)) && !(rc = sv_any_open(&b, args.item[1], e)))
        rc = compare(&a, &b, &common, e);
    sv_any_close(&a), sv_any_close(&b);
    sv_list_free(&args), sv_list_free(&pictures);
    return rc;
}
