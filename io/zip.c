#include "io/zip.h"

#include "core/hash.h"
#include "io/inflate.h"
#include <stdlib.h>
#include <string.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22, LOCATOR = 20, END64 = 56, MAX_COMMENT = 65535, MAX_INFLATED = 64 << 20,
       MAX_RATIO = 1000 };

static uint32_t le16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t le32(const uint8_t *p) { return le16(p) | le16(p + 2) << 16; }
static uint64_t le64(const uint8_t *p) { return le32(p) | (uint64_t)le32(p + 4) << 32; }

static bool is(const uint8_t *p, uint32_t signature) { return le32(p) == signature; }

struct in {
    struct sv_zip *z;
    size_t begin, end;                  /* of the central directory */
    struct sv_err *e;
};

static int fail(const struct in *p, size_t at, const char *expected) {
    return sv_fail(p->e, SV_EINPUT, "%s: zip byte %zu: expected %s", p->z->file, at, expected);
}

/* The end record is the last thing in the file but for a comment whose length it states. */
static const uint8_t *end_record(const struct sv_zip *z) {
    if (z->size < END) return NULL;
    const size_t back = sv_min(z->size - END, MAX_COMMENT);
    for (size_t n = 0; n <= back; n++) {
        const uint8_t *p = z->data + z->size - END - n;
        if (is(p, 0x06054b50) && le16(p + 20) == n) return p;
    }
    return NULL;
}

static int directory(struct in *p, uint64_t *count) {
    const struct sv_zip *z = p->z;
    const uint8_t *r = end_record(z);
    if (!r) return sv_fail(p->e, SV_EINPUT, "%s: not a zip archive, or cut off: no end record", z->file);
    const size_t at = (size_t)(r - z->data);
    uint64_t disks = le16(r + 4) | le16(r + 6), here = le16(r + 8), size = le32(r + 12), begin = le32(r + 16);
    size_t end = at;
    *count = le16(r + 10);
    if (at >= LOCATOR && is(r - LOCATOR, 0x07064b50)) {
        const uint8_t *l = r - LOCATOR;
        const uint64_t at64 = le64(l + 8);
        if (le32(l + 4) || le32(l + 16) > 1) return fail(p, at - LOCATOR, "an archive on one disk");
        if (at - LOCATOR < END64 || at64 > at - LOCATOR - END64 || !is(z->data + at64, 0x06064b50))
            return fail(p, at - LOCATOR + 8, "the place of the zip64 end record");
        const uint8_t *q = z->data + at64;
        disks |= le32(q + 16) | le32(q + 20);
        /* The old record holds the same, or all ones where it has no room: readers differ in which one they believe. */
        if (*count != sv_min(le64(q + 32), 0xffff) || size != sv_min(le64(q + 40), 0xffffffff)
            || begin != sv_min(le64(q + 48), 0xffffffff))
            return fail(p, (size_t)at64, "two end records that agree");
        here = le64(q + 24), *count = le64(q + 32), size = le64(q + 40), begin = le64(q + 48);
        end = (size_t)at64;
    }
    if (disks || here != *count) return fail(p, at, "an archive on one disk");
    if (begin > end || size != end - begin || *count > size / CENTRAL)
        return fail(p, at, "a central directory that ends where its end record begins");
    p->begin = (size_t)begin, p->end = end;
    return 0;
}

/* The zip64 extra field holds, in this order, those of size, packed and offset whose 32 bits are all ones. */
static bool zip64(const uint8_t *x, size_t n, uint64_t *size, uint64_t *packed, uint64_t *offset) {
    uint64_t *const value[] = { size, packed, offset };
    if (*size != 0xffffffff && *packed != 0xffffffff && *offset != 0xffffffff) return true;
    for (; n >= 4; x += 4 + le16(x + 2)) {
        const size_t len = le16(x + 2);
        if (len > n - 4) return false;
        n -= 4 + len;
        if (le16(x) != 1) continue;
        size_t at = 0;
        for (size_t i = 0; i < 3; i++) {
            if (*value[i] != 0xffffffff) continue;
            if (at + 8 > len) return false;
            *value[i] = le64(x + 4 + at);
            at += 8;
        }
        return true;
    }
    return false;
}

/* Relative, plain: what a writer that means well produces. */
static bool good_name(const char *s, size_t n) {
    if (!n || s[0] == '/' || memchr(s, 0, n) || memchr(s, '\\', n) || (n > 1 && s[1] == ':')) return false;
    for (size_t i = 0; i < n;) {
        const char *slash = memchr(s + i, '/', n - i);
        const size_t len = slash ? (size_t)(slash - s) - i : n - i;
        if (!len || (len == 1 && s[i] == '.') || (len == 2 && s[i] == '.' && s[i + 1] == '.')) return false;
        i += len + 1;
    }
    return true;
}

static int local(const struct in *p, struct sv_zip_entry *en, uint64_t offset, unsigned flags) {
    if (p->begin < LOCAL || offset > p->begin - LOCAL) return fail(p, en->header, "the place of a local header");
    const size_t at = (size_t)offset;
    const uint8_t *l = p->z->data + at;
    if (!is(l, 0x04034b50)) return fail(p, at, "a local header");
    const size_t name = le16(l + 26), rest = p->begin - at - LOCAL, skip = name + le16(l + 28);
    if (name != en->name_n || skip > rest || memcmp(l + LOCAL, en->name, name))
        return fail(p, at, "a local header with the name of its central one");
    if (le16(l + 8) != en->method || (le16(l + 6) & 1) != (flags & 1))
        return fail(p, at, "a local header with the method of its central one");
    if (en->packed > rest - skip) return fail(p, at, "an entry that ends before the central directory");
    en->header = at;
    en->at = at + LOCAL + skip;
    return 0;
}

static int entry(const struct in *p, size_t *at, struct sv_zip_entry *en) {
    const uint8_t *c = p->z->data + *at;
    if (p->end - *at < CENTRAL || !is(c, 0x02014b50)) return fail(p, *at, "a central header");
    const size_t name = le16(c + 28), extra = le16(c + 30), all = name + extra + le16(c + 32);
    if (all > p->end - *at - CENTRAL) return fail(p, *at, "a central header inside the directory");
    const unsigned flags = le16(c + 8);
    uint64_t packed = le32(c + 20), size = le32(c + 24), offset = le32(c + 42);
    if (flags & 0x2041) return fail(p, *at, "an entry that is not encrypted");
    if (le16(c + 34)) return fail(p, *at, "an archive on one disk");
    *en = (struct sv_zip_entry){ .name = (const char *)c + CENTRAL, .name_n = name, .method = le16(c + 10),
                                 .crc = le32(c + 16), .header = *at };
    if (!good_name(en->name, name)) return fail(p, *at, "a relative name without .., \\ or NUL");
    if (!zip64(c + CENTRAL + name, extra, &size, &packed, &offset)) return fail(p, *at, "a zip64 field with the sizes");
    if (packed > p->z->size || size > SIZE_MAX) return fail(p, *at, "sizes within the file");
    en->packed = (size_t)packed, en->size = (size_t)size;
    if (en->method == 0 && en->packed != en->size) return fail(p, *at, "a stored entry with two equal sizes");
    *at += CENTRAL + all;
    return local(p, en, offset, flags);
}

static int by_place(const void *a, const void *b) {
    const struct sv_zip_entry *x = a, *y = b;
    return (x->header > y->header) - (x->header < y->header);
}

static int name_order(const char *a, size_t an, const char *b, size_t bn) {
    const int c = memcmp(a, b, sv_min(an, bn));
    return c ? c : (an > bn) - (an < bn);
}

static int by_name(const void *a, const void *b) {
    const struct sv_zip_entry *x = a, *y = b;
    return name_order(x->name, x->name_n, y->name, y->name_n);
}

static int entries(struct in *p, uint64_t count) {
    struct sv_zip *z = p->z;
    if (!(z->entry = sv_alloc((size_t)count, sizeof *z->entry, p->e))) return SV_ENOMEM;
    size_t at = p->begin;
    for (; z->n < count; z->n++) {
        const int rc = entry(p, &at, &z->entry[z->n]);
        if (rc) return rc;
    }
    if (at != p->end) return fail(p, at, "the end of the central directory");
    if (!z->n) return 0;
    qsort(z->entry, z->n, sizeof *z->entry, by_place);
    for (size_t i = 1; i < z->n; i++)
        if (z->entry[i - 1].at + z->entry[i - 1].packed > z->entry[i].header)
            return fail(p, z->entry[i].header, "entries that do not overlap");
    qsort(z->entry, z->n, sizeof *z->entry, by_name);
    for (size_t i = 1; i < z->n; i++)
        if (!by_name(&z->entry[i - 1], &z->entry[i])) return fail(p, z->entry[i].header, "a name that no other entry has");
    return 0;
}

int sv_zip_open(struct sv_zip *z, const uint8_t *data, size_t size, const char *file, struct sv_err *e) {
    *z = (struct sv_zip){ .data = data, .size = size, .file = file };
    struct in p = { .z = z, .e = e };
    uint64_t count = 0;
    int rc = directory(&p, &count);
    if (!rc) rc = entries(&p, count);
    if (rc) sv_zip_close(z);
    return rc;
}

void sv_zip_close(struct sv_zip *z) {
    sv_free(z->entry);
    memset(z, 0, sizeof *z);
}

const struct sv_zip_entry *sv_zip_find(const struct sv_zip *z, const char *name, size_t n) {
    for (size_t lo = 0, hi = z->n; lo < hi;) {
        const size_t mid = lo + (hi - lo) / 2;
        const int c = name_order(name, n, z->entry[mid].name, z->entry[mid].name_n);
        if (!c) return &z->entry[mid];
        if (c < 0) hi = mid;
        else lo = mid + 1;
    }
    return NULL;
}

int sv_zip_read(const struct sv_zip *z, const struct sv_zip_entry *en, const uint8_t **out, uint8_t **owned,
                struct sv_err *e) {
    const uint8_t *data = z->data + en->at;
    const int name_n = (int)sv_min(en->name_n, 100);
    *owned = NULL;
    if (en->method != 0 && en->method != 8)
        return sv_fail(e, SV_EINPUT, "%s: entry %.*s: compression %u, expected 0 (stored) or 8 (deflate)", z->file,
                       name_n, en->name, en->method);
    if (en->method == 8) {
        if (en->size > MAX_INFLATED || en->size / MAX_RATIO > en->packed)
            return sv_fail(e, SV_EINPUT,
                           "%s: entry %.*s: inflates from %zu to %zu bytes, expected at most 64 MiB and 1000 times",
                           z->file, name_n, en->name, en->packed, en->size);
        if (!(*owned = sv_alloc(en->size, 1, e))) return SV_ENOMEM;
        const int rc = sv_inflate_into(data, en->packed, SV_RAW, *owned, en->size, NULL, z->file, e);
        if (rc) { sv_free(*owned), *owned = NULL; return rc; }
        data = *owned;
    }
    const uint32_t crc = sv_crc32(0, data, en->size);
    if (crc != en->crc) {
        sv_free(*owned), *owned = NULL;
        return sv_fail(e, SV_EINPUT, "%s: entry %.*s: CRC-32 is %08x, expected %08x", z->file, name_n, en->name,
                       (unsigned)crc, (unsigned)en->crc);
    }
    *out = data;
    return 0;
}
