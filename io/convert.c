#include "io/convert.h"

#include "core/half.h"
#include "core/quant.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BLOCKS = 1024, RUN = 1024 };
enum layout { OPENAI, HF };
enum how { PLAIN, TRANSPOSED, MERGED /* q, k and v, one below the other */ };

struct sv_convert_part {
    const struct sv_view *src[3];
    size_t sources;
    bool transposed, factor;            /* factor: of each row of the tensor before it, which is i8 */
};

/* W, L: of the tower at hand. */
struct tower { size_t width, layers, heads, mlp; };
struct sizes {
    size_t embed, image, patch, grid, context, vocab;
    struct tower visual, text;
};

/* Dimensions of a tensor in letters; a capital of the tower, or: */
enum size { NONE, W, W3, M, E, POS, ROWS, CH, PATCH, PIX };

struct row {
    const char *to, *from[2];
    enum how how[2];
    enum size dim[4];                   /* as in the file; Hugging Face's projections are [E, W] */
    bool matrix;
};

static const struct row visual_rows[] = {
    { "patch.weight", { "conv1.weight", "embeddings.patch_embedding.weight" }, { PLAIN, PLAIN },
      { W, CH, PATCH, PATCH }, true },
    { "class", { "class_embedding", "embeddings.class_embedding" }, { PLAIN, PLAIN }, { W }, false },
    { "position", { "positional_embedding", "embeddings.position_embedding.weight" }, { PLAIN, PLAIN }, { POS, W }, false },
    { "ln_pre.weight", { "ln_pre.weight", "pre_layrnorm.weight" }, { PLAIN, PLAIN }, { W }, false },
    { "ln_pre.bias", { "ln_pre.bias", "pre_layrnorm.bias" }, { PLAIN, PLAIN }, { W }, false },
    { "ln_post.weight", { "ln_post.weight", "post_layernorm.weight" }, { PLAIN, PLAIN }, { W }, false },
    { "ln_post.bias", { "ln_post.bias", "post_layernorm.bias" }, { PLAIN, PLAIN }, { W }, false },
    { "proj", { "proj", "/visual_projection.weight" }, { TRANSPOSED, PLAIN }, { E, W }, true },
};
static const struct row text_rows[] = {
    { "token", { "token_embedding.weight", "embeddings.token_embedding.weight" }, { PLAIN, PLAIN }, { ROWS, W }, true },
    { "position", { "positional_embedding", "embeddings.position_embedding.weight" }, { PLAIN, PLAIN }, { POS, W }, false },
    { "ln_final.weight", { "ln_final.weight", "final_layer_norm.weight" }, { PLAIN, PLAIN }, { W }, false },
    { "ln_final.bias", { "ln_final.bias", "final_layer_norm.bias" }, { PLAIN, PLAIN }, { W }, false },
    { "proj", { "text_projection", "/text_projection.weight" }, { TRANSPOSED, PLAIN }, { E, W }, true },
};
static const struct row block_rows[] = {
    { "ln1.weight", { "ln_1.weight", "layer_norm1.weight" }, { PLAIN, PLAIN }, { W }, false },
    { "ln1.bias", { "ln_1.bias", "layer_norm1.bias" }, { PLAIN, PLAIN }, { W }, false },
    { "qkv.weight", { "attn.in_proj_weight", "self_attn.?_proj.weight" }, { PLAIN, MERGED }, { W3, W }, true },
    { "qkv.bias", { "attn.in_proj_bias", "self_attn.?_proj.bias" }, { PLAIN, MERGED }, { W3 }, false },
    { "out.weight", { "attn.out_proj.weight", "self_attn.out_proj.weight" }, { PLAIN, PLAIN }, { W, W }, true },
    { "out.bias", { "attn.out_proj.bias", "self_attn.out_proj.bias" }, { PLAIN, PLAIN }, { W }, false },
    { "ln2.weight", { "ln_2.weight", "layer_norm2.weight" }, { PLAIN, PLAIN }, { W }, false },
    { "ln2.bias", { "ln_2.bias", "layer_norm2.bias" }, { PLAIN, PLAIN }, { W }, false },
    { "fc1.weight", { "mlp.c_fc.weight", "mlp.fc1.weight" }, { PLAIN, PLAIN }, { M, W }, true },
    { "fc1.bias", { "mlp.c_fc.bias", "mlp.fc1.bias" }, { PLAIN, PLAIN }, { M }, false },
    { "fc2.weight", { "mlp.c_proj.weight", "mlp.fc2.weight" }, { PLAIN, PLAIN }, { W, M }, true },
    { "fc2.bias", { "mlp.c_proj.bias", "mlp.fc2.bias" }, { PLAIN, PLAIN }, { W }, false },
};

/* Where a tower's tensors are: [tower][layout]. */
static const char *const tower_prefix[2][2] = { { "visual.", "vision_model." }, { "", "text_model." } };
static const char *const block_prefix[2] = { "transformer.resblocks.", "encoder.layers." };

static bool begins(const char *s, const char *with) { return !strncmp(s, with, strlen(with)); }

static bool ends(const char *s, const char *with) {
    const size_t n = strlen(s), k = strlen(with);
    return n >= k && !strcmp(s + n - k, with);
}

/* The checkpoint again, under names without prefixes. */
static int strip_names(struct sv_store *in, const struct sv_store *src, struct sv_err *e) {
    static const char *const prefix[] = { "module.", "_orig_mod.", "state_dict.", "model.", "text." };
    bool nested = false;
    int rc = sv_store_init(in, src->file, e);
    in->map = src->map, in->map_bytes = src->map_bytes;
    for (size_t i = 0; i < src->views; i++) nested = nested || begins(src->view[i].name, "state_dict.");
    for (size_t i = 0; !rc && i < src->views; i++) {
        const struct sv_view *v = &src->view[i];
        const char *name = v->name;
        if (nested && !begins(name, "state_dict.")) continue;
        for (size_t k = 0; k < SV_LEN(prefix);)
            if (begins(name, prefix[k])) name += strlen(prefix[k]), k = 0;
            else k++;
        rc = sv_store_add(in, name, v->dtype, v->rank, v->dim, v->data, v->bytes, e);
    }
    return rc;
}

static int find_layout(const struct sv_store *in, enum layout *l, struct sv_err *e) {
    if (sv_store_find(in, "visual.attnpool.positional_embedding"))
        return sv_fail(e, SV_EINPUT, "%s: a CLIP with a ResNet, expected a vision transformer", in->file);
    if (sv_store_find(in, "visual.conv1.weight")) return *l = OPENAI, 0;
    if (sv_store_find(in, "vision_model.embeddings.patch_embedding.weight")) return *l = HF, 0;
    return sv_fail(e, SV_EINPUT, "%s: no CLIP vision transformer: expected visual.conv1.weight (OpenAI, open_clip) or "
                   "vision_model.embeddings.patch_embedding.weight (Hugging Face) among its %zu tensors", in->file,
                   in->views);
}

/* A source name: tower, block (SIZE_MAX: none), rest; a rest with "/" has no tower. */
static void source_name(char out[SV_MAX_NAME + 1], enum layout l, size_t tower, size_t block, const char *rest, char part) {
    const char *own = *rest == '/' ? "" : tower_prefix[tower][l];
    if (block == SIZE_MAX) snprintf(out, SV_MAX_NAME + 1, "%s%s", own, rest + (*rest == '/'));
    else snprintf(out, SV_MAX_NAME + 1, "%s%s%zu.%s", own, block_prefix[l], block, rest);
    char *hole = strchr(out, '?');
    if (hole) *hole = part;
}

/* Dimension i of the tensor of a row, which is needed before its shape can be checked. */
static int peek(const struct sv_store *in, enum layout l, size_t tower, size_t block, const char *const from[2], size_t rank,
                size_t i, size_t *out, struct sv_err *e) {
    char name[SV_MAX_NAME + 1];
    const size_t any[4] = { SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX };
    const struct sv_view *v;
    source_name(name, l, tower, block, from[l], 'q');
    const int rc = sv_store_expect(in, name, SV_FLOATS, rank, any, &v, e);
    if (rc) return rc;
    if (!v->dim[i] || v->dim[i] > 1 << 24)
        return sv_fail(e, SV_EINPUT, "%s: tensor %s has a dimension of %zu, expected 1 .. %d", in->file, name, v->dim[i],
                       1 << 24);
    *out = v->dim[i];
    return 0;
}

/* Blocks are counted by the highest number, so that a hole is reported as the tensor that is missing there. */
static int find_tower(const struct sv_store *in, enum layout l, size_t tower, struct tower *t, struct sv_err *e) {
    char prefix[64];
    const int n = snprintf(prefix, sizeof prefix, "%s%s", tower_prefix[tower][l], block_prefix[l]);
    t->layers = 0;
    for (size_t i = 0; i < in->views; i++) {
        size_t block = 0;
        const char *s = in->view[i].name;
        if (!begins(s, prefix)) continue;
        for (s += n; *s >= '0' && *s <= '9' && block <= MAX_BLOCKS; s++) block = 10 * block + (size_t)(*s - '0');
        t->layers = sv_max(t->layers, block + 1);
    }
    if (!t->layers || t->layers > MAX_BLOCKS)
        return sv_fail(e, SV_EINPUT, "%s: %zu blocks named %s, expected 1 .. %d", in->file, t->layers, prefix, MAX_BLOCKS);
    return peek(in, l, tower, 0, block_rows[8].from, 2, 0, &t->mlp, e);
}

static int find_sizes(const struct sv_store *in, enum layout l, struct sizes *z, struct sv_err *e) {
    size_t rows = 0;
    int rc;
    if ((rc = peek(in, l, 0, SIZE_MAX, visual_rows[0].from, 4, 0, &z->visual.width, e)) ||
        (rc = peek(in, l, 0, SIZE_MAX, visual_rows[0].from, 4, 3, &z->patch, e)) ||
        (rc = peek(in, l, 0, SIZE_MAX, visual_rows[2].from, 2, 0, &rows, e)) ||
        (rc = peek(in, l, 0, SIZE_MAX, visual_rows[7].from, 2, l == HF ? 0 : 1, &z->embed, e)) ||
        (rc = peek(in, l, 1, SIZE_MAX, text_rows[0].from, 2, 0, &z->vocab, e)) ||
        (rc = peek(in, l, 1, SIZE_MAX, text_rows[0].from, 2, 1, &z->text.width, e)) ||
        (rc = peek(in, l, 1, SIZE_MAX, text_rows[1].from, 2, 0, &z->context, e)) ||
        (rc = find_tower(in, l, 0, &z->visual, e)) || (rc = find_tower(in, l, 1, &z->text, e))) return rc;
    for (z->grid = 1; (z->grid + 1) * (z->grid + 1) < rows; z->grid++) {}
    if (z->grid * z->grid + 1 != rows)
        return sv_fail(e, SV_EINPUT, "%s: %zu positions in the vision tower, expected 1 + a square of at least 1", in->file,
                       rows);
    z->image = z->grid * z->patch;
    return 0;
}

static size_t size_of(enum size s, const struct sizes *z, size_t tower) {
    const struct tower *t = tower ? &z->text : &z->visual;
    switch (s) {
    case W: return t->width;
    case W3: return 3 * t->width;
    case M: return t->mlp;
    case E: return z->embed;
    case POS: return tower ? z->context : z->grid * z->grid + 1;
    case ROWS: return z->vocab;
    case CH: return 3;
    case PATCH: return z->patch;
    case PIX: return 3 * z->patch * z->patch;
    case NONE: break;
    }
    return 0;
}

/* One tensor of out: its sources checked, itself declared. */
static int plan_row(struct sv_convert *c, enum layout l, const struct sizes *z, size_t tower, size_t block,
                    const struct row *r, struct sv_err *e) {
    struct sv_convert_part *part = &c->part[c->out.views];
    size_t dim[4], rank = 0, want[4], count = 1, bytes;
    char name[SV_MAX_NAME + 1];
    for (; rank < 4 && r->dim[rank] != NONE; rank++) want[rank] = dim[rank] = size_of(r->dim[rank], z, tower);
    part->transposed = r->how[l] == TRANSPOSED;
    part->sources = r->how[l] == MERGED ? 3 : 1;
    if (part->transposed) want[0] = dim[1], want[1] = dim[0];
    if (part->sources == 3) want[0] /= 3;
    int rc = 0;
    for (size_t i = 0; !rc && i < part->sources; i++) {
        source_name(name, l, tower, block, r->from[l], "qkv"[i]);
        rc = sv_store_expect(&c->in, name, SV_FLOATS, rank, want, &part->src[i], e);
    }
    if (rc) return rc;
    if (rank == 4) dim[1] = size_of(PIX, z, tower), rank = 2;
    const enum sv_dtype dtype = !r->matrix ? SV_F32 : c->o->dtype == SV_I8 && r->dim[0] == ROWS ? SV_F16 : c->o->dtype;
    for (size_t i = 0; i < rank; i++)
        if (!sv_mul(count, dim[i], &count))
            return sv_fail(e, SV_EINPUT, "%s: tensor %s: its dimensions overflow", c->in.file, name);
    if (!sv_mul(count, sv_dtype_size(dtype), &bytes))
        return sv_fail(e, SV_EINPUT, "%s: tensor %s is too large", c->in.file, name);
    const char *const of = tower ? "text" : "visual";
    if (block == SIZE_MAX) snprintf(name, sizeof name, "clip.%s.%s", of, r->to);
    else snprintf(name, sizeof name, "clip.%s.block.%zu.%s", of, block, r->to);
    rc = sv_store_add(&c->out, name, dtype, rank, dim, NULL, bytes, e);
    if (rc || dtype != SV_I8) return rc;
    char factor[SV_MAX_NAME + 1];
    part[1] = part[0], part[1].factor = true;
    snprintf(factor, sizeof factor, "%.200s.scale", name);
    return sv_store_add(&c->out, factor, SV_F32, 1, dim, NULL, dim[0] * sizeof(float), e);
}

static int plan_tensors(struct sv_convert *c, enum layout l, const struct sizes *z, struct sv_err *e) {
    const size_t n = SV_LEN(visual_rows) + SV_LEN(text_rows) + SV_LEN(block_rows) * (z->visual.layers + z->text.layers);
    int rc = (c->part = sv_alloc(2 * n, sizeof *c->part, e)) ? 0 : SV_ENOMEM;
    for (size_t tower = 0; tower < 2; tower++) {
        const struct row *rows = tower ? text_rows : visual_rows;
        const size_t count = tower ? SV_LEN(text_rows) : SV_LEN(visual_rows);
        const size_t layers = tower ? z->text.layers : z->visual.layers;
        for (size_t i = 0; !rc && i < count; i++) rc = plan_row(c, l, z, tower, SIZE_MAX, &rows[i], e);
        for (size_t b = 0; !rc && b < layers; b++)
            for (size_t i = 0; !rc && i < SV_LEN(block_rows); i++) rc = plan_row(c, l, z, tower, b, &block_rows[i], e);
    }
    return rc;
}

/* An integer scalar that OpenAI's archives carry, which must agree where it is there. */
static int check_scalar(const struct sv_store *in, const char *name, size_t expected, struct sv_err *e) {
    const struct sv_view *v = sv_store_find(in, name);
    if (!v) return 0;
    int64_t found = -1;
    int32_t small;
    float f;
    if (v->count == 1 && v->dtype == SV_I64) memcpy(&found, v->data, 8);
    else if (v->count == 1 && v->dtype == SV_I32) memcpy(&small, v->data, 4), found = small;
    else if (v->count == 1 && SV_FLOATS >> v->dtype & 1) {
        sv_view_f32(v, 0, 1, &f);
        if (f >= 0 && f < 1e9f) found = (int64_t)f;
    }
    if (found == (int64_t)expected) return 0;
    return sv_fail(e, SV_EINPUT, "%s: %s is %lld, its tensors say %zu", in->file, name, (long long)found, expected);
}

/* Every tensor of the checkpoint is used, known to be of no use, or an error. */
static int check_unused(const struct sv_convert *c, struct sv_err *e) {
    static const char *const known[] = { "logit_scale", "logit_bias", "input_resolution", "context_length", "vocab_size" };
    uint8_t *used = sv_alloc(c->in.views, 1, e);
    if (!used) return SV_ENOMEM;
    for (size_t i = 0; i < c->out.views; i++)
        for (size_t k = 0; k < c->part[i].sources; k++) used[c->part[i].src[k] - c->in.view] = 1;
    size_t strange = 0, first = 0;
    for (size_t i = 0; i < c->in.views; i++) {
        const char *name = c->in.view[i].name;
        bool fine = used[i] || ends(name, "position_ids") || ends(name, "attn_mask");
        for (size_t k = 0; !fine && k < SV_LEN(known); k++) fine = !strcmp(name, known[k]);
        if (!fine && !strange++) first = i;
    }
    sv_free(used);
    if (!strange) return 0;
    return sv_fail(e, SV_EINPUT, "%s: tensor %s%s not part of CLIP as this program knows it (%zu unknown)", c->in.file,
                   c->in.view[first].name, strange > 1 ? " and others are" : " is", strange);
}

struct choice { size_t heads[2]; const char *act; double scale; };

static int choose_heads(const struct sv_convert *c, const struct sizes *z, struct choice *h, struct sv_err *e) {
    const struct sv_settings *k = c->o->settings;
    for (size_t tower = 0; tower < 2; tower++) {
        const size_t w = tower ? z->text.width : z->visual.width, said = !k ? 0 : tower ? k->text.heads : k->visual.heads;
        const bool wide = !tower && (w == 1280 || w == 1408 || w == 1664);
        h->heads[tower] = said ? said : wide ? 16 : w / 64;
        if (!h->heads[tower] || w % h->heads[tower] || (!said && !wide && w % 64))
            return sv_fail(e, SV_EINPUT, "%s: %s tower of width %zu: %zu heads%s", c->in.file, tower ? "text" : "vision", w,
                           h->heads[tower], said ? " do not divide it" : " would be a guess; config.json must say");
    }
    return 0;
}

static int choose_act(const struct sv_convert *c, struct choice *h, struct sv_err *e) {
    static const char *const openai[] = {           /* ViT-B/32, B/16, L/14, L/14@336px: all QuickGELU */
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
        "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
    };
    h->act = c->o->act ? c->o->act : c->o->settings ? c->o->settings->act : NULL;
    for (size_t i = 0; !h->act && c->o->sha256 && i < SV_LEN(openai); i++)
        if (!strcmp(c->o->sha256, openai[i])) h->act = "quick";
    if (h->act) return 0;
    return sv_fail(e, SV_EINPUT, "%s: its activation is not in the weights and no config is beside it: "
                   "--act quick (OpenAI, MetaCLIP, DFN) or --act gelu (most of LAION and DataComp)", c->in.file);
}

static int find_scale(const struct sv_store *in, double *scale, struct sv_err *e) {
    const struct sv_view *v = sv_store_find(in, "logit_scale");
    float f = NAN;
    if (v && SV_FLOATS >> v->dtype & 1 && v->count == 1) sv_view_f32(v, 0, 1, &f);
    else return sv_fail(e, SV_EINPUT, "%s: %s", in->file,
                        v ? "tensor logit_scale is not one number" : "no tensor logit_scale");
    if (!(f >= -100 && f <= 100)) return sv_fail(e, SV_EINPUT, "%s: logit_scale is %g, expected a logarithm, about 4.6",
                                                 in->file, (double)f);
    *scale = f;
    return 0;
}

/* Sizes that a config states must be those of the tensors: otherwise it belongs to another checkpoint. */
static int check_settings(const struct sv_convert *c, const struct sizes *z, struct sv_err *e) {
    const struct sv_settings *k = c->o->settings;
    if (!k) return 0;
    const struct { const char *what; size_t said, found; } row[] = {
        { "embedding width", k->embed, z->embed }, { "image size", k->image, z->image },
        { "patch size", k->patch, z->patch },
        { "text length", k->context, z->context }, { "vocabulary size", k->vocab, z->vocab },
        { "vision width", k->visual.width, z->visual.width }, { "vision layers", k->visual.layers, z->visual.layers },
        { "vision mlp width", k->visual.mlp, z->visual.mlp }, { "text width", k->text.width, z->text.width },
        { "text layers", k->text.layers, z->text.layers }, { "text mlp width", k->text.mlp, z->text.mlp },
    };
    for (size_t i = 0; i < SV_LEN(row); i++)
        if (row[i].said && row[i].said != row[i].found)
            return sv_fail(e, SV_EINPUT, "%s: %s of its tensors is %zu, %s beside it says %zu", c->in.file, row[i].what,
                           row[i].found, k->config ? k->config : "a config", row[i].said);
    return 0;
}

static int set_tower(struct sv_store *s, const char *of, const struct tower *t, size_t heads, struct sv_err *e) {
    const struct { const char *name; size_t v; } row[] = { { "width", t->width }, { "layers", t->layers },
                                                           { "heads", heads }, { "mlp", t->mlp } };
    char name[64];
    int rc = 0;
    for (size_t i = 0; !rc && i < SV_LEN(row); i++) {
        snprintf(name, sizeof name, "clip.%s.%s", of, row[i].name);
        rc = sv_store_set_int(s, name, (int64_t)row[i].v, e);
    }
    return rc;
}

static int set_values(struct sv_convert *c, const struct sizes *z, const struct choice *h, struct sv_err *e) {
    static const double mean[3] = { 0.48145466, 0.4578275, 0.40821073 }, std[3] = { 0.26862954, 0.26130258, 0.27577711 };
    const struct sv_settings *k = c->o->settings;
    struct sv_store *s = &c->out;
    int rc;
    if ((rc = sv_store_set_int(s, "clip.embed", (int64_t)z->embed, e)) ||
        (rc = sv_store_set_int(s, "clip.image_size", (int64_t)z->image, e)) ||
        (rc = sv_store_set_int(s, "clip.patch", (int64_t)z->patch, e)) ||
        (rc = sv_store_set_int(s, "clip.context", (int64_t)z->context, e)) ||
        (rc = sv_store_set_int(s, "clip.vocab", (int64_t)z->vocab, e)) ||
        (rc = set_tower(s, "visual", &z->visual, h->heads[0], e)) ||
        (rc = set_tower(s, "text", &z->text, h->heads[1], e)) || (rc = sv_store_set_text(s, "clip.act", h->act, e)) ||
        (rc = sv_store_set_reals(s, "clip.mean", k && k->pixels ? k->mean : mean, 3, e)) ||
        (rc = sv_store_set_reals(s, "clip.std", k && k->pixels ? k->std : std, 3, e)) ||
        (rc = sv_store_set_real(s, "clip.logit_scale", h->scale, e)) ||
        (rc = sv_store_set_real(s, "clip.eps", k && k->eps > 0 ? k->eps : 1e-5, e)) ||
        (rc = sv_store_set_text(s, "clip.resize", k && k->squash ? "squash" : "crop", e)) ||
        (rc = sv_store_set_text(s, "clip.tube_crop", "squash", e)) ||
        (rc = sv_store_set_real(s, "clip.tube_seconds", 0, e)) ||
        (c->o->source && (rc = sv_store_set_text(s, "clip.source", c->o->source, e))) ||
        (c->o->sha256 && (rc = sv_store_set_text(s, "clip.sha256", c->o->sha256, e)))) return rc;
    return 0;
}

int sv_convert_plan(struct sv_convert *c, const struct sv_store *src, const struct sv_convert_options *o, struct sv_err *e) {
    *c = (struct sv_convert){ .o = o };
    enum layout l = OPENAI;
    struct sizes z = { 0 };
    struct choice h = { 0 };
    int rc;
    if ((rc = strip_names(&c->in, src, e)) || (rc = sv_store_init(&c->out, src->file, e)) ||
        (rc = find_layout(&c->in, &l, e)) ||
        (rc = find_sizes(&c->in, l, &z, e)) || (rc = check_settings(c, &z, e)) || (rc = plan_tensors(c, l, &z, e)) ||
        (rc = check_unused(c, e)) || (rc = check_scalar(&c->in, "input_resolution", z.image, e)) ||
        (rc = check_scalar(&c->in, "context_length", z.context, e)) ||
        (rc = check_scalar(&c->in, "vocab_size", z.vocab, e)) ||
        (rc = find_scale(&c->in, &h.scale, e)) || (rc = choose_heads(c, &z, &h, e)) || (rc = choose_act(c, &h, e)) ||
        (rc = set_values(c, &z, &h, e))) {
        sv_convert_free(c);
        return rc;
    }
    c->vocab = z.vocab;
    return 0;
}

/* Elements first .. first + n - 1 of the result, widened. */
static void gather(const struct sv_convert_part *part, const struct sv_view *v, size_t first, size_t n, float *out) {
    if (part->transposed) {
        const size_t rows = v->dim[0], cols = v->dim[1];
        for (size_t i = first; i < first + n; i++) sv_view_f32(part->src[0], i % cols * rows + i / cols, 1, out++);
        return;
    }
    for (const size_t each = v->count / part->sources; n;) {
        const size_t k = first / each, at = first % each, take = sv_min(n, each - at);
        sv_view_f32(part->src[k], at, take, out);
        first += take, n -= take, out += take;
    }
}

/* The factor of a row of an i8 tensor v. */
static float factor_of(const struct sv_convert_part *part, const struct sv_view *v, size_t row) {
    float x[RUN], scale = 0;
    for (size_t at = 0; at < v->dim[1]; at += RUN) {
        const size_t n = sv_min(RUN, v->dim[1] - at);
        gather(part, v, row * v->dim[1] + at, n, x);
        scale = sv_i8_scale(x, n, scale, SV_ANY_PAIR);
    }
    return scale;
}

/* n values in dtype t; i8: of a row with this factor. */
static void narrow(enum sv_dtype t, const float *x, size_t n, float factor, uint8_t *out) {
    for (size_t i = 0; i < n; i++) {
        const int8_t q = t == SV_I8 ? sv_i8(x[i], factor) : 0;
        if (t == SV_I8) { memcpy(out + i, &q, 1); continue; }
        const uint16_t h = t == SV_F16 ? sv_f32_f16(x[i]) : t == SV_BF16 ? sv_f32_bf16(x[i]) : 0;
        if (t == SV_F32) memcpy(out + 4 * i, &x[i], 4);
        else memcpy(out + 2 * i, &h, 2);
    }
}

static int check_finite(struct sv_convert *c, const struct sv_view *v, const float *x, size_t n, size_t at,
                        struct sv_err *e) {
    const float most = v->dtype == SV_F16 ? 0x1.ffcp15f : v->dtype == SV_BF16 ? 0x1.fep127f : 0x1.fffffep127f;
    /* From here on a value rounds to infinity. */
    const float limit = v->dtype == SV_F16 ? 65520 : v->dtype == SV_BF16 ? 0x1.ffp127f : INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (fabsf(x[i]) < limit) continue;
        if (isfinite(x[i]))
            return sv_fail(e, SV_EINPUT, "%s: tensor %s: value %g at %zu is beyond %s (%g); --dtype f32 holds it",
                           c->in.file, v->name, (double)x[i], at + i, sv_dtype_name(v->dtype), (double)most);
        if (c->o->strict) return sv_fail(e, SV_EINPUT, "%s: tensor %s: value at %zu is not finite", c->in.file, v->name,
                                         at + i);
        if (!c->not_finite++) snprintf(c->first_bad, sizeof c->first_bad, "%s", v->name);
    }
    return 0;
}

int sv_convert_fill(void *convert, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e) {
    struct sv_convert *c = convert;
    const struct sv_convert_part *part = &c->part[v - c->out.view];
    const size_t size = sv_dtype_size(v->dtype), row = v->dtype == SV_I8 ? v->dim[1] : SIZE_MAX;       /* pieces of i8 end where a row ends */
    const struct sv_view *ready = c->o->rounded ? sv_store_find(c->o->rounded, v->name) : NULL;
    float x[RUN];
    int rc = 0;
    for (size_t i = 0, take; !rc && i < n; i += take) {
        const size_t at = first + i;
        take = sv_min(sv_min(RUN, n - i), row - at % row);
        if (!part->factor) {
            gather(part, v, at, take, x);
            rc = check_finite(c, v, x, take, at, e);
        } else if (!ready) {
            for (size_t k = 0; k < take; k++) x[k] = factor_of(part, v - 1, at + k);
        }
        if (ready) {
            memcpy((uint8_t *)out + i * size, (const uint8_t *)ready->data + at * size, take * size);
            continue;
        }
        if (v->dtype == SV_I8 && (c->filled != v || c->row != at / row)) c->filled = v, c->row = at / row, c->factor = factor_of(part, v, at / row);
        if (!rc) narrow(v->dtype, x, take, c->factor, (uint8_t *)out + i * size);
    }
    for (size_t i = 0; first + n == v->count && i < part->sources; i++) sv_store_forget(&c->in, part->src[i]);
    return rc;
}

void sv_convert_free(struct sv_convert *c) {
    sv_store_free(&c->out), sv_store_free(&c->in);
    sv_free(c->part);
    *c = (struct sv_convert){ 0 };
}
