/* base.h - sizes that come from files are multiplied and added here, and nowhere else. */
#ifndef CORE_BASE_H
#define CORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of these headers.  Before 1.0 the second number changes with anything that a caller could notice. */
#define SV_VERSION "0.1.0"
#define SV_VERSION_DATE "2026-11-29"

const char *sv_version(void);           /* of the library that is linked */

#define SV_LEN(a) (sizeof(a) / sizeof *(a))
#define SV_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* *out = a * b (or a + b); false where that does not fit, and *out is then undefined. */
static inline bool sv_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool sv_add(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }

static inline size_t sv_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t sv_max(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t sv_ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }

#endif
