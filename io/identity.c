#include "io/identity.h"

#include "core/hash.h"
#include <stdio.h>
#include <string.h>

/* Places in the header and in an entry of the index: see container.h. */
enum { INDEX_AT = 40, VALUE_NAME = 8 };
enum { TENSOR_NAME_BYTES = 6, TENSOR_RANK = 8, TENSOR_OFFSET = 16, TENSOR_BYTES = 24, TENSOR_DIMS = 32 };

static size_t get(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = n; i--;) v = v << 8 | p[i];
    return (size_t)v;
}

static bool begins(const uint8_t *name, size_t n, const char *prefix) {
    const size_t k = strlen(prefix);
    return n >= k && !memcmp(name, prefix, k);
}

void sv_identity(const struct sv_file *f, const char *prefix, char out[SV_IDENTITY]) {
    static const char source[] = "clip.source";
    const uint8_t *p = f->data + get(f->data + INDEX_AT, 8);
    const size_t values = get(p, 4), tensors = get(p + 4, 4);
    struct sv_sha256 h;
    sv_sha256_init(&h);
    p += 8;
    for (size_t i = 0; i < values; i++) {
        const size_t bytes = get(p, 4), name = get(p + 6, 2);
        const bool skip = name == sizeof source - 1 && !memcmp(p + VALUE_NAME, source, name);
        if (!skip && begins(p + VALUE_NAME, name, prefix)) sv_sha256_add(&h, p, 4 + bytes);
        p += 4 + bytes;
    }
    for (size_t i = 0; i < tensors; i++) {
        const size_t bytes = get(p, 4), name = get(p + TENSOR_NAME_BYTES, 2), dims = 8 * get(p + TENSOR_RANK, 4);
        if (begins(p + TENSOR_DIMS + dims, name, prefix)) {
            sv_sha256_add(&h, p, TENSOR_OFFSET);
            sv_sha256_add(&h, p + TENSOR_BYTES, 4 + bytes - TENSOR_BYTES);
        }
        p += 4 + bytes;
    }
    uint8_t sum[32];
    sv_sha256_done(&h, sum);
    for (size_t i = 0; i < 16; i++) snprintf(out + 2 * i, 3, "%02x", sum[i]);
}
