/* cpu.h - what computes: a kernel table and a pool.  Passed down by every layer; owned by whoever made it. */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include "core/kern.h"
#include "core/pool.h"

/* What of a product is worked on at a time.  Sizes move time, never bits: K's split belongs to the table. */
struct sv_block_sizes {
    size_t rows;                        /* of x, packed together: they stay in L2 while w passes; of 1024 floats, more where they are shorter */
    size_t cols;                        /* of w that pass over these rows together */
};

/* Arithmetic of products with a model's weights.  As stored: bytes as bytes; bf16 as bf16 where the table has it fast, widened
 * elsewhere; the rest f32. */
enum sv_precision { SV_AS_STORED, SV_ALL_F32, SV_ALL_BF16, SV_ALL_I8 };

struct sv_cpu {
    const struct sv_kern *kern;
    struct sv_pool *pool;               /* NULL: the caller's thread alone */
    struct sv_block_sizes block;        /* 0: what suits a core with 1 MiB of L2 */
    enum sv_precision precision;
};

/* What suits the caches of this machine. */
struct sv_block_sizes sv_block_sizes(void);

#endif
