#ifndef ISA                             /* tests build the EVEX form under a name of its own */
#define ISA avxvnni
#endif
#if defined(__AVX2__) && defined(__FMA__) && (defined(__AVXVNNI__) || defined(__AVX512VNNI__))
#define MR 6
#define NV 2
#define KC 256
#define STEPS 4
#define VEC "core/vec_avx2.h"
#define WORD "core/word_avx2.h"
#include "core/kern_simd.h"
#else
#include "core/kern_none.h"
SV_KERN_NONE(ISA)
#endif
