#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUF = 1 << 16 };

int sv_stream_open(struct sv_stream *s, const char *path, struct sv_err *e) {
    *s = (struct sv_stream){ .fd = -1, .left = UINT64_MAX };
    const bool standard = !strcmp(path, "-");
    if (!(s->name = sv_strdup(standard ? "stdin" : path, e)) || !(s->buf = sv_alloc(BUF, 1, e))) {
        sv_stream_close(s);
        return SV_ENOMEM;
    }
    struct stat st;
    s->fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st)) {
        const int rc = sv_fail(e, SV_EINPUT, "%s: cannot open: %s", s->name, strerror(errno));
        sv_stream_close(s);
        return rc;
    }
    if (S_ISREG(st.st_mode) && !standard) s->left = (uint64_t)st.st_size;
    return 0;
}

int sv_stream_mem(struct sv_stream *s, const void *data, size_t n, const char *name, struct sv_err *e) {
    *s = (struct sv_stream){ .fd = -1, .left = n, .mem = data, .end = n };
    return (s->name = sv_strdup(name, e)) ? 0 : SV_ENOMEM;
}

void sv_stream_close(struct sv_stream *s) {
    if (s->fd >= 0) close(s->fd);
    sv_free(s->buf), sv_free(s->name);
    *s = (struct sv_stream){ .fd = -1 };
}

/* Reads at most n bytes of the file; 0 at its end. */
static int more(struct sv_stream *s, uint8_t *to, size_t n, size_t *got, struct sv_err *e) {
    ssize_t r;
    do r = read(s->fd, to, n);
    while (r < 0 && errno == EINTR);
    if (r < 0) return sv_fail(e, SV_EINPUT, "%s: cannot read: %s", s->name, strerror(errno));
    *got = (size_t)r;
    return 0;
}

int sv_stream_take(struct sv_stream *s, uint8_t *out, uint64_t n, uint64_t *got, struct sv_err *e) {
    *got = 0;
    while (*got < n) {
        const uint64_t want = n - *got;
        if (s->at < s->end) {
            const size_t part = (size_t)(want < s->end - s->at ? want : s->end - s->at);
            if (out) memcpy(out + *got, (s->fd < 0 ? s->mem : s->buf) + s->at, part);
            s->at += part, *got += part;
            continue;
        }
        if (s->fd < 0) break;
        const bool direct = out && want >= BUF;             /* past the buffer */
        size_t part = 0;
        const int rc = more(s, direct ? out + *got : s->buf, direct && want < SIZE_MAX / 2 ? (size_t)want : BUF, &part, e);
        if (rc) return rc;
        if (!part) break;
        if (direct) *got += part;
        else s->at = 0, s->end = part;
    }
    if (s->left != UINT64_MAX) s->left = s->left > *got ? s->left - *got : 0;
    return 0;
}

int sv_stream_peek(struct sv_stream *s, size_t n, const uint8_t **p, size_t *have, struct sv_err *e) {
    if (s->fd >= 0 && s->end - s->at < n) {
        memmove(s->buf, s->buf + s->at, s->end - s->at);
        s->end -= s->at, s->at = 0;
        for (size_t part = 1; part && s->end < n;) {
            const int rc = more(s, s->buf + s->end, BUF - s->end, &part, e);
            if (rc) return rc;
            s->end += part;
        }
    }
    *p = (s->fd < 0 ? s->mem : s->buf) + s->at, *have = s->end - s->at;
    return 0;
}
