#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#define ISA neondot
#define MR 8
#define NV 3                            /* 8 x 12: 24 accumulators of 32 registers */
#define KC 256
#define VEC "core/vec_neon.h"
#define WORD "core/word_neon.h"
#include "core/kern_simd.h"
#else
#include "core/kern_none.h"
SV_KERN_NONE(neondot)
#endif
