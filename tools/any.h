/* any.h - any file with tensors: a model, a scene, features, or a raw checkpoint. */
#ifndef TOOLS_ANY_H
#define TOOLS_ANY_H

#include "core/tensor.h"
#include "io/file.h"

struct sv_any {
    struct sv_file file;
    struct sv_store store;
    char kind[16];                      /* "model", "scene", ..., "checkpoint" */
};

int sv_any_open(struct sv_any *a, const char *path, struct sv_err *e);
void sv_any_close(struct sv_any *a);                 /* {0} is fine */

/* "[2, 3]" */
enum { SV_SHAPE_TEXT = 192 };
const char *sv_shape_text(const struct sv_view *v, char out[SV_SHAPE_TEXT]);

/* A value as one line of text without control characters; cut at the size of out. */
const char *sv_value_text(const struct sv_value *v, char *out, size_t size);

#endif
