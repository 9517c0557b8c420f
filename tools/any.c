#include "tools/any.h"

#include "core/num.h"
#include "io/checkpoint.h"
#include "io/container.h"
#include <stdio.h>
#include <string.h>

int sv_any_open(struct sv_any *a, const char *path, struct sv_err *e) {
    *a = (struct sv_any){ 0 };
    int rc;
    if ((rc = sv_file_map(&a->file, path, e)) || (rc = sv_store_init(&a->store, path, e))) return rc;
    a->store.map = a->file.mapped ? a->file.data : NULL, a->store.map_bytes = a->file.size;
    if (!sv_container_is(&a->file)) {
        snprintf(a->kind, sizeof a->kind, "checkpoint");
        return sv_checkpoint_read(&a->file, &a->store, e);
    }
    if ((rc = sv_container_read(&a->file, NULL, &a->store, e))) return rc;
    sv_container_kind(&a->file, a->kind);
    return 0;
}

void sv_any_close(struct sv_any *a) {
    sv_store_free(&a->store);
    sv_file_close(&a->file);
}

const char *sv_shape_text(const struct sv_view *v, char out[SV_SHAPE_TEXT]) {
    size_t at = (size_t)snprintf(out, SV_SHAPE_TEXT, "[");
    for (size_t i = 0; i < v->rank; i++)
        at += (size_t)snprintf(out + at, SV_SHAPE_TEXT - at, "%s%zu", i ? ", " : "", v->dim[i]);
    snprintf(out + at, SV_SHAPE_TEXT - at, "]");
    return out;
}

const char *sv_value_text(const struct sv_value *v, char *out, size_t size) {
    char number[SV_NUM_TEXT];
    size_t at = 0;
    out[0] = 0;
    switch (v->type) {
    case SV_INT: snprintf(out, size, "%lld", (long long)v->i); break;
    case SV_REAL: sv_num_text(v->r, number), snprintf(out, size, "%s", number); break;
    case SV_TEXT: snprintf(out, size, "%s", v->text); break;
    case SV_REALS:
        for (size_t i = 0; i < v->n && at < size; i++) {
            sv_num_text(v->reals[i], number);
            at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", number);
        }
        break;
    }
    for (char *s = out; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f) *s = '?';
    return out;
}
