#include "io/pickle.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int tensor(void *arg, const struct sv_pickle_tensor *t, struct sv_err *e) {
    (void)e;
    size_t *sum = arg;
    *sum += strlen(t->name) + t->rank + (t->key_n ? (unsigned char)t->key[t->key_n - 1] : 0);
    for (size_t i = 0; i < t->rank; i++) *sum += t->dim[i] ^ t->stride[i];
    return t->rank > SV_MAX_RANK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t sum = 0;
    sv_pickle_read(data, size, "fuzz", tensor, &sum, NULL);
    return 0;
}
