#if defined(__AVX2__) && defined(__FMA__)
#define ISA avx2
#define MR 6
#define NV 2                            /* 6 x 16: 12 accumulators of 16 registers */
#define KC 1024                         /* as in kern_avx512.c; 256, whose panels of w stay in L1, is slower */
#define STEPS 4                         /* a small tile is short of issue slots, not of registers */
#define VEC "core/vec_avx2.h"
#define WORD "core/word_avx2.h"
#include "core/kern_simd.h"
#else
#include "core/kern_none.h"
SV_KERN_NONE(avx2)
#endif
