#define _GNU_SOURCE                     /* syscall */
#include "core/kern.h"

#include <pthread.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/* From the plain one to the best; those that this build does not have are without a name. */
#define TABLES(X) X(scalar) X(avx2) X(avxvnni) X(avx512) X(avx512vnni) X(avx512bf16) X(amx) X(neon) X(neondot) X(neonbf16)
#define X(isa) extern const struct sv_kern sv_kern_##isa;
TABLES(X)
#undef X

struct able {
#define X(isa) bool isa;
    TABLES(X)
#undef X
};

#if defined(__x86_64__)
/* AMX has 8 KiB of state a thread, which Linux gives to a process that asks for it. */
static bool amx_allowed(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { REQUEST = 0x1023, TILE_DATA = 18, TILES = 3 << 24 };         /* bits 24, 25 of cpuid 7 edx: tiles, bytes; 22: bf16 */
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & TILES) == TILES && (edx >> 22 & 1) &&
           !syscall(SYS_arch_prctl, REQUEST, TILE_DATA);
#else
    return false;
#endif
}
#endif

/* What the machine can do and its system lets a program use. */
static struct able look(void) {
    struct able a = { .scalar = true };
#if defined(__x86_64__)
    unsigned eax = 0, ebx, ecx, edx;
    __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx);        /* no compiler knows the names of all its bits */
    a.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    a.avxvnni = a.avx2 && (eax >> 4 & 1);
    a.avx512 = a.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    a.avx512vnni = a.avx512 && __builtin_cpu_supports("avx512vnni");
    a.avx512bf16 = a.avx512vnni && (eax >> 5 & 1);
    a.amx = a.avx512bf16 && amx_allowed();
#elif defined(__aarch64__)
    a.neon = true;                      /* part of the base set */
#if defined(__linux__) && defined(HWCAP_ASIMDDP) && defined(HWCAP2_BF16) && defined(HWCAP2_I8MM)
    a.neondot = getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
    a.neonbf16 = a.neondot && (getauxval(AT_HWCAP2) & HWCAP2_BF16) && (getauxval(AT_HWCAP2) & HWCAP2_I8MM);
#endif
#endif
    return a;
}

/* Intel's cores that have FP16 start a vdpbf16ps every second cycle: pairs of bf16 at half the rate of f32, to which the table
 * before widens them.  Their tiles are faster than both, where the system lets a program have them. */
static bool slow_pairs(void) {
#if defined(__x86_64__)
    unsigned eax, ebx, ecx, edx;
    return __builtin_cpu_is("intel") && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx >> 23 & 1);
#else
    return false;
#endif
}

static const struct sv_kern *usable[16], *best;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void) {
    const struct able a = look();
    size_t n = 0;
#define X(name) if (a.name && sv_kern_##name.isa) usable[n++] = &sv_kern_##name;
    TABLES(X)
#undef X
    best = usable[n - 1];
    if (best == &sv_kern_avx512bf16 && slow_pairs()) best = usable[n - 2];
}

const struct sv_kern *const *sv_kern_usable(void) {
    pthread_once(&once, find);
    return usable;
}

const struct sv_kern *sv_kern_best(void) {
    pthread_once(&once, find);
    return best;
}

const struct sv_kern *sv_kern_named(const char *isa) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        if (!strcmp((*k)->isa, isa)) return *k;
    return NULL;
}
