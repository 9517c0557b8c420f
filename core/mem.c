#define _DEFAULT_SOURCE                 /* madvise */
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A large block lies on huge pages where the system has them: gemm then misses the TLB less, and touching it first costs a fault
 * for each 2 MiB instead of each 4 KiB.  calloc knows which memory is fresh and needs no clearing; it does not align, so what it
 * gave stands just below the block. */
enum { LINE = 64, HUGE = 1 << 21 };

void *sv_alloc(size_t n, size_t size, struct sv_err *e) {
    size_t bytes, room;
    if (sv_mul(n, size, &bytes) && sv_add(bytes, HUGE + sizeof(void *), &room)) {
        const size_t align = bytes < 2 * HUGE ? LINE : HUGE;
        char *all = calloc(1, room - HUGE + align);
        if (all) {
            char *p = all + sizeof all + (align - ((uintptr_t)all + sizeof all) % align) % align;
            memcpy(p - sizeof all, &all, sizeof all);
#ifdef MADV_HUGEPAGE
            if (align == HUGE) madvise(p, bytes, MADV_HUGEPAGE);
#endif
            return p;
        }
    }
    sv_fail(e, SV_ENOMEM, "out of memory: %zu x %zu bytes", n, size);
    return NULL;
}

void sv_free(void *p) {
    if (!p) return;
    char *all;
    memcpy(&all, (char *)p - sizeof all, sizeof all);
    free(all);
}

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
