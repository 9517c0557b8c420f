/* annotate.h - the frames of a scored clip with boxes and scores drawn in, as DIR/CLIP/000000.png ... or as DIR/CLIP.y4m. */
#ifndef TOOLS_ANNOTATE_H
#define TOOLS_ANNOTATE_H

#include "io/names.h"
#include "tools/source.h"

struct sv_annotate {
    const char *dir;                    /* NULL: nothing is written */
    bool y4m;
    double line;                        /* a score above it is red */
    bool made;                          /* dir was made here */
    struct sv_names clip;               /* whose files are there */
    size_t *frames, cap;                /* [clip.n] frames that were written */
};

struct sv_scored {
    const char *clip, *video;           /* video: where its frames are */
    double fps;                         /* 0: not known */
    const double *frame; size_t frames; /* [frames] scores */
    const struct sv_object *object;     /* [n], sorted by frame */
    const double *score;                /* [n] */
    const size_t *action;               /* [n] numbers into name */
    const char *const *name;
    size_t n;
};

int sv_annotate(struct sv_annotate *a, const struct sv_scored *s, struct sv_err *e);
void sv_annotate_close(struct sv_annotate *a, bool drop);       /* drop: removes what was written.  {0} is fine */

#endif
