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
    } visual;
    struct {
        struct sv_view token;           /* [V, W], read from the store row by row */
        const float *position;          /* [context, W] */
        struct sv_norm ln_final;
        struct sv_linear proj;          /* [E, W] */
        struct sv_block *block;
    } text;
};

/* Floats of scratch for a pass of m->batch sequences. */
size_t sv_vision_floats(const struct sv_clip *m);
size_t sv_text_floats(const struct sv_clip *m);
void sv_vision_load(struct sv_clip *m, struct sv_load *l);
void sv_text_load(struct sv_clip *m, struct sv_load *l);

static inline size_t sv_grid(const struct sv_clip_config *g) { return g->image_size / g->patch; }
static inline size_t sv_vision_len(const struct sv_clip_config *g) { return 1 + sv_grid(g) * sv_grid(g); }

#endif
