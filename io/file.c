#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUF = 1 << 16 };

static const char *why(void) { return strerror(errno); }

static int open_input(struct sv_file *f, const char *path, int *fd, struct stat *st, struct sv_err *e) {
    memset(f, 0, sizeof *f);
    const bool standard = !strcmp(path, "-");
    if (!(f->name = sv_strdup(standard ? "stdin" : path, e))) return SV_ENOMEM;
    *fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    int rc = 0;
    if (*fd < 0 || fstat(*fd, st)) rc = sv_fail(e, SV_EINPUT, "%s: cannot open: %s", f->name, why());
    else if (S_ISDIR(st->st_mode)) rc = sv_fail(e, SV_EINPUT, "%s: is a folder, expected a file", f->name);
    if (rc) {
        if (*fd >= 0) close(*fd);
        sv_file_close(f);
    }
    return rc;
}

static int read_all(struct sv_file *f, int fd, size_t expect, size_t limit, struct sv_err *e) {
    size_t cap = expect + 1, n = 0;
    uint8_t *p = sv_alloc(cap, 1, e);
    while (p) {
        if (n > limit) {
            sv_free(p);
            return sv_fail(e, SV_EINPUT, "%s: larger than %zu bytes, the limit for this kind of file", f->name, limit);
        }
        if (n == cap && sv_grow(&p, &cap, n, 1, e)) break;
        const ssize_t got = read(fd, p + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            sv_free(p);
            return sv_fail(e, SV_EINPUT, "%s: cannot read: %s", f->name, why());
        }
        if (!got) {
            f->data = p, f->size = n;
            return 0;
        }
        n += (size_t)got;
    }
    sv_free(p);
    return SV_ENOMEM;
}

int sv_file_read(struct sv_file *f, const char *path, size_t limit, struct sv_err *e) {
    int fd;
    struct stat st;
    int rc = open_input(f, path, &fd, &st, e);
    if (rc) return rc;
    const size_t size = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : BUF;
    if (S_ISREG(st.st_mode) && size > limit)
        rc = sv_fail(e, SV_EINPUT, "%s: %zu bytes, at most %zu for this kind of file", f->name, size, limit);
    else
        rc = read_all(f, fd, size, limit, e);
    close(fd);
    if (rc) sv_file_close(f);
    return rc;
}

int sv_file_map(struct sv_file *f, const char *path, struct sv_err *e) {
    int fd;
    struct stat st;
    int rc = open_input(f, path, &fd, &st, e);
    if (rc) return rc;
    if (!S_ISREG(st.st_mode)) {
        rc = sv_fail(e, SV_EINPUT, "%s: not a regular file", f->name);
    } else if (!st.st_size) {
        f->data = (const uint8_t *)"";
    } else {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) rc = sv_fail(e, SV_EINPUT, "%s: cannot map: %s", f->name, why());
        else f->data = p, f->size = (size_t)st.st_size;
    }
    f->mapped = true;
    close(fd);
    if (rc) sv_file_close(f);
    return rc;
}

void sv_file_close(struct sv_file *f) {
    if (f->mapped && f->size) munmap((void *)f->data, f->size);
    else if (!f->mapped) sv_free((void *)f->data);
    sv_free(f->name);
    memset(f, 0, sizeof *f);
}

int sv_out_open(struct sv_out *o, const char *path, struct sv_err *e) {
    *o = (struct sv_out){ .fd = -1 };
    struct stat st;
    const bool standard = !strcmp(path, "-");
    if (!standard && sv_is_dir(path)) return sv_fail(e, SV_ENOMEM, "%s: cannot write: it is a folder", path);
    o->plain = standard || (!stat(path, &st) && !S_ISREG(st.st_mode));
    const size_t n = strlen(path) + 12;
    if (!(o->path = sv_strdup(standard ? "stdout" : path, e)) || !(o->buf = sv_alloc(BUF, 1, e)) || !(o->temp = sv_alloc(n, 1, e))) {
        sv_out_drop(o);
        return SV_ENOMEM;
    }
    if (standard) o->fd = dup(STDOUT_FILENO);
    else if (o->plain) o->fd = open(path, O_WRONLY | O_CLOEXEC);
    else {
        snprintf(o->temp, n, "%s.XXXXXX", path);
        o->fd = mkstemp(o->temp);
        const mode_t mask = umask(0);
        umask(mask);
        if (o->fd >= 0 && fchmod(o->fd, 0666 & ~mask)) { close(o->fd); o->fd = -1; unlink(o->temp); }
    }
    if (o->fd >= 0) return 0;
    const int rc = sv_fail(e, SV_ENOMEM, "%s: cannot create: %s", o->path, why());
    o->temp[0] = 0;
    sv_out_drop(o);
    return rc;
}

int sv_out_try(const char *path, struct sv_err *e) {
    struct sv_out o;
    const int rc = sv_out_open(&o, path, e);
    if (!rc) sv_out_drop(&o);
    return rc;
}

static int flush(struct sv_out *o, const uint8_t *p, size_t n, struct sv_err *e) {
    while (n) {
        const ssize_t put = write(o->fd, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return sv_fail(e, SV_ENOMEM, "%s: cannot write: %s", o->path, why());
        p += put, n -= (size_t)put;
    }
    return 0;
}

int sv_out_write(struct sv_out *o, const void *p, size_t n, struct sv_err *e) {
    o->size += n;
    if (n > BUF - o->used) {
        const size_t used = o->used;
        o->used = 0;
        const int rc = flush(o, o->buf, used, e);
        if (rc) return rc;
        if (n > BUF) return flush(o, p, n, e);
    }
    if (n) memcpy(o->buf + o->used, p, n);
    o->used += n;
    return 0;
}

int sv_out_printf(struct sv_out *o, struct sv_err *e, const char *fmt, ...) {
    char small[1024], *text = small;
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof small) {
        text = sv_alloc((size_t)n + 1, 1, e);
        if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    const int rc = !text ? SV_ENOMEM : n < 0 ? sv_fail(e, SV_ENOMEM, "%s: cannot format", o->path) : sv_out_write(o, text, (size_t)n, e);
    if (text != small) sv_free(text);
    return rc;
}

/* A rename is durable only once the folder that holds the name is.  Cuts path down to that folder: nothing may fail after
 * the rename, so no copy is made. */
static void sync_folder(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path] = 0;
    const int fd = open(slash ? path : ".", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) { fsync(fd); close(fd); }
}

int sv_out_commit(struct sv_out *o, struct sv_err *e) {
    int rc = flush(o, o->buf, o->used, e);
    if (!rc && !o->plain && fsync(o->fd)) rc = sv_fail(e, SV_ENOMEM, "%s: cannot write: %s", o->path, why());
    const int closed = close(o->fd);
    o->fd = -1;
    if (!rc && closed) rc = sv_fail(e, SV_ENOMEM, "%s: cannot write: %s", o->path, why());
    if (!rc && !o->plain) {
        if (rename(o->temp, o->path)) rc = sv_fail(e, SV_ENOMEM, "%s: cannot rename %s: %s", o->path, o->temp, why());
        else { sync_folder(o->path); o->temp[0] = 0; }
    }
    sv_out_drop(o);
    return rc;
}

void sv_out_drop(struct sv_out *o) {
    if (o->fd >= 0 && o->path) close(o->fd);
    if (o->temp && o->temp[0] && !o->plain) unlink(o->temp);
    sv_free(o->path), sv_free(o->temp), sv_free(o->buf);
    *o = (struct sv_out){ .fd = -1 };
}

int sv_mkdirs(const char *path, struct sv_err *e) {
    char *p = sv_strdup(path, e);
    if (!p) return SV_ENOMEM;
    int rc = 0;
    for (char *s = p + 1; !rc; s++) {
        const char c = *s;
        if (c && c != '/') continue;
        *s = 0;
        if (mkdir(p, 0777) && errno != EEXIST) rc = sv_fail(e, SV_ENOMEM, "%s: cannot create the folder: %s", p, why());
        *s = c;
        if (!c) break;
    }
    if (!rc && !sv_is_dir(path)) rc = sv_fail(e, SV_ENOMEM, "%s: exists and is not a folder", path);
    sv_free(p);
    return rc;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int sv_dir_list(struct sv_dir *d, const char *path, struct sv_err *e) {
    memset(d, 0, sizeof *d);
    DIR *dir = opendir(path);
    if (!dir) return sv_fail(e, SV_EINPUT, "%s: cannot open the folder: %s", path, why());
    int rc = 0;
    for (struct dirent *en; !rc && (en = readdir(dir));) {
        if (en->d_name[0] == '.') continue;
        rc = sv_grow(&d->name, &d->cap, d->n, sizeof *d->name, e);
        if (!rc && !(d->name[d->n] = sv_strdup(en->d_name, e))) rc = SV_ENOMEM;
        if (!rc) d->n++;
    }
    closedir(dir);
    if (rc) sv_dir_free(d);
    else if (d->n) qsort(d->name, d->n, sizeof *d->name, by_bytes);
    return rc;
}

void sv_dir_free(struct sv_dir *d) {
    for (size_t i = 0; i < d->n; i++) sv_free(d->name[i]);
    sv_free(d->name);
    memset(d, 0, sizeof *d);
}

bool sv_is_dir(const char *path) {
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}
