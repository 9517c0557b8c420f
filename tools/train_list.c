#include "tools/train_list.h"

#include "core/hash.h"
#include "io/csv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096, MAX_LIST = 1 << 28 };

/* Where a row stands, for messages. */
struct place { const char *file; size_t line; };

static int fail_at(const struct place *at, const char *what, const char *name, const char *why, struct sv_err *e) {
    if (!at->line) return sv_fail(e, SV_EINPUT, "%s: %s %.200s: %s", at->file, what, name, why);
    return sv_fail(e, SV_EINPUT, "%s: line %zu: %s %.200s: %s", at->file, at->line, what, name, why);
}

/* The number of a label: without blanks around it, ASCII letters small, '_' as a blank where it is a folder's name. */
static int label_of(struct sv_train_list *l, const struct place *at, const char *s, bool folder, size_t *label, struct sv_err *e) {
    char text[SV_NAMES_MAX + 1];
    size_t n = strlen(s);
    while (*s == ' ' || *s == '\t') s++, n--;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t')) n--;
    if (!n) return fail_at(at, "label", "\"\"", "empty, expected the name of an action", e);
    if (n > SV_NAMES_MAX || memchr(s, '\n', n)) return fail_at(at, "label", s, "expected one line of at most 255 bytes", e);
    for (size_t i = 0; i < n; i++) text[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i] == '_' && folder ? ' ' : s[i];
    return sv_names_add(&l->label, text, n, label, e);
}

/* Adds the clips that a path means; boxes NULL or "": none. */
static int add(struct sv_train_list *l, const struct place *at, const char *path, const char *boxes, size_t label, struct sv_err *e) {
    struct sv_sources s = {0};
    struct stat st;
    if (stat(path, &st)) return fail_at(at, "video", path, strerror(errno), e);
    if (boxes && *boxes && stat(boxes, &st)) return fail_at(at, "boxes", boxes, strerror(errno), e);
    int rc = sv_sources_add(&s, path, e);
    for (size_t i = 0; !rc && i < s.n; i++) {
        struct sv_train_row row = { .label = label };
        if (s.item[i].kind == SV_OBJECTS) { rc = fail_at(at, "video", s.item[i].path, "scored objects, expected frame features", e); break; }
        if (s.item[i].kind == SV_FEATURES && boxes && *boxes) {
            rc = fail_at(at, "boxes", boxes, "what was stored has its boxes already", e);
            break;
        }
        rc = sv_names_add(&l->video, s.item[i].path, strlen(s.item[i].path), &row.video, e);
        if (!rc && boxes && *boxes && !(row.boxes = sv_strdup(boxes, e))) rc = SV_ENOMEM;
        if (!rc) rc = sv_grow(&l->row, &l->cap, l->n, sizeof *l->row, e);
        if (rc) { sv_free(row.boxes); break; }
        row.source = s.item[i];
        s.item[i] = (struct sv_source){0};
        l->row[l->n++] = row;
    }
    sv_sources_free(&s);
    return rc;
}

/* path, where it is relative, against the folder of the list. */
static int beside(const char *list, const char *path, char out[PATH], struct sv_err *e) {
    const char *slash = *path == '/' ? NULL : strrchr(list, '/');
    if (snprintf(out, PATH, "%.*s%s", slash ? (int)(slash + 1 - list) : 0, list, path) < PATH) return 0;
    return sv_fail(e, SV_EINPUT, "%s: the path of %.200s is too long", list, path);
}

static int read_csv(struct sv_train_list *l, const char *path, struct sv_err *e) {
    struct sv_file f;
    struct sv_csv c;
    int rc = sv_file_read(&f, path, MAX_LIST, e);
    if (rc) return rc;
    sv_csv_open(&c, path, f.data, f.size);
    for (bool first = true; !rc && (rc = sv_csv_row(&c, e)) > 0; first = false) {
        const struct place at = { path, c.line };
        size_t len;
        const char *video = sv_csv_field(&c, 0, &len), *label = c.fields > 1 ? sv_csv_field(&c, 1, &len) : "";
        const char *boxes = c.fields > 2 ? sv_csv_field(&c, 2, &len) : "";
        char full[PATH], full_boxes[PATH] = "";
        size_t number;
        rc = 0;
        if (c.fields < 2 || c.fields > 3)
            rc = sv_fail(e, SV_EINPUT, "%s: line %zu: %zu fields, expected video,label[,boxes]", path, c.line, c.fields);
        if (rc || (first && !strcmp(video, "video") && !strcmp(label, "label"))) continue;
        if (!*video) rc = fail_at(&at, "video", "\"\"", "empty, expected a path", e);
        if (!rc) rc = label_of(l, &at, label, false, &number, e);
        if (!rc) rc = beside(path, video, full, e);
        if (!rc && *boxes) rc = beside(path, boxes, full_boxes, e);
        if (!rc) rc = add(l, &at, full, full_boxes, number, e);
    }
    sv_csv_close(&c);
    sv_file_close(&f);
    return rc;
}

static int read_folder(struct sv_train_list *l, const char *path, struct sv_err *e) {
    const struct place at = { .file = path };
    struct sv_dir d;
    int rc = sv_dir_list(&d, path, e);
    for (size_t i = 0; !rc && i < d.n; i++) {
        char sub[PATH];
        size_t label;
        if (snprintf(sub, sizeof sub, "%s/%s", path, d.name[i]) >= PATH) rc = sv_fail(e, SV_EINPUT, "%s: the path is too long", path);
        if (rc || !sv_is_dir(sub)) continue;
        const size_t before = l->n;
        rc = label_of(l, &at, d.name[i], true, &label, e);
        if (!rc) rc = add(l, &at, sub, NULL, label, e);
        if (!rc && l->n == before) rc = fail_at(&at, "label", d.name[i], "a folder without a video", e);
    }
    sv_dir_free(&d);
    return rc;
}

int sv_train_list_read(struct sv_train_list *l, const char *path, struct sv_err *e) {
    *l = (struct sv_train_list){0};
    int rc = sv_is_dir(path) ? read_folder(l, path, e) : read_csv(l, path, e);
    if (!rc && l->label.n < 2)
        rc = sv_fail(e, SV_EINPUT, "%s: %zu labels in %zu rows, expected at least two actions to tell apart", path, l->label.n, l->n);
    if (rc) sv_train_list_free(l);
    return rc;
}

void sv_train_list_free(struct sv_train_list *l) {
    for (size_t i = 0; i < l->n; i++) sv_free(l->row[i].source.name), sv_free(l->row[i].source.path), sv_free(l->row[i].boxes);
    sv_free(l->row);
    sv_names_free(&l->label), sv_names_free(&l->video);
    *l = (struct sv_train_list){0};
}

static int add_file(struct sv_sha256 *h, const char *path, struct sv_err *e) {
    struct stat st;
    if (stat(path, &st)) return sv_fail(e, SV_EINPUT, "%s: cannot open: %s", path, strerror(errno));
    const int64_t what[3] = { (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, (int64_t)st.st_mtim.tv_nsec };
    sv_sha256_add(h, path, strlen(path) + 1);
    sv_sha256_add(h, what, sizeof what);
    return 0;
}

int sv_train_list_hash(const struct sv_train_list *l, char out[SV_TRAIN_LIST_HASH], struct sv_err *e) {
    struct sv_sha256 h;
    uint8_t sum[32];
    int rc = 0;
    sv_sha256_init(&h);
    for (size_t i = 0; !rc && i < l->n; i++) {
        const char *label = l->label.name[l->row[i].label];
        sv_sha256_add(&h, label, strlen(label) + 1);
        rc = add_file(&h, l->row[i].source.path, e);
        if (!rc && l->row[i].boxes) rc = add_file(&h, l->row[i].boxes, e);
    }
    sv_sha256_done(&h, sum);
    for (size_t i = 0; i < 32; i++) snprintf(out + 2 * i, 3, "%02x", sum[i]);
    return rc;
}
