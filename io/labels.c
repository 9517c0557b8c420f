#include "io/labels_int.h"

#include "core/num.h"
#include "core/tensor.h"
#include "io/file.h"
#include "io/mat.h"
#include "io/npy.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 30, SHOWN = 40 };

struct word { const char *s; size_t n; };

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static struct word next_word(const char **s, const char *end) {
    while (*s < end && blank(**s)) ++*s;
    const char *from = *s;
    while (*s < end && !blank(**s)) ++*s;
    return (struct word){ from, (size_t)(*s - from) };
}

int sv_labels_clip(struct sv_labels *l, const char *file, const char *name, size_t len, size_t n, uint8_t **out, struct sv_err *e) {
    size_t at;
    if (sv_names_find(&l->clip, name, len) != SIZE_MAX)
        return sv_fail(e, SV_EINPUT, "%s: clip %.*s comes twice", file, (int)sv_min(len, SHOWN), name);
    if (sv_grow(&l->label, &l->cap, l->clip.n, sizeof *l->label, e) || !(*out = sv_alloc(n, 1, e))) return SV_ENOMEM;
    const int rc = sv_names_add(&l->clip, name, len, &at, e);
    if (rc) sv_free(*out);
    else l->label[at] = (struct sv_label){ n, *out, !n };
    return rc;
}

/* The same where there must be frames. */
static int add_clip(struct sv_labels *l, const char *file, const char *name, size_t len, size_t n, uint8_t **out,
                    struct sv_err *e) {
    if (!n) return sv_fail(e, SV_EINPUT, "%s: clip %.*s has no frames", file, (int)sv_min(len, SHOWN), name);
    return sv_labels_clip(l, file, name, len, n, out, e);
}

static int parse_line(struct sv_labels *l, const char *file, size_t line, const char *s, const char *end, struct sv_err *e) {
    const struct word name = next_word(&s, end), count = next_word(&s, end);
    const int shown = (int)sv_min(name.n, SHOWN);
    int64_t n;
    if (name.n > SV_NAMES_MAX || memchr(name.s, 0, name.n))
        return sv_fail(e, SV_EINPUT, "%s: line %zu: a clip name of %zu bytes, expected at most %d without NUL",
                       file, line, name.n, SV_NAMES_MAX);
    if (!sv_num_int(count.s, count.n, &n) || n < 1 || n > SV_LABELS_MAX)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: clip %.*s: number of frames is \"%.*s\", expected 1 .. %d",
                       file, line, shown, name.s, (int)sv_min(count.n, SHOWN), count.s, SV_LABELS_MAX);
    size_t digits = 0;
    for (const char *p = s; p < end; p++) {
        if (*p == '0' || *p == '1') digits++;
        else if (!blank(*p))
            return sv_fail(e, SV_EINPUT, "%s: line %zu: clip %.*s: label %zu is '%c', expected 0 or 1", file, line, shown,
                           name.s, digits, *p);
    }
    if (digits != (size_t)n)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: clip %.*s has %zu labels, expected %lld", file, line, shown, name.s,
                       digits, (long long)n);
    uint8_t *to;
    const int rc = add_clip(l, file, name.s, name.n, digits, &to, e);
    if (rc) return rc;
    for (; s < end; s++) if (!blank(*s)) *to++ = *s == '1';
    return 0;
}

static int parse_text(struct sv_labels *l, const char *file, const char *s, size_t size, struct sv_err *e) {
    const char *const end = s + size;
    int rc = 0;
    if (size >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) s += 3;
    for (size_t line = 1; !rc && s < end; line++) {
        const char *eol = memchr(s, '\n', (size_t)(end - s)), *stop = eol ? eol : end;
        while (s < stop && blank(*s)) s++;
        if (s < stop && *s != '#') rc = parse_line(l, file, line, s, stop, e);
        s = eol ? eol + 1 : end;
    }
    return rc;
}

/* What a file's name says of its clip: no folder, no extension; of .mat files the first number in it. */
static size_t stem(const char *file, const char **from) {
    const char *slash = strrchr(file, '/'), *s = slash ? slash + 1 : file, *dot = strrchr(s, '.');
    *from = s;
    return sv_min(dot && dot != s ? (size_t)(dot - s) : strlen(s), SV_NAMES_MAX);
}

static void number_in(const char *file, char out[SV_NAMES_MAX + 1]) {
    const char *s;
    size_t n = stem(file, &s), k = 0;
    while (k < n && (s[k] < '0' || s[k] > '9')) k++;
    if (k < n) s += k, n -= k;
    for (k = 0; k < n && s[k] >= '0' && s[k] <= '9';) k++;
    n = k ? k : n;
    memcpy(out, s, n);
    out[n] = 0;
}

int sv_labels_parse(struct sv_labels *l, const char *file, const void *data, size_t size, struct sv_err *e) {
    char clip[SV_NAMES_MAX + 1];
    memset(l, 0, sizeof *l);
    int rc;
    if (sv_mat_is(data, size)) number_in(file, clip), rc = sv_labels_mat(l, clip, file, data, size, e);
    else rc = sv_labels_is_m(data, size) ? sv_labels_m(l, file, data, size, e) : parse_text(l, file, data, size, e);
    if (!rc && !l->clip.n) rc = sv_fail(e, SV_EINPUT, "%s: no labels", file);
    if (rc) sv_labels_free(l);
    return rc;
}

/* The number at i, as 0, 1 or something else: 2. */
static unsigned label_at(const struct sv_view *v, size_t i) {
    const unsigned char *p = (const unsigned char *)v->data + i * sv_dtype_size(v->dtype);
    float f;
    double d;
    switch (v->dtype) {
    case SV_U8: case SV_I8: case SV_BOOL: return *p < 2 ? *p : 2;
    case SV_F32: case SV_F16: case SV_BF16: return sv_view_f32(v, i, 1, &f), f == 0 ? 0 : f == 1 ? 1 : 2;
    case SV_F64: return memcpy(&d, p, sizeof d), d == 0 ? 0 : d == 1 ? 1 : 2;
    default:                            /* integers, little end first */
        for (size_t k = 1; k < sv_dtype_size(v->dtype); k++) if (p[k]) return 2;
        return *p < 2 ? *p : 2;
    }
}

/* Masks [n, h, w]. */
static int copy_masks(struct sv_labels *l, const char *clip, const char *file, const struct sv_view *v, struct sv_err *e) {
    const size_t area = v->dim[1] * v->dim[2];
    uint8_t *to;
    if (v->dim[0] > SV_LABELS_MAX || !area) return sv_fail(e, SV_EINPUT, "%s: masks of %zu x %zu pixels in %zu frames", file, v->dim[2], v->dim[1],
                                                           v->dim[0]);
    const int rc = add_clip(l, file, clip, strlen(clip), v->dim[0], &to, e);
    for (size_t i = 0; !rc && i < v->dim[0]; i++)
        for (size_t k = 0; k < area && !to[i]; k++) to[i] = label_at(v, i * area + k) != 0;
    return rc;
}

static int copy_view(struct sv_labels *l, const char *clip, const char *file, const struct sv_view *v, struct sv_err *e) {
    size_t wide = 0;
    for (size_t i = 0; i < v->rank; i++) wide += v->dim[i] != 1;
    if (v->rank == 3 && wide > 1) return copy_masks(l, clip, file, v, e);
    if (!v->rank || wide > 1)
        return sv_fail(e, SV_EINPUT, "%s: an array of %zu dimensions, expected one label a frame", file, v->rank);
    if (v->count > SV_LABELS_MAX)
        return sv_fail(e, SV_EINPUT, "%s: %zu labels, expected at most %d", file, v->count, SV_LABELS_MAX);
    for (size_t i = 0; i < v->count; i++)
        if (label_at(v, i) > 1) return sv_fail(e, SV_EINPUT, "%s: label %zu is neither 0 nor 1", file, i);
    uint8_t *to;
    const int rc = add_clip(l, file, clip, strlen(clip), v->count, &to, e);
    for (size_t i = 0; !rc && i < v->count; i++) to[i] = (uint8_t)label_at(v, i);
    return rc;
}

int sv_labels_npy(struct sv_labels *l, const char *clip, const char *file, const void *data, size_t size, struct sv_err *e) {
    struct sv_store s;
    int rc = sv_store_init(&s, file, e);
    if (rc) return rc;
    rc = sv_npy_read(data, size, &s, e);
    if (!rc) rc = copy_view(l, clip, file, &s.view[0], e);
    sv_store_free(&s);
    return rc;
}

static bool ends(const char *name, const char *tail) {
    const size_t n = strlen(name), k = strlen(tail);
    return n > k && !strcmp(name + n - k, tail);
}

static int read_entry(struct sv_labels *l, const char *folder, const char *entry, struct sv_err *e) {
    char path[4096], clip[SV_NAMES_MAX + 1];
    const char *s;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, entry) >= sizeof path || strlen(entry) > SV_NAMES_MAX)
        return sv_fail(e, SV_EINPUT, "%s: a name that is too long", folder);
    const bool npy = ends(entry, ".npy");
    if (npy) {
        const size_t n = stem(entry, &s);
        memcpy(clip, s, n), clip[n] = 0;
    } else number_in(entry, clip);
    struct sv_file f;
    int rc = sv_file_read(&f, path, FILE_MAX, e);
    if (rc) return rc;
    rc = npy ? sv_labels_npy(l, clip, path, f.data, f.size, e) : sv_labels_mat(l, clip, path, f.data, f.size, e);
    sv_file_close(&f);
    return rc;
}

/* 2_label before 10_label. */
static int by_number(const void *a, const void *b) {
    char x[SV_NAMES_MAX + 1], y[SV_NAMES_MAX + 1];
    number_in(*(char *const *)a, x), number_in(*(char *const *)b, y);
    const size_t i = strspn(x, "0"), k = strspn(y, "0"), n = strlen(x + i), m = strlen(y + k);
    return n != m ? (n < m ? -1 : 1) : strcmp(x + i, y + k);
}

static int read_folder(struct sv_labels *l, const char *path, struct sv_err *e) {
    struct sv_dir d = { 0 };
    bool npy = false;
    int rc = sv_dir_list(&d, path, e);
    for (size_t i = 0; i < d.n; i++) npy = npy || ends(d.name[i], ".npy");
    if (d.n && !npy) qsort(d.name, d.n, sizeof *d.name, by_number);
    for (size_t i = 0; !rc && i < d.n; i++)
        if (ends(d.name[i], npy ? ".npy" : ".mat")) rc = read_entry(l, path, d.name[i], e);
    sv_dir_free(&d);
    if (!rc && !l->clip.n) rc = sv_fail(e, SV_EINPUT, "%s: no .npy or .mat files in this folder", path);
    if (rc) sv_labels_free(l);
    return rc;
}

int sv_labels_read(struct sv_labels *l, const char *path, struct sv_err *e) {
    struct sv_file f;
    memset(l, 0, sizeof *l);
    if (sv_is_dir(path)) return read_folder(l, path, e);
    int rc = sv_file_read(&f, path, FILE_MAX, e);
    if (rc) return rc;
    rc = sv_labels_parse(l, path, f.data, f.size, e);
    sv_file_close(&f);
    return rc;
}

/* ---- names and lengths ---- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int name_clips(struct sv_labels *l, const char *file, const struct sv_names *clip, struct sv_err *e) {
    struct sv_names named = { 0 };
    size_t at;
    if (l->clip.n != clip->n)
        return sv_fail(e, SV_EINPUT, "%s: labels of %zu clips by number, for %zu clips", file, l->clip.n, clip->n);
    const char **sorted = sv_alloc(clip->n, sizeof *sorted, e);
    if (!sorted) return SV_ENOMEM;
    for (size_t i = 0; i < clip->n; i++) sorted[i] = clip->name[i];
    qsort(sorted, clip->n, sizeof *sorted, by_bytes);
    int rc = 0;
    for (size_t i = 0; !rc && i < clip->n; i++) rc = sv_names_add(&named, sorted[i], strlen(sorted[i]), &at, e);
    sv_free(sorted);
    if (rc) return sv_names_free(&named), rc;
    sv_names_free(&l->clip);
    l->clip = named, l->numbered = false;
    return 0;
}

int sv_labels_fit(struct sv_labels *l, const char *file, const struct sv_names *clip, const size_t *frames, struct sv_err *e) {
    const int rc = l->numbered ? name_clips(l, file, clip, e) : 0;
    if (rc) return rc;
    for (size_t i = 0; i < l->clip.n; i++) {
        struct sv_label *x = &l->label[i];
        const size_t at = x->open ? sv_names_find(clip, l->clip.name[i], strlen(l->clip.name[i])) : SIZE_MAX;
        if (at == SIZE_MAX) continue;
        if (x->n > frames[at])
            return sv_fail(e, SV_EINPUT, "%s: clip %s is abnormal up to frame %zu, but has %zu", file, l->clip.name[i], x->n, frames[at]);
        uint8_t *more = sv_alloc(frames[at], 1, e);
        if (!more) return SV_ENOMEM;
        memcpy(more, x->frame, x->n);
        sv_free(x->frame);
        *x = (struct sv_label){ frames[at], more, false };
    }
    return 0;
}

void sv_labels_free(struct sv_labels *l) {
    for (size_t i = 0; i < l->clip.n; i++) sv_free(l->label[i].frame);
    sv_names_free(&l->clip);
    sv_free(l->label);
    memset(l, 0, sizeof *l);
}

const struct sv_label *sv_labels_of(const struct sv_labels *l, const char *clip) {
    const size_t i = sv_names_find(&l->clip, clip, strlen(clip));
    return i == SIZE_MAX ? NULL : &l->label[i];
}
