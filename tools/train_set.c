#include "tools/train_set.h"

#include "io/container.h"

#include <string.h>

int sv_train_set_is(const char *path, bool *is, struct sv_err *e) {
    struct sv_file f;
    struct sv_err why = {0};
    char kind[16] = "";
    *is = false;
    const int rc = sv_is_dir(path) ? SV_EINPUT : sv_file_map(&f, path, &why);
    if (rc == SV_ENOMEM) return sv_fail(e, rc, "%s", why.msg);
    if (rc) return 0;
    if (f.size >= 64 && sv_container_is(&f)) sv_container_kind(&f, kind);
    sv_file_close(&f);
    *is = !strcmp(kind, "tubes");
    return 0;
}

/* An i32 tensor [rows] of numbers below limit, widened. */
static int take_numbers(const struct sv_store *st, const char *name, size_t rows, size_t limit, uint32_t *out, struct sv_err *e) {
    const struct sv_view *v;
    const int rc = sv_store_expect(st, name, 1 << SV_I32, 1, &rows, &v, e);
    if (rc) return rc;
    memcpy(out, v->data, v->bytes);
    for (size_t i = 0; i < rows; i++)
        if (out[i] >= limit) return sv_fail(e, SV_EINPUT, "%s: tensor %s: row %zu is %d, expected 0 .. %zu", st->file, name, i, (int)out[i], limit - 1);
    return 0;
}

static int take_first(struct sv_train_set *s, const struct sv_view *v, struct sv_err *e) {
    int64_t last = 0;
    for (size_t i = 0; i <= s->rows; i++) {
        int64_t at;
        memcpy(&at, (const char *)v->data + 8 * i, 8);
        if (at < last || (!i && at) || (uint64_t)at > s->tubes || (i == s->rows && (size_t)at != s->tubes))
            return sv_fail(e, SV_EINPUT, "%s: tensor first: row %zu begins at tube %lld of %zu", s->store.file, i, (long long)at, s->tubes);
        s->first[i] = (size_t)(last = at);
    }
    return 0;
}

/* What has no example cannot be learned, and would only be told apart by chance. */
static int check_classes(const struct sv_train_set *s, struct sv_err *e) {
    size_t *tubes = sv_alloc(s->classes.n, sizeof *tubes, e);
    int rc = tubes ? 0 : SV_ENOMEM;
    for (size_t r = 0; !rc && r < s->rows; r++) tubes[s->label[r]] += s->first[r + 1] - s->first[r];
    for (size_t c = 0; !rc && c < s->classes.n; c++)
        if (!tubes[c]) rc = sv_fail(e, SV_EINPUT, "%s: the class \"%.200s\" has no tube in any of its videos", s->store.file, s->classes.name[c]);
    sv_free(tubes);
    return rc;
}

static int take(struct sv_train_set *s, struct sv_err *e) {
    const struct sv_store *st = &s->store;
    const struct sv_view *first, *labels;
    int rc = sv_rule_read(&s->rule, st, e);
    if (!rc) rc = sv_store_get_text(st, "list", &s->list, e);
    if (!rc) rc = sv_store_expect(st, "features", SV_FLOATS, 3, (size_t[]){ SIZE_MAX, s->rule.tube.n, SIZE_MAX }, &s->features, e);
    if (!rc) rc = sv_store_expect(st, "first", 1 << SV_I64, 1, (size_t[]){ SIZE_MAX }, &first, e);
    if (!rc) rc = sv_store_expect(st, "labels", 1 << SV_U8, 1, (size_t[]){ SIZE_MAX }, &labels, e);
    if (!rc) rc = sv_actions_parse(&s->classes, labels->data, labels->bytes, st->file, e);
    if (rc) return rc;
    s->tubes = s->features->dim[0], s->embed = s->features->dim[2];
    if (s->tubes > UINT32_MAX) return sv_fail(e, SV_EINPUT, "%s: %zu tubes, at most %u", st->file, s->tubes, UINT32_MAX);
    if (s->classes.n < 2 || first->count < 2 || !s->embed)
        return sv_fail(e, SV_EINPUT, "%s: %zu classes in %zu rows of width %zu: nothing to learn from", st->file, s->classes.n,
                       first->count ? first->count - 1 : 0, s->embed);
    s->rows = first->count - 1;
    if (!(s->first = sv_alloc(first->count, sizeof *s->first, e)) || !(s->label = sv_alloc(s->rows, sizeof *s->label, e)) ||
        !(s->video = sv_alloc(s->rows, sizeof *s->video, e))) return SV_ENOMEM;
    rc = take_first(s, first, e);
    if (!rc) rc = take_numbers(st, "label", s->rows, s->classes.n, s->label, e);
    if (!rc) rc = take_numbers(st, "video", s->rows, s->rows, s->video, e);
    for (size_t r = 0; !rc && r < s->rows; r++) s->videos = sv_max(s->videos, s->video[r] + 1);
    return rc ? rc : check_classes(s, e);
}

int sv_train_set_open(struct sv_train_set *s, const char *path, struct sv_err *e) {
    *s = (struct sv_train_set){0};
    int rc = sv_file_map(&s->file, path, e);
    if (!rc) rc = sv_store_init(&s->store, path, e);
    if (!rc) rc = sv_container_read(&s->file, "tubes", &s->store, e);
    if (!rc) rc = take(s, e);
    if (rc) sv_train_set_close(s);
    return rc;
}

void sv_train_set_close(struct sv_train_set *s) {
    sv_free(s->first), sv_free(s->label), sv_free(s->video);
    sv_actions_free(&s->classes);
    sv_store_free(&s->store);
    sv_file_close(&s->file);
    *s = (struct sv_train_set){0};
}
