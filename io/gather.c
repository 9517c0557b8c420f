#include "io/gather.h"

#include "core/tensor.h"
#include <string.h>

bool sv_dense(size_t rank, const size_t *dim, const size_t *stride, bool *rows) {
    size_t order[SV_MAX_RANK], n = 0, span = 1;
    *rows = true;
    for (size_t i = 0; i < rank; i++)
        if (!dim[i]) return true;
    for (size_t i = rank; i--;) {                   /* insertion by stride, innermost dimension first among equals */
        if (dim[i] == 1) continue;
        size_t at = n++;
        for (; at && stride[order[at - 1]] > stride[i]; at--) order[at] = order[at - 1];
        if (at != n - 1) *rows = false;
        order[at] = i;
    }
    for (size_t i = 0; i < n; i++)
        if (stride[order[i]] != span || !sv_mul(span, dim[order[i]], &span)) return false;
    return true;
}

void sv_gather(uint8_t *out, const uint8_t *in, size_t size, size_t rank, const size_t *dim, const size_t *stride) {
    size_t index[SV_MAX_RANK] = { 0 }, at = 0, i;
    for (size_t k = 0; k < rank; k++)
        if (!dim[k]) return;
    do {
        memcpy(out, in + at * size, size);
        out += size;
        for (i = rank; i--;) {
            at += stride[i];
            if (++index[i] < dim[i]) break;
            at -= stride[i] * dim[i], index[i] = 0;
        }
    } while (i < rank);                             /* i wraps to SIZE_MAX when the outermost index has */
}
