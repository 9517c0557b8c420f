#include "io/container.h"

#include "core/hash.h"
#include "io/utf8.h"
#include <string.h>

enum {
    HEADER = 64, ALIGN = 64, KIND_AT = 16, KIND = 16, SIZE_AT = 32, INDEX_AT = 40, INDEX_SIZE_AT = 48, ZERO_AT = 56,
        CRC_AT = 60,
    COUNTS = 8, VALUE_FIXED = 4, TENSOR_FIXED = 28, ENTRY_LEN = 4, CRC = 4, MARK = 0x01020304, PIECE = 1 << 16,
};
enum { TYPE_INT = 1, TYPE_REAL, TYPE_TEXT, TYPE_REALS };

static const uint8_t magic[8] = { 0x89, 'S', 'V', 'A', 'D', 0x0d, 0x0a, 0x1a };

/* The numbers of a file never change, whatever happens to enum sv_dtype. */
static const enum sv_dtype dtype_of[] = { SV_F32, SV_F16, SV_BF16, SV_I8, SV_U8, SV_I16, SV_I32, SV_I64, SV_F64, SV_BOOL };

static size_t aligned(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

static uint64_t get(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = n; i--;) v = v << 8 | p[i];
    return v;
}

static uint8_t *put(uint8_t *p, uint64_t v, size_t n) {
    for (size_t i = 0; i < n; i++, v >>= 8) *p++ = (uint8_t)v;
    return p;
}

/* UTF-8; names have no control characters, texts no NUL. */
static bool good_text(const uint8_t *p, size_t n, bool name) {
    for (size_t i = 0, k; i < n; i += k)
        if (!p[i] || (name && (p[i] < 0x20 || p[i] == 0x7f)) || !(k = sv_utf8(p + i, n - i))) return false;
    return true;
}

bool sv_container_is(const struct sv_file *f) { return f->size >= sizeof magic && !memcmp(f->data, magic, sizeof magic); }

void sv_container_kind(const struct sv_file *f, char out[16]) { memcpy(out, f->data + KIND_AT, KIND); }

static size_t payload(const struct sv_value *v) {
    return v->type == SV_TEXT ? strlen(v->text) : v->type == SV_REALS ? 8 * v->n : 8;
}

static int check_names(const char *path, const char *kind, const struct sv_store *s, struct sv_err *e) {
    const size_t k = strlen(kind);
    if (!k || k >= KIND || !good_text((const uint8_t *)kind, k, true))
        return sv_fail(e, SV_EINPUT, "%s: kind of file \"%s\": expected 1 .. 15 bytes of text", path, kind);
    if (s->values > SV_CONTAINER_VALUES || s->views > SV_CONTAINER_TENSORS)
        return sv_fail(e, SV_EINPUT, "%s: %zu values and %zu tensors, at most %d and %d fit in a file", path, s->values,
                       s->views, SV_CONTAINER_VALUES, SV_CONTAINER_TENSORS);
    for (size_t i = 0; i < s->values; i++) {
        const struct sv_value *v = &s->value[i];
        if (!good_text((const uint8_t *)v->name, strlen(v->name), true) ||
            (v->type == SV_TEXT && !good_text((const uint8_t *)v->text, strlen(v->text), false)))
            return sv_fail(e, SV_EINPUT, "%s: value %s is not UTF-8 text", path, v->name);
        if (payload(v) > UINT32_MAX / 2) return sv_fail(e, SV_EINPUT, "%s: value %s is larger than 2 GiB", path, v->name);
    }
    for (size_t i = 0; i < s->views; i++)
        if (!good_text((const uint8_t *)s->view[i].name, strlen(s->view[i].name), true))
            return sv_fail(e, SV_EINPUT, "%s: tensor name %s is not UTF-8 text", path, s->view[i].name);
    return 0;
}

static size_t index_size(const struct sv_store *s) {
    size_t n = COUNTS + CRC;
    for (size_t i = 0; i < s->values; i++) n += ENTRY_LEN + VALUE_FIXED + strlen(s->value[i].name) + payload(&s->value[i]);
    for (size_t i = 0; i < s->views; i++) n += ENTRY_LEN + TENSOR_FIXED + 8 * s->view[i].rank + strlen(s->view[i].name);
    return n;
}

static uint8_t *put_value(uint8_t *p, const struct sv_value *v) {
    static const uint8_t type_of[] = { [SV_INT] = TYPE_INT, [SV_REAL] = TYPE_REAL, [SV_TEXT] = TYPE_TEXT,
                                       [SV_REALS] = TYPE_REALS };
    const size_t name = strlen(v->name), bytes = payload(v);
    p = put(put(put(p, VALUE_FIXED + name + bytes, 4), type_of[v->type], 2), name, 2);
    memcpy(p, v->name, name);
    p += name;
    if (v->type == SV_INT) return put(p, (uint64_t)v->i, 8);
    if (v->type == SV_TEXT) return memcpy(p, v->text, bytes), p + bytes;
    const double *r = v->type == SV_REAL ? &v->r : v->reals;
    for (size_t i = 0; i < bytes / 8; i++) {
        uint64_t bits;
        memcpy(&bits, &r[i], 8);
        p = put(p, bits, 8);
    }
    return p;
}

static uint8_t *put_tensor(uint8_t *p, const struct sv_view *v, uint32_t crc, size_t at) {
    const size_t name = strlen(v->name);
    size_t type = 0;
    while (dtype_of[type] != v->dtype) type++;
    p = put(put(put(p, TENSOR_FIXED + 8 * v->rank + name, 4), type, 2), name, 2);
    p = put(put(put(put(p, v->rank, 4), crc, 4), at, 8), v->bytes, 8);
    for (size_t i = 0; i < v->rank; i++) p = put(p, v->dim[i], 8);
    return memcpy(p, v->name, name), p + name;
}

static int write_header(struct sv_out *o, const char *kind, size_t index_at, size_t index_bytes, struct sv_err *e) {
    uint8_t h[HEADER] = { 0 };
    memcpy(h, magic, sizeof magic);
    put(put(h + sizeof magic, SV_CONTAINER_VERSION, 4), MARK, 4);
    memcpy(h + KIND_AT, kind, strlen(kind));
    put(put(put(h + SIZE_AT, index_at + index_bytes, 8), index_at, 8), index_bytes, 8);
    put(h + CRC_AT, sv_crc32c(0, h, CRC_AT), 4);
    return sv_out_write(o, h, sizeof h, e);
}

static int write_data(struct sv_out *o, const struct sv_view *v, const struct sv_filler *f, uint8_t *piece, uint32_t *crc,
                      struct sv_err *e) {
    const size_t size = sv_dtype_size(v->dtype), step = v->data ? v->count : PIECE / size;
    int rc = 0;
    *crc = 0;
    for (size_t i = 0; !rc && i < v->count; i += step) {
        const size_t n = sv_min(step, v->count - i);
        const void *p = v->data ? v->data : piece;
        if (!v->data) rc = f->fill(f->arg, v, i, n, piece, e);
        if (rc) break;
        *crc = sv_crc32c(*crc, p, n * size);
        rc = sv_out_write(o, p, n * size, e);
    }
    static const uint8_t zero[ALIGN];
    return rc ? rc : sv_out_write(o, zero, aligned(v->bytes) - v->bytes, e);
}

int sv_container_stream(const char *path, const char *kind, const struct sv_store *s, const struct sv_filler *f,
                        struct sv_err *e) {
    int rc = check_names(path, kind, s, e);
    if (rc) return rc;
    size_t at = HEADER;
    for (size_t i = 0; i < s->views; i++)
        if (!sv_add(at, s->view[i].bytes, &at) || at > SIZE_MAX / 2)
            return sv_fail(e, SV_EINPUT, "%s: its tensors are too large for one file", path);
        else at = aligned(at);
    const size_t bytes = index_size(s);
    uint8_t *index = sv_alloc(bytes, 1, e), *piece = sv_alloc(PIECE, 1, e), *p = index;
    struct sv_out o = { .fd = -1 };
    rc = !index || !piece ? SV_ENOMEM : sv_out_open(&o, path, e);
    if (!rc) {
        rc = write_header(&o, kind, at, bytes, e);
        p = put(put(p, s->values, 4), s->views, 4);
        for (size_t i = 0; i < s->values; i++) p = put_value(p, &s->value[i]);
        at = HEADER;
        for (size_t i = 0; !rc && i < s->views; i++) {
            uint32_t crc;
            rc = write_data(&o, &s->view[i], f, piece, &crc, e);
            if (!rc) p = put_tensor(p, &s->view[i], crc, at);
            at = aligned(at + s->view[i].bytes);
        }
        if (!rc) {
            put(p, sv_crc32c(0, index, bytes - CRC), 4);
            rc = sv_out_write(&o, index, bytes, e);
        }
        if (!rc) rc = sv_out_commit(&o, e);
        else sv_out_drop(&o);
    }
    sv_free(index), sv_free(piece);
    return rc;
}

int sv_container_write(const char *path, const char *kind, const struct sv_store *s, struct sv_err *e) {
    for (size_t i = 0; i < s->views; i++)
        if (!s->view[i].data && s->view[i].count)
            return sv_fail(e, SV_EINPUT, "%s: tensor %s has no data", path, s->view[i].name);
    return sv_container_stream(path, kind, s, &(struct sv_filler){ 0 }, e);
}

struct reader {
    const struct sv_file *f;
    const uint8_t *p, *end;             /* the unread part of the index */
    size_t at;                          /* where the next tensor's data must begin */
    size_t index_at;
};

static size_t place(const struct reader *r) { return (size_t)(r->p - r->f->data); }

static int read_header(const struct sv_file *f, const char *kind, struct reader *r, struct sv_err *e) {
    const uint8_t *h = f->data;
    if (!sv_container_is(f)) return sv_fail(e, SV_EINPUT, "%s: not a model or scene file (no magic at byte 0)", f->name);
    if (f->size < HEADER) return sv_fail(e, SV_EINPUT, "%s: %zu bytes, the header alone has %d", f->name, f->size, HEADER);
    const uint32_t version = (uint32_t)get(h + 8, 4), crc = (uint32_t)get(h + CRC_AT, 4);
    if (crc != sv_crc32c(0, h, CRC_AT)) return sv_fail(e, SV_EINPUT, "%s: header: checksum differs, the file is damaged",
                                                       f->name);
    if (version != SV_CONTAINER_VERSION)
        return sv_fail(e, SV_EINPUT, "%s: format version %u, this program reads %d", f->name, (unsigned)version,
                       SV_CONTAINER_VERSION);
    if (get(h + 12, 4) != MARK || get(h + ZERO_AT, 4))
        return sv_fail(e, SV_EINPUT, "%s: header: bad byte order or reserved bytes", f->name);
    const size_t name = strnlen((const char *)h + KIND_AT, KIND);
    bool good = name && name < KIND && good_text(h + KIND_AT, name, true);
    for (size_t i = name; i < KIND; i++) good = good && !h[KIND_AT + i];
    if (!good) return sv_fail(e, SV_EINPUT, "%s: header: the kind at byte %d is not text", f->name, KIND_AT);
    if (kind && strcmp(kind, (const char *)h + KIND_AT))
        return sv_fail(e, SV_EINPUT, "%s: is a %s file, expected a %s file", f->name, (const char *)h + KIND_AT, kind);
    const uint64_t size = get(h + SIZE_AT, 8), at = get(h + INDEX_AT, 8), bytes = get(h + INDEX_SIZE_AT, 8);
    if (size != f->size)
        return sv_fail(e, SV_EINPUT, "%s: %zu bytes, its header says %llu: truncated or damaged", f->name, f->size,
                       (unsigned long long)size);
    if (at < HEADER || at % ALIGN || at > size || bytes != size - at || bytes < COUNTS + CRC)
        return sv_fail(e, SV_EINPUT, "%s: header: index of %llu bytes at %llu does not fit the file", f->name,
                       (unsigned long long)bytes, (unsigned long long)at);
    *r = (struct reader){ .f = f, .p = h + at, .end = h + size - CRC, .at = HEADER, .index_at = (size_t)at };
    if (get(r->end, CRC) != sv_crc32c(0, r->p, (size_t)bytes - CRC))
        return sv_fail(e, SV_EINPUT, "%s: index: checksum differs, the file is damaged", f->name);
    return 0;
}

/* One entry of the index: *p .. *end is what follows its length, which is at least `fixed`. */
static int next_entry(struct reader *r, size_t fixed, const char *what, const uint8_t **p, size_t *n, struct sv_err *e) {
    const size_t left = (size_t)(r->end - r->p), here = place(r);
    const uint64_t len = left >= ENTRY_LEN ? get(r->p, ENTRY_LEN) : UINT64_MAX;
    if (len < fixed || left < ENTRY_LEN || len > left - ENTRY_LEN)
        return sv_fail(e, SV_EINPUT, "%s: index: %s at byte %zu does not fit the %zu bytes left", r->f->name, what, here,
                       left);
    *p = r->p + ENTRY_LEN, *n = (size_t)len;
    r->p += ENTRY_LEN + (size_t)len;
    return 0;
}

static int take_name(const struct reader *r, const uint8_t *p, size_t n, char name[SV_MAX_NAME + 1], struct sv_err *e) {
    if (!n || n > SV_MAX_NAME || !good_text(p, n, true))
        return sv_fail(e, SV_EINPUT, "%s: index: name of %zu bytes at byte %zu is not 1 .. %d bytes of text", r->f->name, n,
                       (size_t)(p - r->f->data), SV_MAX_NAME);
    memcpy(name, p, n);
    name[n] = 0;
    return 0;
}

static int read_reals(struct sv_store *s, const char *name, const uint8_t *p, size_t n, bool list, struct sv_err *e) {
    double one = 0, *r = list ? sv_alloc(n, sizeof *r, e) : &one;
    if (!r) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++, p += 8) {
        const uint64_t bits = get(p, 8);
        memcpy(&r[i], &bits, 8);
    }
    const int rc = list ? sv_store_set_reals(s, name, r, n, e) : sv_store_set_real(s, name, one, e);
    if (list) sv_free(r);
    return rc;
}

static int read_value(struct reader *r, struct sv_store *s, struct sv_err *e) {
    const uint8_t *p;
    size_t n;
    char name[SV_MAX_NAME + 1];
    int rc = next_entry(r, VALUE_FIXED, "value", &p, &n, e);
    if (rc) return rc;
    const unsigned type = (unsigned)get(p, 2);
    const size_t len = (size_t)get(p + 2, 2);
    p += VALUE_FIXED, n -= VALUE_FIXED;
    if (len > n) return sv_fail(e, SV_EINPUT, "%s: index: value at byte %zu: its name leaves the entry", r->f->name,
                                (size_t)(p - r->f->data));
    if ((rc = take_name(r, p, len, name, e))) return rc;
    p += len, n -= len;
    if (sv_store_value(s, name)) return sv_fail(e, SV_EINPUT, "%s: two values named %s", r->f->name, name);
    if (((type == TYPE_INT || type == TYPE_REAL) && n != 8) || (type == TYPE_REALS && n % 8) ||
        (type == TYPE_TEXT && !good_text(p, n, false)))
        return sv_fail(e, SV_EINPUT, "%s: value %s: its %zu bytes do not fit its type %u", r->f->name, name, n, type);
    if (type == TYPE_INT) {
        const uint64_t bits = get(p, 8);
        int64_t v;
        memcpy(&v, &bits, 8);
        return sv_store_set_int(s, name, v, e);
    }
    if (type == TYPE_REAL || type == TYPE_REALS) return read_reals(s, name, p, n / 8, type == TYPE_REALS, e);
    if (type != TYPE_TEXT) return 0;
    char *text = sv_alloc(n + 1, 1, e);
    if (!text) return SV_ENOMEM;
    if (n) memcpy(text, p, n);
    rc = sv_store_set_text(s, name, text, e);
    sv_free(text);
    return rc;
}

/* Padding between at (the end of a tensor) and the next multiple of 64. */
static int check_zero(const struct reader *r, size_t at, struct sv_err *e) {
    for (const size_t end = aligned(at); at < end; at++)
        if (r->f->data[at]) return sv_fail(e, SV_EINPUT, "%s: padding at byte %zu is not zero, the file is damaged",
                                           r->f->name, at);
    return 0;
}

static int read_tensor(struct reader *r, struct sv_store *s, bool data, struct sv_err *e) {
    const uint8_t *p;
    size_t n, dim[SV_MAX_RANK];
    char name[SV_MAX_NAME + 1];
    int rc = next_entry(r, TENSOR_FIXED, "tensor", &p, &n, e);
    if (rc) return rc;
    const size_t type = (size_t)get(p, 2), len = (size_t)get(p + 2, 2);
    const uint64_t rank = get(p + 4, 4), at = get(p + 12, 8), bytes = get(p + 20, 8);
    const uint32_t crc = (uint32_t)get(p + 8, 4);
    if (rank > SV_MAX_RANK || n != TENSOR_FIXED + 8 * rank + len)
        return sv_fail(e, SV_EINPUT, "%s: index: tensor entry of %zu bytes at byte %zu, rank %llu and a name of %zu bytes",
                       r->f->name, n, (size_t)(p - r->f->data), (unsigned long long)rank, len);
    p += TENSOR_FIXED;
    if ((rc = take_name(r, p + 8 * rank, len, name, e))) return rc;
    for (size_t i = 0; i < rank; i++, p += 8) {
        const uint64_t d = get(p, 8);
        if (d > SIZE_MAX / 2) return sv_fail(e, SV_EINPUT, "%s: tensor %s: its dimensions overflow", r->f->name, name);
        dim[i] = (size_t)d;
    }
    if (type >= SV_LEN(dtype_of)) return sv_fail(e, SV_EINPUT, "%s: tensor %s has type %zu, unknown to this program",
                                                 r->f->name, name, type);
    if (at != r->at || bytes > r->index_at - r->at)
        return sv_fail(e, SV_EINPUT, "%s: tensor %s: %llu bytes at %llu, expected to begin at %zu and end by %zu",
                       r->f->name, name, (unsigned long long)bytes, (unsigned long long)at, r->at, r->index_at);
    const uint8_t *from = r->f->data + r->at;
    if ((rc = check_zero(r, r->at + (size_t)bytes, e))) return rc;
    r->at = aligned(r->at + (size_t)bytes);
    if ((rc = sv_store_add(s, name, dtype_of[type], (size_t)rank, dim, from, (size_t)bytes, e))) return rc;
    if (data && crc != sv_crc32c(0, from, (size_t)bytes))
        return sv_fail(e, SV_EINPUT, "%s: tensor %s: checksum differs, the file is damaged", r->f->name, name);
    if (data) sv_store_forget(s, &s->view[s->views - 1]);
    return 0;
}

/* An i8 tensor means nothing without its scale. */
static int check_scales(const struct sv_store *s, size_t first, struct sv_err *e) {
    int rc = 0;
    for (size_t i = first; !rc && i < s->views; i++) {
        const struct sv_view *v = &s->view[i], *scale;
        const size_t n = strlen(v->name);
        char name[SV_MAX_NAME + 1] = "";
        if (v->dtype != SV_I8) continue;
        if (!v->rank || n + sizeof ".scale" > sizeof name)
            return sv_fail(e, SV_EINPUT, "%s: tensor %s is i8 and cannot have a scale", s->file, v->name);
        memcpy(name, v->name, n);
        memcpy(name + n, ".scale", sizeof ".scale");
        rc = sv_store_expect(s, name, 1 << SV_F32, 1, v->dim, &scale, e);
    }
    return rc;
}

static int read_all(const struct sv_file *f, const char *kind, struct sv_store *s, bool data, struct sv_err *e) {
    struct reader r;
    if (f->mapped) s->map = f->data, s->map_bytes = f->size;
    int rc = read_header(f, kind, &r, e);
    if (rc) return rc;
    const size_t values = (size_t)get(r.p, 4), views = (size_t)get(r.p + 4, 4), first = s->views;
    if (values > SV_CONTAINER_VALUES || views > SV_CONTAINER_TENSORS)
        return sv_fail(e, SV_EINPUT, "%s: index: %zu values and %zu tensors, at most %d and %d", f->name, values, views,
                       SV_CONTAINER_VALUES, SV_CONTAINER_TENSORS);
    if (f->mapped) s->map = f->data, s->map_bytes = f->size;
    r.p += COUNTS;
    for (size_t i = 0; !rc && i < values; i++) rc = read_value(&r, s, e);
    for (size_t i = 0; !rc && i < views; i++) rc = read_tensor(&r, s, data, e);
    if (!rc && r.p != r.end) rc = sv_fail(e, SV_EINPUT, "%s: index: %zu bytes behind its last entry", f->name,
                                          (size_t)(r.end - r.p));
    if (!rc && r.at != r.index_at)
        rc = sv_fail(e, SV_EINPUT, "%s: index at byte %zu, the tensors end at %zu", f->name, r.index_at, r.at);
    return rc ? rc : check_scales(s, first, e);
}

int sv_container_read(const struct sv_file *f, const char *kind, struct sv_store *s, struct sv_err *e) {
    return read_all(f, kind, s, false, e);
}

int sv_container_verify(const struct sv_file *f, struct sv_err *e) {
    struct sv_store s;
    int rc = sv_store_init(&s, f->name, e);
    if (!rc) rc = read_all(f, NULL, &s, true, e);
    sv_store_free(&s);
    return rc;
}
