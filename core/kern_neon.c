#if defined(__aarch64__)
#define ISA neon
#define MR 8
#define NV 2                            /* 8 x 8: 16 accumulators of 32 registers */
#define KC 384
#include "core/vec_neon.h"
#include "core/kern_simd.h"
#else
typedef int sv_kern_neon_not_built;
#endif
