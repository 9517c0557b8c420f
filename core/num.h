/* num.h - numbers in text, the same in every locale. */
#ifndef CORE_NUM_H
#define CORE_NUM_H

#include "core/base.h"

/* The n bytes at s as one whole number: [+-] digits [. digits] [e [+-] digits]; nothing else: no space, hex, inf, nan.
 * Correctly rounded.  False if it is not a number or not finite. */
bool sv_num_real(const char *s, size_t n, double *out);
bool sv_num_int(const char *s, size_t n, int64_t *out);     /* [+-] digits; false if it does not fit */

/* The shortest decimal that reads back as the same double (or float), always with '.'; "nan", "inf", "-inf". Returns its length. */
enum { SV_NUM_TEXT = 32 };
size_t sv_num_text(double v, char out[SV_NUM_TEXT]);
size_t sv_num_text_f32(float v, char out[SV_NUM_TEXT]);

/* v for printf, which writes a NaN of the other sign as "-nan". */
static inline double sv_num_shown(double v) { return v == v ? v : __builtin_nan(""); }

#endif
