/* names.h - names to small numbers: the clips of a box, label or score file in order of appearance. */
#ifndef IO_NAMES_H
#define IO_NAMES_H

#include "core/mem.h"

enum { SV_NAMES_MAX = 255 };            /* bytes of one name: what a file system takes */

struct sv_names {
    char **name; size_t n, cap;         /* owned */
    size_t *slot; size_t slots;         /* hash of names: index + 1; 0 is free */
};

/* *at = number of the name (len bytes, no NUL inside), added if it is new.  0 or SV_ENOMEM. */
int sv_names_add(struct sv_names *s, const char *name, size_t len, size_t *at, struct sv_err *e);
/* SIZE_MAX where there is none. */
size_t sv_names_find(const struct sv_names *s, const char *name, size_t len);
void sv_names_free(struct sv_names *s);             /* {0} is fine */

#endif
