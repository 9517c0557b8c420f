/* repack.h - a model whose matrices lie in its file as one kernel table multiplies them: opening it is reading alone. */
#ifndef TOOLS_REPACK_H
#define TOOLS_REPACK_H

#include "tools/tool.h"

/* Writes the model file `from` to `to` (may be the same file) with the matrices of clip.* as panels of a kernel table that this machine has. */
int sv_repack(const char *from, const char *to, const char *isa, const struct sv_common *o, struct sv_err *e);

#endif
