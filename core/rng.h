/* rng.h - splitmix64: small, fast, the same numbers everywhere.  Not for secrets. */
#ifndef CORE_RNG_H
#define CORE_RNG_H

#include "core/base.h"

#include <math.h>

static inline uint64_t sv_rng(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [0, 1), 53 bits. */
static inline double sv_rng_unit(uint64_t *state) { return (double)(sv_rng(state) >> 11) * 0x1p-53; }

/* Uniform in 0 .. n-1, n > 0; the bias of at most n / 2^64 is below anything that is measured here. */
static inline size_t sv_rng_below(uint64_t *state, size_t n) { return (size_t)(sv_rng(state) % n); }

/* Whether the next of `left` rows is one of the `want` that are still wanted of them: any choice is as likely (Knuth's algorithm S). */
static inline bool sv_rng_keep(uint64_t *state, size_t left, size_t want) { return sv_rng_below(state, left) < want; }

/* Normal, mean 0 and standard deviation 1 (Box, Muller 1958). */
static inline double sv_rng_normal(uint64_t *state) {
    const double r = sqrt(-2 * log(1 - sv_rng_unit(state)));
    return r * cos(6.28318530717958647692 * sv_rng_unit(state));
}

#endif
