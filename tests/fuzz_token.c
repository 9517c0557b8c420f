/* First byte: how to clean, specials, truncation, whose merges.  Then, for merges of its own, everything up to a NUL;
 * the rest is the text. */
#include "clip/token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) { if (!ok) abort(); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char merges[] = "a b\nab c</w>\nt h\nth e</w>\n& a\nm p\n\xc3\xa0 \xc2\xa4\n";
    if (!size) return 0;
    const unsigned how = data[0];
    data++, size--;
    struct sv_token *t = NULL;
    if (how & 16) {
        const uint8_t *end = memchr(data, 0, size);
        const size_t n = end ? (size_t)(end - data) : size;
        t = sv_token_new(data, n, NULL);
        data += end ? n + 1 : n, size -= end ? n + 1 : n;
    } else t = sv_token_new((const uint8_t *)merges, sizeof merges - 1, NULL);
    if (!t) return 0;
    const struct sv_token_opts o = { (enum sv_clean)((how & 3) % 3), how & 4, how & 8, how & 32 ? 5 : 77 };
    int32_t ids[77];
    size_t len = 0, bare = 0;
    struct sv_err e = {0};
    if (!sv_token_encode(t, (const char *)data, size, &o, ids, &len, &e)) {
        check(len >= 2 && len <= o.context && ids[0] == sv_token_sot(t) && ids[len - 1] == sv_token_eot(t));
        for (size_t i = 0; i < o.context; i++) {
            char text[16];
            check(ids[i] >= 0 && (size_t)ids[i] < sv_token_vocab(t) && (i < len || !ids[i]));
            check(sv_token_text(t, ids[i], text, sizeof text, NULL) > 0 && memchr(text, 0, sizeof text));
        }
        check(!sv_token_bare(t, (const char *)data, size, &o, ids, &bare, &e) && bare + 2 >= len);
    } else check(e.code && e.msg[0]);
    sv_token_free(t);
    return 0;
}
