/* propose.h - the objects of a clip that need its pictures: motion proposals, and the tracks of a detector's boxes. */
#ifndef TOOLS_PROPOSE_H
#define TOOLS_PROPOSE_H

#include "tools/source.h"

/* One pass over the video at path.  The objects *out [*count], sorted by frame, owned by the caller (sv_free): those detected
 * [n], sorted by frame, with tracks, and, if motion, what moves where none of them is.  stdin is refused: it is needed twice. */
int sv_propose(const char *path, const struct sv_object *detected, size_t n, bool motion, struct sv_object **out, size_t *count,
               struct sv_err *e);

#endif
