#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sv_fail(struct sv_err *e, int code, const char *fmt, ...) {
    if (!e || e->code) return code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    for (char *s = e->msg; (s = strstr(s, " -nan")); s++)       /* a NaN's sign means nothing, and printf shows it */
        if (!s[5] || strchr(" ,;:)", s[5])) memmove(s + 1, s + 2, strlen(s + 2) + 1);
    for (char *s = e->msg; *s; s++)     /* names come from files: keep them off the terminal's controls */
        if ((unsigned char)*s < 0x20 || *s == 0x7f) *s = '?';
    return e->code = code;
}
