#include "tools/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/utf8.h"

void sv_html(struct sv_html *h, const char *fmt, ...) {
    char small[1024];
    va_list ap, again;
    if (h->rc) return;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    char *large = n < (int)sizeof small ? NULL : sv_alloc((size_t)n + 1, 1, h->e);
    if (large) vsnprintf(large, (size_t)n + 1, fmt, again);
    va_end(again);
    h->rc = n >= (int)sizeof small && !large ? SV_ENOMEM : sv_out_write(&h->out, large ? large : small, (size_t)n, h->e);
    sv_free(large);
}

static void put(struct sv_html *h, const char *s, size_t n) {
    if (!h->rc) h->rc = sv_out_write(&h->out, s, n, h->e);
}

/* U+0000 .. U+001F, U+007F .. U+009F, U+200E, U+200F, U+202A .. U+202E, U+2066 .. U+2069; a newline and a tab are blanks. */
static bool is_trouble(const unsigned char *s, size_t len) {
    if (len == 1) return (s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f;
    if (len == 2) return s[0] == 0xc2 && s[1] < 0xa0;
    return len == 3 && s[0] == 0xe2 && ((s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xaa && s[2] <= 0xae))) ||
                                        (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void sv_html_text(struct sv_html *h, const char *s) {
    static const struct { char c; const char *as; } special[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" } };
    for (size_t n = strlen(s), len; n; s += len, n -= len) {
        const unsigned char *u = (const unsigned char *)s;
        const char *as = NULL;
        len = sv_utf8(u, n);
        if (!len || is_trouble(u, len)) as = "\xef\xbf\xbd";
        for (size_t i = 0; i < SV_LEN(special); i++) if (*s == special[i].c) as = special[i].as;
        if (as) put(h, as, strlen(as));
        else put(h, s, len);
        if (!len) len = 1;
    }
}

void sv_html_base64(struct sv_html *h, const uint8_t *p, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        const char out[4] = { digit[v >> 18], digit[v >> 12 & 63], i + 1 < n ? digit[v >> 6 & 63] : '=', i + 2 < n ? digit[v & 63] : '=' };
        put(h, out, 4);
    }
}
