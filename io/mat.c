#include "io/mat.h"

#include <string.h>

#include "io/inflate.h"

/* Data types, MAT-file format 5: table 1-1. */
enum { INT8 = 1, UINT8, INT16, UINT16, INT32, UINT32, SINGLE, DOUBLE = 9, INT64 = 12, UINT64, MATRIX, COMPRESSED };
/* Array classes: table 1-3. */
enum { CELL = 1, SPARSE = 5, FIRST_NUMBER = 6, LAST_NUMBER = 15, OPAQUE = 17 };

struct in {
    const uint8_t *p;
    size_t at, end;
    bool swap;                          /* the high byte first */
    const char *name;
    struct sv_err *e;
    struct sv_mat *m;
};

struct element { unsigned type; const uint8_t *p; size_t n; };

static uint64_t get(const uint8_t *p, size_t n, bool swap) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v |= (uint64_t)p[i] << 8 * (swap ? n - 1 - i : i);
    return v;
}

static uint32_t u32(const struct in *s, const uint8_t *p) { return (uint32_t)get(p, 4, s->swap); }

static size_t type_bytes(unsigned type) {
    static const uint8_t bytes[] = { [INT8] = 1, [UINT8] = 1, [INT16] = 2, [UINT16] = 2, [INT32] = 4, [UINT32] = 4, [SINGLE] = 4,
                                     [DOUBLE] = 8, [INT64] = 8, [UINT64] = 8 };
    return type < SV_LEN(bytes) ? bytes[type] : 0;
}

double sv_mat_at(const struct sv_mat_array *a, size_t i) {
    const size_t n = type_bytes(a->type);
    const uint64_t v = get(a->data + i * n, n, a->swapped);
    const uint32_t low = (uint32_t)v;
    float f;
    double d;
    switch (a->type) {
    case INT8: return (int8_t)v;
    case INT16: return (int16_t)v;
    case INT32: return (int32_t)v;
    case INT64: return (double)(int64_t)v;
    case SINGLE: return memcpy(&f, &low, 4), (double)f;
    case DOUBLE: return memcpy(&d, &v, 8), d;
    default: return (double)v;
    }
}

static int bad(const struct in *s, const char *what) {
    return sv_fail(s->e, SV_EINPUT, "%s: MAT byte %zu: %s", s->name, s->at, what);
}

/* A block that lives as long as the file. */
static int own(const struct in *s, void *block) {
    struct sv_mat *m = s->m;
    if (!block || sv_grow(&m->block, &m->block_cap, m->blocks, sizeof *m->block, s->e)) return sv_free(block), SV_ENOMEM;
    m->block[m->blocks++] = block;
    return 0;
}

/* ---- version 5 ---- */

/* The element at s->at; moves on to the next one.  Short ones have type and size in one word and their data in the other. */
static int element(struct in *s, struct element *x) {
    if (s->end - s->at < 8) return bad(s, "ends in the middle of an element");
    const uint8_t *p = s->p + s->at;
    const uint32_t word = u32(s, p);
    if (word >> 16) {
        *x = (struct element){ word & 0xffff, p + 4, word >> 16 };
        if (x->n > 4) return bad(s, "a short element of more than 4 bytes");
        s->at += 8;
        return 0;
    }
    *x = (struct element){ word, p + 8, u32(s, p + 4) };
    if (x->n > s->end - s->at - 8)
        return sv_fail(s->e, SV_EINPUT, "%s: MAT byte %zu: an element of %zu bytes, %zu are left", s->name, s->at, x->n, s->end - s->at - 8);
    s->at += 8 + x->n;
    if (x->type != COMPRESSED) s->at = sv_min(s->at + (8 - x->n % 8) % 8, s->end);       /* padding, which the last may lack */
    return 0;
}

static int dimensions(struct in *s, const struct element *x, struct sv_mat_array *a) {
    if ((x->type != INT32 && x->type != UINT32) || x->n % 4 || x->n < 8 || x->n > 4 * SV_MAT_RANK)
        return bad(s, "expected 2 to 8 dimensions before this place");
    a->rank = x->n / 4, a->count = 1;
    for (size_t i = 0; i < a->rank; i++) {
        a->dim[i] = u32(s, x->p + 4 * i);
        if (a->dim[i] > INT32_MAX || !sv_mul(a->count, a->dim[i], &a->count)) return bad(s, "dimensions that are too large, before this place");
    }
    return 0;
}

static int numbers(struct in *s, struct sv_mat_array *a) {
    struct element x;
    size_t bytes;
    const int rc = element(s, &x);
    if (rc) return rc;
    if (!type_bytes(x.type)) return bad(s, "numbers of an unknown type before this place");
    if (!sv_mul(a->count, type_bytes(x.type), &bytes) || bytes != x.n)
        return sv_fail(s->e, SV_EINPUT, "%s: MAT array \"%s\" of %zu numbers has %zu bytes of type %u", s->name, a->name, a->count, x.n, x.type);
    a->type = x.type, a->data = x.p, a->swapped = s->swap;
    return 0;
}

static int matrix(struct in *s, const struct element *x, size_t depth, struct sv_mat_array *a);

static int cells(struct in *s, size_t depth, struct sv_mat_array *a) {
    if (depth == SV_MAT_DEPTH) return bad(s, "cells nested too deeply");
    if (a->count > (s->end - s->at) / 8 || a->count > SV_MAT_CELLS - s->m->cells)
        return sv_fail(s->e, SV_EINPUT, "%s: MAT cell \"%s\" of %zu elements in %zu bytes, expected at most %d in a file", s->name, a->name,
                       a->count, s->end - s->at, SV_MAT_CELLS);
    s->m->cells += a->count;
    int rc = own(s, a->cell = sv_alloc(a->count, sizeof *a->cell, s->e));
    for (size_t i = 0; !rc && i < a->count; i++) {
        struct element x;
        rc = element(s, &x);
        if (!rc && x.type != MATRIX) rc = bad(s, "expected an array in a cell before this place");
        if (!rc) rc = matrix(s, &x, depth + 1, &a->cell[i]);
    }
    return rc;
}

/* An array: flags, dimensions, name, data.  One of no bytes is an empty one. */
static int matrix(struct in *outer, const struct element *whole, size_t depth, struct sv_mat_array *a) {
    struct in s = *outer;
    struct element x;
    *a = (struct sv_mat_array){ .class = SV_MAT_NUMBERS, .rank = 2, .type = DOUBLE, .data = whole->p };
    if (!whole->n) return 0;
    s.at = (size_t)(whole->p - s.p), s.end = s.at + whole->n;
    int rc = element(&s, &x);
    if (!rc && (x.type != UINT32 || x.n != 8)) rc = bad(&s, "expected the flags of an array before this place");
    if (rc) return rc;
    const unsigned class = u32(&s, x.p) & 0xff;
    a->class = class == CELL ? SV_MAT_CELL : class >= FIRST_NUMBER && class <= LAST_NUMBER ? SV_MAT_NUMBERS : SV_MAT_OTHER;
    if (class == OPAQUE) return 0;
    if (!class || class > OPAQUE) return bad(&s, "an array of an unknown class before this place");
    if ((rc = element(&s, &x)) || (rc = dimensions(&s, &x, a)) || (rc = element(&s, &x))) return rc;
    if ((x.type != INT8 && x.type != UINT8) || x.n >= sizeof a->name || memchr(x.p, 0, x.n))
        return bad(&s, "expected a name of at most 63 bytes before this place");
    memcpy(a->name, x.p, x.n);
    if (class == SPARSE) return sv_fail(s.e, SV_EINPUT, "%s: MAT array \"%s\" is sparse, which is not read", s.name, a->name);
    return a->class == SV_MAT_NUMBERS ? numbers(&s, a) : a->class == SV_MAT_CELL ? cells(&s, depth, a) : 0;
}

static int variable(struct in *s, const struct element *x) {
    struct sv_mat *m = s->m;
    if (x->type != MATRIX) return bad(s, "expected an array before this place");
    if (sv_grow(&m->var, &m->cap, m->n, sizeof *m->var, s->e)) return SV_ENOMEM;
    const int rc = matrix(s, x, 0, &m->var[m->n]);
    if (!rc) m->n++;
    return rc;
}

/* One variable, inflated. */
static int compressed(struct in *s, const struct element *x) {
    struct in inner = { .swap = s->swap, .name = s->name, .e = s->e, .m = s->m };
    struct element y;
    uint8_t *p;
    int rc = sv_inflate(x->p, x->n, SV_ZLIB, SV_MAT_INFLATED - s->m->inflated, &p, &inner.end, NULL, s->name, s->e);
    if (rc || (rc = own(s, p))) return rc;
    inner.p = p, s->m->inflated += inner.end;
    rc = element(&inner, &y);
    return rc ? rc : variable(&inner, &y);
}

static int version5(struct in *s) {
    for (s->at = 128; s->at < s->end;) {
        struct element x;
        int rc = element(s, &x);
        if (!rc) rc = x.type == COMPRESSED ? compressed(s, &x) : variable(s, &x);
        if (rc) return rc;
    }
    return 0;
}

/* ---- version 4 ---- */

/* The first word of a matrix in decimal: byte order, 0, type of the numbers, kind (0 numbers, 1 text, 2 sparse). */
static bool is_version4(const uint8_t *p, size_t n, bool *swap) {
    if (n < 20) return false;
    const uint64_t little = get(p, 4, false);
    *swap = little >= 5000;
    const uint64_t v = get(p, 4, *swap), name = get(p + 16, 4, *swap);
    return v / 1000 == *swap && v / 100 % 10 == 0 && v / 10 % 10 < 6 && v % 10 < 3 && v < 5000 && get(p + 12, 4, *swap) < 2 && name && name < 64;
}

static int matrix4(struct in *s) {
    static const uint8_t types[] = { DOUBLE, SINGLE, INT32, INT16, UINT16, UINT8 };
    struct sv_mat *m = s->m;
    const uint8_t *p = s->p + s->at;
    const size_t left = s->end - s->at;
    bool swap;
    if (!is_version4(p, left, &swap)) return bad(s, "expected the header of a matrix");
    const unsigned kind = (unsigned)(get(p, 4, swap) % 10), type = types[get(p, 4, swap) / 10 % 10];
    const size_t name = (size_t)get(p + 16, 4, swap), parts = 1 + (size_t)get(p + 12, 4, swap);
    struct sv_mat_array a = { .class = kind ? SV_MAT_OTHER : SV_MAT_NUMBERS, .rank = 2, .type = type, .swapped = swap };
    size_t bytes;
    a.dim[0] = (size_t)get(p + 4, 4, swap), a.dim[1] = (size_t)get(p + 8, 4, swap);
    if (kind == 2) return bad(s, "a sparse matrix, which is not read");
    if (!sv_mul(a.dim[0], a.dim[1], &a.count) || !sv_mul(a.count, type_bytes(type) * parts, &bytes) || left - 20 < name ||
        left - 20 - name < bytes || p[20 + name - 1])
        return sv_fail(s->e, SV_EINPUT, "%s: MAT byte %zu: a matrix of %zu x %zu does not fit into %zu bytes", s->name, s->at, a.dim[0], a.dim[1],
                       left);
    memcpy(a.name, p + 20, name);
    a.data = p + 20 + name;
    if (sv_grow(&m->var, &m->cap, m->n, sizeof *m->var, s->e)) return SV_ENOMEM;
    m->var[m->n++] = a;
    s->at += 20 + name + bytes;
    return 0;
}

/* ---- both ---- */

static bool is_version5(const uint8_t *p, size_t n) { return n >= 128 && (!memcmp(p + 126, "IM", 2) || !memcmp(p + 126, "MI", 2)); }

bool sv_mat_is(const uint8_t *data, size_t size) {
    bool swap;
    return is_version5(data, size) || is_version4(data, size, &swap);
}

int sv_mat_read(struct sv_mat *m, const uint8_t *data, size_t size, const char *name, struct sv_err *e) {
    struct in s = { .p = data, .end = size, .name = name, .e = e, .m = m };
    int rc = 0;
    *m = (struct sv_mat){ 0 };
    if (!sv_mat_is(data, size)) return sv_fail(e, SV_EINPUT, "%s: no MAT file of version 4 to 7", name);
    if (is_version5(data, size)) {
        s.swap = data[126] == 'M';
        const unsigned version = (unsigned)get(data + 124, 2, s.swap);
        if (version == 0x200) rc = sv_fail(e, SV_EINPUT, "%s: a MAT file of version 7.3 (HDF5), expected one saved with -v7", name);
        else if (version != 0x100) rc = sv_fail(e, SV_EINPUT, "%s: MAT version 0x%04x, expected 0x0100", name, version);
        else rc = version5(&s);
    } else {
        while (!rc && s.at < s.end) rc = matrix4(&s);
    }
    if (rc) sv_mat_free(m);
    return rc;
}

void sv_mat_free(struct sv_mat *m) {
    for (size_t i = 0; i < m->blocks; i++) sv_free(m->block[i]);
    sv_free(m->block), sv_free(m->var);
    *m = (struct sv_mat){ 0 };
}
