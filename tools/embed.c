/* embed.c - svad embed: rows of features for texts, images, pixels and token ids, in the order they are named. */
#include "core/num.h"
#include "io/json.h"
#include "io/npy.h"
#include "tools/model.h"

#include <stdio.h>
#include <string.h>

struct embed {
    struct sv_common common;
    const char *model, *out, *clean;
    struct sv_list in;
    struct sv_token_opts token;
    bool raw, no_special;
    struct sv_model m;
    struct sv_cpu cpu;
    struct sv_clip *clip;
    float *rows; size_t n, cap;         /* [n, E]; cap counts rows */
};

enum { MAX_ROWS = 1 << 20 };

static int room(struct embed *x, size_t more, struct sv_err *e) {
    if (more > MAX_ROWS - x->n) return sv_fail(e, SV_EINPUT, "more than %d rows", MAX_ROWS);
    int rc = 0;
    while (!rc && x->n + more > x->cap) rc = sv_grow(&x->rows, &x->cap, x->cap, x->m.cfg.embed * sizeof *x->rows, e);
    return rc;
}

/* The array [B, ...row] (or one row without B) of an .npy file: views[0] of s. */
static int read_array(const char *path, struct sv_file *f, struct sv_store *s, int dtypes, size_t rank, const size_t *row, size_t *batch, struct sv_err *e) {
    int rc;
    if ((rc = sv_file_read(f, path, (size_t)1 << 32, e)) || (rc = sv_store_init(s, path, e)) || (rc = sv_npy_read(f->data, f->size, s, e))) return rc;
    const struct sv_view *v = &s->view[0];
    *batch = v->rank == rank ? v->dim[0] : 1;
    bool same = (dtypes >> v->dtype & 1) && (v->rank == rank || v->rank + 1 == rank);
    for (size_t i = 0; same && i + 1 < rank; i++) same = v->dim[v->rank - rank + 1 + i] == row[i];
    if (same) return 0;
    return sv_fail(e, SV_EINPUT, "%s: an array of %zu dimensions of type %s, expected [B%s%zu%s", path, v->rank, sv_dtype_name(v->dtype),
                   rank == 4 ? ", 3, " : ", ", row[rank - 2], rank == 4 ? " (twice)] of f32 or f16" : "] of i32 or i64");
}

static int embed_pixels(struct embed *x, const char *path, struct sv_err *e) {
    const size_t size = x->m.cfg.image_size, row[] = { 3, size, size };
    struct sv_file f = {0};
    struct sv_store s = {0};
    size_t batch;
    int rc = read_array(path, &f, &s, SV_FLOATS, 4, row, &batch, e);
    float *pixels = rc ? NULL : sv_alloc(s.view[0].count, sizeof *pixels, e);
    if (!rc && !pixels) rc = SV_ENOMEM;
    if (!rc && !(rc = room(x, batch, e))) {
        sv_view_f32(&s.view[0], 0, s.view[0].count, pixels);
        sv_clip_image(x->clip, pixels, batch, x->rows + x->n * x->m.cfg.embed);
        x->n += batch;
    }
    sv_free(pixels);
    sv_store_free(&s);
    sv_file_close(&f);
    return rc;
}

static int embed_ids(struct embed *x, const char *path, struct sv_err *e) {
    const size_t context = x->m.cfg.context;
    struct sv_file f = {0};
    struct sv_store s = {0};
    size_t batch;
    int rc = read_array(path, &f, &s, 1 << SV_I32 | 1 << SV_I64, 2, &context, &batch, e);
    int32_t *ids = rc ? NULL : sv_alloc(s.view[0].count, sizeof *ids, e);
    if (!rc && !ids) rc = SV_ENOMEM;
    const struct sv_view *v = rc ? NULL : &s.view[0];
    for (size_t i = 0; !rc && i < v->count; i++) {
        int64_t id = 0;
        int32_t narrow;
        if (v->dtype == SV_I64) memcpy(&id, (const char *)v->data + 8 * i, 8);
        else memcpy(&narrow, (const char *)v->data + 4 * i, 4), id = narrow;
        if (id < 0 || (size_t)id >= x->m.cfg.vocab)
            rc = sv_fail(e, SV_EINPUT, "%s: id %lld at row %zu, column %zu, expected 0 .. %zu", path, (long long)id, i / context, i % context, x->m.cfg.vocab - 1);
        ids[i] = (int32_t)id;
    }
    if (!rc && !(rc = room(x, batch, e))) {
        sv_clip_text(x->clip, ids, batch, x->rows + x->n * x->m.cfg.embed);
        x->n += batch;
    }
    sv_free(ids);
    sv_store_free(&s);
    sv_file_close(&f);
    return rc;
}

static int embed_item(struct embed *x, const char *kind, const char *item, struct sv_err *e) {
    const size_t first = x->n, width = x->m.cfg.embed;
    int rc;
    if (!strcmp(kind, "pixels")) rc = embed_pixels(x, item, e);
    else if (!strcmp(kind, "ids")) rc = embed_ids(x, item, e);
    else if (!(rc = room(x, 1, e))) {
        float *out = x->rows + x->n * width;
        rc = !strcmp(kind, "image") ? sv_model_image(&x->m, x->clip, item, out, e) : sv_model_texts(&x->m, x->clip, &item, 1, &x->token, out, e);
        x->n += !rc;
    }
    if (rc) return rc;
    float *rows = x->rows + first * width;
    if ((rc = sv_check_finite(rows, (x->n - first) * width, item, e))) return rc;
    if (!x->raw) sv_unit_rows(rows, rows, x->n - first, width);
    return 0;
}

static int put(const struct embed *x, struct sv_err *e) {
    const size_t width = x->m.cfg.embed;
    if (x->out) return sv_npy_write(x->out, SV_F32, 2, (size_t[]){ x->n, width }, x->rows, e);
    for (size_t r = 0; r < x->n; r++) {
        if (x->common.json) {
            struct sv_json_out o = { .e = e };
            sv_json_open(&o, NULL, '{');
            sv_json_put_int(&o, "row", (int64_t)r);
            sv_json_open(&o, "feature", '[');
            for (size_t i = 0; i < width; i++) sv_json_put_f32(&o, NULL, x->rows[r * width + i]);
            sv_json_close(&o), sv_json_close(&o);
            if (!o.rc) fputs(o.text, stdout);
            sv_free(o.text);
            if (o.rc) return o.rc;
            continue;
        }
        for (size_t i = 0; i < width; i++) {
            char text[SV_NUM_TEXT];
            sv_num_text_f32(x->rows[r * width + i], text);
            printf("%s%s", text, i + 1 < width ? " " : "\n");
        }
    }
    return 0;
}

static int run(struct embed *x, struct sv_err *e) {
    int towers = 0, rc;
    for (size_t i = 0; i < x->in.n; i++)
        towers |= !strcmp(x->in.option[i], "image") || !strcmp(x->in.option[i], "pixels") ? SV_CLIP_IMAGE : SV_CLIP_TEXT;
    if (!towers) return sv_fail(e, SV_EUSAGE, "embed: nothing to embed: give --text, --image, --pixels or --ids");
    if (x->clean && !sv_clean_named(x->clean, &x->token.clean))
        return sv_fail(e, SV_EUSAGE, "embed: --clean is \"%s\", expected openai, hf or none", x->clean);
    x->token.special = !x->no_special;
    if ((rc = sv_model_open(&x->m, x->model, e)) || (rc = sv_cpu_open(&x->cpu, &x->common, e))) return rc;
    if (x->out && (rc = sv_out_try(x->out, e))) return rc;
    if (!(x->clip = sv_clip_open(&x->m.store, &x->cpu, towers, 1, e))) return e->code;
    struct sv_progress p;
    sv_progress_start(&p, &x->common, "embed", "inputs", x->in.n);
    for (size_t i = 0; !rc && i < x->in.n; i++) {
        rc = embed_item(x, x->in.option[i], x->in.item[i], e);
        sv_progress_at(&p, i + 1);
    }
    sv_progress_end(&p);
    return rc ? rc : put(x, e);
}

int sv_tool_embed(int argc, char **argv, struct sv_err *e) {
    struct embed x = { .token = SV_TOKEN_OPTS };
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "m", SV_OPT_TEXT, &x.model, "MODEL", "model file", 0, 0 },
        { "text", SV_OPT_LIST, &x.in, "TEXT", "a text (any number of these four, rows in the order given)", 0, 0 },
        { "image", SV_OPT_LIST, &x.in, "FILE", "an image: PNG, JPEG, PNM", 0, 0 },
        { "pixels", SV_OPT_LIST, &x.in, "FILE.npy", "preprocessed pixels [B, 3, S, S]", 0, 0 },
        { "ids", SV_OPT_LIST, &x.in, "FILE.npy", "token ids [B, context]", 0, 0 },
        { "raw", SV_OPT_FLAG, &x.raw, NULL, "features as projected, not brought to unit length", 0, 0 },
        { "clean", SV_OPT_TEXT, &x.clean, "HOW", "text cleaning: openai, hf, none", 0, 0 },
        { "truncate", SV_OPT_FLAG, &x.token.truncate, NULL, "cut texts that are too long", 0, 0 },
        { "no-special", SV_OPT_FLAG, &x.no_special, NULL, "a typed <|endoftext|> is text", 0, 0 },
        { "o", SV_OPT_TEXT, &x.out, "OUT.npy", "write [rows, E] as f32 there; without it rows of numbers on stdout", 0, 0 },
        SV_COMMON(&x.common),
    };
    static const struct sv_usage u = { "embed", "-m MODEL (--text T | --image FILE | --pixels FILE.npy | --ids FILE.npy)... [-o OUT.npy]",
        "Feature vectors of texts and images: one row each, brought to unit length.",
        "svad embed -m model.svad --text \"a person is walking\" --image frame.jpg -o rows.npy", 0, 0 };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc && args.n) rc = sv_fail(e, SV_EUSAGE, "embed: what is \"%s\"? say --text, --image, --pixels or --ids before it", args.item[0]);
    if (!rc) rc = run(&x, e);
    sv_clip_free(x.clip);
    sv_cpu_close(&x.cpu);
    sv_model_close(&x.m);
    sv_free(x.rows);
    sv_list_free(&x.in), sv_list_free(&args);
    return rc < 0 ? rc : 0;
}
