#include "io/npy.h"

#include "core/num.h"
#include "io/file.h"
#include "io/gather.h"
#include <stdio.h>
#include <string.h>

enum { MAX_HEADER = 1 << 16 };

struct in {
    const char *s; size_t n, at;        /* the header text */
    const char *file;
    struct sv_err *e;
};

struct array {
    char kind;                          /* of the descr: b i u f c S */
    size_t size;                        /* bytes of an element */
    bool swap, fortran;
    size_t rank, dim[SV_MAX_RANK + 1];
};

static int fail(const struct in *p, const char *expected) {
    return sv_fail(p->e, SV_EINPUT, "%s: npy header byte %zu: expected %s", p->file, p->at, expected);
}

static void space(struct in *p) {
    while (p->at < p->n && (p->s[p->at] == ' ' || p->s[p->at] == '\n' || p->s[p->at] == '\t')) p->at++;
}

static bool take(struct in *p, char c) {
    space(p);
    return p->at < p->n && p->s[p->at] == c && ++p->at;
}

static bool word(struct in *p, const char *w) {
    const size_t n = strlen(w);
    space(p);
    if (p->n - p->at < n || memcmp(p->s + p->at, w, n)) return false;
    p->at += n;
    return true;
}

/* A quoted text without escapes; only plain names stand here. */
static bool text(struct in *p, const char **out, size_t *n) {
    space(p);
    if (p->at >= p->n) return false;
    const char quote = p->s[p->at];
    if (quote != '\'' && quote != '"') return false;
    *out = p->s + ++p->at;
    for (*n = 0; p->at < p->n && p->s[p->at] != quote && p->s[p->at] != '\\'; p->at++) ++*n;
    return p->at < p->n && p->s[p->at++] == quote;
}

static int descr(struct in *p, struct array *a) {
    const char *t;
    size_t n;
    int64_t size;
    space(p);
    if (p->at < p->n && p->s[p->at] == '[')
        return sv_fail(p->e, SV_EINPUT, "%s: an npy file of structures, expected one of numbers", p->file);
    if (!text(p, &t, &n)) return fail(p, "a type");
    if (n < 2 || !strchr("<>|=", t[0]) || !t[0]) return fail(p, "a type like <f4");
    a->kind = t[1];
    a->swap = t[0] == '>';
    if (a->kind == 'O')
        return sv_fail(p->e, SV_EINPUT, "%s: an npy file of Python objects (pickle), expected one of numbers", p->file);
    if (n < 3 || t[2] < '0' || t[2] > '9' || !sv_num_int(t + 2, n - 2, &size) || size < 1 || size > 1 << 20)
        return fail(p, "a type like <f4");
    a->size = (size_t)size;
    const char *const sizes = a->kind == 'b' ? "1" : a->kind == 'i' || a->kind == 'u' ? "1248" : a->kind == 'f' ? "248" : "";
    const bool fine = a->kind == 'S' || (a->kind == 'c' && (size == 8 || size == 16))
                   || (size < 10 && strchr(sizes, (int)('0' + size)));
    if (!fine) return sv_fail(p->e, SV_EINPUT, "%s: npy type %.*s, which is not read", p->file, (int)sv_min(n, 16), t);
    return 0;
}

static int shape(struct in *p, struct array *a) {
    if (!take(p, '(')) return fail(p, "'('");
    for (bool comma = true; !take(p, ')');) {
        space(p);
        const size_t from = p->at;
        while (p->at < p->n && p->s[p->at] >= '0' && p->s[p->at] <= '9') p->at++;
        int64_t v;
        if (!comma || !sv_num_int(p->s + from, p->at - from, &v) || (uint64_t)v > SIZE_MAX)
            return fail(p, "a tuple of sizes");
        if (p->at < p->n && p->s[p->at] == 'L') p->at++;           /* Python 2 wrote long integers so */
        if (a->rank == SV_MAX_RANK) return fail(p, "at most 8 dimensions");
        a->dim[a->rank++] = (size_t)v;
        comma = take(p, ',');
        if (!comma && a->rank == 1) return fail(p, "','");          /* (3) is a number, (3,) a tuple */
    }
    return 0;
}

static int header(struct in *p, struct array *a) {
    bool seen[3] = { false };
    if (!take(p, '{')) return fail(p, "'{'");
    for (bool comma = true; !take(p, '}'); comma = take(p, ',')) {
        static const char *const keys[] = { "descr", "fortran_order", "shape" };
        const char *key;
        size_t n, k = 0;
        if (!comma) return fail(p, "',' or '}'");
        if (!text(p, &key, &n)) return fail(p, "a key");
        while (k < 3 && (strlen(keys[k]) != n || memcmp(keys[k], key, n))) k++;
        if (k == 3 || seen[k]) return fail(p, "descr, fortran_order and shape, once each");
        seen[k] = true;
        if (!take(p, ':')) return fail(p, "':'");
        int rc = 0;
        if (k == 0) rc = descr(p, a);
        else if (k == 2) rc = shape(p, a);
        else if (word(p, "True")) a->fortran = true;
        else if (!word(p, "False")) rc = fail(p, "True or False");
        if (rc) return rc;
    }
    space(p);
    if (p->at < p->n) return fail(p, "the end");
    return seen[0] && seen[1] && seen[2] ? 0 : fail(p, "descr, fortran_order and shape");
}

/* The type in the store, and the bytes of one number of it. */
static enum sv_dtype stored(const struct array *a) {
    switch (a->kind) {
    case 'b': return SV_BOOL;
    case 'u': return a->size == 1 ? SV_U8 : a->size == 2 ? SV_I32 : SV_I64;
    case 'i': return a->size == 1 ? SV_I8 : a->size == 2 ? SV_I16 : a->size == 4 ? SV_I32 : SV_I64;
    case 'f': return a->size == 2 ? SV_F16 : a->size == 4 ? SV_F32 : SV_F64;
    case 'c': return a->size == 8 ? SV_F32 : SV_F64;
    default:  return SV_U8;
    }
}

static void swap(uint8_t *p, size_t count, size_t size) {
    for (; count; count--, p += size)
        for (size_t i = 0; i < size / 2; i++) {
            const uint8_t t = p[i];
            p[i] = p[size - 1 - i], p[size - 1 - i] = t;
        }
}

/* count unsigned numbers of `size` bytes at the end of p become signed ones of `wide` bytes over the whole of it. */
static bool widen(uint8_t *p, size_t count, size_t size, size_t wide) {
    const uint8_t *in = p + count * (wide - size);
    for (size_t i = 0; i < count; i++, in += size, p += wide) {
        uint8_t v[8] = { 0 };
        memcpy(v, in, size);
        if (size == wide && v[size - 1] & 0x80) return false;
        memcpy(p, v, wide);
    }
    return true;
}

static int convert(struct array *a, const uint8_t *data, size_t count, const uint8_t **out, struct sv_store *s,
                   struct sv_err *e) {
    const enum sv_dtype t = stored(a);
    const bool grows = a->kind == 'u' && a->size > 1, strided = a->fortran && a->rank > 1;
    const size_t parts = a->kind == 'c' ? 2 : a->kind == 'S' ? a->size : 1, wide = grows ? sv_dtype_size(t) : a->size;
    *out = data;
    if (!grows && !strided && (!a->swap || a->size / parts == 1)) return 0;
    uint8_t *p = sv_store_alloc(s, count, wide, e);
    if (!p) return SV_ENOMEM;
    uint8_t *tail = p + count * (wide - a->size);   /* what grows is laid at the end and spread from the front */
    size_t stride[SV_MAX_RANK], step = 1;
    if (strided) {
        for (size_t i = 0; i < a->rank; i++) stride[i] = step, step *= a->dim[i];
        sv_gather(tail, data, a->size, a->rank, a->dim, stride);
    } else if (count) {
        memcpy(tail, data, count * a->size);
    }
    if (a->swap) swap(tail, count * parts, a->size / parts);
    *out = p;
    if (grows && !widen(p, count, a->size, wide)) return sv_fail(e, SV_EINPUT, "%s: a number above 2^63 - 1", s->file);
    return 0;
}

int sv_npy_read(const uint8_t *data, size_t size, struct sv_store *s, struct sv_err *e) {
    if (size < 10 || memcmp(data, "\x93NUMPY", 6)) return sv_fail(e, SV_EINPUT, "%s: not an npy file", s->file);
    const unsigned version = data[6];
    const size_t begin = version == 1 ? 10 : 12;
    if (version < 1 || version > 3 || data[7])
        return sv_fail(e, SV_EINPUT, "%s: npy version %u.%u, expected 1.0, 2.0 or 3.0", s->file, version, data[7]);
    size_t n = data[8] | (size_t)data[9] << 8;
    if (version > 1) n = size < 12 ? SIZE_MAX : n | (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (n > MAX_HEADER || size < begin || n > size - begin)
        return sv_fail(e, SV_EINPUT, "%s: npy header longer than the file or than %d bytes", s->file, MAX_HEADER);
    struct array a = { 0 };
    struct in p = { .s = (const char *)data + begin, .n = n, .file = s->file, .e = e };
    int rc = header(&p, &a);
    if (rc) return rc;
    size_t count = 1, bytes = 0;
    bool fits = true;
    for (size_t i = 0; i < a.rank; i++) fits = fits && sv_mul(count, a.dim[i], &count);
    const size_t room = size - begin - n;
    if (!fits || !sv_mul(count, a.size, &bytes) || bytes > room)
        return sv_fail(e, SV_EINPUT, "%s: npy data of %zu bytes, too short for its shape", s->file, room);
    const uint8_t *out;
    rc = convert(&a, data + begin + n, count, &out, s, e);
    if (rc) return rc;
    const size_t parts = a.kind == 'c' ? 2 : a.kind == 'S' ? a.size : 1;
    size_t rank = a.rank;
    if (a.kind == 'c' || a.kind == 'S') a.dim[rank++] = parts;
    return sv_store_add(s, "npy", stored(&a), rank, a.dim, out, count * parts * sv_dtype_size(stored(&a)), e);
}

int sv_npy_write(const char *path, enum sv_dtype t, size_t rank, const size_t *dim, const void *data, struct sv_err *e) {
    static const char *const descr_of[SV_DTYPES] = {
        [SV_F64] = "<f8", [SV_F32] = "<f4", [SV_F16] = "<f2", [SV_BOOL] = "|b1", [SV_U8] = "|u1", [SV_I8] = "|i1",
        [SV_I16] = "<i2", [SV_I32] = "<i4", [SV_I64] = "<i8",
    };
    if (!descr_of[t]) return sv_fail(e, SV_EINPUT, "%s: numpy has no type for %s", path, sv_dtype_name(t));
    char h[512];
    size_t count = 1, bytes = 0;
    int n = snprintf(h, sizeof h, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr_of[t]);
    bool fits = rank <= SV_MAX_RANK;
    for (size_t i = 0; fits && i < rank; i++) {
        fits = sv_mul(count, dim[i], &count);
        n += snprintf(h + n, sizeof h - (size_t)n, "%s%zu%s", i ? ", " : "", dim[i], rank == 1 ? "," : "");
    }
    if (!fits || !sv_mul(count, sv_dtype_size(t), &bytes))
        return sv_fail(e, SV_EINPUT, "%s: array too large for an npy file", path);
    n += snprintf(h + n, sizeof h - (size_t)n, "), }");
    while ((n + 11) % 64) h[n++] = ' ';             /* the data begins at a multiple of 64 */
    h[n++] = '\n';
    const uint8_t head[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)(n & 255), (uint8_t)(n >> 8) };
    struct sv_out o;
    int rc = sv_out_open(&o, path, e);
    if (rc) return rc;
    if ((rc = sv_out_write(&o, head, sizeof head, e)) || (rc = sv_out_write(&o, h, (size_t)n, e))
        || (rc = sv_out_write(&o, data, bytes, e))) {
        sv_out_drop(&o);
        return rc;
    }
    return sv_out_commit(&o, e);
}
