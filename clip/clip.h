/* clip.h - CLIP's two towers (Radford et al. 2021): pictures and texts into one space.
 *
 *     struct sv_clip *m = sv_clip_open(&store, &cpu, SV_CLIP_IMAGE, 9, &e);
 *     sv_clip_image(m, pixels, 9, features);          cannot fail
 *     sv_clip_free(m);
 *
 * The store holds the names of NOTES.md (as `svad convert` writes them).  Every dtype and dimension is checked in
 * sv_clip_open; after it the store may be freed unless the text tower is open, which reads token rows from it, or the store holds
 * packed matrices (value clip.packed), which stay in it. */
#ifndef CLIP_CLIP_H
#define CLIP_CLIP_H

#include "nn/block.h"

struct sv_clip_config {
    size_t embed;                       /* E, the joint width */
    size_t image_size, patch;           /* pixels a side */
    size_t context, vocab;              /* text positions, rows of the token table */
    struct sv_stack visual, text;
    float mean[3], std[3];              /* of pixels in 0 .. 1 */
    double logit_scale;                 /* ln of the factor on the cosine */
    bool squash;                        /* whole images: squash to the square instead of short side + centre crop */
    bool square_crop;                   /* tubes: a square around the box instead of the box squashed */
    double tube_seconds;                /* spacing of a tube's frames in seconds; 0: in frames */
};

int sv_clip_config_read(struct sv_clip_config *g, const struct sv_store *s, struct sv_err *e);
/* Writes every value of the config under the names sv_clip_config_read takes. */
int sv_clip_config_write(const struct sv_clip_config *g, struct sv_store *s, struct sv_err *e);

/* Fills s with the config and random weights of its shapes (f32, owned by s): the model of benches and tests. */
int sv_clip_random(struct sv_store *s, const struct sv_clip_config *g, uint64_t seed, struct sv_err *e);
/* A config of the family: "B/32", "B/16", "L/14", "L/14@336", "H/14", "bigG/14", or "tiny" (64 pixels, width 128).
 * False for other names. */
bool sv_clip_family(struct sv_clip_config *g, const char *name);

struct sv_clip;
enum { SV_CLIP_IMAGE = 1, SV_CLIP_TEXT = 2 };

/* Binds, packs and allocates all that the chosen towers need; max_batch is the most pictures or texts that travel in
 * one go (larger calls are cut).  c is borrowed for the model's life.  NULL on failure, e set. */
struct sv_clip *sv_clip_open(const struct sv_store *s, const struct sv_cpu *c, int towers, size_t max_batch, struct sv_err *e);
void sv_clip_free(struct sv_clip *m);               /* NULL is fine */

/* The same in memory of the caller: bytes needed (0 on failure, e set), then the model at mem, 64-byte aligned.
 * Nothing to free. */
size_t sv_clip_size(const struct sv_store *s, const struct sv_cpu *c, int towers, size_t max_batch, struct sv_err *e);
struct sv_clip *sv_clip_init(void *mem, size_t size, const struct sv_store *s, const struct sv_cpu *c, int towers, size_t max_batch,
                             struct sv_err *e);

const struct sv_clip_config *sv_clip_config(const struct sv_clip *m);

/* Projected features, not normalised, of batch pictures.  The same bits for any batch and any number of threads. */
void sv_clip_image(struct sv_clip *m, const float *pixels /* [batch, 3, S, S], normalised */, size_t batch, float *out /* [batch, E] */);

/* Projected features, not normalised, of batch texts: the row of the first end token, which is the largest id.
 * Ids outside the vocabulary are the caller's error: they are read as 0. */
void sv_clip_text(struct sv_clip *m, const int32_t *ids /* [batch, context] */, size_t batch, float *out /* [batch, E] */);

#endif
