#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>

int sv_fail(struct sv_err *e, int code, const char *fmt, ...) {
    if (!e || e->code) return code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    for (char *s = e->msg; *s; s++)     /* names come from files: keep them off the terminal's controls */
        if ((unsigned char)*s < 0x20 || *s == 0x7f) *s = '?';
    return e->code = code;
}
