/* vocab.h - the vocabulary of CLIP's byte pair encoding, from any of the layouts it is published in.
 *
 *     bpe_simple_vocab_16e6.txt[.gz]   a header line, then one merge "a b" a line; OpenAI's file has more than are used
 *     merges.txt                       Hugging Face: the same without the surplus, often beside vocab.json
 *     vocab.json                       token -> id; the merges are in merges.txt in the same folder
 *     tokenizer.json                   both in one
 *
 * All become one text: "a b\n" for each merge in rank order, no header.  It is proven consistent: both parts of a
 * merge are tokens by then, its result is new, ids (where the layout has them) are the ranks, and the tokens are as many
 * as the embedding table has rows: 256 bytes, 256 bytes that end a word, the merges, start and end of text. */
#ifndef IO_VOCAB_H
#define IO_VOCAB_H

#include "io/file.h"

enum { SV_VOCAB_FIXED = 514, SV_VOCAB_ROWS = 1 << 20 /* most rows accepted */ };

struct sv_vocab {
    char *merges;                       /* owned; bytes of it, then a NUL */
    size_t bytes, count;
};

/* From the file at f.  ids: a vocab.json to check the ids against; merges: the merges.txt that f, a vocab.json, needs;
 * either may be NULL.  rows: of the embedding table; 0 where it is not known. */
int sv_vocab_read(struct sv_vocab *v, const struct sv_file *f, const struct sv_file *ids, const struct sv_file *merges,
                  size_t rows, struct sv_err *e);

/* From a path; the second half of a vocab.json + merges.txt pair is looked for beside it. */
int sv_vocab_open(struct sv_vocab *v, const char *path, size_t rows, struct sv_err *e);

/* From what lies in a folder: bpe_simple_vocab_16e6.txt.gz, else the first bpe*.txt[.gz], else merges.txt, else
 * tokenizer.json.  Where there is none: SV_EINPUT, saying so. */
int sv_vocab_find(struct sv_vocab *v, const char *folder, size_t rows, struct sv_err *e);

void sv_vocab_free(struct sv_vocab *v);

#endif
