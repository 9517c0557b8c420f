/* propose.h - the objects of a clip that need its pictures: motion proposals, and the tracks of a detector's boxes. */
#ifndef TOOLS_PROPOSE_H
#define TOOLS_PROPOSE_H

#include "tools/source.h"

struct sv_propose_opts {
    bool motion;                        /* add what moves where no detection is */
    bool figures;                       /* fill in figures, from a velocity measured over a tenth of a second to both sides */
    double fps;                         /* of videos that do not tell theirs; 0: not known, then over 2 frames */
};

/* One pass over the video at path.  The objects *out [*count], sorted by frame, owned by the caller (sv_free): those detected
 * [n], sorted by frame, with tracks (their own where they have some and no motion is added), and those of motion.  stdin is
 * refused: it is needed twice. */
int sv_propose(const char *path, const struct sv_propose_opts *o, const struct sv_object *detected, size_t n, struct sv_object **out, size_t *count,
               struct sv_err *e);

/* Frames to both sides over which velocities are measured: a tenth of a second; fps 0: not known. */
size_t sv_propose_apart(double fps);

#endif
