/* cpu.h - what computes: a kernel table and a pool.  Passed down by every layer; owned by whoever made it. */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include "core/kern.h"
#include "core/pool.h"

struct sv_cpu {
    const struct sv_kern *kern;
    struct sv_pool *pool;               /* NULL: the caller's thread alone */
};

#endif
