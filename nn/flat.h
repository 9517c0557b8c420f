/* flat.h - the parameters of a model as one vector and their gradients as another.
 *
 * A store of names stands over the vector: its tensors are slices of it, in order.  A model that is trained is loaded from
 * that store with sv_load.flat set, so every layer knows its place in the gradient; after a step of the optimiser its
 * weights are loaded again, into the same arena. */
#ifndef NN_FLAT_H
#define NN_FLAT_H

#include "core/tensor.h"

struct sv_flat {
    struct sv_store store;              /* f32 tensors, and no values */
    size_t n;
    float *params, *grads;              /* [n], owned */
};

/* Copies the float tensors of s whose names begin with prefix, in their order, widened.  Gradients are zero. */
int sv_flat_init(struct sv_flat *f, const struct sv_store *s, const char *prefix, struct sv_err *e);
void sv_flat_free(struct sv_flat *f);               /* {0} is fine */

/* The parameters from tensors of the same names and shapes. */
int sv_flat_read(struct sv_flat *f, const struct sv_store *s, struct sv_err *e);
/* Adds the tensors to s, which borrows them. */
int sv_flat_write(const struct sv_flat *f, struct sv_store *s, struct sv_err *e);

#endif
