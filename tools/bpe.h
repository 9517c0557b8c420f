/* bpe.h - merges for byte pair encoding, learned from texts (Sennrich et al. 2016): what clip/token.h reads. */
#ifndef TOOLS_BPE_H
#define TOOLS_BPE_H

#include "core/mem.h"

enum { SV_BPE_MERGES = 1024 };          /* the most that are learned */

/* *out: up to `merges` lines "a b", NUL-terminated, for sv_free.  Words are runs of the letters a to z; whatever else stands
 * between them, upper case too, keeps its bytes.  Each line merges the pair that is most frequent by then, of equal ones the first in
 * the order of bytes, until none comes twice; a pair whose result is there already is never merged, as sv_token_new demands. */
int sv_bpe_learn(const char *text, size_t bytes, size_t merges, char **out, struct sv_err *e);

#endif
