/* convert.h - a CLIP checkpoint, as OpenAI, open_clip or Hugging Face name its tensors, into the engine's own names.
 *
 *     sv_convert_plan(&c, &store, &options, e)        checks everything, fills c.out with values and empty tensors
 *     sv_store_add(&c.out, "clip.merges", ...)        c.vocab says how many rows the token table has
 *     sv_container_stream(path, "model", &c.out, &(struct sv_filler){ sv_convert_fill, &c }, e)
 *     sv_convert_free(&c)
 *
 * The names written (all linear weights [outputs, inputs]; matrices in the chosen dtype, the rest f32; I counts blocks; NAME of i8
 * is followed by NAME.scale [outputs], f32):
 *
 *     clip.visual.patch.weight [W, 3 P P]   class [W]   position [1 + g g, W]   ln_pre, ln_post .weight .bias [W]
 *                 proj [E, W]
 *     clip.text.token [V, Wt]   position [L, Wt]   ln_final.weight .bias [Wt]   proj [E, Wt]
 *     clip.{visual,text}.block.I.   ln1, ln2 .weight .bias [W]   qkv.weight [3 W, W] .bias   out.weight [W, W] .bias
 *                                   fc1.weight [M, W] .bias   fc2.weight [W, M] .bias
 *     values clip.embed image_size patch context vocab, clip.{visual,text}.{width,layers,heads,mlp}, clip.act mean std
 *            logit_scale eps resize tube_crop tube_seconds source sha256
 *
 * Sizes come from the tensors.  Heads: from the config; without one, width / 64 but 16 in vision towers 1280, 1408 and 1664
 * wide (H, g, bigG), as everything published has it.  The activation is never guessed: options, config, or the
 * checksum of one of OpenAI's files.  Projections are transposed by name, since most are square.
 * Prefixes module. _orig_mod. state_dict. model. text. are taken off; where anything is under state_dict., the rest of the
 * file (optimizer, scaler) is not looked at.  A tensor that CLIP does not have is an error. */
#ifndef IO_CONVERT_H
#define IO_CONVERT_H

#include "core/tensor.h"
#include "io/settings.h"

struct sv_convert_options {
    const char *act;                    /* "quick" or "gelu"; NULL: from settings or the checksum */
    enum sv_dtype dtype;                /* of matrices: SV_F32, SV_F16, SV_BF16 or SV_I8 (core/quant.h; the token table is f16 then) */
    bool strict;                        /* NaN and infinite weights are errors */
    const struct sv_settings *settings; /* what lies beside the checkpoint says, or NULL */
    const struct sv_store *rounded;     /* tensors that are written as they are found there, in place of nearest bytes; or NULL */
    const char *source, *sha256;        /* base name and lower-case hex of the checkpoint; NULL: not recorded */
};

struct sv_convert {
    struct sv_store out;                /* tensors without data: sv_convert_fill makes it */
    size_t vocab;
    size_t not_finite;                  /* NaN and infinite weights that sv_convert_fill met */
    char first_bad[SV_MAX_NAME + 1];    /* the tensor with the first of them */
    struct sv_store in;                 /* private: the checkpoint under names without prefixes */
    struct sv_convert_part *part;       /* private: where each tensor of out comes from */
    const struct sv_view *filled;       /* private: the row of an i8 tensor that was filled last, and its factor */
    size_t row;
    float factor;
    const struct sv_convert_options *o;
};

/* src and o are borrowed until sv_convert_free. */
int sv_convert_plan(struct sv_convert *c, const struct sv_store *src, const struct sv_convert_options *o, struct sv_err *e);
int sv_convert_fill(void *convert, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e);
void sv_convert_free(struct sv_convert *c);         /* {0} is fine */

#endif
