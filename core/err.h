/* err.h - one way to say what went wrong.
 *
 * A function that can fail takes a struct sv_err * as its last argument and returns 0 or a negative SV_E code.
 * The message is one line that names the file, the place in it, what was expected and what was found:
 *
 *     return sv_fail(e, SV_EINPUT, "%s: tensor %s is [%zu, %zu], expected [%zu, %zu]", file, name, ...);
 *
 * The first failure wins: a later sv_fail on the same struct changes nothing.  e may be NULL. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include "core/base.h"

/* The exit code of a tool is the code without its sign. */
enum { SV_EUSAGE = -1, SV_EINPUT = -2, SV_ECHECK = -3, SV_ENOMEM = -4 /* memory or disk */ };

struct sv_err {
    int code;                           /* 0 until something failed */
    char msg[480];
};

/* Records the message (bytes below 0x20 and 0x7f of it become '?', a number "-nan" becomes "nan") and returns code. */
int sv_fail(struct sv_err *e, int code, const char *fmt, ...) SV_PRINTF(3, 4);

#endif
