/* arena.h - all memory of one object: one block, carved in order, freed at once.
 *
 * With base NULL the same calls only count, so the one function that carves an object also measures it:
 *
 *     struct sv_arena a = {0};
 *     carve(&a, x);                                       counts: a.used is the size
 *     a = (struct sv_arena){ .base = mem, .cap = size };  mem is 64-byte aligned
 *     carve(&a, x);                                       places */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/base.h"

struct sv_arena { char *base; size_t used, cap; };

#define SV_TAKE(a, type, n) ((type *)sv_arena_take((a), sizeof(type), (n)))

/* n elements at the next 64-byte boundary; NULL while counting or where the block is too small.
 * A size that overflows pins used at SIZE_MAX / 2, which no allocation can satisfy. */
static inline void *sv_arena_take(struct sv_arena *a, size_t size, size_t n) {
    const size_t at = a->used;
    if (n > (SIZE_MAX / 2 - at) / size) { a->used = SIZE_MAX / 2; return NULL; }
    a->used = at + (size * n + 63) / 64 * 64;
    return a->base && a->used <= a->cap ? a->base + at : NULL;
}

#endif
