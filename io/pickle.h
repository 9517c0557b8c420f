/* pickle.h - the tensors that a pickle of torch describes.  Nothing is executed: it is data for a typed stack machine.
 *
 * Protocols 2 to 5 and the opcodes that torch.save and TorchScript write.  Names that a pickle may call on:
 *     collections.OrderedDict, torch.Size, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter,
 *     torch.<Type>Storage, torch.jit._pickle.build_<...>list and restore_type_tag, and __torch__.* (TorchScript's own
 *     classes, as plain records).
 * Every other name is an error that says which; so is every opcode not listed in pickle.c.
 *
 * Dictionaries, records, lists and tuples nest at most SV_PICKLE_DEPTH deep; a tensor's name is its path through them,
 * joined by dots ("state_dict.visual.conv1.weight", list items by number).  What is no tensor is passed over. */
#ifndef IO_PICKLE_H
#define IO_PICKLE_H

#include "core/tensor.h"

enum {
    SV_PICKLE_STACK = 100000, SV_PICKLE_MEMO = 1000000, SV_PICKLE_DEPTH = 64, SV_PICKLE_TEXT = 1 << 16,
    SV_PICKLE_VALUES = 1 << 22,         /* objects in one pickle, and steps of the walk over them */
};

struct sv_pickle_tensor {
    const char *name;                   /* "tensor" if the pickle is a tensor and nothing else */
    enum sv_dtype dtype;
    size_t rank, dim[SV_MAX_RANK], stride[SV_MAX_RANK];     /* strides and offset count elements */
    size_t offset, numel;               /* numel: of the whole storage */
    const char *key; size_t key_n;      /* of the storage, borrowed from the pickle */
};

/* Calls tensor() for every tensor, in the order of the pickle; its failure ends the reading. */
int sv_pickle_read(const uint8_t *data, size_t size, const char *file,
                   int (*tensor)(void *arg, const struct sv_pickle_tensor *t, struct sv_err *e), void *arg,
                   struct sv_err *e);

#endif
