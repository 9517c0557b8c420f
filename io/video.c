#include "io/video.h"

#include "io/avi.h"
#include "io/file.h"
#include "io/image.h"
#include "io/y4m.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a path is.  PIPE: bytes that cannot be looked into and read again. */
enum kind { FOLDER, Y4M, AVI, PIPE, FOREIGN, OTHER };

struct sv_video_own {
    enum kind kind;
    bool held_set;
    struct sv_y4m y4m;
    struct sv_avi avi;
    struct sv_dir dir;                  /* of a folder; of a single image one empty name */
    struct sv_image held;               /* the first image, which told the size */
};

/* ---- what a path is ---- */

static enum kind kind_of_bytes(const uint8_t *p, size_t n) {
    if (sv_y4m_is(p, n)) return Y4M;
    if (sv_avi_is(p, n)) return AVI;
    return n >= 12 && (!memcmp(p + 4, "ftyp", 4) || !memcmp(p, "\x1a\x45\xdf\xa3", 4) || !memcmp(p, "\0\0\1\xba", 4) || !memcmp(p, "FLV\1", 4))
        ? FOREIGN : OTHER;
}

/* A pipe is a video where the user names it, and left alone as an entry of a folder. */
static int kind_of(const char *path, bool entry, enum kind *k, struct sv_err *e) {
    struct stat st;
    *k = PIPE;
    if (!entry && !strcmp(path, "-")) return 0;
    if (stat(path, &st)) return sv_fail(e, SV_EINPUT, "%s: cannot open: %s", path, strerror(errno));
    *k = S_ISDIR(st.st_mode) ? FOLDER : entry ? OTHER : PIPE;
    if (!S_ISREG(st.st_mode)) return 0;
    uint8_t head[16] = {0};
    size_t n = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t r; fd >= 0 && n < sizeof head; n += (size_t)r) {
        r = read(fd, head + n, sizeof head - n);
        if (r < 0 && errno == EINTR) r = 0;
        else if (r <= 0) break;
    }
    if (fd < 0) return sv_fail(e, SV_EINPUT, "%s: cannot open: %s", path, strerror(errno));
    close(fd);
    *k = kind_of_bytes(head, n);
    return 0;
}

static char *join(const char *folder, const char *name, struct sv_err *e) {
    const size_t a = strlen(folder), n = a + strlen(name) + 2;
    char *p = sv_alloc(n, 1, e);
    if (p) snprintf(p, n, "%s%s%s", folder, *name && a && folder[a - 1] != '/' ? "/" : "", name);
    return p;
}

/* ---- one clip ---- */

static int load(const struct sv_video *v, size_t i, struct sv_image *im, struct sv_err *e) {
    char *path = join(v->path, v->own->dir.name[i], e);
    if (!path) return SV_ENOMEM;
    struct stat st;
    int rc = !stat(path, &st) && !S_ISREG(st.st_mode) ? sv_fail(e, SV_EINPUT, "%s: not a regular file, expected a frame", path)
                                                      : sv_image_load(path, im, e);
    if (!rc && i && (im->w != v->w || im->h != v->h)) {
        rc = sv_fail(e, SV_EINPUT, "%s: frame of %zu x %zu pixels, expected %zu x %zu as the clip's first",
                     path, im->w, im->h, v->w, v->h);
        sv_image_free(im);
    }
    sv_free(path);
    return rc;
}

static int open_folder(struct sv_video *v, bool folder, struct sv_err *e) {
    struct sv_video_own *o = v->own;
    int rc = 0;
    if (folder) rc = sv_dir_list(&o->dir, v->path, e);
    else if (sv_grow(&o->dir.name, &o->dir.cap, 0, sizeof *o->dir.name, e)) rc = SV_ENOMEM;
    else if (!(o->dir.name[0] = sv_strdup("", e))) rc = SV_ENOMEM;
    else o->dir.n = 1;
    if (!rc && !o->dir.n) rc = sv_fail(e, SV_EINPUT, "%s: a folder without frames", v->path);
    if (!rc) rc = load(v, 0, &o->held, e);
    if (rc) return rc;
    o->held_set = true;
    v->w = o->held.w, v->h = o->held.h, v->frames = o->dir.n;
    return 0;
}

static double per_second(size_t rate, size_t per) { return per ? (double)rate / (double)per : 0; }

static int open_y4m(struct sv_video *v, struct sv_stream *in, struct sv_err *e) {
    struct sv_y4m *y = &v->own->y4m;
    const int rc = sv_y4m_open(y, in, e);
    v->w = y->w, v->h = y->h, v->frames = y->frames, v->fps = per_second(y->rate, y->per);
    return rc;
}

/* 1: a frame; 0: the end. */
static int next_avi(struct sv_video *v, struct sv_image *im, struct sv_err *e) {
    struct sv_avi *a = &v->own->avi;
    const int rc = sv_avi_next(a, e), bad = rc == 1 ? sv_avi_frame(a, im, e) : 0;
    return bad ? bad : rc;
}

/* The first frame is decoded here: headers may lack its size. */
static int open_avi(struct sv_video *v, struct sv_stream *in, struct sv_err *e) {
    struct sv_avi *a = &v->own->avi;
    int rc = sv_avi_open(a, in, e);
    if (!rc) rc = next_avi(v, &v->own->held, e);
    if (!rc) rc = sv_fail(e, SV_EINPUT, "%s: a video without frames", v->path);
    if (rc < 0) return rc;
    v->own->held_set = true;
    v->w = a->w, v->h = a->h, v->frames = a->frames, v->fps = per_second(a->rate, a->per);
    return 0;
}

static int open_stream(struct sv_video *v, struct sv_err *e) {
    struct sv_stream in;
    const uint8_t *p;
    size_t n;
    int rc = sv_stream_open(&in, v->path, e);
    if (rc) return rc;
    rc = sv_stream_peek(&in, 12, &p, &n, e);
    v->own->kind = !rc && sv_avi_is(p, n) ? AVI : Y4M;
    if (!rc && v->own->kind == Y4M && !sv_y4m_is(p, n))
        rc = sv_fail(e, SV_EINPUT, "%s: %s, expected y4m or Motion JPEG in AVI " SV_AVI_CONVERT, in.name, n ? "is no video that is read" : "is empty");
    if (!rc) rc = v->own->kind == AVI ? open_avi(v, &in, e) : open_y4m(v, &in, e);
    sv_stream_close(&in);
    return rc;
}

int sv_video_open(struct sv_video *v, const char *path, struct sv_err *e) {
    *v = (struct sv_video){0};
    enum kind k;
    int rc = kind_of(path, false, &k, e);
    if (rc) return rc;
    if (k == FOREIGN) return sv_fail(e, SV_EINPUT, "%s: a compressed video, expected a folder of frames, Motion JPEG in AVI or y4m " SV_AVI_CONVERT, path);
    if (!(v->path = sv_strdup(path, e)) || !(v->own = sv_alloc(1, sizeof *v->own, e))) rc = SV_ENOMEM;
    if (!rc) {
        v->own->y4m.in.fd = v->own->avi.in.fd = -1;
        v->own->kind = k;
        rc = k == FOLDER || k == OTHER ? open_folder(v, k == FOLDER, e) : open_stream(v, e);
    }
    if (rc) sv_video_close(v);
    return rc;
}

static int next_y4m(struct sv_video *v, uint8_t *rgb, struct sv_err *e) {
    struct sv_y4m *y = &v->own->y4m;
    const int rc = sv_y4m_next(y, e);
    if (!rc && !v->next) return sv_fail(e, SV_EINPUT, "%s: a stream without frames", y->in.name);
    if (rc == 1) sv_y4m_rgb(y, rgb), v->next++;
    return rc;
}

int sv_video_next(struct sv_video *v, uint8_t *rgb, struct sv_err *e) {
    struct sv_video_own *o = v->own;
    if (o->kind == Y4M) return next_y4m(v, rgb, e);
    struct sv_image im = o->held;
    int rc = 1;
    if (o->held_set) memset(&o->held, 0, sizeof o->held), o->held_set = false;
    else if (o->kind == AVI) rc = next_avi(v, &im, e);
    else if (v->next == o->dir.n) rc = 0;
    else rc = load(v, v->next, &im, e), rc = rc ? rc : 1;
    if (rc != 1) return rc;
    sv_image_rgb(&im, rgb);
    sv_image_free(&im);
    v->next++;
    return 1;
}

int sv_video_skip(struct sv_video *v, size_t n, struct sv_err *e) {
    struct sv_video_own *o = v->own;
    int rc = 1;
    for (; n && rc == 1; n--) {
        if (o->held_set) sv_image_free(&o->held), o->held_set = false;
        else if (o->kind == Y4M) rc = sv_y4m_next(&o->y4m, e);
        else if (o->kind == AVI) rc = sv_avi_next(&o->avi, e);
        else rc = v->next < o->dir.n;
        if (rc == 1) v->next++;
    }
    return rc;
}

void sv_video_close(struct sv_video *v) {
    if (v->own) {
        sv_y4m_close(&v->own->y4m);
        sv_avi_close(&v->own->avi);
        sv_dir_free(&v->own->dir);
        sv_image_free(&v->own->held);
    }
    sv_free(v->own), sv_free((void *)v->path);
    *v = (struct sv_video){0};
}

/* ---- lists of clips ---- */

/* The last part of a path; of a file without its extension. */
static char *clip_name(const char *path, bool folder, struct sv_err *e) {
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t begin = end;
    while (begin && path[begin - 1] != '/') begin--;
    if (!folder) {
        for (size_t i = end; i > begin + 1; i--) {
            if (path[i - 1] == '.') { end = i - 1; break; }
        }
    }
    char *name = sv_alloc(end - begin + 1, 1, e);
    if (name) memcpy(name, path + begin, end - begin);
    return name;
}

static int add(struct sv_clip_list *l, const char *path, bool folder, struct sv_err *e) {
    struct sv_clip_path c = { .path = sv_strdup(path, e) };
    c.name = !strcmp(path, "-") ? sv_strdup("stdin", e) : clip_name(path, folder, e);
    int rc = !c.path || !c.name ? SV_ENOMEM : 0;
    for (size_t i = 0; !rc && i < l->n; i++) {
        if (!strcmp(l->item[i].name, c.name))
            rc = sv_fail(e, SV_EINPUT, "%s: a clip named %s is there already, from %s", path, c.name, l->item[i].path);
    }
    if (!rc) rc = sv_grow(&l->item, &l->cap, l->n, sizeof *l->item, e);
    if (!rc) l->item[l->n++] = c;
    else sv_free(c.path), sv_free(c.name);
    return rc;
}

/* UCSD's data sets keep the pixel masks of Test001 in Test001_gt beside it. */
static bool is_truth(const struct sv_dir *d, const char *name) {
    const size_t n = strlen(name);
    if (n < 4 || strcmp(name + n - 3, "_gt")) return false;
    for (size_t i = 0; i < d->n; i++)
        if (strlen(d->name[i]) == n - 3 && !memcmp(d->name[i], name, n - 3)) return true;
    return false;
}

/* *found: the folder at path holds folders or video files. */
static int holds_clips(const char *path, bool *found, struct sv_err *e) {
    struct sv_dir d;
    *found = false;
    int rc = sv_dir_list(&d, path, e);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < d.n && !*found; i++) {
        enum kind k = OTHER;
        char *p = join(path, d.name[i], e);
        rc = p ? kind_of(p, true, &k, e) : SV_ENOMEM;
        *found = !rc && k != OTHER;
        sv_free(p);
    }
    sv_dir_free(&d);
    return rc;
}

/* ShanghaiTech and others keep their clips in "frames" or "videos", beside folders of labels.  *inner is NULL or the caller's. */
static int inner_set(const char *path, const struct sv_dir *d, char **inner, struct sv_err *e) {
    *inner = NULL;
    for (size_t i = 0; i < d->n; i++) {
        if (strcmp(d->name[i], "frames") && strcmp(d->name[i], "videos")) continue;
        bool found = false;
        char *p = join(path, d->name[i], e);
        const int rc = !p ? SV_ENOMEM : sv_is_dir(p) ? holds_clips(p, &found, e) : 0;
        if (!rc && found) return *inner = p, 0;
        sv_free(p);
        if (rc) return rc;
    }
    return 0;
}

int sv_clip_list_add(struct sv_clip_list *l, const char *path, struct sv_err *e) {
    enum kind k;
    int rc = kind_of(path, false, &k, e);
    if (rc || k != FOLDER) return rc ? rc : add(l, path, false, e);
    struct sv_dir d;
    char *inner;
    if ((rc = sv_dir_list(&d, path, e))) return rc;
    if ((rc = inner_set(path, &d, &inner, e)) || inner) {
        if (!rc) rc = sv_clip_list_add(l, inner, e);
        sv_free(inner);
        sv_dir_free(&d);
        return rc;
    }
    size_t clips = 0;
    for (size_t i = 0; !rc && i < d.n; i++) {
        if (is_truth(&d, d.name[i])) continue;
        char *p = join(path, d.name[i], e);
        rc = p ? kind_of(p, true, &k, e) : SV_ENOMEM;
        if (!rc && k != OTHER) clips++, rc = add(l, p, k == FOLDER, e);
        sv_free(p);
    }
    sv_dir_free(&d);
    return rc || clips ? rc : add(l, path, true, e);
}

void sv_clip_list_free(struct sv_clip_list *l) {
    for (size_t i = 0; i < l->n; i++) sv_free(l->item[i].name), sv_free(l->item[i].path);
    sv_free(l->item);
    *l = (struct sv_clip_list){0};
}
