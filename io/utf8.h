/* utf8.h - one code point of UTF-8, exactly: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef IO_UTF8_H
#define IO_UTF8_H

#include "core/base.h"

/* Bytes of the code point at s (1 .. 4), or 0 where the n bytes there do not begin with one.  n > 0. */
static inline size_t sv_utf8(const unsigned char *s, size_t n) {
    if (s[0] < 0x80) return 1;
    const size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len > n) return 0;
    const unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80,         /* second byte: overlong, */
                        high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;        /* surrogate, too large */
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return len;
}

#endif
