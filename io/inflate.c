#include "io/inflate.h"

#include <string.h>

#include "core/hash.h"

/* Decoding tables: the first LIT_BITS (DIST_BITS) bits of the stream index an entry; codes that are longer lead to a
 * second table.  One that is k bits wide holds a complete code k deep, so at least k + 1 symbols: the bound below,
 * for all symbols at the greatest depth, is the worst case because 2^k / (k + 1) grows with k. */
enum {
    MAX_BITS = 15, LITS = 288, DISTS = 32,
    LIT_BITS = 10, LIT_SUB = MAX_BITS - LIT_BITS,
    DIST_BITS = 8, DIST_SUB = MAX_BITS - DIST_BITS,
    LIT_TABLE = (1 << LIT_BITS) + (LITS / (LIT_SUB + 1) << LIT_SUB),
    DIST_TABLE = (1 << DIST_BITS) + (DISTS / (DIST_SUB + 1) << DIST_SUB),
};

/* An entry: bits 0-4 what the code takes from the stream, 5-7 the kind, 8-12 the extra bits (or the width of the second
 * table), 16-31 the literal, the base that the extra bits are added to, or the place of the second table. */
enum { LITERAL, COPY, END, SUB, BAD };
#define ENTRY(kind, extra, value) ((uint32_t)(kind) << 5 | (uint32_t)(extra) << 8 | (uint32_t)(value) << 16)
static unsigned taken(uint32_t c) { return c & 31; }
static unsigned kind(uint32_t c) { return c >> 5 & 7; }
static unsigned extra(uint32_t c) { return c >> 8 & 31; }
static unsigned value(uint32_t c) { return c >> 16; }

struct bits {
    const uint8_t *in, *end;
    uint64_t acc;                       /* the low n bits are next; those above are 0 or what will be read there anyway */
    unsigned n;
    size_t over;                        /* zero bytes supplied past the end: legal as long as none of them is used */
};

struct stream {
    struct bits b;
    const uint8_t *start;
    uint8_t *out;
    size_t n, cap, limit;               /* bytes written; room now; room at most */
    size_t base;                        /* where this member's output begins: no distance reaches before it */
    bool exact;                         /* out is the caller's */
    bool fixed;                         /* the tables hold the fixed codes */
    const char *name;
    struct sv_err *e;
    uint32_t lit[LIT_TABLE], dist[DIST_TABLE];
};

static size_t at(const struct stream *s) { return (size_t)(s->b.in - s->start); }

static int bad(const struct stream *s, const char *what) {
    return sv_fail(s->e, SV_EINPUT, "%s: compressed data, about byte %zu: %s", s->name, at(s), what);
}

static int truncated(const struct stream *s) {
    return sv_fail(s->e, SV_EINPUT, "%s: compressed data: ends at byte %zu, in the middle", s->name, at(s));
}

/* At least 56 bits; false once bits past the end were used. */
static inline bool refill(struct bits *b) {
    if (b->end - b->in >= 8) {
        uint64_t w;
        memcpy(&w, b->in, 8);
        b->acc |= w << b->n;
        b->in += (63 - b->n) >> 3;
        b->n |= 56;
        return true;
    }
    if (b->over * 8 > b->n) return false;
    for (; b->n < 56; b->n += 8) {
        if (b->in < b->end) b->acc |= (uint64_t)*b->in++ << b->n;
        else b->over++;
    }
    return true;
}

static inline unsigned take(struct bits *b, unsigned n) {
    const unsigned v = (unsigned)(b->acc & ((1u << n) - 1));
    b->acc >>= n, b->n -= n;
    return v;
}

static inline uint32_t decode(struct bits *b, const uint32_t *table, unsigned width) {
    uint32_t c = table[b->acc & ((1u << width) - 1)];
    if (kind(c) == SUB) c = table[value(c) + (b->acc >> width & ((1u << extra(c)) - 1))];
    b->acc >>= taken(c), b->n -= taken(c);
    return c;
}

/* Back to whole bytes: in points at the first byte not used.  False if that would lie past the end. */
static bool align(struct bits *b) {
    if (b->over * 8 > b->n) return false;
    b->in -= b->n / 8 - b->over;
    b->acc = 0, b->n = 0, b->over = 0;
    return true;
}

static unsigned reverse(unsigned code, unsigned n) {
    unsigned r = 0;
    for (; n--; code >>= 1) r = r << 1 | (code & 1);
    return r;
}

/* Fills table from the code lengths (RFC 1951, 3.2.2) of `syms` symbols; what[sym] is the entry without `taken`.
 * False: over-subscribed, or incomplete with codes longer than one bit (or at all, where `whole` asks for it). */
static bool build(uint32_t *table, unsigned width, const uint8_t *len, const uint32_t *what, unsigned syms, bool whole) {
    uint16_t count[MAX_BITS + 1] = { 0 }, order[LITS], from[MAX_BITS + 2] = { 0 };
    for (unsigned i = 0; i < syms; i++) count[len[i]]++;
    unsigned left = 1, longest = 0;
    for (unsigned l = 1; l <= MAX_BITS; l++) {
        left = left * 2;
        if (count[l] > left) return false;
        left -= count[l];
        if (count[l]) longest = l;
        from[l + 1] = (uint16_t)(from[l] + count[l]);
    }
    if (left && (whole || longest > 1)) return false;
    const unsigned used = from[MAX_BITS + 1];
    for (unsigned i = 0; i < syms; i++)
        if (len[i]) order[from[len[i]]++] = (uint16_t)i;

    const unsigned mask = (1u << width) - 1;
    for (unsigned i = 0; i <= mask; i++) table[i] = ENTRY(BAD, 0, 0);
    /* Symbols come by rising length, so the last one of a prefix sets the width of its second table. */
    for (unsigned i = 0, code = 0, l = 0; i < used; i++, code++) {
        for (; l < len[order[i]]; l++) code <<= 1;
        if (l > width) table[reverse(code, l) & mask] = ENTRY(SUB, l - width, 0);
    }
    unsigned next = mask + 1;
    for (unsigned i = 0, code = 0, l = 0; i < used; i++, code++) {
        for (; l < len[order[i]]; l++) code <<= 1;
        const uint32_t entry = what[order[i]] | l;
        const unsigned r = reverse(code, l);
        if (l <= width) {
            for (unsigned k = r; k <= mask; k += 1u << l) table[k] = entry;
            continue;
        }
        uint32_t *link = &table[r & mask];
        const unsigned size = 1u << extra(*link);
        if (!value(*link)) *link |= (uint32_t)next << 16, next += size;
        for (unsigned k = r >> width; k < size; k += 1u << (l - width)) table[value(*link) + k] = entry;
    }
    return true;
}

/* RFC 1951, 3.2.5: bases are the running sums of the ranges before them, but length 258 has a code of its own. */
static bool build_lit(struct stream *s, const uint8_t *len, unsigned syms) {
    uint32_t what[LITS];
    for (unsigned i = 0; i < 256; i++) what[i] = ENTRY(LITERAL, 0, i);
    what[256] = ENTRY(END, 0, 0);
    for (unsigned i = 0, base = 3; i < 28; i++) {
        const unsigned x = i < 8 ? 0 : i / 4 - 1;
        what[257 + i] = ENTRY(COPY, x, base);
        base += 1u << x;
    }
    what[285] = ENTRY(COPY, 0, 258);
    what[286] = what[287] = ENTRY(BAD, 0, 0);
    return build(s->lit, LIT_BITS, len, what, syms, false);
}

static bool build_dist(struct stream *s, const uint8_t *len, unsigned syms) {
    uint32_t what[DISTS];
    for (unsigned i = 0, base = 1; i < 30; i++) {
        const unsigned x = i < 2 ? 0 : i / 2 - 1;
        what[i] = ENTRY(COPY, x, base);
        base += 1u << x;
    }
    what[30] = what[31] = ENTRY(BAD, 0, 0);
    return build(s->dist, DIST_BITS, len, what, syms, false);
}

static void build_fixed(struct stream *s) {
    uint8_t len[LITS];
    memset(len, 8, 144), memset(len + 144, 9, 112), memset(len + 256, 7, 24), memset(len + 280, 8, 8);
    build_lit(s, len, LITS);
    memset(len, 5, DISTS);
    build_dist(s, len, DISTS);
    s->fixed = true;
}

/* The two code length lists, themselves coded and run-length packed (RFC 1951, 3.2.7). */
static int read_codes(struct stream *s) {
    static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    enum { WIDTH = 7 };
    uint32_t table[1 << WIDTH], what[19];
    uint8_t len[LITS + DISTS] = { 0 };
    struct bits *b = &s->b;
    s->fixed = false;
    if (!refill(b)) return truncated(s);
    const unsigned lits = 257 + take(b, 5), dists = 1 + take(b, 5), lens = 4 + take(b, 4);
    if (lits > 286 || dists > 30) return bad(s, "more length or distance codes than the format has");
    for (unsigned i = 0; i < lens; i++) {
        if (!refill(b)) return truncated(s);
        len[order[i]] = (uint8_t)take(b, 3);
    }
    for (unsigned i = 0; i < 19; i++) what[i] = ENTRY(LITERAL, 0, i);
    if (!build(table, WIDTH, len, what, 19, true)) return bad(s, "code lengths that do not make a code (of the lengths)");
    memset(len, 0, 19);
    for (unsigned i = 0; i < lits + dists;) {
        if (!refill(b)) return truncated(s);
        const unsigned v = value(decode(b, table, WIDTH));
        if (v < 16) { len[i++] = (uint8_t)v; continue; }
        if (v == 16 && !i) return bad(s, "a repeated code length with none before it");
        const uint8_t fill = v == 16 ? len[i - 1] : 0;
        const unsigned times = v == 16 ? 3 + take(b, 2) : v == 17 ? 3 + take(b, 3) : 11 + take(b, 7);
        if (times > lits + dists - i) return bad(s, "a repeated code length that runs past the last code");
        memset(len + i, fill, times);
        i += times;
    }
    if (!len[256]) return bad(s, "a block without a code for its end");
    if (!build_lit(s, len, lits)) return bad(s, "code lengths that do not make a code (of literals)");
    if (!build_dist(s, len + lits, dists)) return bad(s, "code lengths that do not make a code (of distances)");
    return 0;
}

/* Room for `need` bytes behind the first n. */
static int grow(struct stream *s, size_t n, size_t need) {
    if (need > s->limit - n)
        return sv_fail(s->e, SV_EINPUT, "%s: inflates to more than the %zu bytes %s", s->name, s->limit,
                       s->exact ? "expected" : "allowed");
    while (s->cap - n < need) {
        const size_t want = s->cap > s->limit / 2 ? s->limit : sv_min(s->limit, sv_max(s->cap * 2, 4096));
        uint8_t *p = sv_alloc(want, 1, s->e);
        if (!p) return SV_ENOMEM;
        if (n) memcpy(p, s->out, n);
        sv_free(s->out);
        s->out = p, s->cap = want;
    }
    return 0;
}

/* len bytes from dist back; they may overlap, then what was written repeats. */
static inline void copy(uint8_t *p, size_t dist, size_t len, size_t room) {
    const uint8_t *from = p - dist;
    if (dist >= 8 && room >= len + 8)
        for (size_t k = 0; k < len; k += 8) memcpy(p + k, from + k, 8);
    else if (dist == 1) memset(p, *from, len);
    else
        for (size_t k = 0; k < len; k++) p[k] = from[k];
}

static int coded_block(struct stream *s) {
    struct bits b = s->b;               /* a copy, so that it stays in registers */
    uint8_t *out = s->out;
    size_t n = s->n, cap = s->cap;
    int rc = 0;
    for (;;) {
        if (!refill(&b)) { s->b = b; return truncated(s); }
        uint32_t c = decode(&b, s->lit, LIT_BITS);
        const size_t len = kind(c) == LITERAL ? 1 : value(c) + take(&b, extra(c));
        if (kind(c) > COPY) { rc = kind(c) == END ? 0 : bad(s, "a length code that the block does not define"); break; }
        if (cap - n < len) {
            if ((rc = grow(s, n, len))) break;
            out = s->out, cap = s->cap;
        }
        if (kind(c) == LITERAL) { out[n++] = (uint8_t)value(c); continue; }
        c = decode(&b, s->dist, DIST_BITS);
        const size_t dist = value(c) + take(&b, extra(c));
        if (kind(c) != COPY) { rc = bad(s, "a distance code that the block does not define"); break; }
        if (dist > n - s->base) { rc = bad(s, "a distance that reaches before the first byte"); break; }
        copy(out + n, dist, len, cap - n);
        n += len;
    }
    s->b = b, s->n = n;
    return rc;
}

static int stored_block(struct stream *s) {
    struct bits *b = &s->b;
    if (!align(b) || b->end - b->in < 4) return truncated(s);
    const unsigned len = b->in[0] | (unsigned)b->in[1] << 8, inverse = b->in[2] | (unsigned)b->in[3] << 8;
    if ((len ^ inverse) != 0xffff) return bad(s, "a stored block whose length and its complement disagree");
    b->in += 4;
    if ((size_t)(b->end - b->in) < len) return truncated(s);
    const int rc = grow(s, s->n, len);
    if (rc || !len) return rc;
    memcpy(s->out + s->n, b->in, len);
    b->in += len, s->n += len;
    return 0;
}

static int blocks(struct stream *s) {
    for (bool last = false; !last;) {
        if (!refill(&s->b)) return truncated(s);
        last = take(&s->b, 1);
        const unsigned type = take(&s->b, 2);
        int rc = 0;
        if (type == 3) rc = bad(s, "block type 3, which is reserved");
        else if (type == 2) rc = read_codes(s);
        else if (type == 1 && !s->fixed) build_fixed(s);
        if (!rc) rc = type ? coded_block(s) : stored_block(s);
        if (rc) return rc;
    }
    return align(&s->b) ? 0 : truncated(s);
}

static int zlib_stream(struct stream *s) {
    const uint8_t *p = s->b.in;
    if (s->b.end - p < 6) return truncated(s);
    if ((p[0] & 15) != 8 || p[0] >> 4 > 7 || (p[0] << 8 | p[1]) % 31 || p[1] & 32)
        return sv_fail(s->e, SV_EINPUT, "%s: compressed data begins %02x %02x, expected a zlib header without dictionary",
                       s->name, p[0], p[1]);
    s->b.in += 2;
    const int rc = blocks(s);
    if (rc) return rc;
    p = s->b.in;
    if (s->b.end - p < 4) return truncated(s);
    const uint32_t want = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    const uint32_t have = sv_adler32(1, s->out, s->n);
    if (want != have)
        return sv_fail(s->e, SV_EINPUT, "%s: compressed data: Adler-32 is %08x, expected %08x", s->name, (unsigned)have,
                       (unsigned)want);
    s->b.in += 4;
    return 0;
}

static uint32_t le32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

/* Skips the header of a gzip member. */
static int gzip_header(struct stream *s) {
    enum { HCRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 224 };
    const uint8_t *p = s->b.in, *const head = p;
    const uint8_t *const end = s->b.end;
    if (end - p < 10) return truncated(s);
    if (p[0] != 0x1f || p[1] != 0x8b || p[2] != 8)
        return sv_fail(s->e, SV_EINPUT, "%s: byte %zu: %02x %02x %02x, expected a gzip member (1f 8b 08)", s->name, at(s),
                       p[0], p[1], p[2]);
    const unsigned flags = p[3];
    if (flags & RESERVED) return bad(s, "a gzip member with reserved flags");
    p += 10;
    if (flags & EXTRA) {
        if (end - p < 2) return truncated(s);
        const size_t len = p[0] | (size_t)p[1] << 8;
        p += 2;
        if ((size_t)(end - p) < len) return truncated(s);
        p += len;
    }
    for (unsigned f = NAME; f <= COMMENT; f <<= 1) {
        if (!(flags & f)) continue;
        const uint8_t *zero = memchr(p, 0, (size_t)(end - p));
        if (!zero) return truncated(s);
        p = zero + 1;
    }
    if (flags & HCRC) {
        if (end - p < 2) return truncated(s);
        if ((sv_crc32(0, head, (size_t)(p - head)) & 0xffff) != (p[0] | (unsigned)p[1] << 8))
            return bad(s, "the CRC of a gzip header is wrong");
        p += 2;
    }
    s->b.in = p;
    return 0;
}

static int gzip_stream(struct stream *s) {
    const uint8_t *const end = s->b.end;
    do {
        s->base = s->n;
        int rc = gzip_header(s);
        if (!rc) rc = blocks(s);
        if (rc) return rc;
        const uint8_t *p = s->b.in;
        if (end - p < 8) return truncated(s);
        const size_t n = s->n - s->base;
        const uint32_t have = n ? sv_crc32(0, s->out + s->base, n) : 0;
        if (le32(p) != have)
            return sv_fail(s->e, SV_EINPUT, "%s: byte %zu: CRC-32 of the gzip member is %08x, expected %08x", s->name,
                           at(s), (unsigned)have, (unsigned)le32(p));
        if (le32(p + 4) != (uint32_t)n)
            return sv_fail(s->e, SV_EINPUT, "%s: byte %zu: the gzip member has %zu bytes, expected %u (mod 2^32)", s->name,
                           at(s), n, (unsigned)le32(p + 4));
        s->b.in += 8;
    } while (s->b.in < end && *s->b.in);
    while (s->b.in < end)
        if (*s->b.in++) return bad(s, "something other than zeros behind the last gzip member");
    return 0;
}

static int run(struct stream *s, enum sv_wrap wrap, size_t n, size_t *used) {
    int rc = wrap == SV_RAW ? blocks(s) : wrap == SV_ZLIB ? zlib_stream(s) : gzip_stream(s);
    if (!rc && used) *used = at(s);
    else if (!rc && at(s) < n)
        rc = sv_fail(s->e, SV_EINPUT, "%s: compressed data ends at byte %zu, expected the end at %zu", s->name, at(s), n);
    return rc;
}

int sv_inflate(const uint8_t *in, size_t n, enum sv_wrap wrap, size_t limit, uint8_t **out, size_t *out_n, size_t *used,
               const char *name, struct sv_err *e) {
    struct stream s = { .b = { .in = in, .end = in + n }, .start = in, .limit = limit, .name = name, .e = e };
    *out = NULL, *out_n = 0;
    /* Most data shrinks to a third; whatever the limit, memory follows the input, and then what really comes. */
    s.cap = sv_min(limit, sv_max(n < limit / 4 ? n * 4 : limit, 64));
    if (!(s.out = sv_alloc(s.cap, 1, e))) return SV_ENOMEM;
    const int rc = run(&s, wrap, n, used);
    if (rc) sv_free(s.out);
    else *out = s.out, *out_n = s.n;
    return rc;
}

int sv_inflate_into(const uint8_t *in, size_t n, enum sv_wrap wrap, uint8_t *out, size_t out_n, size_t *used,
                    const char *name, struct sv_err *e) {
    struct stream s = { .b = { .in = in, .end = in + n }, .start = in, .out = out, .cap = out_n, .limit = out_n,
                        .exact = true, .name = name, .e = e };
    const int rc = run(&s, wrap, n, used);
    if (!rc && s.n < out_n)
        return sv_fail(e, SV_EINPUT, "%s: inflates to %zu bytes, expected %zu", name, s.n, out_n);
    return rc;
}
