#include "io/fax.h"

#include <string.h>

enum { LOOK = 13 };                     /* bits of the longest code */

/* T.4 tables 2 and 3: runs of 0 .. 63, then of 64, 128, ... 1728; 1792 and up are common to both colours. */
struct code { uint16_t bits; uint8_t n; };
static const struct code white_codes[] = {
    { 0x35, 8 }, { 0x7, 6 }, { 0x7, 4 }, { 0x8, 4 }, { 0xb, 4 }, { 0xc, 4 }, { 0xe, 4 }, { 0xf, 4 }, { 0x13, 5 }, { 0x14, 5 },
    { 0x7, 5 }, { 0x8, 5 }, { 0x8, 6 }, { 0x3, 6 }, { 0x34, 6 }, { 0x35, 6 }, { 0x2a, 6 }, { 0x2b, 6 }, { 0x27, 7 }, { 0xc, 7 },
    { 0x8, 7 }, { 0x17, 7 }, { 0x3, 7 }, { 0x4, 7 }, { 0x28, 7 }, { 0x2b, 7 }, { 0x13, 7 }, { 0x24, 7 }, { 0x18, 7 }, { 0x2, 8 },
    { 0x3, 8 }, { 0x1a, 8 }, { 0x1b, 8 }, { 0x12, 8 }, { 0x13, 8 }, { 0x14, 8 }, { 0x15, 8 }, { 0x16, 8 }, { 0x17, 8 }, { 0x28, 8 },
    { 0x29, 8 }, { 0x2a, 8 }, { 0x2b, 8 }, { 0x2c, 8 }, { 0x2d, 8 }, { 0x4, 8 }, { 0x5, 8 }, { 0xa, 8 }, { 0xb, 8 }, { 0x52, 8 },
    { 0x53, 8 }, { 0x54, 8 }, { 0x55, 8 }, { 0x24, 8 }, { 0x25, 8 }, { 0x58, 8 }, { 0x59, 8 }, { 0x5a, 8 }, { 0x5b, 8 },
    { 0x4a, 8 }, { 0x4b, 8 }, { 0x32, 8 }, { 0x33, 8 }, { 0x34, 8 }, { 0x1b, 5 }, { 0x12, 5 }, { 0x17, 6 }, { 0x37, 7 },
    { 0x36, 8 }, { 0x37, 8 }, { 0x64, 8 }, { 0x65, 8 }, { 0x68, 8 }, { 0x67, 8 }, { 0xcc, 9 }, { 0xcd, 9 }, { 0xd2, 9 },
    { 0xd3, 9 }, { 0xd4, 9 }, { 0xd5, 9 }, { 0xd6, 9 }, { 0xd7, 9 }, { 0xd8, 9 }, { 0xd9, 9 }, { 0xda, 9 }, { 0xdb, 9 },
    { 0x98, 9 }, { 0x99, 9 }, { 0x9a, 9 }, { 0x18, 6 }, { 0x9b, 9 },
};
static const struct code black_codes[] = {
    { 0x37, 10 }, { 0x2, 3 }, { 0x3, 2 }, { 0x2, 2 }, { 0x3, 3 }, { 0x3, 4 }, { 0x2, 4 }, { 0x3, 5 }, { 0x5, 6 }, { 0x4, 6 },
    { 0x4, 7 }, { 0x5, 7 }, { 0x7, 7 }, { 0x4, 8 }, { 0x7, 8 }, { 0x18, 9 }, { 0x17, 10 }, { 0x18, 10 }, { 0x8, 10 }, { 0x67, 11 },
    { 0x68, 11 }, { 0x6c, 11 }, { 0x37, 11 }, { 0x28, 11 }, { 0x17, 11 }, { 0x18, 11 }, { 0xca, 12 }, { 0xcb, 12 }, { 0xcc, 12 },
    { 0xcd, 12 }, { 0x68, 12 }, { 0x69, 12 }, { 0x6a, 12 }, { 0x6b, 12 }, { 0xd2, 12 }, { 0xd3, 12 }, { 0xd4, 12 }, { 0xd5, 12 },
    { 0xd6, 12 }, { 0xd7, 12 }, { 0x6c, 12 }, { 0x6d, 12 }, { 0xda, 12 }, { 0xdb, 12 }, { 0x54, 12 }, { 0x55, 12 }, { 0x56, 12 },
    { 0x57, 12 }, { 0x64, 12 }, { 0x65, 12 }, { 0x52, 12 }, { 0x53, 12 }, { 0x24, 12 }, { 0x37, 12 }, { 0x38, 12 }, { 0x27, 12 },
    { 0x28, 12 }, { 0x58, 12 }, { 0x59, 12 }, { 0x2b, 12 }, { 0x2c, 12 }, { 0x5a, 12 }, { 0x66, 12 }, { 0x67, 12 }, { 0xf, 10 },
    { 0xc8, 12 }, { 0xc9, 12 }, { 0x5b, 12 }, { 0x33, 12 }, { 0x34, 12 }, { 0x35, 12 }, { 0x6c, 13 }, { 0x6d, 13 }, { 0x4a, 13 },
    { 0x4b, 13 }, { 0x4c, 13 }, { 0x4d, 13 }, { 0x72, 13 }, { 0x73, 13 }, { 0x74, 13 }, { 0x75, 13 }, { 0x76, 13 }, { 0x77, 13 },
    { 0x52, 13 }, { 0x53, 13 }, { 0x54, 13 }, { 0x55, 13 }, { 0x5a, 13 }, { 0x5b, 13 }, { 0x64, 13 }, { 0x65, 13 },
};
static const struct code long_codes[] = {
    { 0x8, 11 }, { 0xc, 11 }, { 0xd, 11 }, { 0x12, 12 }, { 0x13, 12 }, { 0x14, 12 }, { 0x15, 12 }, { 0x16, 12 }, { 0x17, 12 },
    { 0x1c, 12 }, { 0x1d, 12 }, { 0x1e, 12 }, { 0x1f, 12 },
};

struct fax {
    const uint8_t *in;
    size_t bits, at;                    /* of in; at: the next one */
    size_t w, row;
    const char *name;
    struct sv_err *e;
    uint32_t *ref, *cur;                /* where the colour changes, from white; behind them w */
    size_t n;                           /* changes in cur */
    uint16_t look[2][1 << LOOK];        /* of white and black: run << 4 | bits of the code; 0: none */
};

static void fill(uint16_t *look, const struct code *c, size_t n, size_t first) {
    for (size_t i = 0; i < n; i++) {
        const size_t k = first + i, run = k < 64 ? k : (k - 63) * 64, free = LOOK - (size_t)c[i].n;
        for (size_t j = 0; j < (size_t)1 << free; j++) look[((size_t)c[i].bits << free) + j] = (uint16_t)(run << 4 | c[i].n);
    }
}

static void make_tables(struct fax *f) {
    fill(f->look[0], white_codes, SV_LEN(white_codes), 0);
    fill(f->look[1], black_codes, SV_LEN(black_codes), 0);
    for (int i = 0; i < 2; i++) fill(f->look[i], long_codes, SV_LEN(long_codes), SV_LEN(white_codes));
}

/* The next n <= 16 bits; past the end they are zero, and using one of those is the caller's error. */
static unsigned peek(const struct fax *f, size_t n) {
    uint32_t v = 0;
    for (size_t i = 0, byte = f->at / 8; i < 3; i++, byte++) v = v << 8 | (byte < f->bits / 8 ? f->in[byte] : 0u);
    return v >> (24 - n - f->at % 8) & ((1u << n) - 1);
}

static int bad(const struct fax *f, const char *what) {
    return sv_fail(f->e, SV_EINPUT, "%s: fax row %zu, bit %zu: %s", f->name, f->row, f->at, what);
}

static int use(struct fax *f, size_t n) {
    if (n > f->bits - f->at) return bad(f, "the data ends early");
    f->at += n;
    return 0;
}

/* A run: codes of 64 and more, then one below. */
static int run(struct fax *f, unsigned colour, size_t *out) {
    for (*out = 0;;) {
        const unsigned code = f->look[colour][peek(f, LOOK)];
        const int rc = code ? use(f, code & 15) : bad(f, "no code of T.4");
        if (rc) return rc;
        *out += code >> 4;
        if (*out > f->w) return bad(f, "a run past the end of the row");
        if (code >> 4 < 64) return 0;
    }
}

/* The colour changes at x.  Two changes in one place are none. */
static void change(struct fax *f, size_t x) {
    if (f->n && f->cur[f->n - 1] == x) f->n--;
    else f->cur[f->n++] = (uint32_t)x;
}

static int one_dimension(struct fax *f) {
    size_t x = 0, n;
    for (unsigned colour = 0; x < f->w; colour ^= 1) {
        const int rc = run(f, colour, &n);
        if (rc) return rc;
        if ((x += n) > f->w) return bad(f, "a run past the end of the row");
        change(f, x);
    }
    return 0;
}

enum { PASS = 4, HORIZONTAL = 5 };      /* else the distance of a vertical mode, -3 .. 3 */

static int mode(struct fax *f, int *out) {
    static const struct { uint8_t bits, n; int8_t mode; } modes[] = {
        { 1, 1, 0 }, { 3, 3, 1 }, { 2, 3, -1 }, { 1, 3, HORIZONTAL }, { 1, 4, PASS }, { 3, 6, 2 }, { 2, 6, -2 }, { 3, 7, 3 }, { 2, 7, -3 },
    };
    for (size_t i = 0; i < SV_LEN(modes); i++) {
        if (peek(f, modes[i].n) != modes[i].bits) continue;
        *out = modes[i].mode;
        return use(f, modes[i].n);
    }
    return bad(f, "no mode of T.6");
}

/* T.6, 2.2.5: b1 is the first change of the row above to the right of a0 away from this colour, b2 the one after it. */
static int two_dimensions(struct fax *f) {
    size_t a0 = 0, b = 0;
    unsigned colour = 0;
    for (bool start = true; a0 < f->w; start = false) {
        while (f->ref[b] < f->w && (start ? f->ref[b] < a0 : f->ref[b] <= a0)) b += 2;
        int m = 0, rc = mode(f, &m);
        if (rc) return rc;
        if (m == PASS) {
            a0 = f->ref[b + 1];
        } else if (m == HORIZONTAL) {
            for (int i = 0; i < 2; i++) {
                size_t n;
                if ((rc = run(f, colour ^ (unsigned)i, &n))) return rc;
                if ((a0 += n) > f->w) return bad(f, "a run past the end of the row");
                change(f, a0);
            }
        } else {
            const int64_t a1 = (int64_t)f->ref[b] + m;
            if (a1 < (int64_t)a0 || a1 > (int64_t)f->w) return bad(f, "a change before the last one or past the end of the row");
            change(f, a0 = (size_t)a1);
            colour ^= 1;
            b = b ? b - 1 : 1;
        }
    }
    return 0;
}

/* Eleven zeros or more and a one; nothing is used where there is none. */
static bool end_of_line(struct fax *f) {
    size_t at = f->at;
    while (at < f->bits && !(f->in[at / 8] >> (7 - at % 8) & 1)) at++;
    if (at == f->bits || at - f->at < 11) return false;
    f->at = at + 1;
    return true;
}

static int one_row(struct fax *f, enum sv_fax kind) {
    if (kind == SV_FAX_G4) return two_dimensions(f);
    if (kind == SV_FAX_RUNS) f->at = sv_min((f->at + 7) / 8 * 8, f->bits);
    else if (!end_of_line(f) && kind == SV_FAX_G3_2D) return bad(f, "expected an end-of-line code");
    if (kind != SV_FAX_G3_2D) return one_dimension(f);
    const bool one = peek(f, 1);
    const int rc = use(f, 1);
    return rc ? rc : one ? one_dimension(f) : two_dimensions(f);
}

static void paint(const struct fax *f, uint8_t *out) {
    for (size_t i = 0; i < f->n; i += 2)                    /* cur[n] is w: black up to the end */
        for (size_t x = f->cur[i]; x < f->cur[i + 1]; x++) out[x / 8] = (uint8_t)(out[x / 8] | 0x80 >> x % 8);
}

static int all_rows(struct fax *f, enum sv_fax kind, size_t h, uint8_t *out) {
    for (size_t i = 0; i < 4; i++) f->ref[i] = (uint32_t)f->w;
    for (f->row = 0; f->row < h; f->row++, out += (f->w + 7) / 8) {
        f->n = 0;
        const int rc = one_row(f, kind);
        if (rc) return rc;
        for (size_t i = 0; i < 4; i++) f->cur[f->n + i] = (uint32_t)f->w;
        paint(f, out);
        uint32_t *const t = f->ref;
        f->ref = f->cur, f->cur = t;
    }
    return 0;
}

int sv_fax_decode(const uint8_t *in, size_t n, enum sv_fax kind, size_t w, size_t h, uint8_t *out, const char *name, struct sv_err *e) {
    if (!w || w > 1 << 24) return sv_fail(e, SV_EINPUT, "%s: fax rows of %zu pixels, expected 1 .. %d", name, w, 1 << 24);
    struct fax *f = sv_alloc(1, sizeof *f, e);
    uint32_t *changes = f ? sv_alloc(2 * (w + 8), sizeof *changes, e) : NULL;
    int rc = SV_ENOMEM;
    if (changes) {
        *f = (struct fax){ .in = in, .bits = sv_min(n, SIZE_MAX / 8) * 8, .w = w, .name = name, .e = e, .ref = changes,
                           .cur = changes + w + 8 };
        make_tables(f);
        memset(out, 0, h * ((w + 7) / 8));
        rc = all_rows(f, kind, h, out);
    }
    sv_free(changes), sv_free(f);
    return rc;
}
