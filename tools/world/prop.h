/* prop.h - what people ride, push, hold and climb. */
#ifndef TOOLS_WORLD_PROP_H
#define TOOLS_WORLD_PROP_H

#include "tools/world/body.h"

enum sv_prop {
    SV_PROP_NONE, SV_PROP_BICYCLE, SV_PROP_SKATEBOARD, SV_PROP_SCOOTER, SV_PROP_CAR, SV_PROP_VAN, SV_PROP_CART, SV_PROP_MOTORCYCLE,
    SV_PROP_SKATES, SV_PROP_WHEELCHAIR, SV_PROP_PRAM, SV_PROP_TROLLEY, SV_PROP_SUITCASE, SV_PROP_BOX, SV_PROP_SACK, SV_PROP_DOG,
    SV_PROP_UMBRELLA, SV_PROP_BENCH, SV_PROP_RAILING, SV_PROP_FENCE, SV_PROP_LADDER, SV_PROP_BALL, SV_PROP_BROOM
};

enum sv_prop sv_action_prop(enum sv_action a);

/* Where it is and what it belongs to: joint are the person's, phase and style as for the pose. */
struct sv_held {
    enum sv_action action;
    struct sv_vec at;
    float heading, phase, speed, height;
    const float *style;                 /* [4] */
    const struct sv_vec *joint;         /* [SV_JOINTS] */
    struct sv_ink ink;
};
void sv_prop_draw(struct sv_canvas *c, enum sv_prop kind, const struct sv_held *h);
/* How far ahead and aside of the actor's place the person stands, sits or hangs. */
bool sv_prop_hides_person(enum sv_prop kind);

#endif
