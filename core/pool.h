/* pool.h - threads that belong to a context.
 *
 * sv_pool_for splits 0 .. n-1 into one contiguous range a thread, the same ranges every time.  Work is split over
 * outputs only, never over a sum, so results do not depend on the number of threads. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/err.h"

struct sv_pool;

/* threads 0: one for each CPU this process may use.  1 starts none.  If the system gives fewer than asked, the pool
 * has those.  NULL on failure, e set. */
struct sv_pool *sv_pool_new(size_t threads, struct sv_err *e);
void sv_pool_free(struct sv_pool *p);               /* NULL is fine */

/* A pool of NULL is one thread: the caller's. */
size_t sv_pool_threads(const struct sv_pool *p);

/* Calls fn(arg, begin, end, thread) for every non-empty range, on thread numbers 0 .. threads-1, and returns when all
 * are done.  Not reentrant: fn must not call sv_pool_for on the same pool. */
void sv_pool_for(struct sv_pool *p, size_t n, void (*fn)(void *arg, size_t begin, size_t end, size_t thread), void *arg);

#endif
