/* clip_int.h - what model.c, vision.c and text.c share. */
#ifndef CLIP_CLIP_INT_H
#define CLIP_CLIP_INT_H

#include "clip/clip.h"

struct sv_clip {
    struct sv_clip_config cfg;
    const struct sv_cpu *cpu;
    int towers;
    size_t batch;                       /* most sequences in one pass */
    float *x;                           /* [batch, len, width] the residual stream */
    float *rows;                        /* [batch, width] the rows that leave a tower */
    float *scratch;
    struct {
        struct sv_linear patch, proj;   /* [W, 3 P P], [E, W] */
        const float *class_row;         /* [W] */
        const float *position;          /* [1 + g g, W] */
        struct sv_norm ln_pre, ln_post;
        struct sv_block *block;
        float *dclass, *dposition;      /* in the gradient; NULL: frozen */
    } visual;
    struct {
        struct sv_view token;           /* [V, W], read from the store row by row */
        const float *position;          /* [context, W] */
        struct sv_norm ln_final;
        struct sv_linear proj;          /* [E, W] */
        struct sv_block *block;
        size_t *start;                  /* [batch + 1] a text's rows in x: those up to its end token */
        int32_t *id, *place;            /* [batch, context] token and position of each row */
        float *dtoken, *dposition;
    } text;
    /* Where a training keeps what the way back needs (clip_train.c); NULL otherwise, as trip.kept is. */
    struct sv_trip trip;
    float *cut;                         /* [batch, patches, 3 P P] */
    float *pre;                         /* [batch, len, width] the rows that go into ln_pre */
    float *dx, *drows;                  /* as x and rows */
};

/* Floats of scratch for a pass of m->batch sequences. */
size_t sv_vision_floats(const struct sv_clip *m);
size_t sv_text_floats(const struct sv_clip *m);
void sv_vision_load(struct sv_clip *m, struct sv_load *l);
void sv_text_load(struct sv_clip *m, struct sv_load *l);
/* Room for the numbers of a pass's rows. */
void sv_text_rows(struct sv_clip *m, struct sv_arena *a);

/* One pass of at most m->batch, and what the last one gives back to the gradient, for dout [batch, E]. */
void sv_vision_begin(struct sv_clip *m, const float *pixels, size_t batch);        /* m->x: the rows that go into the blocks */
void sv_vision_pass(struct sv_clip *m, const float *pixels, size_t batch, float *out);
void sv_vision_back(struct sv_clip *m, const float *dout);
void sv_text_pass(struct sv_clip *m, const int32_t *ids, size_t batch, float *out);
void sv_text_back(struct sv_clip *m, const float *dout);

static inline size_t sv_grid(const struct sv_clip_config *g) { return g->image_size / g->patch; }
static inline size_t sv_vision_len(const struct sv_clip_config *g) { return 1 + sv_grid(g) * sv_grid(g); }

#endif
