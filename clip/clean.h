/* clean.h - what is done to a text before it is split into words.
 *
 * openai  what OpenAI's tokenizer does: everything ftfy.fix_text does by default except the repair of mojibake (HTML
 *         entities, C1 controls, ligatures, widths, curly quotes, line breaks, terminal escapes, control characters,
 *         NFC), html.unescape twice, white space collapsed, lower case.
 * hf      what Hugging Face's fast tokenizer does: NFC, white space collapsed, lower case.
 * none    nothing. */
#ifndef CLIP_CLEAN_H
#define CLIP_CLEAN_H

#include "clip/unicode.h"

enum sv_clean { SV_CLEAN_OPENAI, SV_CLEAN_HF, SV_CLEAN_NONE };

bool sv_clean_named(const char *name, enum sv_clean *how);      /* "openai", "hf", "none" */

/* In place.  SV_EINPUT for entities nested deeper than SV_CLEAN_ROUNDS ("&amp;amp;amp;..."). */
enum { SV_CLEAN_ROUNDS = 64 };
int sv_clean_text(struct sv_chars *t, enum sv_clean how, struct sv_err *e);

#endif
