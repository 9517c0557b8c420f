#include "nn/flat.h"

#include <string.h>

static bool taken(const struct sv_view *v, const char *prefix) {
    return 1 << v->dtype & SV_FLOATS && !strncmp(v->name, prefix, strlen(prefix));
}

static int init(struct sv_flat *f, const struct sv_store *s, const char *prefix, struct sv_err *e) {
    for (size_t i = 0; i < s->views; i++)
        if (taken(&s->view[i], prefix)) f->n += s->view[i].count;
    int rc = sv_store_init(&f->store, s->file, e);
    if (rc || !(f->params = sv_alloc(f->n, sizeof *f->params, e)) || !(f->grads = sv_alloc(f->n, sizeof *f->grads, e))) return SV_ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < s->views && !rc; i++) {
        const struct sv_view *v = &s->view[i];
        if (!taken(v, prefix)) continue;
        sv_view_f32(v, 0, v->count, f->params + at);
        rc = sv_store_add(&f->store, v->name, SV_F32, v->rank, v->dim, f->params + at, v->count * sizeof *f->params, e);
        at += v->count;
    }
    return rc;
}

int sv_flat_init(struct sv_flat *f, const struct sv_store *s, const char *prefix, struct sv_err *e) {
    memset(f, 0, sizeof *f);
    const int rc = init(f, s, prefix, e);
    if (rc) sv_flat_free(f);
    return rc;
}

void sv_flat_free(struct sv_flat *f) {
    sv_store_free(&f->store), sv_free(f->params), sv_free(f->grads);
    memset(f, 0, sizeof *f);
}

int sv_flat_read(struct sv_flat *f, const struct sv_store *s, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; i < f->store.views && !rc; i++) {
        const struct sv_view *mine = &f->store.view[i], *v = NULL;
        rc = sv_store_expect(s, mine->name, SV_FLOATS, mine->rank, mine->dim, &v, e);
        if (!rc) sv_view_f32(v, 0, v->count, f->params + ((const float *)mine->data - f->params));
    }
    return rc;
}

int sv_flat_write(const struct sv_flat *f, struct sv_store *s, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; i < f->store.views && !rc; i++) {
        const struct sv_view *v = &f->store.view[i];
        rc = sv_store_add(s, v->name, v->dtype, v->rank, v->dim, v->data, v->bytes, e);
    }
    return rc;
}
