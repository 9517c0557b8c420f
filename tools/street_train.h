/* street_train.h - the training of the small CLIP, step by step.
 *
 * A round films `worlds` worlds with three frames of each object and gives its samples batch by batch: first one of each object, in
 * random order, then the second ones, the third ones, so that crops of one object do not meet in a batch.  A batch is cut into parts of
 * CHUNK crops, each with its own activations and its own gradient, which a thread takes there and back alone; the gradients are added
 * in the order of the parts.  So equal settings give equal bits for any number of threads, and a training that was stopped goes on as
 * if it had not been: its state is parameters, moments, the step, the round and the place in it. */
#ifndef TOOLS_STREET_TRAIN_H
#define TOOLS_STREET_TRAIN_H

#include "tools/street.h"

struct sv_street_opts {
    size_t seed, steps, batch, worlds;  /* worlds of a round */
    size_t width, layers, text_width, text_layers, embed, merges;
    double lr, decay, kinds, muon;      /* kinds: weight of the losses against class phrases; muon: rate of the blocks' matrices, in lr */
    size_t warm;
};

/* Steps after which the rate begins to fall. */
static inline size_t sv_street_plain(size_t steps) { return steps - (steps * 2 + 4) / 5; }

/* Of one step, or sums of several. */
struct sv_street_tally { double caption, kind[SV_STREET_KINDS]; size_t n, steps, top1, of; };

struct sv_street_part;                  /* what a thread works on */

struct sv_street_train {
    const struct sv_street_opts *o;
    const struct sv_cpu *cpu;
    struct sv_clip_config cfg;
    char *merges;                       /* of the tokenizer, NUL-terminated */
    struct sv_token *token;
    struct sv_store first;              /* where the first parameters came from */
    struct sv_flat flat;
    float *m, *v;                       /* [flat.n] */
    float scale[3];                     /* log of the factor on cosines, and its moments */
    uint64_t step, round;               /* steps taken; the round at hand */
    size_t at;                          /* samples of the round that were taken */

    struct sv_street_roll roll;
    uint32_t *order; size_t orders, order_cap;      /* samples of the round in their turn */
    struct sv_crop crop;                /* its table makes pixels */
    struct sv_street_part *part; size_t parts, texts, room;    /* texts of a step; of a part at most */
    size_t kind_first[SV_STREET_KINDS + 1];         /* texts of a step: captions, then phrases kind by kind from here on */
    float *pixels;                      /* [batch, 3, 64, 64] */
    int32_t *ids;                       /* [texts, context] */
    float *image, *text, *dimage, *dtext;           /* [batch, E], [texts, E] */
    float *some, *dsome, *pair, *dpair, *scratch;   /* rows that take part in one loss */
    uint32_t *row, *target, *rank;
    size_t *matrix, matrices, muon_floats;          /* numbers of the blocks' matrices in flat.store */
    float *muon;                        /* [threads, muon_floats] */
};

/* Films the first worlds for the tokenizer's sake, draws the first parameters.  o and cpu are borrowed. */
int sv_street_train_open(struct sv_street_train *t, const struct sv_street_opts *o, const struct sv_cpu *cpu, struct sv_err *e);
void sv_street_train_close(struct sv_street_train *t);         /* {0} is fine */
/* One step of the optimiser.  SV_STOPPED where sv_stop_wanted, with the training as it was before. */
int sv_street_step(struct sv_street_train *t, struct sv_street_tally *tally, struct sv_err *e);
/* Films round number `round` and begins it. */
int sv_street_round(struct sv_street_train *t, uint64_t round, struct sv_err *e);

/* The state as a file (kind "street"); atomic.  (street_state.c) */
int sv_street_save(const struct sv_street_train *t, const char *path, struct sv_err *e);
int sv_street_load(struct sv_street_train *t, const char *path, struct sv_err *e);
/* Adds the model to st, which borrows from t where half (f16) is false: config, weights, merges, its list of actions. */
int sv_street_model(const struct sv_street_train *t, struct sv_store *st, bool half, struct sv_err *e);
/* The same in f16 as a file, with seed, steps and, unless NULL, commit. */
int sv_street_export(const struct sv_street_train *t, const char *path, const char *commit, struct sv_err *e);

#endif
