#include "core/kern.h"

#include <string.h>

extern const struct sv_kern sv_kern_scalar, sv_kern_avx2, sv_kern_avx512, sv_kern_neon;

static const struct sv_kern *const plain[] = { &sv_kern_scalar, NULL };
#if defined(__x86_64__)
static const struct sv_kern *const wide[] = { &sv_kern_scalar, &sv_kern_avx2, NULL };
static const struct sv_kern *const widest[] = { &sv_kern_scalar, &sv_kern_avx2, &sv_kern_avx512, NULL };
#elif defined(__aarch64__)
static const struct sv_kern *const wide[] = { &sv_kern_scalar, &sv_kern_neon, NULL };   /* NEON is part of the base set */
#endif

const struct sv_kern *const *sv_kern_usable(void) {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return plain;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") ? widest : wide;
#elif defined(__aarch64__)
    return wide;
#endif
    return plain;
}

const struct sv_kern *sv_kern_best(void) {
    const struct sv_kern *const *k = sv_kern_usable();
    while (k[1]) k++;
    return *k;
}

const struct sv_kern *sv_kern_named(const char *isa) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        if (!strcmp((*k)->isa, isa)) return *k;
    return NULL;
}
