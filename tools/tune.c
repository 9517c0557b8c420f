/* tune.c - block sizes found by measurement: a file of lines "isa rows cols", which SVAD_TUNE names. */
#include "core/num.h"
#include "io/file.h"
#include "tools/tool.h"

#include <string.h>

enum { LIMIT = 1 << 16, MOST = 1 << 16 };       /* bytes of a file; rows and columns of a block */

/* The next word of a line, at *s, or false. */
static bool word(const char **s, const char *end, const char **w, size_t *n) {
    while (*s < end && strchr(" \t\r", **s)) (*s)++;
    *w = *s;
    while (*s < end && !strchr(" \t\r", **s)) (*s)++;
    *n = (size_t)(*s - *w);
    return *n > 0;
}

static bool size(const char *w, size_t n, size_t *out) {
    int64_t v;
    if (!sv_num_int(w, n, &v) || v < 1 || v > MOST) return false;
    *out = (size_t)v;
    return true;
}

static int line(struct sv_block_sizes *b, const char *isa, const char *s, const char *end, const char *path, size_t number, struct sv_err *e) {
    const char *w[4];
    size_t n[4], words = 0;
    struct sv_block_sizes found;
    while (words < 4 && word(&s, end, &w[words], &n[words])) words++;
    if (!words || *w[0] == '#') return 0;
    if (words != 3 || !size(w[1], n[1], &found.rows) || !size(w[2], n[2], &found.cols))
        return sv_fail(e, SV_EINPUT, "%s:%zu: expected a kernel table and two sizes from 1 to %d", path, number, MOST);
    if (n[0] == strlen(isa) && !memcmp(w[0], isa, n[0])) *b = found;
    return 0;
}

int sv_tune_read(struct sv_block_sizes *b, const char *isa, const char *path, struct sv_err *e) {
    struct sv_file f;
    int rc = sv_file_read(&f, path, LIMIT, e);
    if (rc) return rc;
    const char *s = (const char *)f.data, *end = s + f.size;
    for (size_t number = 1; !rc && s < end; number++) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        if (!stop) stop = end;
        rc = line(b, isa, s, stop, path, number, e);
        s = stop + 1;
    }
    sv_file_close(&f);
    return rc;
}
