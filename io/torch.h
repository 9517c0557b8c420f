/* torch.h - PyTorch's zip archives (1.6 and later): torch.save and TorchScript.
 *
 * The archive has one folder with data.pkl (the pickle, see pickle.h) and data/<key> (the storages, stored, little endian).
 * Names: TorchScript's attributes and the keys of dictionaries, joined by dots, so OpenAI's .pt gives the same names as
 * a state_dict; a training checkpoint keeps its prefix ("state_dict.").  What torch.save(tensor) wrote is "tensor".
 * Storages of Float Half BFloat16 Double Long Int Short Char Byte Bool; several tensors may share one.
 * Row-major tensors borrow from data; those with dimensions in another order are copied into the store; views that
 * skip, repeat or overlap elements are refused, as are files older than 1.6 and bare pickles.  CRC-32 is checked of
 * everything that is read. */
#ifndef IO_TORCH_H
#define IO_TORCH_H

#include "core/tensor.h"

/* On failure the store may hold a part. */
int sv_torch_read(const uint8_t *data, size_t size, struct sv_store *s, struct sv_err *e);

#endif
