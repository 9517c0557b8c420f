#if defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512VNNI__) && defined(__AVX512BF16__)
#define ISA avx512bf16
#define MR 14
#define NV 2                            /* 14 x 32: 28 accumulators of 32 registers */
#define KC 1024
#define VEC "core/vec_avx512.h"
#define WORD "core/word_avx512.h"
#include "core/kern_simd.h"
#else
#include "core/kern_none.h"
SV_KERN_NONE(avx512bf16)
#endif
