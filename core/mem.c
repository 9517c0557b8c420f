#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

void *sv_alloc(size_t n, size_t size, struct sv_err *e) {
    size_t bytes, room;
    if (sv_mul(n, size, &bytes) && sv_add(bytes, 63 + (bytes == 0), &room)) {
        void *p = aligned_alloc(64, room / 64 * 64);
        if (p) return memset(p, 0, bytes);
    }
    sv_fail(e, SV_ENOMEM, "out of memory: %zu x %zu bytes", n, size);
    return NULL;
}

void sv_free(void *p) { free(p); }

int sv_grow(void *p, size_t *cap, size_t n, size_t size, struct sv_err *e) {
    if (n < *cap) return 0;
    const size_t more = *cap > 8 ? *cap : 8;
    size_t want;
    if (!sv_add(*cap, more, &want)) return sv_fail(e, SV_ENOMEM, "out of memory: %zu elements", n);
    void *q = sv_alloc(want, size, e), *old;
    if (!q) return SV_ENOMEM;
    memcpy(&old, p, sizeof old);        /* any object pointer, read without breaking aliasing rules */
    if (old) memcpy(q, old, n * size);
    sv_free(old);
    memcpy(p, &q, sizeof q);
    *cap = want;
    return 0;
}

char *sv_strdup(const char *s, struct sv_err *e) {
    const size_t n = strlen(s) + 1;
    char *p = sv_alloc(n, 1, e);
    return p ? memcpy(p, s, n) : NULL;
}
