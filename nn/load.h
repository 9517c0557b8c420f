/* load.h - from a store's tensors to a layer's weights, in one pass that runs twice.
 *
 * A model's carve function takes every weight through these calls.  The first run (arena without base) checks names,
 * dtypes and shapes and measures; the second places: vectors and tables are widened to f32, matrices are packed, and the
 * pages they came from are given back, so that a mapped model is never in memory twice.  The first error sticks in
 * rc and turns the remaining calls into nothing. */
#ifndef NN_LOAD_H
#define NN_LOAD_H

#include "nn/linear.h"
#include "nn/norm.h"

struct sv_load {
    const struct sv_store *store;
    const struct sv_cpu *cpu;
    struct sv_arena *arena;
    struct sv_err *err;
    int rc;
    bool back;                          /* linears get their turned weights too */
    const struct sv_flat *flat;         /* whose store this is: layers get their places in the gradient; NULL: frozen */
};

/* The name is a printf format, e.g. "clip.text.block.%zu." with its number; part is appended ("qkv"). */
struct sv_prefix { char text[192]; };
struct sv_prefix sv_prefix(const char *fmt, ...) SV_PRINTF(1, 2);

/* Tensor PREFIXname [rows, cols] (rows 0: [cols]) as f32 in the arena; NULL while measuring. */
const float *sv_load_f32(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t rows, size_t cols);
/* PREFIXname.weight and PREFIXname.bias [width]. */
struct sv_norm sv_load_norm(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t width, float eps);
/* PREFIXname.weight [out, in] packed for the precision of the cpu (i8 comes with PREFIXname.weight.scale [out]; panels of a packed file stay where they are) and, if bias, PREFIXname.bias [out]. */
struct sv_linear sv_load_linear(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t out, size_t in, bool bias);
/* The same of a bare tensor PREFIXname, without bias: the projections. */
struct sv_linear sv_load_projection(struct sv_load *l, const struct sv_prefix *p, const char *name, size_t out, size_t in);

/* Where the gradient of tensor PREFIXname lies; NULL where frozen. */
float *sv_load_grad(const struct sv_load *l, const struct sv_prefix *p, const char *name);

#endif
