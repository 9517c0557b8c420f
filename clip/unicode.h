/* unicode.h - code points: UTF-8, categories, lower case, NFC and HTML entities, from tables of one Unicode version.
 *
 * A text is a struct sv_chars of code points; the functions that can grow one fail only for want of memory. */
#ifndef CLIP_UNICODE_H
#define CLIP_UNICODE_H

#include "core/mem.h"

const char *sv_unicode_version(void);               /* "14.0.0" */

bool sv_uni_letter(uint32_t c);                     /* \p{L} */
bool sv_uni_number(uint32_t c);                     /* \p{N} */
bool sv_uni_digit(uint32_t c);                      /* \p{Nd} */
bool sv_uni_space(uint32_t c);                      /* White_Space */

struct sv_chars { uint32_t *c; size_t n, cap; };    /* {0} is an empty text */
void sv_chars_free(struct sv_chars *t);
int sv_chars_add(struct sv_chars *t, uint32_t c, struct sv_err *e);

/* Appends the n bytes at s.  Bytes that are not UTF-8 (overlong forms, surrogates and anything above U+10FFFF too) are
 * SV_EINPUT with their offset; U+0000 is a character like any other. */
int sv_utf8_decode(struct sv_chars *t, const char *s, size_t n, struct sv_err *e);
size_t sv_utf8_length(const uint8_t *s, size_t n);  /* of the character at s; 0 where the bytes are none */
size_t sv_utf8_encode(uint32_t c, uint8_t out[4]);  /* the number of bytes */

/* In place, as Python's str.lower: final sigma by context, U+0130 becomes two. */
int sv_uni_lower_text(struct sv_chars *t, struct sv_err *e);
int sv_uni_nfc(struct sv_chars *t, struct sv_err *e);

/* HTML entities of in are appended to out as characters.  html5: as browsers do it, names without their ';' where HTML
 * knows them so.  Otherwise only what ends in ';', and names in capitals too (ftfy's rule). */
int sv_uni_unescape(struct sv_chars *out, const uint32_t *in, size_t n, bool html5, struct sv_err *e);

uint32_t sv_uni_cp1252(uint32_t c);                 /* what a C1 control stands for in Windows-1252; c itself otherwise */
/* Half and full width forms to plain ones: writes 1 or 2 characters. */
size_t sv_uni_plain_width(uint32_t c, uint32_t out[2]);

#endif
