/* temporal_int.h - what temporal.c and temporal_train.c share. */
#ifndef TFC_TEMPORAL_INT_H
#define TFC_TEMPORAL_INT_H

#include "tfc/temporal.h"

struct sv_tfc {
    struct sv_tfc_config cfg;
    const struct sv_cpu *cpu;
    size_t batch;                       /* most tubes in one pass */
    const float *position;              /* [n, E] */
    struct sv_block *block;             /* [layers] */
    float *unit, *x, *scratch;          /* [batch, n, E] each of the first two */
    struct sv_trip trip;
    /* Where a training keeps what the way back needs; NULL otherwise, as trip.kept is. */
    float *frames;                      /* [batch, n, E] x with every frame at unit length */
    float *mean, *blend;                /* [batch, E] each: the mean of the frames, and Eq. 2, before they get unit length */
};

void sv_tfc_load(struct sv_tfc *t, struct sv_load *l);
/* F_video of at most t->batch tubes. */
void sv_tfc_pass(struct sv_tfc *t, const float *feats, size_t batch, float *out);

#endif
