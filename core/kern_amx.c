#if defined(__AVX512BF16__) && defined(__AVX512VNNI__) && defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AMX_INT8__)
#define ISA amx
#define MR 14
#define NV 2                            /* 14 x 32 as AVX-512 */
#define KC 1024
#define WMR 32                          /* 32 x 32: four of AMX's eight registers */
#define VEC "core/vec_avx512.h"
#define WORD "core/word_amx.h"
#include "core/kern_simd.h"
#else
#include "core/kern_none.h"
SV_KERN_NONE(amx)
#endif
