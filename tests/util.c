#define _XOPEN_SOURCE 700               /* realpath */
#include "tests/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "core/hash.h"
#include "io/file.h"

const char *shared_path(const char *rel) {
    static char buf[8][1024];
    static unsigned turn;
    const char *root = getenv("SVAD_SHARED");
    char *p = buf[turn++ % 8];
    char path[PATH_MAX];                /* absolute, because tools are run in other folders */
    const int n = snprintf(path, sizeof path, "%s/%s", root ? root : "../shared", rel);
    char *full = n > 0 && (size_t)n < sizeof path && !access(path, R_OK) ? realpath(path, NULL) : NULL;
    const bool fits = full && (size_t)snprintf(p, sizeof buf[0], "%s", full) < sizeof buf[0];
    free(full);
    return fits ? p : NULL;
}

/* Cuts a line at its tabs; returns the number of columns stored (at most max; the rest of the line is dropped). */
static size_t split(char *line, char **col, size_t max) {
    size_t n = 0;
    line[strcspn(line, "\r\n")] = 0;
    for (char *s = line; s && n < max; n++) {
        col[n] = s;
        s = strchr(s, '\t');
        if (s) *s++ = 0;
    }
    return n;
}

size_t corpus_each(const char *format, void (*fn)(const struct corpus_row *row, void *arg), void *arg) {
    char rel[256], root[1024], line[8192];
    snprintf(rel, sizeof rel, "corpora/%s/expected.tsv", format);
    const char *table = shared_path(rel);
    FILE *f = table ? fopen(table, "r") : NULL;
    if (!f) return 0;
    snprintf(root, sizeof root, "%.*s", (int)(strrchr(table, '/') - table), table);
    struct corpus_row row;
    size_t rows = 0, status = 1;
    for (bool head = true; fgets(line, sizeof line, f); head = false) {
        row.cols = split(line, row.col, SV_LEN(row.col));
        if (head) {                     /* most tables have the status second, one has a version before it */
            while (status + 1 < row.cols && strncmp(row.col[status], "status", 6)) status++;
            continue;
        }
        if (row.cols <= status) continue;
        row.status = row.col[status];
        if ((size_t)snprintf(row.path, sizeof row.path, "%s/%s", root, row.col[0]) >= sizeof row.path) continue;
        fn(&row, arg);
        rows++;
    }
    fclose(f);
    return rows;
}

struct pictures { image_reader *decode; const char *const *unclaimed; };

static void one_picture(const struct corpus_row *row, void *arg) {
    const struct pictures *p = arg;
    struct sv_file f;
    struct sv_image im;
    struct sv_err e = { 0 };
    bool claimed = true;
    for (const char *const *u = p->unclaimed; u && *u; u++) claimed = claimed && strcmp(*u, row->col[0]);
    cr_assert_eq(sv_file_read(&f, row->path, 1 << 28, NULL), 0);
    const int rc = p->decode(f.data, f.size, row->col[0], &im, &e);
    cr_expect(!rc || (rc == SV_EINPUT && e.msg[0] && !im.px));
    if (!strcmp(row->status, "reject") || !claimed) {
        cr_expect_eq(rc, SV_EINPUT, "%s decoded", row->path);
    } else if (!strcmp(row->status, "ok")) {
        cr_expect_eq(rc, 0, "%s", e.msg);
        uint8_t *rgb = rc ? NULL : sv_alloc(im.w * im.h, 3, NULL);
        char hex[65] = "", side[64], want[64];
        if (rgb) sv_image_rgb(&im, rgb), hex_sha256(rgb, im.w * im.h * 3, hex);
        sv_free(rgb);
        cr_expect_str_eq(hex, row->col[4], "%s", row->path);
        snprintf(side, sizeof side, "%zu x %zu", im.w, im.h);
        snprintf(want, sizeof want, "%s x %s", row->col[2], row->col[3]);
        cr_expect_str_eq(side, want, "%s", row->path);
    }
    sv_image_free(&im);
    sv_file_close(&f);
}

bool corpus_images(const char *format, image_reader *decode, const char *const *unclaimed) {
    struct pictures p = { decode, unclaimed };
    return corpus_each(format, one_picture, &p);
}

/* The build folder from the root of the file system, so that it holds in any working directory. */
static void build_dir(char *out, size_t n) {
    const char *b = getenv("SVAD_BUILD");
    char here[2048];
    if (!b) b = "build/release";
    if (b[0] == '/') snprintf(out, n, "%s", b);
    else snprintf(out, n, "%s/%s", getcwd(here, sizeof here) ? here : ".", b);
}

static void child(const char *dir, const char *cmd, const int *out, const int *err) {
    const int in = open("/dev/null", O_RDONLY);
    if ((!dir || !chdir(dir)) && dup2(in, 0) >= 0 && dup2(out[1], 1) >= 0 && dup2(err[1], 2) >= 0) {
        close(out[0]), close(err[0]);
        execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
    }
    _exit(127);
}

/* Reads both pipes until both end: a child that fills one must not wait for the other. */
static void drain(int out, int err, struct ran *r) {
    struct pollfd fd[2] = { { .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN } };
    char *to[2] = { r->out, r->err }, chunk[4096];
    const size_t cap[2] = { sizeof r->out - 1, sizeof r->err - 1 };
    size_t used[2] = { 0, 0 };
    for (int open_fds = 2; open_fds;) {
        if (poll(fd, 2, -1) < 0 && errno != EINTR) break;
        for (int i = 0; i < 2; i++) {
            if (fd[i].fd < 0 || !fd[i].revents) continue;
            const ssize_t got = read(fd[i].fd, chunk, sizeof chunk);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) { fd[i].fd = -1, open_fds--; continue; }
            const size_t keep = sv_min((size_t)got, cap[i] - used[i]);
            memcpy(to[i] + used[i], chunk, keep);
            used[i] += keep;
        }
    }
    r->out[used[0]] = r->err[used[1]] = 0;
}

static int run_line(struct ran *r, const char *dir, const char *cmd) {
    r->code = 127, r->out[0] = r->err[0] = 0;
    int out[2], err[2], status;
    if (pipe(out)) return r->code;
    if (pipe(err)) { close(out[0]), close(out[1]); return r->code; }
    fflush(NULL);
    const pid_t pid = fork();
    if (!pid) child(dir, cmd, out, err);
    close(out[1]), close(err[1]);
    if (pid > 0) {
        drain(out[0], err[0], r);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
        r->code = WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    close(out[0]), close(err[0]);
    return r->code;
}

int run_svad(struct ran *r, const char *dir, const char *fmt, ...) {
    char build[4096], args[16384], cmd[sizeof build + sizeof args + 16];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(args, sizeof args, fmt, ap);
    va_end(ap);
    build_dir(build, sizeof build);
    snprintf(cmd, sizeof cmd, "exec '%s/svad' %s", build, args);
    return run_line(r, dir, cmd);
}

int run_shell(struct ran *r, const char *dir, const char *fmt, ...) {
    char build[4096], line[16384], cmd[sizeof build + sizeof line + 16];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    build_dir(build, sizeof build);
    snprintf(cmd, sizeof cmd, "B='%s'; export B; %s", build, line);
    return run_line(r, dir, cmd);
}

const char *path_in(const char *dir, const char *name) {
    static char path[4][4400];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static char temp[8][4096];
static size_t temps;

static void remove_tree(const char *path) {
    struct stat st;
    if (lstat(path, &st)) return;
    DIR *d = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    for (struct dirent *en; d && (en = readdir(d));) {
        char sub[4096];
        if (!strcmp(en->d_name, ".") || !strcmp(en->d_name, "..")) continue;
        if ((size_t)snprintf(sub, sizeof sub, "%s/%s", path, en->d_name) < sizeof sub) remove_tree(sub);
    }
    if (d) closedir(d);
    remove(path);
}

static void remove_temps(void) {
    while (temps) remove_tree(temp[--temps]);
}

const char *temp_dir(void) {
    char build[2048];
    if (temps == SV_LEN(temp)) return NULL;
    build_dir(build, sizeof build);
    snprintf(temp[temps], sizeof temp[0], "%s/tmp.XXXXXX", build);
    if (!mkdtemp(temp[temps])) return NULL;
    if (!temps) atexit(remove_temps);
    return temp[temps++];
}

void hex_sha256(const void *p, size_t n, char out[65]) {
    struct sv_sha256 s;
    uint8_t h[32];
    sv_sha256_init(&s);
    sv_sha256_add(&s, p, n);
    sv_sha256_done(&s, h);
    for (int i = 0; i < 32; i++) snprintf(out + 2 * i, 3, "%02x", h[i]);
}
