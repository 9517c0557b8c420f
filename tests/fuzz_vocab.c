#include "io/vocab.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted must be what the header promises: count lines of two parts each. */
static void check(const struct sv_vocab *v, size_t rows) {
    size_t lines = 0, gaps = 0;
    for (size_t i = 0; i < v->bytes; i++) {
        lines += v->merges[i] == '\n';
        gaps += v->merges[i] == ' ';
    }
    if (lines != v->count || gaps != v->count || v->merges[v->bytes] || (rows && v->count + SV_VOCAB_FIXED != rows)) abort();
}

static void one(const struct sv_file *f, const struct sv_file *ids, const struct sv_file *merges, size_t rows) {
    struct sv_vocab v;
    struct sv_err e = { 0 };
    const int rc = sv_vocab_read(&v, f, ids, merges, rows, &e);
    if (rc ? v.merges || !e.code : !v.merges) abort();
    if (!rc) check(&v, rows);
    sv_vocab_free(&v);
}

/* Byte 0: the rows above 514; the rest one file, and cut at its first NUL two: the ids and the merges of a pair. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    const size_t rows = data[0] == 255 ? 0 : SV_VOCAB_FIXED + data[0];
    const uint8_t *cut = memchr(data + 1, 0, size - 1);
    const struct sv_file all = { .data = data + 1, .size = size - 1, .name = (char *)"fuzz" };
    one(&all, NULL, NULL, rows);
    if (cut && data[1] == '{') {
        const struct sv_file ids = { .data = data + 1, .size = (size_t)(cut - data) - 1, .name = (char *)"ids" },
                             merges = { .data = cut + 1, .size = size - (size_t)(cut + 1 - data), .name = (char *)"merges" };
        one(&merges, &ids, NULL, rows);
        one(&ids, NULL, &merges, rows);
    }
    return 0;
}
