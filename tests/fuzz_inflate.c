/* The first byte picks the wrapping; both variants must agree. */
#include <stdlib.h>
#include <string.h>

#include "io/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    const enum sv_wrap wrap = (enum sv_wrap)(data[0] % 3);
    struct sv_err e = { 0 };
    uint8_t *out, *again;
    size_t n, used, used_again;
    if (sv_inflate(data + 1, size - 1, wrap, 1 << 24, &out, &n, &used, "fuzz", &e)) return 0;
    if (used > size - 1 || !(again = sv_alloc(n, 1, NULL))) abort();
    if (sv_inflate_into(data + 1, used, wrap, again, n, &used_again, "fuzz", NULL)) abort();
    if (used != used_again || memcmp(out, again, n)) abort();
    sv_free(out), sv_free(again);
    return 0;
}
