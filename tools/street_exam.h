/* street_exam.h - what a model knows of worlds it has never seen. */
#ifndef TOOLS_STREET_EXAM_H
#define TOOLS_STREET_EXAM_H

#include "tools/street.h"

/* Shares are 0 .. 1; NAN where nothing was asked. */
struct sv_street_exam {
    size_t crops, tubes, pairs;
    double kind[SV_STREET_KINDS];       /* of crops: the nearest phrase of a kind is the right one */
    double to_text, to_image;           /* of `pairs` different captions: a crop's nearest caption is its own; a caption's nearest crop */
    double deed, action, way, pace;     /* of tubes: the nearest deed; action, way and pace by the deeds' probabilities summed */
};

struct sv_store;
/* model: a store with the clip section and perhaps a tfc section. */
int sv_street_examine(struct sv_street_exam *x, const struct sv_store *model, const struct sv_cpu *c, const struct sv_street_film *f, struct sv_err *e);

#endif
