#include "io/safetensors.h"

#include "io/json.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000, MAX_METADATA = 4096 };

struct span { size_t begin, end; };

struct in {
    const uint8_t *data; size_t size;   /* of the data part */
    struct sv_store *s;
    struct span *span; size_t spans;
    struct sv_err *e;
};

static uint64_t le64(const uint8_t *p) {
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

bool sv_safetensors_is(const uint8_t *data, size_t size) {
    return size > 8 && data[8] == '{' && le64(data) <= MAX_HEADER;
}

static bool size_of(const struct sv_json_node *n, size_t *out) {
    int64_t v;
    if (!sv_json_int(n, &v) || n->text[0] == '-' || (uint64_t)v > SIZE_MAX) return false;
    *out = (size_t)v;
    return true;
}

/* "F32" -> SV_F32 and so on: the store's names in capitals. */
static bool dtype_of(const struct sv_json_node *n, enum sv_dtype *t) {
    const char *text = sv_json_text(n);
    char low[8] = "";
    if (!text || n->n >= sizeof low) return false;
    for (size_t i = 0; i < n->n; i++) {
        if (text[i] >= 'a' && text[i] <= 'z') return false;
        low[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
    }
    return sv_dtype_named(low, t);
}

static int name_of(const struct sv_json_node *n, char out[SV_MAX_NAME + 1], const struct in *p) {
    size_t at = 0;
    for (size_t i = 0; i < n->key_n; i++) {
        const bool nul = !n->key[i];
        if (at + (nul ? 6 : 1) > SV_MAX_NAME)
            return sv_fail(p->e, SV_EINPUT, "%s: a name of %zu bytes, expected 1 .. %d", p->s->file, n->key_n, SV_MAX_NAME);
        memcpy(out + at, nul ? "\\u0000" : n->key + i, nul ? 6 : 1);
        at += nul ? 6 : 1;
    }
    out[at] = 0;
    return 0;
}

static int metadata(const struct in *p, const struct sv_json_node *m) {
    char name[SV_MAX_NAME + 1];
    if (m->type != SV_JSON_OBJECT || m->n > MAX_METADATA)
        return sv_fail(p->e, SV_EINPUT, "%s: __metadata__ is no object of at most %d texts", p->s->file, MAX_METADATA);
    for (const struct sv_json_node *n = m->child; n; n = n->next) {
        int rc = name_of(n, name, p);
        if (rc) return rc;
        if (n->type != SV_JSON_TEXT)
            return sv_fail(p->e, SV_EINPUT, "%s: __metadata__ %s is not a text", p->s->file, name);
        if (sv_store_value(p->s, name)) return sv_fail(p->e, SV_EINPUT, "%s: two __metadata__ keys %s", p->s->file, name);
        if ((rc = sv_store_set_text(p->s, name, n->text, p->e))) return rc;
    }
    return 0;
}

static int tensor(struct in *p, const struct sv_json_node *t) {
    char name[SV_MAX_NAME + 1];
    const int rc = name_of(t, name, p);
    if (rc) return rc;
    const char *const file = p->s->file;
    const struct sv_json_node *dtype = sv_json_get(t, "dtype"), *shape = sv_json_get(t, "shape"),
                              *at = sv_json_get(t, "data_offsets");
    /* Three members, each found: so there is no second one of a name either. */
    if (!dtype || !shape || !at || t->n != 3)
        return sv_fail(p->e, SV_EINPUT, "%s: tensor %s: expected dtype, shape and data_offsets alone", file, name);
    enum sv_dtype type;
    if (!dtype_of(dtype, &type))
        return sv_fail(p->e, SV_EINPUT, "%s: tensor %s has dtype %s, expected F32, F16, BF16, F64, I8, I16, I32, I64, U8"
                       " or BOOL", file, name, sv_json_text(dtype) ? dtype->text : "of no text");
    size_t dim[SV_MAX_RANK], rank = 0, begin, end;
    if (shape->type != SV_JSON_ARRAY || shape->n > SV_MAX_RANK)
        return sv_fail(p->e, SV_EINPUT, "%s: tensor %s: shape is no list of at most %d sizes", file, name, SV_MAX_RANK);
    for (const struct sv_json_node *d = shape->child; d; d = d->next)
        if (!size_of(d, &dim[rank++]))
            return sv_fail(p->e, SV_EINPUT, "%s: tensor %s: shape holds something that is no size", file, name);
    if (at->type != SV_JSON_ARRAY || at->n != 2 || !size_of(at->child, &begin) || !size_of(at->child->next, &end))
        return sv_fail(p->e, SV_EINPUT, "%s: tensor %s: data_offsets are no two sizes", file, name);
    if (begin > end || end > p->size)
        return sv_fail(p->e, SV_EINPUT, "%s: tensor %s: data_offsets %zu .. %zu, expected a range in 0 .. %zu", file,
                       name, begin, end, p->size);
    p->span[p->spans++] = (struct span){ begin, end };
    return sv_store_add(p->s, name, type, rank, dim, p->data + begin, end - begin, p->e);
}

static int by_begin(const void *a, const void *b) {
    const struct span *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

static int header(struct in *p, const struct sv_json_node *root) {
    const struct sv_json_node *meta = NULL;
    if (!(p->span = sv_alloc(root->n, sizeof *p->span, p->e))) return SV_ENOMEM;
    for (const struct sv_json_node *n = root->child; n; n = n->next) {
        const bool is_meta = n->key_n == 12 && !memcmp(n->key, "__metadata__", 12);
        if (is_meta && meta) return sv_fail(p->e, SV_EINPUT, "%s: two __metadata__", p->s->file);
        const int rc = is_meta ? metadata(p, meta = n) : tensor(p, n);
        if (rc) return rc;
    }
    if (p->spans) qsort(p->span, p->spans, sizeof *p->span, by_begin);
    size_t end = 0;
    for (size_t i = 0; i < p->spans; i++) {
        if (p->span[i].begin != end)
            return sv_fail(p->e, SV_EINPUT, "%s: %s at data byte %zu: a tensor begins at %zu", p->s->file,
                           p->span[i].begin < end ? "overlap" : "hole", end, p->span[i].begin);
        end = p->span[i].end;
    }
    if (end != p->size)
        return sv_fail(p->e, SV_EINPUT, "%s: the tensors end at data byte %zu, expected %zu", p->s->file, end, p->size);
    return 0;
}

int sv_safetensors_read(const uint8_t *data, size_t size, struct sv_store *s, struct sv_err *e) {
    if (size < 8) return sv_fail(e, SV_EINPUT, "%s: %zu bytes, a safetensors file has at least 8", s->file, size);
    const uint64_t n = le64(data);
    if (n > MAX_HEADER || n > size - 8)
        return sv_fail(e, SV_EINPUT, "%s: header of %llu bytes, expected at most %zu", s->file, (unsigned long long)n,
                       sv_min(MAX_HEADER, size - 8));
    if (!n || data[8] != '{') return sv_fail(e, SV_EINPUT, "%s: the header does not begin with '{'", s->file);
    struct sv_json j;
    int rc = sv_json_parse(&j, data + 8, (size_t)n, s->file, e);
    if (rc) return rc;
    struct in p = { .data = data + 8 + n, .size = size - 8 - (size_t)n, .s = s, .e = e };
    rc = header(&p, j.root);
    sv_free(p.span);
    sv_json_free(&j);
    return rc;
}
