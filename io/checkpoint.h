/* checkpoint.h - tensors from whatever file a checkpoint comes in, recognised by its first bytes, never by its name. */
#ifndef IO_CHECKPOINT_H
#define IO_CHECKPOINT_H

#include "core/tensor.h"
#include "io/file.h"

/* Fills the store from a zip archive of torch (torch.h) or a safetensors file (safetensors.h); the views borrow from f.
 * Anything else is an error that says what the file looks like and what is read. */
int sv_checkpoint_read(const struct sv_file *f, struct sv_store *s, struct sv_err *e);

#endif
