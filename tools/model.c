#include "tools/model.h"

#include "clip/image.h"
#include "io/container.h"
#include "io/image.h"
#include <math.h>
#include <string.h>

static int ours(const struct sv_file *f, struct sv_err *e) {
    return sv_container_is(f) ? 0 : sv_fail(e, SV_EINPUT, "%s: no file of svad; a checkpoint becomes a model by: svad convert %s -o MODEL", f->name, f->name);
}

int sv_model_open(struct sv_model *m, const char *path, struct sv_err *e) {
    memset(m, 0, sizeof *m);
    if (!path) return sv_fail(e, SV_EUSAGE, "no model given: -m MODEL, a file made by svad convert");
    int rc;
    if ((rc = sv_file_map(&m->file, path, e)) || (rc = ours(&m->file, e)) || (rc = sv_store_init(&m->store, path, e)) ||
        (rc = sv_container_read(&m->file, "model", &m->store, e)) || (rc = sv_clip_config_read(&m->cfg, &m->store, e))) {
        sv_model_close(m);
        return rc;
    }
    return 0;
}

void sv_model_close(struct sv_model *m) {
    sv_token_free(m->token);
    sv_store_free(&m->store);
    sv_file_close(&m->file);
    memset(m, 0, sizeof *m);
}

int sv_model_token(struct sv_model *m, struct sv_err *e) {
    if (m->token) return 0;
    const struct sv_view *v;
    const int rc = sv_store_expect(&m->store, "clip.merges", 1 << SV_U8, 1, (size_t[]){ SIZE_MAX }, &v, e);
    if (rc) return rc;
    if (!(m->token = sv_token_new(v->data, v->bytes, e))) return e && e->code ? e->code : SV_ENOMEM;
    if (sv_token_vocab(m->token) == m->cfg.vocab) return 0;
    return sv_fail(e, SV_EINPUT, "%s: its merges make a vocabulary of %zu tokens, expected %zu", m->store.file, sv_token_vocab(m->token), m->cfg.vocab);
}

int sv_model_texts(struct sv_model *m, struct sv_clip *clip, const char *const *text, size_t n, const struct sv_token_opts *o, float *out,
                   struct sv_err *e) {
    struct sv_token_opts opts = o ? *o : SV_TOKEN_OPTS;
    opts.context = m->cfg.context;
    int rc = sv_model_token(m, e);
    if (rc) return rc;
    int32_t *ids = sv_alloc(n, m->cfg.context * sizeof *ids, e);
    if (!ids) return SV_ENOMEM;
    for (size_t i = 0, len; !rc && i < n; i++) rc = sv_token_encode(m->token, text[i], strlen(text[i]), &opts, ids + i * m->cfg.context, &len, e);
    if (!rc) {
        sv_clip_text(clip, ids, n, out);
        for (size_t i = 0; !rc && i < n; i++) rc = sv_check_finite(out + i * m->cfg.embed, m->cfg.embed, text[i], e);
    }
    sv_free(ids);
    return rc;
}

int sv_model_image(struct sv_model *m, struct sv_clip *clip, const char *path, float *out, struct sv_err *e) {
    const size_t size = m->cfg.image_size;
    struct sv_image im = { 0 };
    float *pixels = sv_alloc(3 * size * size, sizeof *pixels, e);
    int rc = pixels ? sv_image_load(path, &im, e) : SV_ENOMEM;
    if (!rc) rc = sv_clip_pixels(&im, size, m->cfg.squash, m->cfg.mean, m->cfg.std, pixels, NULL, e);
    if (!rc) sv_clip_image(clip, pixels, 1, out);
    sv_image_free(&im);
    sv_free(pixels);
    return rc;
}

int sv_check_finite(const float *x, size_t n, const char *from, struct sv_err *e) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return sv_fail(e, SV_ECHECK, "%s: feature %zu is %g: the model's weights or the input are broken", from, i, (double)x[i]);
    return 0;
}

int sv_lines_read(struct sv_lines *l, const char *path, struct sv_err *e) {
    memset(l, 0, sizeof *l);
    int rc = sv_file_read(&l->file, path, 1 << 24, e);
    if (rc) return rc;
    char *at = sv_alloc(l->file.size + 1, 1, e);    /* the file again, NUL-terminated */
    if (!at) { sv_lines_free(l); return SV_ENOMEM; }
    memcpy(at, l->file.data, l->file.size);
    sv_free((void *)l->file.data);
    l->file.data = (uint8_t *)at;
    for (char *end = at + l->file.size; !rc && at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at)), *next = stop ? stop + 1 : end;
        if (!stop) stop = end;
        if (memchr(at, 0, (size_t)(stop - at))) rc = sv_fail(e, SV_EINPUT, "%s: line %zu holds a zero byte", path, l->n + 1);
        *stop = 0;
        if (stop > at && stop[-1] == '\r') *--stop = 0;
        if (!rc && stop > at && !(rc = sv_grow(&l->line, &l->cap, l->n, sizeof *l->line, e))) l->line[l->n++] = at;
        at = next;
    }
    if (rc) sv_lines_free(l);
    return rc;
}

void sv_lines_free(struct sv_lines *l) {
    sv_free(l->line);
    sv_file_close(&l->file);
    memset(l, 0, sizeof *l);
}
