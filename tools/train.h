/* train.h - the training of a temporal fusion on a set of labelled tubes (METHOD section 4), step by step.
 *
 * An epoch takes every training row in random order, `tubes` random tubes of each; order and tubes follow from seed and epoch
 * alone, so the state of a training is parameters, moments and a few counters.  Equal settings give equal bits, for any number of
 * threads and however often a training was stopped and taken up again. */
#ifndef TOOLS_TRAIN_H
#define TOOLS_TRAIN_H

#include "nn/adamw.h"
#include "tfc/temporal_train.h"
#include "tools/train_set.h"

struct sv_train_opts {
    struct sv_tfc_config tfc;
    double sigma, lr, decay, val, clip; /* val: share of the videos; clip: limit of the gradient's norm, 0: none */
    size_t batch, epochs, seed, tubes, warm;
    size_t patience;                    /* epochs without a lower held-out loss before it stops; 0: none */
    bool cosine;
};

/* Sums over samples. */
struct sv_tally { double loss; size_t n, top1, top5; };

struct sv_train {
    const struct sv_train_opts *o;
    const struct sv_train_set *set;
    const struct sv_cpu *cpu;
    const float *text;                  /* [N, E]: the class names' features, frozen */
    size_t *row, rows;                  /* training rows */
    size_t *held, helds;                /* held-out rows */
    size_t samples;                     /* of an epoch */

    struct sv_flat flat;                /* parameters and gradient */
    float *m, *v, *best;                /* [flat.n]: moments; parameters of the best epoch */
    uint64_t step;                      /* steps of the optimiser so far */
    size_t epoch, at;                   /* epochs that are over; samples of this one that were taken */
    struct sv_tally tally;              /* of those */
    size_t best_epoch;                  /* number of the epoch that best is from; 0: none yet */
    double best_loss;

    struct sv_tfc_train *tfc;
    uint32_t *pick;                     /* [samples] tubes of this epoch, in their order */
    float *feats, *video, *dvideo, *scratch;
    uint32_t *target, *rank;
};

/* Splits the rows, allocates, draws the first parameters.  clip: the model's weights, for backbones that start from them.  o, set,
 * cpu and text are borrowed. */
int sv_train_open(struct sv_train *t, const struct sv_train_opts *o, const struct sv_train_set *set, const struct sv_cpu *cpu,
                  const float *text, const struct sv_store *clip, struct sv_err *e);
void sv_train_close(struct sv_train *t);            /* {0} is fine; leaves {0} */

/* One step of the optimiser; *batch: its sums.  A loss or gradient that is not finite is SV_ECHECK with step and cause.  SV_STOPPED
 * where sv_stop_wanted, with the training as it was before. */
int sv_train_step(struct sv_train *t, struct sv_tally *batch, struct sv_err *e);
/* Once at == samples: the held-out rows are judged, the best parameters kept, the next epoch begun.  As sv_train_step. */
int sv_train_epoch(struct sv_train *t, struct sv_tally *held, struct sv_err *e);
/* Whether there is nothing more to do. */
bool sv_train_done(const struct sv_train *t);

/* Fills row, rows, held, helds: videos are held out at random, but none that is the last of a class.  For sv_train_open. */
int sv_train_split(struct sv_train *t, struct sv_err *e);

/* What follows from parameters and epoch, once they are set: packed weights, the epoch's tubes.  For sv_train_load. */
void sv_train_begin(struct sv_train *t);

/* The state of a training as a file (kind "training", see train_state.c); atomic. */
int sv_train_save(const struct sv_train *t, const char *path, struct sv_err *e);
/* Takes up from a file what sv_train_open left at the beginning.  A state of other data or settings is an error. */
int sv_train_load(struct sv_train *t, const char *path, struct sv_err *e);

#endif
