/* actions.h - the action texts that responses are taken to: from a file, or the built-in ones. */
#ifndef TOOLS_ACTIONS_H
#define TOOLS_ACTIONS_H

#include "core/tensor.h"

enum { SV_ACTIONS_MAX = 1 << 16 };

/* A model may bring its own list: this u8 tensor, one action a line. */
#define SV_ACTIONS_TENSOR "actions"

struct sv_actions {
    const char **name; size_t n;        /* NUL-terminated, in text */
    char *text; size_t bytes;           /* the names one after the other, each with its NUL; owned */
};

/* The names of a file: one a line, spaces around it cut, empty lines skipped; path NULL: the built-in ones.  No name
 * at all and a name that comes twice are errors. */
int sv_actions_load(struct sv_actions *a, const char *path, struct sv_err *e);
/* Those of a file; without one (path NULL) those that the model brings along, or the built-in ones where it brings none. */
int sv_actions_choose(struct sv_actions *a, const char *path, const struct sv_store *model, struct sv_err *e);
/* The same from memory; `where` is for messages. */
int sv_actions_parse(struct sv_actions *a, const char *text, size_t bytes, const char *where, struct sv_err *e);
/* Adds them to a store as a tensor "actions" u8, each ended by a newline: what sv_actions_parse reads. */
int sv_actions_put(const struct sv_actions *a, struct sv_store *st, struct sv_err *e);
void sv_actions_free(struct sv_actions *a);         /* {0} is fine; leaves {0} */

#endif
