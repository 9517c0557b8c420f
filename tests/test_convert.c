#include "core/half.h"
#include "core/kern.h"
#include "core/rng.h"
#include "io/container.h"
#include "io/convert.h"
#include "tests/util.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two towers of different sizes: nothing that mixes them up passes.  Projections are square in one tower only. */
enum { E = 64, P = 2, GRID = 3, LEN = 5, ROWS = 516, WV = 64, LV = 2, MV = 96, WT = 128, LT = 3, MT = 100 };

static struct sv_store truth;           /* what a conversion must give, in the engine's names */
static uint64_t seed = 1;

/* Values that f16 holds. */
static void truth_add(const char *name, size_t rank, size_t a, size_t b) {
    const size_t n = a * (rank > 1 ? b : 1);
    float *p = sv_store_alloc(&truth, n, sizeof *p, NULL);
    for (size_t i = 0; i < n; i++) p[i] = sv_f16_f32(sv_f32_f16((float)(sv_rng_unit(&seed) * 4 - 2)));
    cr_assert_eq(sv_store_add(&truth, name, SV_F32, rank, (const size_t[]){ a, b }, p, 4 * n, NULL), 0);
}

static void truth_tower(const char *of, size_t w, size_t m, size_t layers) {
    const struct { const char *name; size_t rank, a, b; } row[] = {
        { "ln1.weight", 1, w, 0 }, { "ln1.bias", 1, w, 0 }, { "qkv.weight", 2, 3 * w, w }, { "qkv.bias", 1, 3 * w, 0 },
        { "out.weight", 2, w, w }, { "out.bias", 1, w, 0 }, { "ln2.weight", 1, w, 0 }, { "ln2.bias", 1, w, 0 },
        { "fc1.weight", 2, m, w }, { "fc1.bias", 1, m, 0 }, { "fc2.weight", 2, w, m }, { "fc2.bias", 1, w, 0 },
    };
    char name[128];
    for (size_t i = 0; i < layers; i++)
        for (size_t k = 0; k < SV_LEN(row); k++) {
            snprintf(name, sizeof name, "clip.%s.block.%zu.%s", of, i, row[k].name);
            truth_add(name, row[k].rank, row[k].a, row[k].b);
        }
}

static void setup(void) {
    cr_assert_eq(sv_store_init(&truth, "truth", NULL), 0);
    truth_add("clip.visual.patch.weight", 2, WV, 3 * P * P);
    truth_add("clip.visual.class", 1, WV, 0);
    truth_add("clip.visual.position", 2, 1 + GRID * GRID, WV);
    truth_add("clip.visual.ln_pre.weight", 1, WV, 0);
    truth_add("clip.visual.ln_pre.bias", 1, WV, 0);
    truth_add("clip.visual.ln_post.weight", 1, WV, 0);
    truth_add("clip.visual.ln_post.bias", 1, WV, 0);
    truth_add("clip.visual.proj", 2, E, WV);
    truth_tower("visual", WV, MV, LV);
    truth_add("clip.text.token", 2, ROWS, WT);
    truth_add("clip.text.position", 2, LEN, WT);
    truth_add("clip.text.ln_final.weight", 1, WT, 0);
    truth_add("clip.text.ln_final.bias", 1, WT, 0);
    truth_add("clip.text.proj", 2, E, WT);
    truth_tower("text", WT, MT, LT);
}

static void teardown(void) { sv_store_free(&truth); }

struct source {                         /* how a checkpoint is made of truth */
    bool hf;
    const char *prefix, *text_prefix, *skip;    /* skip: a source name to leave out */
    enum sv_dtype dtype;
};

static const struct { const char *ours, *openai, *hf; } names[] = {
    { "visual.patch.weight", "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight" },
    { "visual.class", "visual.class_embedding", "vision_model.embeddings.class_embedding" },
    { "visual.position", "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight" },
    { "visual.ln_pre.", "visual.ln_pre.", "vision_model.pre_layrnorm." },
    { "visual.ln_post.", "visual.ln_post.", "vision_model.post_layernorm." },
    { "visual.proj", "visual.proj", "visual_projection.weight" },
    { "text.token", "token_embedding.weight", "text_model.embeddings.token_embedding.weight" },
    { "text.position", "positional_embedding", "text_model.embeddings.position_embedding.weight" },
    { "text.ln_final.", "ln_final.", "text_model.final_layer_norm." },
    { "text.proj", "text_projection", "text_projection.weight" },
    { "ln1.", "ln_1.", "layer_norm1." }, { "ln2.", "ln_2.", "layer_norm2." },
    { "qkv.weight", "attn.in_proj_weight", "self_attn.q_proj.weight" },
    { "qkv.bias", "attn.in_proj_bias", "self_attn.q_proj.bias" },
    { "out.", "attn.out_proj.", "self_attn.out_proj." }, { "fc1.", "mlp.c_fc.", "mlp.fc1." },
    { "fc2.", "mlp.c_proj.", "mlp.fc2." },
};

static void rename_to(char out[256], const char *ours, const struct source *o) {
    char block[64] = "";
    size_t i = 0;
    ours += strlen("clip.");
    const bool text = !strncmp(ours, "text.", 5);
    if (strstr(ours, "block.")) {
        const char *number = strstr(ours, "block.") + 6;
        const int digits = (int)strcspn(number, ".");
        snprintf(block, sizeof block, "%s%.*s.", o->hf ? text ? "text_model.encoder.layers." : "vision_model.encoder.layers."
                 : text ? "transformer.resblocks." : "visual.transformer.resblocks.", digits, number);
        ours = number + digits + 1;
    }
    while (strncmp(ours, names[i].ours, strlen(names[i].ours))) cr_assert_lt(++i, SV_LEN(names), "%s", ours);
    snprintf(out, 256, "%s%s%s%s%s", o->prefix ? o->prefix : "", text && o->text_prefix ? o->text_prefix : "", block,
             o->hf ? names[i].hf : names[i].openai, ours + strlen(names[i].ours));
}

static void add(struct sv_store *s, const struct source *o, const char *name, size_t rank, const size_t *dim, const float *p,
                size_t n) {
    if (o->skip && !strcmp(name, o->skip)) return;
    const size_t size = sv_dtype_size(o->dtype);
    uint8_t *q = sv_store_alloc(s, n, size, NULL);
    for (size_t i = 0; i < n; i++) {
        const uint16_t h = o->dtype == SV_F16 ? sv_f32_f16(p[i]) : sv_f32_bf16(p[i]);
        if (o->dtype == SV_F32) memcpy(q + 4 * i, &p[i], 4);
        else memcpy(q + 2 * i, &h, 2);
    }
    cr_assert_eq(sv_store_add(s, name, o->dtype, rank, dim, q, n * size, NULL), 0, "%s", name);
}

/* A checkpoint: truth under other names, projections and q, k, v in the other layout. */
static void make(struct sv_store *s, const struct source *o) {
    static float turned[E * WT];
    char name[256];
    cr_assert_eq(sv_store_init(s, "ckpt", NULL), 0);
    for (size_t i = 0; i < truth.views; i++) {
        const struct sv_view *v = &truth.view[i];
        const float *p = v->data;
        size_t rank = v->rank, dim[4] = { v->dim[0], v->dim[1] };
        rename_to(name, v->name, o);
        if (strstr(v->name, "patch")) rank = 4, dim[1] = 3, dim[2] = dim[3] = P;
        if (!o->hf && strstr(v->name, ".proj")) {
            for (size_t r = 0; r < dim[0]; r++)
                for (size_t c = 0; c < dim[1]; c++) turned[c * dim[0] + r] = p[r * dim[1] + c];
            p = turned, dim[0] = v->dim[1], dim[1] = v->dim[0];
        }
        if (!o->hf || !strstr(v->name, "qkv")) {
            add(s, o, name, rank, dim, p, v->count);
            continue;
        }
        dim[0] /= 3;
        for (size_t k = 0; k < 3; k++) {
            *(strstr(name, "q_proj")) = "qkv"[k];
            add(s, o, name, rank, dim, p + k * v->count / 3, v->count / 3);
            *(strstr(name, "_proj") - 1) = 'q';
        }
    }
    snprintf(name, sizeof name, "%slogit_scale", o->prefix ? o->prefix : "");
    add(s, o, name, 0, NULL, (const float[]){ 4.6015625f }, 1);
}

/* Runs a plan to its end, in pieces of an odd size; tensors of out get their data. */
static int finish(struct sv_convert *c, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; i < c->out.views; i++) {
        struct sv_view *v = &c->out.view[i];
        const size_t size = sv_dtype_size(v->dtype);
        uint8_t *p = sv_store_alloc(&c->out, v->count, size, NULL);
        for (size_t at = 0; !rc && at < v->count; at += 777)
            rc = sv_convert_fill(c, v, at, sv_min(777, v->count - at), p + at * size, e);
        v->data = p;
    }
    return rc;
}

static void check_truth(const struct sv_convert *c, enum sv_dtype matrix) {
    cr_assert_eq(c->out.views, truth.views);
    for (size_t i = 0; i < truth.views; i++) {
        const struct sv_view *v = &truth.view[i], *w = sv_store_find(&c->out, v->name);
        const bool is_matrix = v->rank == 2 && !strstr(v->name, "position");
        const float *p = v->data;
        float x[1];
        cr_assert(w && w->rank == v->rank && w->dim[0] == v->dim[0] &&
                  (v->rank < 2 || w->dim[1] == v->dim[1]), "%s", v->name);
        cr_assert_eq(w->dtype, is_matrix ? matrix : SV_F32, "%s", v->name);
        for (size_t k = 0; k < v->count; k++) {
            sv_view_f32(w, k, 1, x);
            const float want = is_matrix && matrix == SV_BF16 ? sv_bf16_f32(sv_f32_bf16(p[k])) : p[k];
            cr_assert(!memcmp(x, &want, 4), "%s[%zu] is %g, expected %g", v->name, k, (double)x[0], (double)want);
        }
    }
}

static void converts(const struct source *src, enum sv_dtype dtype) {
    struct sv_store s;
    struct sv_convert c;
    struct sv_err e = { 0 };
    const struct sv_convert_options o = { .act = "gelu", .dtype = dtype, .source = "a.pt" };
    make(&s, src);
    cr_assert_eq(sv_convert_plan(&c, &s, &o, &e), 0, "%s", e.msg);
    cr_assert_eq(finish(&c, &e), 0, "%s", e.msg);
    check_truth(&c, dtype);
    cr_assert_eq(c.vocab, ROWS);
    cr_assert_eq(c.not_finite, 0);
    sv_convert_free(&c);
    sv_store_free(&s);
}

/* Each matrix but the token table as bytes, its factors behind it: within half a step of the truth, and its largest a whole 127 steps. */
static void converts_bytes(const struct source *src) {
    struct sv_store s;
    struct sv_convert c;
    struct sv_err e = { 0 };
    const struct sv_convert_options o = { .act = "gelu", .dtype = SV_I8 };
    make(&s, src);
    cr_assert_eq(sv_convert_plan(&c, &s, &o, &e), 0, "%s", e.msg);
    cr_assert_eq(finish(&c, &e), 0, "%s", e.msg);
    for (size_t i = 0; i < truth.views; i++) {
        const struct sv_view *v = &truth.view[i], *w = sv_store_find(&c.out, v->name);
        const bool token = strstr(v->name, "token") != NULL;
        cr_assert(w && w->count == v->count, "%s", v->name);
        if (v->rank != 2 || strstr(v->name, "position") || token) { cr_assert_eq(w->dtype, token ? SV_F16 : SV_F32, "%s", v->name); continue; }
        char name[256];
        snprintf(name, sizeof name, "%s.scale", v->name);
        const struct sv_view *f = sv_store_find(&c.out, name);
        cr_assert(w->dtype == SV_I8 && f && f->dtype == SV_F32 && f->count == v->dim[0], "%s", v->name);
        for (size_t r = 0; r < v->dim[0]; r++) {
            int most = 0;
            const float factor = ((const float *)f->data)[r];
            for (size_t k = r * v->dim[1]; k < (r + 1) * v->dim[1]; k++) {
                const int q = ((const int8_t *)w->data)[k];
                most = abs(q) > most ? abs(q) : most;
                cr_assert(fabsf((float)q * factor - ((const float *)v->data)[k]) <= factor * 0.501f, "%s[%zu]", v->name, k);
            }
            cr_assert_eq(most, 127, "%s row %zu", v->name, r);
        }
    }
    sv_convert_free(&c);
    sv_store_free(&s);
}

TestSuite(convert, .init = setup, .fini = teardown);

Test(convert, all_names_and_types_agree) {
    for (int hf = 0; hf < 2; hf++) {
        converts_bytes(&(struct source){ .hf = hf });
        for (enum sv_dtype in = SV_F32; in <= SV_F16; in++)
            for (enum sv_dtype out = SV_F32; out <= SV_BF16; out++) converts(&(struct source){ .hf = hf, .dtype = in }, out);
    }
}

Test(convert, prefixes_come_off) {
    converts(&(struct source){ .prefix = "module." }, SV_F32);
    converts(&(struct source){ .prefix = "state_dict._orig_mod.module." }, SV_F32);
    converts(&(struct source){ .prefix = "model.module." }, SV_F32);
    converts(&(struct source){ .text_prefix = "text." }, SV_F32);
    converts(&(struct source){ .prefix = "module.", .text_prefix = "text." }, SV_F32);
    converts(&(struct source){ .hf = true, .prefix = "module." }, SV_F32);
}

Test(convert, values) {
    struct sv_store s;
    struct sv_convert c;
    struct sv_err e = { 0 };
    const struct sv_convert_options o = { .act = "quick", .source = "a.pt", .sha256 = "00ff" };
    static const struct { const char *name; int64_t v; } row[] = {
        { "clip.embed", E }, { "clip.image_size", GRID * P }, { "clip.patch", P }, { "clip.context", LEN },
        { "clip.vocab", ROWS },
        { "clip.visual.width", WV }, { "clip.visual.layers", LV }, { "clip.visual.heads", 1 }, { "clip.visual.mlp", MV },
        { "clip.text.width", WT }, { "clip.text.layers", LT }, { "clip.text.heads", 2 }, { "clip.text.mlp", MT },
    };
    static const struct { const char *name, *v; } text[] = {
        { "clip.act", "quick" }, { "clip.resize", "crop" }, { "clip.tube_crop", "squash" }, { "clip.source", "a.pt" },
        { "clip.sha256", "00ff" },
    };
    make(&s, &(struct source){ 0 });
    cr_assert_eq(sv_convert_plan(&c, &s, &o, &e), 0, "%s", e.msg);
    int64_t v;
    double r, mean[3];
    const char *t;
    for (size_t i = 0; i < SV_LEN(row); i++) {
        cr_assert_eq(sv_store_get_int(&c.out, row[i].name, 0, 1000, &v, &e), 0, "%s", e.msg);
        cr_assert_eq(v, row[i].v, "%s", row[i].name);
    }
    for (size_t i = 0; i < SV_LEN(text); i++) {
        cr_assert_eq(sv_store_get_text(&c.out, text[i].name, &t, &e), 0, "%s", e.msg);
        cr_assert_str_eq(t, text[i].v);
    }
    cr_assert(!sv_store_get_real(&c.out, "clip.logit_scale", 0, 9, &r, &e) && r == 4.6015625);
    cr_assert(!sv_store_get_real(&c.out, "clip.eps", 0, 9, &r, &e) && r == 1e-5);
    cr_assert(!sv_store_get_real(&c.out, "clip.tube_seconds", 0, 9, &r, &e) && r == 0);
    cr_assert(!sv_store_get_reals(&c.out, "clip.mean", 3, mean, &e) && mean[0] == 0.48145466);
    sv_convert_free(&c);
    sv_store_free(&s);
}

/* A plan over s that must fail with a message that holds want, or succeed where want is NULL. */
static void plan(const struct sv_store *s, const struct sv_convert_options *o, const char *want) {
    struct sv_convert c;
    struct sv_err e = { 0 };
    const int rc = sv_convert_plan(&c, s, o, &e);
    cr_assert_eq(rc, want ? SV_EINPUT : 0, "wanted %s, got %s", want ? want : "success", e.msg);
    if (want) cr_assert_not_null(strstr(e.msg, want), "wanted %s, got %s", want, e.msg);
    sv_convert_free(&c);
}

static const struct sv_convert_options quick = { .act = "quick" };

static void extra(const char *name, enum sv_dtype t, size_t rank, size_t a, const void *p, size_t bytes, const char *want) {
    struct sv_store s;
    make(&s, &(struct source){ 0 });
    cr_assert_eq(sv_store_add(&s, name, t, rank, (const size_t[]){ a, 1, 1, 1 }, p, bytes, NULL), 0);
    plan(&s, &quick, want);
    sv_store_free(&s);
}

Test(convert, every_missing_tensor_is_named) {
    for (int hf = 0; hf < 2; hf++) {
        struct sv_store all;
        make(&all, &(struct source){ .hf = hf });
        for (size_t i = 0; i < all.views; i++) {
            struct sv_store s;
            make(&s, &(struct source){ .hf = hf, .skip = all.view[i].name });
            cr_assert_eq(s.views, all.views - 1);
            plan(&s, &quick, all.view[i].name);
            sv_store_free(&s);
        }
        sv_store_free(&all);
    }
}

Test(convert, every_wrong_shape_is_named) {
    for (int hf = 0; hf < 2; hf++) {
        struct sv_store s;
        make(&s, &(struct source){ .hf = hf });
        for (size_t i = 0; i < s.views; i++) {
            struct sv_view *v = &s.view[i];
            const struct sv_view was = *v;
            const bool free_rows = v->dim[0] == ROWS || v->dim[0] == LEN;   /* nothing else says how many */
            if (!v->rank) continue;
            v->dim[v->rank++] = 1;
            plan(&s, &quick, v->name);
            *v = was;
            for (size_t k = free_rows; k < v->rank; k++) {
                struct sv_convert c;
                struct sv_err e = { 0 };
                v->dim[k] += 1, v->bytes += v->bytes / was.dim[k];
                cr_assert_eq(sv_convert_plan(&c, &s, &quick, &e), SV_EINPUT, "%s, dimension %zu", v->name, k);
                cr_assert_null(strstr(e.msg, "bytes of data"), "%s", e.msg);
                *v = was;
            }
            v->dtype = SV_I32;
            plan(&s, &quick, v->name);
            *v = was;
        }
        plan(&s, &quick, NULL);
        sv_store_free(&s);
    }
}

Test(convert, tensors_that_clip_does_not_have) {
    static const int64_t six = GRID * P, wrong = 224;
    static const int32_t rows = ROWS;
    static const float one = 1;
    extra("visual.conv1.bias", SV_F32, 1, 1, &one, 4, "tensor visual.conv1.bias is not part of CLIP");
    extra("visual.transformer.resblocks.0.ls_1.gamma", SV_F32, 1, 1, &one, 4, "ls_1.gamma is not part");
    extra("visual.transformer.resblocks.3.ln_1.weight", SV_F32, 1, 1, &one, 4,
          "no tensor visual.transformer.resblocks.2.ln_1.weight");
    extra("visual.attnpool.positional_embedding", SV_F32, 1, 1, &one, 4, "ResNet");
    extra("transformer.resblocks.99999999999999999999.x", SV_F32, 1, 1, &one, 4, "blocks named transformer.resblocks.");
    extra("module.logit_scale", SV_F32, 0, 1, &one, 4, "two tensors named logit_scale");
    extra("attn_mask", SV_F32, 1, 1, &one, 4, NULL);
    extra("logit_bias", SV_F32, 1, 1, &one, 4, NULL);
    extra("text_model.embeddings.position_ids", SV_I64, 1, 1, &six, 8, NULL);
    extra("input_resolution", SV_I64, 0, 1, &six, 8, NULL);
    extra("input_resolution", SV_I64, 0, 1, &wrong, 8, "input_resolution is 224, its tensors say 6");
    extra("context_length", SV_I64, 1, 1, &six, 8, "context_length is 6");
    extra("vocab_size", SV_I32, 0, 1, &rows, 4, NULL);
    extra("vocab_size", SV_F32, 0, 1, &one, 4, "vocab_size is 1");
}

Test(convert, training_checkpoint_with_an_optimizer) {
    struct sv_store s;
    make(&s, &(struct source){ .prefix = "state_dict.module." });
    cr_assert_eq(sv_store_add(&s, "optimizer.state.0.exp_avg", SV_F32, 0, NULL, truth.view[0].data, 4, NULL), 0);
    cr_assert_eq(sv_store_add(&s, "epoch", SV_I64, 0, NULL, truth.view[0].data, 8, NULL), 0);
    plan(&s, &quick, NULL);
    sv_store_free(&s);
}

Test(convert, activation_is_never_guessed) {
    struct sv_store s;
    struct sv_settings k = { .act = "gelu", .config = "config.json" };
    make(&s, &(struct source){ 0 });
    plan(&s, &(struct sv_convert_options){ 0 }, "--act quick");
    plan(&s, &(struct sv_convert_options){ .sha256 = "1234" }, "--act quick");
    plan(&s, &(struct sv_convert_options){ .sha256 = "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f" },
         NULL);
    plan(&s, &(struct sv_convert_options){ .settings = &k }, NULL);
    sv_store_free(&s);
}

Test(convert, settings_must_fit) {
    struct sv_store s;
    make(&s, &(struct source){ 0 });
    struct sv_settings k = { .act = "gelu", .config = "config.json", .visual.heads = 16, .text.heads = 4, .eps = 1e-6,
                             .pixels = true, .mean = { .5, .5, .5 }, .std = { .5, .25, .125 }, .squash = true };
    const struct sv_convert_options o = { .settings = &k };
    struct sv_convert c;
    int64_t heads;
    double r, std[3];
    const char *t;
    cr_assert_eq(sv_convert_plan(&c, &s, &o, NULL), 0);
    cr_assert(!sv_store_get_int(&c.out, "clip.visual.heads", 1, 99, &heads, NULL) && heads == 16);
    cr_assert(!sv_store_get_int(&c.out, "clip.text.heads", 1, 99, &heads, NULL) && heads == 4);
    cr_assert(!sv_store_get_real(&c.out, "clip.eps", 0, 1, &r, NULL) && r == 1e-6);
    cr_assert(!sv_store_get_reals(&c.out, "clip.std", 3, std, NULL) && std[2] == .125);
    cr_assert(!sv_store_get_text(&c.out, "clip.resize", &t, NULL) && !strcmp(t, "squash"));
    sv_convert_free(&c);
    k.visual.heads = 5;
    plan(&s, &o, "5 heads do not divide it");
    k.visual.heads = 0, k.text.width = 512;
    plan(&s, &o, "text width of its tensors is 128, config.json beside it says 512");
    k.text.width = 0, k.patch = 3;
    plan(&s, &o, "patch size of its tensors is 2");
    sv_store_free(&s);
}

/* The value at one place of a source tensor is replaced by x. */
static int spoiled(float x, enum sv_dtype dtype, bool strict, struct sv_convert *c, struct sv_store *s, struct sv_err *e) {
    static struct sv_convert_options o;
    o = (struct sv_convert_options){ .act = "quick", .dtype = dtype, .strict = strict };
    make(s, &(struct source){ 0 });
    memcpy((char *)sv_store_find(s, "transformer.resblocks.1.mlp.c_fc.weight")->data + 4 * 2000, &x, 4);
    cr_assert_eq(sv_convert_plan(c, s, &o, e), 0, "%s", e->msg);
    return finish(c, e);
}

Test(convert, weights_that_are_no_numbers) {
    const struct { float x; enum sv_dtype dtype; bool strict; size_t bad; const char *want; } row[] = {
        { NAN, SV_F32, false, 1, NULL }, { INFINITY, SV_F16, false, 1, NULL },
        { NAN, SV_F32, true, 0, "value at 2000 is not finite" },
        { 70000, SV_F32, true, 0, NULL }, { 65519, SV_F16, true, 0, NULL },
        { 65520, SV_F16, false, 0, "value 65520 at 2000 is beyond f16" },
        { -3.4e38f, SV_F32, true, 0, NULL }, { -3.4e38f, SV_BF16, true, 0, "beyond bf16" },
        { 1e38f, SV_BF16, true, 0, NULL },
    };
    for (size_t i = 0; i < SV_LEN(row); i++) {
        struct sv_convert c;
        struct sv_store s;
        struct sv_err e = { 0 };
        const int rc = spoiled(row[i].x, row[i].dtype, row[i].strict, &c, &s, &e);
        cr_assert_eq(rc, row[i].want ? SV_EINPUT : 0, "row %zu: %s", i, e.msg);
        if (row[i].want) cr_assert(strstr(e.msg, row[i].want) && strstr(e.msg, "clip.text.block.1.fc1.weight"), "%s", e.msg);
        cr_assert_eq(c.not_finite, row[i].bad);
        if (row[i].bad) cr_assert_str_eq(c.first_bad, "clip.text.block.1.fc1.weight");
        sv_convert_free(&c);
        sv_store_free(&s);
    }
}

Test(convert, logit_scale) {
    static const uint16_t good[2] = { 0x449a, 0x449a }, nan[1] = { 0x7e00 }, large[1] = { 0x7bff };
    struct sv_store s;
    make(&s, &(struct source){ .skip = "logit_scale" });
    plan(&s, &quick, "no tensor logit_scale");
    cr_assert_eq(sv_store_add(&s, "logit_scale", SV_F16, 1, (const size_t[]){ 1 }, good, 2, NULL), 0);
    plan(&s, &quick, NULL);
    struct sv_view *v = (struct sv_view *)sv_store_find(&s, "logit_scale");
    v->data = nan;
    plan(&s, &quick, "logit_scale is nan");
    v->data = large;
    plan(&s, &quick, "logit_scale is 65504");
    v->dim[0] = 2, v->bytes = 4, v->data = good;
    plan(&s, &quick, "logit_scale is not one number");
    sv_store_free(&s);
}

static const struct sv_store nothing = { .file = "empty" };

Test(convert, not_clip_at_all) {
    struct sv_store s;
    plan(&nothing, &quick, "no CLIP vision transformer");
    cr_assert_eq(sv_store_init(&s, "x", NULL), 0);
    cr_assert_eq(sv_store_add(&s, "visual.trunk.pos_embed", SV_F32, 0, NULL, truth.view[0].data, 4, NULL), 0);
    plan(&s, &quick, "no CLIP vision transformer");
    sv_store_free(&s);
}

/* The store as a safetensors file. */
static void write_safetensors(const struct sv_store *s, const char *path) {
    static char head[1 << 16];
    size_t at = 8 + (size_t)snprintf(head + 8, sizeof head - 8, "{"), off = 0;
    for (size_t i = 0; i < s->views; i++) {
        const struct sv_view *v = &s->view[i];
        at += (size_t)snprintf(head + at, sizeof head - at, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "",
                               v->name);
        for (size_t k = 0; k < v->rank; k++)
            at += (size_t)snprintf(head + at, sizeof head - at, "%s%zu", k ? "," : "", v->dim[k]);
        at += (size_t)snprintf(head + at, sizeof head - at, "],\"data_offsets\":[%zu,%zu]}", off, off + v->bytes);
        off += v->bytes;
    }
    at += (size_t)snprintf(head + at, sizeof head - at, "}");
    const uint64_t n = at - 8;
    memcpy(head, &n, 8);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    fwrite(head, 1, at, f);
    for (size_t i = 0; i < s->views; i++) fwrite(s->view[i].data, 1, s->view[i].bytes, f);
    fclose(f);
}

static void put_text(const char *dir, const char *name, const char *text) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

/* One command line that must end with this code and say this. */
static void runs(const char *dir, const char *line, int code, const char *out, const char *err) {
    static struct ran r;
    cr_assert_eq(run_svad(&r, dir, "%s", line), code, "%s: %d %s", line, r.code, r.err);
    cr_assert_not_null(strstr(r.out, out), "%s: %s", line, r.out);
    cr_assert_not_null(strstr(r.err, err), "%s: %s", line, r.err);
}

Test(convert, the_commands) {
    const char *dir = temp_dir();
    char path[600];
    struct sv_store s;
    for (int hf = 0; hf < 2; hf++) {
        make(&s, &(struct source){ .hf = hf });
        snprintf(path, sizeof path, "%s/%s", dir, hf ? "model.safetensors" : "open.st");
        write_safetensors(&s, path);
        sv_store_free(&s);
    }
    runs(dir, "convert open.st -o x.svad --act quick", 2, "", "no vocabulary there");
    put_text(dir, "merges.txt", "#version: 0.2\na b\n");
    runs(dir, "convert open.st -o x.svad --act quick", 2, "",
         "1 merges make a vocabulary of 515 tokens, the token table has 516 rows");
    put_text(dir, "merges.txt", "#version: 0.2\na b\nab c\n");
    runs(dir, "convert open.st -o x.svad", 2, "", "--act quick");
    runs(dir, "convert open.st -o x.svad --act relu", 1, "", "--act is relu, expected quick or gelu");
    runs(dir, "convert open.st --act quick", 1, "", "-o MODEL is missing");
    runs(dir, "info x.svad", 2, "", "x.svad");
    runs(dir, "convert open.st -o a.svad --act quick", 0, "", "a.svad: 74 tensors");
    put_text(dir, "config.json", "{\"vision_config\": {\"num_attention_heads\": 1}, \"text_config\": "
                                 "{\"num_attention_heads\": 2}}");
    runs(dir, "convert . -o b.svad --quiet", 0, "", "");
    runs(dir, "convert a.svad -o c.svad", 2, "", "is a file of svad already");
    runs(dir, "compare a.svad b.svad", 0, "equal: 74 tensors", "");
    runs(dir, "verify a.svad b.svad", 0, "every checksum right", "");
    runs(dir, "info a.svad", 0, "clip.act               quick", "");
    runs(dir, "info a.svad --json --tensors", 0, "\"name\": \"clip.merges\", \"dtype\": \"u8\", \"shape\": [9]", "");
    runs(dir, "info open.st", 0, "checkpoint", "");
    runs(dir, "convert . -o h.svad --act gelu --dtype bf16", 0, "", "h.svad");
    runs(dir, "compare a.svad h.svad", 3, "value clip.act: quick | gelu\n", "");
    runs(dir, "compare a.svad h.svad --json", 3, "{\"equal\": false,", "");
    runs(dir, "convert . -o q.svad --dtype i8", 0, "", "q.svad");
    runs(dir, "verify q.svad", 0, "every checksum right", "");
    runs(dir, "info q.svad --json --tensors", 0, "\"name\": \"clip.visual.proj.scale\", \"dtype\": \"f32\"", "");
    runs(dir, "convert . -o q.svad --dtype i32", 1, "", "expected f32, f16, bf16 or i8");
    runs(dir, "convert a.svad -o pf.svad --packed scalar", 0, "", "packed for scalar");
    runs(dir, "convert . -o pi.svad --dtype i8 --packed scalar", 0, "", "packed for scalar");
    runs(dir, "verify pf.svad pi.svad", 0, "every checksum right", "");
    runs(dir, "info pi.svad", 0, "clip.packed            scalar", "");
    runs(dir, "convert pf.svad -o pp.svad --packed scalar", 2, "", "is packed already");
    runs(dir, "convert a.svad -o pp.svad --packed z80", 1, "", "no kernel table \"z80\"");
    runs(dir, "compare a.svad", 1, "", "compare: 1 files, expected 2");
    put_text(dir, "dot.ppm", "P3 1 1 255 9 90 200\n"), put_text(dir, "two.ppm", "P3 2 1 255 0 255 0 255 0 0\n"), put_text(dir, "red.ppm", "P3 1 1 255 255 0 0\n");
    runs(dir, "compare --embed dot.ppm --embed two.ppm a.svad q.svad", 0, "q.svad                            as stored  0.99", "");
    runs(dir, "compare --embed dot.ppm --embed two.ppm --embed red.ppm a.svad --json", 0, "{\"model\": \"a.svad\", \"precision\": \"bf16\", \"least\": 0.99", "");
    runs(dir, "compare --embed none.ppm a.svad", 2, "", "none.ppm");
    static struct ran r;
    const char *const rows[] = { "a.svad", "pf.svad", "q.svad", "pi.svad" };
    char first[1 << 14] = "";
    for (size_t i = 0; i < 4; i++) {                     /* a packed model has the bits of the one it was made of */
        cr_assert_eq(run_svad(&r, dir, "embed -m %s --image dot.ppm --text ab --isa scalar", rows[i]), 0, "%s", r.err);
        cr_assert(strlen(r.out) < sizeof first && (i % 2 == 0 || !strcmp(first, r.out)), "%s", rows[i]);
        memcpy(first, r.out, strlen(r.out) + 1);
    }
    if (sv_kern_named("avx2")) runs(dir, "compare --embed dot.ppm a.svad pf.svad --isa avx2", 2, "", "packed for scalar, which avx2 cannot read; run with --isa scalar");
    static const char *const pair[][2] = { { "avxvnni", "avx2" }, { "avx512vnni", "avx512" } };
    for (size_t i = 0; i < SV_LEN(pair); i++) {          /* panels look the same, but bytes of the first are too large for the second */
        if (!sv_kern_named(pair[i][0])) continue;
        char line[128], want[128];
        for (size_t of = 0; of < 2; of++) {
            snprintf(line, sizeof line, "convert . -o pv%zu.svad --dtype i8 --packed %s", of, pair[i][of]);
            runs(dir, line, 0, "", "packed for");
            snprintf(line, sizeof line, "embed -m pv%zu.svad --text ab --isa %s", of, pair[i][!of]);
            snprintf(want, sizeof want, "packed for %s, which %s cannot read; run with --isa %s", pair[i][0], pair[i][1], pair[i][0]);
            runs(dir, line, of ? 0 : 2, "", of ? "" : want);
        }
    }
    runs(dir, "embed -m pi.svad --text ab --isa scalar --precision f32", 2, "", "packed as i8, which --precision cannot change");
    for (int i = 0; i < 2; i++) {                        /* one damaged bit, one lost byte */
        snprintf(path, sizeof path, "%s/a.svad", dir);
        struct sv_file f;
        cr_assert_eq(sv_file_read(&f, path, 1 << 24, NULL), 0);
        ((uint8_t *)f.data)[5000] ^= 1;
        snprintf(path, sizeof path, "%s/bad%d.svad", dir, i);
        FILE *out = fopen(path, "wb");
        fwrite(f.data, 1, f.size - (size_t)i, out);
        fclose(out);
        sv_file_close(&f);
    }
    runs(dir, "verify bad0.svad", 2, "", "checksum differs, the file is damaged");
    runs(dir, "info bad1.svad", 2, "", "truncated or damaged");
}
