#include "io/settings.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT = 1 << 22, MAX_SIZE = 1 << 20 };

/* object.key as a size, where it is there. */
static int get_size(const struct sv_json_node *object, const char *key, size_t *out, const char *name, struct sv_err *e) {
    const struct sv_json_node *n = sv_json_get(object, key);
    int64_t v;
    if (!n || n->type == SV_JSON_NULL) return 0;
    if (!sv_json_int(n, &v) || v < 1 || v > MAX_SIZE)
        return sv_fail(e, SV_EINPUT, "%s: %s is not 1 .. %d", name, key, MAX_SIZE);
    *out = (size_t)v;
    return 0;
}

static int get_triple(const struct sv_json_node *object, const char *key, double out[3], bool *found, const char *name,
                      struct sv_err *e) {
    const struct sv_json_node *n = sv_json_get(object, key);
    if (!n || n->type == SV_JSON_NULL) return 0;
    const struct sv_json_node *c = n->type == SV_JSON_ARRAY && n->n == 3 ? n->child : NULL;
    for (size_t i = 0; i < 3; i++, c = c ? c->next : NULL)
        if (!sv_json_real(c, &out[i])) return sv_fail(e, SV_EINPUT, "%s: %s is not a list of 3 numbers", name, key);
    *found = true;
    return 0;
}

static int set_pixels(struct sv_settings *s, const struct sv_json_node *object, const char *mean, const char *std,
                      const char *name, struct sv_err *e) {
    bool has_mean = false, has_std = false;
    int rc = get_triple(object, mean, s->mean, &has_mean, name, e);
    if (!rc) rc = get_triple(object, std, s->std, &has_std, name, e);
    if (!rc && has_mean != has_std) rc = sv_fail(e, SV_EINPUT, "%s: one of %s and %s without the other", name, mean, std);
    for (int i = 0; !rc && has_std && i < 3; i++)
        if (!(s->std[i] > 0)) rc = sv_fail(e, SV_EINPUT, "%s: %s is %g, expected more than 0", name, std, s->std[i]);
    s->pixels = s->pixels || has_mean;
    return rc;
}

static int set_act(struct sv_settings *s, const char *act, const char *name, struct sv_err *e) {
    const char *known = !strcmp(act, "quick_gelu") ? "quick" : !strcmp(act, "gelu") ? "gelu" : NULL;
    if (!known) return sv_fail(e, SV_EINPUT, "%s: hidden_act is \"%s\", expected \"quick_gelu\" or \"gelu\"", name, act);
    if (s->act && strcmp(s->act, known)) return sv_fail(e, SV_EINPUT, "%s: the two towers have different activations", name);
    s->act = known;
    return 0;
}

/* One tower of Hugging Face's config; defaults as in its CLIPVisionConfig and CLIPTextConfig. */
static int hf_tower(struct sv_settings *s, const struct sv_json_node *c, struct sv_settings_tower *t, size_t heads,
                    const char *name, struct sv_err *e) {
    const char *act = sv_json_text(sv_json_get(c, "hidden_act"));
    double eps = 1e-5;
    int rc;
    t->heads = heads;
    if ((rc = get_size(c, "hidden_size", &t->width, name, e)) ||
        (rc = get_size(c, "num_hidden_layers", &t->layers, name, e)) ||
        (rc = get_size(c, "num_attention_heads", &t->heads, name, e)) ||
        (rc = get_size(c, "intermediate_size", &t->mlp, name, e)) ||
        (rc = set_act(s, act ? act : "quick_gelu", name, e))) return rc;
    if (sv_json_get(c, "layer_norm_eps") && !sv_json_real(sv_json_get(c, "layer_norm_eps"), &eps)) eps = 0;
    if (!(eps > 0 && eps < 1)) return sv_fail(e, SV_EINPUT, "%s: layer_norm_eps is not above 0 and below 1", name);
    if (s->eps > 0 && (s->eps < eps || s->eps > eps))
        return sv_fail(e, SV_EINPUT, "%s: the two towers have different layer_norm_eps", name);
    s->eps = eps;
    return 0;
}

static int hf_config(struct sv_settings *s, const struct sv_json_node *root, const char *name, struct sv_err *e) {
    const struct sv_json_node *v = sv_json_get(root, "vision_config"), *t = sv_json_get(root, "text_config");
    int rc;
    if ((rc = hf_tower(s, v, &s->visual, 12, name, e)) || (rc = hf_tower(s, t, &s->text, 8, name, e)) ||
        (rc = get_size(root, "projection_dim", &s->embed, name, e)) ||
        (rc = get_size(v, "image_size", &s->image, name, e)) ||
        (rc = get_size(v, "patch_size", &s->patch, name, e)) || (rc = get_size(t, "vocab_size", &s->vocab, name, e)) ||
        (rc = get_size(t, "max_position_embeddings", &s->context, name, e))) return rc;
    return 0;
}

static int open_clip_config(struct sv_settings *s, const struct sv_json_node *root, const char *name, struct sv_err *e) {
    const struct sv_json_node *m = sv_json_get(root, "model_cfg"), *p = sv_json_get(root, "preprocess_cfg");
    const struct sv_json_node *v = sv_json_get(m, "vision_cfg"), *t = sv_json_get(m, "text_cfg");
    const char *resize = sv_json_text(sv_json_get(p, "resize_mode"));
    const char *filter = sv_json_text(sv_json_get(p, "interpolation"));
    size_t head = 64;
    bool quick = false;
    int rc;
    if ((rc = get_size(m, "embed_dim", &s->embed, name, e)) || (rc = get_size(v, "image_size", &s->image, name, e)) ||
        (rc = get_size(v, "patch_size", &s->patch, name, e)) || (rc = get_size(v, "width", &s->visual.width, name, e)) ||
        (rc = get_size(v, "layers", &s->visual.layers, name, e)) || (rc = get_size(v, "head_width", &head, name, e)) ||
        (rc = get_size(t, "context_length", &s->context, name, e)) || (rc = get_size(t, "vocab_size", &s->vocab, name, e)) ||
        (rc = get_size(t, "width", &s->text.width, name, e)) || (rc = get_size(t, "layers", &s->text.layers, name, e)) ||
        (rc = get_size(t, "heads", &s->text.heads, name, e)) || (rc = set_pixels(s, p, "mean", "std", name, e))) return rc;
    if (s->visual.width % head)
        return sv_fail(e, SV_EINPUT, "%s: width %zu is not a multiple of head_width %zu", name, s->visual.width, head);
    s->visual.heads = s->visual.width / head;
    sv_json_bool(sv_json_get(m, "quick_gelu"), &quick);
    if (filter && strcmp(filter, "bicubic"))
        return sv_fail(e, SV_EINPUT, "%s: interpolation is \"%s\", expected \"bicubic\"", name, filter);
    if (resize && strcmp(resize, "shortest") && strcmp(resize, "squash"))
        return sv_fail(e, SV_EINPUT, "%s: resize_mode is \"%s\", expected \"shortest\" or \"squash\"", name, resize);
    s->squash = resize && !strcmp(resize, "squash");
    return set_act(s, quick ? "quick_gelu" : "gelu", name, e);
}

int sv_settings_config(struct sv_settings *s, const struct sv_json_node *root, const char *name, struct sv_err *e) {
    const bool hf = sv_json_get(root, "vision_config") && sv_json_get(root, "text_config");
    const bool open = sv_json_get(root, "model_cfg");
    if (!hf && !open) return 0;
    s->config = name;
    return hf ? hf_config(s, root, name, e) : open_clip_config(s, root, name, e);
}

int sv_settings_preprocessor(struct sv_settings *s, const struct sv_json_node *root, const char *name, struct sv_err *e) {
    const struct sv_json_node *size = sv_json_get(root, "size");
    int64_t filter = 3;
    bool crop = true;
    s->preprocessor = name;
    if (sv_json_get(root, "resample") && (!sv_json_int(sv_json_get(root, "resample"), &filter) || filter != 3))
        return sv_fail(e, SV_EINPUT, "%s: resample is not 3 (bicubic)", name);
    sv_json_bool(sv_json_get(root, "do_center_crop"), &crop);
    s->squash = !crop && sv_json_get(size, "height") && sv_json_get(size, "width");
    return set_pixels(s, root, "image_mean", "image_std", name, e);
}

static int find_one(struct sv_settings *s, const char *folder, const char *file,
                    int (*use)(struct sv_settings *, const struct sv_json_node *, const char *, struct sv_err *),
                    struct sv_err *e) {
    const size_t room = strlen(folder) + strlen(file) + 2;
    char *path = sv_alloc(room, 1, e);
    if (!path) return SV_ENOMEM;
    snprintf(path, room, "%s/%s", folder, file);
    struct sv_file f;
    struct sv_json j = { 0 };
    struct sv_err none = { 0 };
    int rc = 0;
    if (!sv_file_read(&f, path, LIMIT, &none)) {
        rc = sv_json_parse(&j, f.data, f.size, path, e);
        if (!rc) rc = use(s, j.root, file, e);
        sv_json_free(&j);
        sv_file_close(&f);
    }
    sv_free(path);
    return rc;
}

int sv_settings_find(struct sv_settings *s, const char *folder, struct sv_err *e) {
    *s = (struct sv_settings){ 0 };
    int rc = find_one(s, folder, "open_clip_config.json", sv_settings_config, e);
    if (!rc && !s->config) rc = find_one(s, folder, "config.json", sv_settings_config, e);
    if (!rc && !s->pixels) rc = find_one(s, folder, "preprocessor_config.json", sv_settings_preprocessor, e);
    return rc;
}
