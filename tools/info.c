#include "tools/any.h"
#include "tools/tool.h"

#include "clip/unicode.h"
#include "io/container.h"
#include "io/json.h"
#include <stdio.h>
#include <string.h>

/* What is counted over all tensors. */
struct sum { size_t params, bytes, of_type[SV_DTYPES], merges; };

static void count(const struct sv_store *s, struct sum *n) {
    *n = (struct sum){ 0 };
    for (size_t i = 0; i < s->views; i++) {
        const struct sv_view *v = &s->view[i];
        if (SV_FLOATS >> v->dtype & 1) n->params += v->count;
        n->of_type[v->dtype] += v->bytes;
        n->bytes += v->bytes;
    }
    const struct sv_view *m = sv_store_find(s, "clip.merges");
    for (size_t i = 0; m && m->dtype == SV_U8 && i < m->bytes; i++) n->merges += ((const uint8_t *)m->data)[i] == '\n';
}

static void print_text(const struct sv_any *a, const struct sum *n, bool tensors) {
    char text[1024], shape[SV_SHAPE_TEXT];
    const struct sv_store *s = &a->store;
    printf("%-22s %s\n%-22s %s\n%-22s %zu\n", "file", s->file, "kind", a->kind, "bytes", a->file.size);
    if (sv_container_is(&a->file)) printf("%-22s %d\n", "format", SV_CONTAINER_VERSION);
    printf("%-22s %zu\n%-22s %zu\n%-22s", "tensors", s->views, "parameters", n->params, "bytes by type");
    for (size_t t = 0; t < SV_DTYPES; t++)
        if (n->of_type[t]) printf(" %s %zu", sv_dtype_name((enum sv_dtype)t), n->of_type[t]);
    putchar('\n');
    if (n->merges) printf("%-22s %zu merges, %zu tokens, Unicode %s\n", "tokenizer", n->merges, n->merges + 514,
                          sv_unicode_version());
    for (size_t i = 0; i < s->values; i++)
        printf("%-22s %s\n", s->value[i].name, sv_value_text(&s->value[i], text, sizeof text));
    printf("%-22s %s\n", "svad", SV_VERSION);
    for (size_t i = 0; tensors && i < s->views; i++)
        printf("%-44s %-5s %s\n", s->view[i].name, sv_dtype_name(s->view[i].dtype), sv_shape_text(&s->view[i], shape));
}

static void put_value(struct sv_json_out *o, const struct sv_value *v) {
    if (v->type == SV_INT) sv_json_put_int(o, v->name, v->i);
    if (v->type == SV_REAL) sv_json_put_real(o, v->name, v->r);
    if (v->type == SV_TEXT) sv_json_put_text(o, v->name, v->text);
    if (v->type != SV_REALS) return;
    sv_json_open(o, v->name, '[');
    for (size_t i = 0; i < v->n; i++) sv_json_put_real(o, NULL, v->reals[i]);
    sv_json_close(o);
}

static void put_tensor(struct sv_json_out *o, const struct sv_view *v) {
    sv_json_open(o, NULL, '{');
    sv_json_put_text(o, "name", v->name);
    sv_json_put_text(o, "dtype", sv_dtype_name(v->dtype));
    sv_json_open(o, "shape", '[');
    for (size_t i = 0; i < v->rank; i++) sv_json_put_int(o, NULL, (int64_t)v->dim[i]);
    sv_json_close(o);
    sv_json_close(o);
}

static int print_json(const struct sv_any *a, const struct sum *n, bool tensors, struct sv_err *e) {
    struct sv_out out;
    const struct sv_store *s = &a->store;
    int rc = sv_out_open(&out, "-", e);
    if (rc) return rc;
    struct sv_json_out o = { .out = &out, .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, "file", s->file);
    sv_json_put_text(&o, "kind", a->kind);
    sv_json_put_int(&o, "bytes", (int64_t)a->file.size);
    if (sv_container_is(&a->file)) sv_json_put_int(&o, "format", SV_CONTAINER_VERSION);
    sv_json_put_int(&o, "tensors", (int64_t)s->views);
    sv_json_put_int(&o, "parameters", (int64_t)n->params);
    sv_json_open(&o, "bytes_by_type", '{');
    for (size_t t = 0; t < SV_DTYPES; t++)
        if (n->of_type[t]) sv_json_put_int(&o, sv_dtype_name((enum sv_dtype)t), (int64_t)n->of_type[t]);
    sv_json_close(&o);
    if (n->merges) sv_json_put_int(&o, "merges", (int64_t)n->merges);
    sv_json_put_text(&o, "unicode", sv_unicode_version());
    sv_json_put_text(&o, "svad", SV_VERSION);
    sv_json_open(&o, "values", '{');
    for (size_t i = 0; i < s->values; i++) put_value(&o, &s->value[i]);
    sv_json_close(&o);
    if (tensors) {
        sv_json_open(&o, "directory", '[');
        for (size_t i = 0; i < s->views; i++) put_tensor(&o, &s->view[i]);
        sv_json_close(&o);
    }
    sv_json_close(&o);
    if (!(rc = o.rc)) return sv_out_commit(&out, e);
    sv_out_drop(&out);
    return rc;
}

int sv_tool_info(int argc, char **argv, struct sv_err *e) {
    struct sv_common common = { 0 };
    bool tensors = false;
    const struct sv_opt opt[] = {
        { "tensors", SV_OPT_FLAG, &tensors, NULL, "list every tensor too", 0, 0 },
        SV_COMMON(&common),
    };
    const struct sv_usage u = {
        "info", "FILE [options]", "Shows what a model, scene or checkpoint holds: sizes, settings, tensors.",
        "svad info b16.svad --tensors", 1, 1,
    };
    struct sv_list args = { 0 };
    struct sv_any a = { 0 };
    struct sum n;
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc && !(rc = sv_any_open(&a, args.item[0], e))) {
        count(&a.store, &n);
        if (common.json) rc = print_json(&a, &n, tensors, e);
        else print_text(&a, &n, tensors);
    }
    sv_any_close(&a);
    sv_list_free(&args);
    return rc == 1 ? 0 : rc;
}
