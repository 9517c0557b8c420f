/* model.h - a model file opened for use by the commands. */
#ifndef TOOLS_MODEL_H
#define TOOLS_MODEL_H

#include "clip/clip.h"
#include "clip/token.h"
#include "io/file.h"
#include "tools/tool.h"

struct sv_model {
    struct sv_file file;                /* mapped */
    struct sv_store store;              /* its tensors and values; tensors borrow from the file */
    struct sv_clip_config cfg;
    struct sv_token *token;             /* NULL until sv_model_token */
};

/* path NULL: SV_EUSAGE that asks for -m. */
int sv_model_open(struct sv_model *m, const char *path, struct sv_err *e);
void sv_model_close(struct sv_model *m);            /* {0} is fine */

/* The tokenizer of the model, made on the first call. */
int sv_model_token(struct sv_model *m, struct sv_err *e);

/* Unnormalised features out [n, E] of n texts through an open text tower. */
int sv_model_texts(struct sv_model *m, struct sv_clip *clip, const char *const *text, size_t n, const struct sv_token_opts *o, float *out,
                   struct sv_err *e);

/* The same, out [E], of a picture file through an open image tower. */
int sv_model_image(struct sv_model *m, struct sv_clip *clip, const char *path, float *out, struct sv_err *e);

/* NaN or Inf in x [n] is SV_ECHECK that names what was computed from `from`. */
int sv_check_finite(const float *x, size_t n, const char *from, struct sv_err *e);

/* The lines of a text file without line ends, blank ones left out; texts are owned by the list's file.  For labels and actions. */
struct sv_lines { struct sv_file file; const char **line; size_t n, cap; };
int sv_lines_read(struct sv_lines *l, const char *path, struct sv_err *e);
void sv_lines_free(struct sv_lines *l);

#endif
