/* token.h - CLIP's byte pair encoding: texts to token ids.
 *
 *     struct sv_token *t = sv_token_new(merges, bytes, e);
 *     int32_t ids[77]; size_t len;
 *     sv_token_encode(t, "a dog", 5, NULL, ids, &len, e);        ids: 49406 320 1929 49407 0 0 ..., len: 4
 *
 * Ids: 0 .. 255 the bytes in GPT-2's order ('!' is 0), 256 .. 511 the same at the end of a word, then one for each
 * merge, then start of text (SOT) and end of text (EOT).  A tokenizer is read-only after sv_token_new: threads share it. */
#ifndef CLIP_TOKEN_H
#define CLIP_TOKEN_H

#include "clip/clean.h"

struct sv_token;

enum { SV_TOKEN_CONTEXT = 77 };
struct sv_token_opts {
    enum sv_clean clean;
    bool special;                       /* a typed <|startoftext|> or <|endoftext|> is that token, not text */
    bool truncate;                      /* cut what is too long, instead of refusing it */
    size_t context;                     /* at least 2 */
};
#define SV_TOKEN_OPTS ((struct sv_token_opts){ SV_CLEAN_OPENAI, true, false, SV_TOKEN_CONTEXT })

/* merges: lines "a b" in the order of their rank, each part in GPT-2's byte alphabet, a final "</w>" for the end of a
 * word; lines may end in CR LF and the last newline may be missing.  Every part must be a byte or made by an earlier
 * line, and no line may make what another has made: so the result cannot depend on the order in which equal pairs are
 * found.  SV_EINPUT names the line.  Nothing of merges is kept. */
struct sv_token *sv_token_new(const uint8_t *merges, size_t bytes, struct sv_err *e);
void sv_token_free(struct sv_token *t);             /* NULL is fine */

size_t sv_token_vocab(const struct sv_token *t);    /* 512 + merges + 2 */
int32_t sv_token_sot(const struct sv_token *t);
int32_t sv_token_eot(const struct sv_token *t);     /* the largest id */

/* ids [context]: SOT, the text, EOT, zeros; *len counts SOT and EOT.  More than context tokens is SV_EINPUT, or with
 * truncate the first context of them with EOT last.  Text that is not UTF-8 is SV_EINPUT with the offset of the byte;
 * U+0000 is a character: openai drops it with the other control characters, hf and none give it its byte's id.
 * o NULL: SV_TOKEN_OPTS.  On failure ids and *len are undefined. */
int sv_token_encode(const struct sv_token *t, const char *text, size_t n, const struct sv_token_opts *o, int32_t *ids,
                    size_t *len, struct sv_err *e);
/* The same without SOT, EOT and zeros, at most o->context ids: what a prompt puts between its contexts. */
int sv_token_bare(const struct sv_token *t, const char *text, size_t n, const struct sv_token_opts *o, int32_t *ids,
                  size_t *len, struct sv_err *e);

/* The text of one id: UTF-8, other bytes as \xNN; *end (may be NULL): it ends a word.  Cut at cap - 1 bytes and
 * NUL-terminated; returns the whole length.  id: 0 .. vocab - 1. */
size_t sv_token_text(const struct sv_token *t, int32_t id, char *out, size_t cap, bool *end);

#endif
