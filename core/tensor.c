#define _DEFAULT_SOURCE                 /* madvise: glibc's posix_madvise ignores DONTNEED */
#include "core/tensor.h"

#include "core/half.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct { const char *name; size_t size; } dtypes[SV_DTYPES] = {
    [SV_F32] = { "f32", 4 }, [SV_F16] = { "f16", 2 }, [SV_BF16] = { "bf16", 2 }, [SV_I8] = { "i8", 1 }, [SV_U8] = { "u8", 1 },
    [SV_I16] = { "i16", 2 }, [SV_I32] = { "i32", 4 }, [SV_I64] = { "i64", 8 }, [SV_F64] = { "f64", 8 }, [SV_BOOL] = { "bool", 1 },
};

size_t sv_dtype_size(enum sv_dtype t) { return dtypes[t].size; }
const char *sv_dtype_name(enum sv_dtype t) { return dtypes[t].name; }

bool sv_dtype_named(const char *name, enum sv_dtype *t) {
    for (size_t i = 0; i < SV_DTYPES; i++)
        if (!strcmp(name, dtypes[i].name)) return *t = (enum sv_dtype)i, true;
    return false;
}

int sv_store_init(struct sv_store *s, const char *file, struct sv_err *e) {
    memset(s, 0, sizeof *s);
    return (s->file = sv_strdup(file, e)) ? 0 : SV_ENOMEM;
}

void sv_store_free(struct sv_store *s) {
    for (size_t i = 0; i < s->owneds; i++) sv_free(s->owned[i]);
    sv_free(s->owned), sv_free(s->view), sv_free(s->value), sv_free(s->slot);
    sv_free((void *)s->file);
    memset(s, 0, sizeof *s);
}

void *sv_store_alloc(struct sv_store *s, size_t n, size_t size, struct sv_err *e) {
    if (sv_grow(&s->owned, &s->owned_cap, s->owneds, sizeof *s->owned, e)) return NULL;
    void *p = sv_alloc(n, size, e);
    if (p) s->owned[s->owneds++] = p;
    return p;
}

static char *own_text(struct sv_store *s, const char *text, struct sv_err *e) {
    const size_t n = strlen(text) + 1;
    char *p = sv_store_alloc(s, n, 1, e);
    return p ? memcpy(p, text, n) : NULL;
}

static size_t hash(const char *name) {              /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds name, or the free one where it belongs.  slots is a power of two, at most half full. */
static size_t slot_of(const struct sv_store *s, const char *name) {
    size_t i = hash(name) & (s->slots - 1);
    while (s->slot[i] && strcmp(s->view[s->slot[i] - 1].name, name)) i = (i + 1) & (s->slots - 1);
    return i;
}

static int rehash(struct sv_store *s, struct sv_err *e) {
    if (s->slots > 2 * s->views) return 0;
    const size_t want = s->slots ? s->slots * 2 : 64;
    size_t *more = sv_alloc(want, sizeof *more, e);
    if (!more) return SV_ENOMEM;
    sv_free(s->slot);
    s->slot = more, s->slots = want;
    for (size_t i = 0; i < s->views; i++) s->slot[slot_of(s, s->view[i].name)] = i + 1;
    return 0;
}

int sv_store_add(struct sv_store *s, const char *name, enum sv_dtype t, size_t rank, const size_t *dim,
                 const void *data, size_t bytes, struct sv_err *e) {
    const size_t len = strlen(name);
    if (!len || len > SV_MAX_NAME)
        return sv_fail(e, SV_EINPUT, "%s: tensor name of %zu bytes, expected 1 .. %d", s->file, len, SV_MAX_NAME);
    if (rank > SV_MAX_RANK)
        return sv_fail(e, SV_EINPUT, "%s: tensor %s has %zu dimensions, expected at most %d", s->file, name, rank, SV_MAX_RANK);
    struct sv_view v = { .dtype = t, .rank = rank, .count = 1, .bytes = bytes, .data = data };
    bool fits = true;
    for (size_t i = 0; i < rank; i++) {
        v.dim[i] = dim[i];
        fits = fits && sv_mul(v.count, dim[i], &v.count);
    }
    size_t need = 0;
    if (!fits || !sv_mul(v.count, sv_dtype_size(t), &need))
        return sv_fail(e, SV_EINPUT, "%s: tensor %s: its dimensions overflow", s->file, name);
    if (need != bytes)
        return sv_fail(e, SV_EINPUT, "%s: tensor %s has %zu bytes of data, expected %zu for its %zu %s values",
                       s->file, name, bytes, need, v.count, sv_dtype_name(t));
    if (rehash(s, e) || sv_grow(&s->view, &s->view_cap, s->views, sizeof *s->view, e)) return SV_ENOMEM;
    const size_t slot = slot_of(s, name);
    if (s->slot[slot]) return sv_fail(e, SV_EINPUT, "%s: two tensors named %s", s->file, name);
    if (!(v.name = own_text(s, name, e))) return SV_ENOMEM;
    s->view[s->views++] = v;
    s->slot[slot] = s->views;
    return 0;
}

const struct sv_view *sv_store_find(const struct sv_store *s, const char *name) {
    const size_t i = s->slots ? s->slot[slot_of(s, name)] : 0;
    return i ? &s->view[i - 1] : NULL;
}

/* "[2, 3, any]" */
static const char *shape_text(char *out, size_t size, size_t rank, const size_t *dim) {
    size_t at = (size_t)snprintf(out, size, "[");
    for (size_t i = 0; i < rank && at < size; i++)
        at += (size_t)(dim[i] == SIZE_MAX ? snprintf(out + at, size - at, "%sany", i ? ", " : "")
                                          : snprintf(out + at, size - at, "%s%zu", i ? ", " : "", dim[i]));
    if (at < size) snprintf(out + at, size - at, "]");
    return out;
}

int sv_store_expect(const struct sv_store *s, const char *name, int accepted, size_t rank, const size_t *dim,
                    const struct sv_view **out, struct sv_err *e) {
    const struct sv_view *v = sv_store_find(s, name);
    if (!v) return sv_fail(e, SV_EINPUT, "%s: no tensor %s", s->file, name);
    if (!(accepted >> v->dtype & 1))
        return sv_fail(e, SV_EINPUT, "%s: tensor %s is of type %s", s->file, name, sv_dtype_name(v->dtype));
    bool same = v->rank == rank;
    for (size_t i = 0; same && i < rank; i++) same = dim[i] == SIZE_MAX || dim[i] == v->dim[i];
    char want[128], found[128];
    if (!same) return sv_fail(e, SV_EINPUT, "%s: tensor %s is %s, expected %s", s->file, name,
                              shape_text(found, sizeof found, v->rank, v->dim), shape_text(want, sizeof want, rank, dim));
    *out = v;
    return 0;
}

const struct sv_value *sv_store_value(const struct sv_store *s, const char *name) {
    for (size_t i = 0; i < s->values; i++)
        if (!strcmp(s->value[i].name, name)) return &s->value[i];
    return NULL;
}

static int set_value(struct sv_store *s, const char *name, struct sv_value v, struct sv_err *e) {
    struct sv_value *old = (struct sv_value *)sv_store_value(s, name);
    if (!old) {
        const size_t len = strlen(name);
        if (!len || len > SV_MAX_NAME)
            return sv_fail(e, SV_EINPUT, "%s: key of %zu bytes, expected 1 .. %d", s->file, len, SV_MAX_NAME);
        if (sv_grow(&s->value, &s->value_cap, s->values, sizeof *s->value, e)) return SV_ENOMEM;
        if (!(v.name = own_text(s, name, e))) return SV_ENOMEM;
        old = &s->value[s->values++];
    } else {
        v.name = old->name;
    }
    *old = v;
    return 0;
}

int sv_store_set_int(struct sv_store *s, const char *name, int64_t v, struct sv_err *e) {
    return set_value(s, name, (struct sv_value){ .type = SV_INT, .i = v }, e);
}

int sv_store_set_real(struct sv_store *s, const char *name, double v, struct sv_err *e) {
    return set_value(s, name, (struct sv_value){ .type = SV_REAL, .r = v }, e);
}

int sv_store_set_text(struct sv_store *s, const char *name, const char *v, struct sv_err *e) {
    const char *own = own_text(s, v, e);
    return own ? set_value(s, name, (struct sv_value){ .type = SV_TEXT, .text = own }, e) : SV_ENOMEM;
}

int sv_store_set_reals(struct sv_store *s, const char *name, const double *v, size_t n, struct sv_err *e) {
    double *own = sv_store_alloc(s, n, sizeof *own, e);
    if (!own) return SV_ENOMEM;
    if (n) memcpy(own, v, n * sizeof *own);
    return set_value(s, name, (struct sv_value){ .type = SV_REALS, .reals = own, .n = n }, e);
}

static int get_value(const struct sv_store *s, const char *name, enum sv_vtype type, const struct sv_value **out, struct sv_err *e) {
    static const char *const word[] = { "an integer", "a number", "a text", "a list of numbers" };
    const struct sv_value *v = sv_store_value(s, name);
    if (!v) return sv_fail(e, SV_EINPUT, "%s: no value %s", s->file, name);
    if (v->type != type)
        return sv_fail(e, SV_EINPUT, "%s: value %s is %s, expected %s", s->file, name, word[v->type], word[type]);
    *out = v;
    return 0;
}

int sv_store_copy_value(struct sv_store *s, const struct sv_value *v, struct sv_err *e) {
    return v->type == SV_INT  ? sv_store_set_int(s, v->name, v->i, e)
         : v->type == SV_REAL ? sv_store_set_real(s, v->name, v->r, e)
         : v->type == SV_TEXT ? sv_store_set_text(s, v->name, v->text, e)
                              : sv_store_set_reals(s, v->name, v->reals, v->n, e);
}

int sv_store_get_int(const struct sv_store *s, const char *name, int64_t lo, int64_t hi, int64_t *out, struct sv_err *e) {
    const struct sv_value *v;
    const int rc = get_value(s, name, SV_INT, &v, e);
    if (rc) return rc;
    if (v->i < lo || v->i > hi)
        return sv_fail(e, SV_EINPUT, "%s: value %s is %lld, expected %lld .. %lld", s->file, name,
                       (long long)v->i, (long long)lo, (long long)hi);
    *out = v->i;
    return 0;
}

int sv_store_get_real(const struct sv_store *s, const char *name, double lo, double hi, double *out, struct sv_err *e) {
    const struct sv_value *v;
    const int rc = get_value(s, name, SV_REAL, &v, e);
    if (rc) return rc;
    if (!(v->r >= lo && v->r <= hi))
        return sv_fail(e, SV_EINPUT, "%s: value %s is %g, expected %g .. %g", s->file, name, v->r, lo, hi);
    *out = v->r;
    return 0;
}

int sv_store_get_text(const struct sv_store *s, const char *name, const char **out, struct sv_err *e) {
    const struct sv_value *v;
    const int rc = get_value(s, name, SV_TEXT, &v, e);
    if (!rc) *out = v->text;
    return rc;
}

int sv_store_get_reals(const struct sv_store *s, const char *name, size_t n, double *out, struct sv_err *e) {
    const struct sv_value *v;
    const int rc = get_value(s, name, SV_REALS, &v, e);
    if (rc) return rc;
    if (v->n != n)
        return sv_fail(e, SV_EINPUT, "%s: value %s has %zu numbers, expected %zu", s->file, name, v->n, n);
    memcpy(out, v->reals, n * sizeof *out);
    return 0;
}

void sv_view_f32(const struct sv_view *v, size_t first, size_t n, float *out) {
    const unsigned char *p = (const unsigned char *)v->data + first * sv_dtype_size(v->dtype);
    if (v->dtype == SV_F32) { if (n) memcpy(out, p, n * sizeof *out); return; }
    for (size_t i = 0; i < n; i++, p += 2) {
        uint16_t h;
        memcpy(&h, p, 2);
        out[i] = v->dtype == SV_F16 ? sv_f16_f32(h) : sv_bf16_f32(h);
    }
}

void sv_store_forget(const struct sv_store *s, const struct sv_view *v) {
    const uintptr_t map = (uintptr_t)s->map, data = (uintptr_t)v->data, page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (!s->map || data < map || data - map > s->map_bytes || v->bytes > s->map_bytes - (data - map)) return;
    const uintptr_t from = (data + page - 1) / page * page, to = (data + v->bytes) / page * page;
    if (from < to) madvise((void *)from, to - from, MADV_DONTNEED);
}
