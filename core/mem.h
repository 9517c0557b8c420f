/* mem.h - the one door to the heap.  Sizes are checked, memory is zeroed and 64-byte aligned,
 * a failure is SV_ENOMEM with the size that was asked for. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include "core/err.h"

/* n * size bytes, all zero; never NULL for 0 bytes.  NULL on failure, e set.  Free with sv_free. */
void *sv_alloc(size_t n, size_t size, struct sv_err *e);
void sv_free(void *p);                  /* NULL is fine */

/* Makes room for one more element: *p holds *cap elements of which n are in use.  Grows by doubling; the
 * new part is not cleared.  0, or SV_ENOMEM with *p and *cap as they were.  p is the address of a pointer. */
int sv_grow(void *p, size_t *cap, size_t n, size_t size, struct sv_err *e);

char *sv_strdup(const char *s, struct sv_err *e);

#endif
