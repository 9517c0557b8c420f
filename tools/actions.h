/* actions.h - the action texts that responses are taken to: from a file, or the built-in ones. */
#ifndef TOOLS_ACTIONS_H
#define TOOLS_ACTIONS_H

#include "core/mem.h"

struct sv_actions {
    char *text;                         /* the names, each ended by a newline; owned */
    size_t bytes;
    const char **name; size_t *len; size_t n;           /* name[i]: len[i] bytes of text, not NUL-terminated */
};

/* The names of a file: one a line, spaces around it cut, empty lines skipped; path NULL: the built-in ones.  No name and a
 * name that comes twice are errors. */
int sv_actions_load(struct sv_actions *a, const char *path, struct sv_err *e);
/* The names in text, as sv_actions_load leaves them; `where` is for messages. */
int sv_actions_parse(struct sv_actions *a, const char *text, size_t bytes, const char *where, struct sv_err *e);
void sv_actions_free(struct sv_actions *a);         /* {0} is fine; leaves {0} */

#endif
