#include "io/jpeg_int.h"

#include <string.h>

const uint8_t sv_jpeg_zigzag[64] = {
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
};

bool sv_jpeg_table_build(struct sv_jpeg_table *t, bool dc) {
    uint32_t code = 0;
    size_t at = 0;
    memset(t->look, 0, sizeof t->look);
    for (unsigned len = 1; len <= 16; len++, code <<= 1) {
        t->first[len] = (int32_t)at - (int32_t)code;
        for (unsigned i = 0; i < t->count[len]; i++, code++, at++) {
            if (at >= sizeof t->symbol || (dc && t->symbol[at] > 15)) return false;
            if (len > SV_JPEG_LOOK || code >= 1u << len) continue;
            const uint16_t entry = (uint16_t)(len << 8 | t->symbol[at]);
            for (uint32_t j = 0; j < 1u << (SV_JPEG_LOOK - len); j++) t->look[(code << (SV_JPEG_LOOK - len)) + j] = entry;
        }
        /* The code of all ones is reserved (T.81 C.2), so each length must leave one unused. */
        if (t->count[len] && code >= 1u << len) return false;
        t->limit[len] = code << (16 - len);
    }
    return t->built = true;
}

void sv_jpeg_table_default(struct sv_jpeg_table *t, bool dc, size_t id) {
    /* T.81 tables K.3 to K.6: the counts, and for AC the symbols as run << 4 | size. */
    static const uint8_t count[2][2][16] = {
        { { 0, 1, 5, 1, 1, 1, 1, 1, 1 }, { 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
        { { 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125 }, { 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119 } },
    };
    /* What precedes the long tail: the symbols with codes shorter than 16 bits, and the odd one of 15 or 16. */
    static const uint8_t luma[] = {
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32,
        0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82
    };
    static const uint8_t chroma[] = {
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81,
        0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34,
        0xe1, 0x25, 0xf1
    };
    memset(t, 0, sizeof *t);
    t->defined = true;
    memcpy(t->count + 1, count[!dc][id], 16);
    if (dc) {
        for (unsigned i = 0; i < 12; i++) t->symbol[i] = (uint8_t)i;
        return;
    }
    /* The tail is every symbol that is left, in rising order. */
    bool used[256] = { false };
    const size_t n = id ? sizeof chroma : sizeof luma;
    memcpy(t->symbol, id ? chroma : luma, n);
    for (size_t i = 0; i < n; i++) used[t->symbol[i]] = true;
    size_t at = n;
    for (unsigned s = 1; s < 256; s++)
        if (!used[s] && (s & 15) >= 1 && (s & 15) <= 10) t->symbol[at++] = (uint8_t)s;
}

/* After this at least 56 bits are there (zeros past the end of the data).  Whole words only where no byte is 0xff;
 * the bits of p[0] that do not fit are or-ed in again, unchanged, by the next call. */
static inline void refill(struct sv_jpeg_bits *b) {
    if (b->end - b->p >= 8) {
        const uint8_t *p = b->p;
        const uint64_t w = (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32
                         | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | p[7];
        if (!(w & (~w - 0x0101010101010101u) & 0x8080808080808080u)) {
            b->acc |= w >> b->n;
            b->p += (63 - b->n) >> 3;
            b->n |= 56;
            return;
        }
    }
    while (b->n <= 56) {
        size_t step = 1;
        if (b->p >= b->end) step = 0;
        else if (*b->p == 0xff) step = b->end - b->p > 1 && !b->p[1] ? 2 : 0;   /* 0xff 0x00 is the byte 0xff */
        if (step) b->acc |= (uint64_t)*b->p << (56 - b->n);
        else b->pad += 8;
        b->p += step, b->n += 8;
    }
}

static inline void need(struct sv_jpeg_bits *b) { if (b->n < 32) refill(b); }
static inline void drop(struct sv_jpeg_bits *b, int n) { b->acc <<= n, b->n -= n; }

/* n in 0 .. 16 bits that need() has made sure of. */
static inline int take(struct sv_jpeg_bits *b, int n) {
    const int v = (int)(b->acc >> 32 >> (32 - n));
    drop(b, n);
    return v;
}

static inline int bit(struct sv_jpeg_bits *b) {
    if (b->n < 1) refill(b);
    return take(b, 1);
}

static int long_symbol(struct sv_jpeg_bits *b, const struct sv_jpeg_table *t) {
    const uint32_t code = (uint32_t)(b->acc >> 48);
    for (int len = SV_JPEG_LOOK + 1; len <= 16; len++) {
        if (code >= t->limit[len]) continue;
        drop(b, len);
        return t->symbol[(int32_t)(code >> (16 - len)) + t->first[len]];
    }
    b->bad = true;
    return 0;
}

/* The next symbol; afterwards 16 bits are still there. */
static inline int symbol(struct sv_jpeg_bits *b, const struct sv_jpeg_table *t) {
    need(b);
    const unsigned entry = t->look[b->acc >> (64 - SV_JPEG_LOOK)];
    if (!entry) return long_symbol(b, t);
    drop(b, (int)(entry >> 8));
    return entry & 255;
}

/* T.81 F.12: s bits, where a leading 0 means a negative number. */
static inline int extend(struct sv_jpeg_bits *b, int s) {
    const int v = take(b, s);
    return v < (1 << s >> 1) ? v - (1 << s) + 1 : v;
}

static inline int dc_value(struct sv_jpeg_bits *b, struct sv_jpeg_comp *c) {
    c->pred += extend(b, symbol(b, c->dc));
    if (c->pred < INT16_MIN || c->pred > INT16_MAX) b->bad = true, c->pred = 0;
    return c->pred;
}

int sv_jpeg_block(struct sv_jpeg_bits *b, struct sv_jpeg_comp *c, int16_t *block) {
    memset(block, 0, 64 * sizeof *block);
    block[0] = (int16_t)(dc_value(b, c) * c->q[0]);
    int last = 0;
    for (int k = 1; k < 64; k++) {
        const int rs = symbol(b, c->ac), s = rs & 15;
        k += rs >> 4;
        if (!s) {
            if (rs != 0xf0) break;
            continue;
        }
        const int v = extend(b, s);
        if (k > 63) { b->bad = true; break; }
        const unsigned at = sv_jpeg_zigzag[k];
        block[at] = (int16_t)(v * c->q[at]);
        last = k;
    }
    return last;
}

void sv_jpeg_dc_first(struct sv_jpeg_bits *b, struct sv_jpeg_comp *c, int al, int16_t *block) {
    block[0] = (int16_t)(dc_value(b, c) * (1 << al));
}

void sv_jpeg_dc_refine(struct sv_jpeg_bits *b, int al, int16_t *block) {
    if (bit(b)) block[0] = (int16_t)(block[0] | 1 << al);
}

/* Reads the length of a run of blocks without new coefficients, this one included (T.81 G.1.2.2). */
static void begin_run(struct sv_jpeg_bits *b, struct sv_jpeg *d, int r) { d->eobrun = (1u << r) + (unsigned)take(b, r); }

void sv_jpeg_ac_first(struct sv_jpeg_bits *b, struct sv_jpeg *d, const struct sv_jpeg_table *t, int16_t *block) {
    for (int k = d->scan.ss; !d->eobrun && k <= d->scan.se; k++) {
        const int rs = symbol(b, t), r = rs >> 4, s = rs & 15;
        if (!s && r < 15) { begin_run(b, d, r); break; }
        const int v = extend(b, s);
        k += r;
        if (!s) continue;
        if (k > d->scan.se) { b->bad = true; break; }
        block[sv_jpeg_zigzag[k]] = (int16_t)(v * (1 << d->scan.al));
    }
    if (d->eobrun) d->eobrun--;
}

/* One more bit, at al, of each coefficient from k on that is not zero yet ... until `zeros` zero ones have been
 * passed.  Returns the index of the zero coefficient after them, or se + 1. */
static int refine_known(struct sv_jpeg_bits *b, const struct sv_jpeg *d, int16_t *block, int k, int zeros) {
    for (; k <= d->scan.se; k++) {
        int16_t *c = block + sv_jpeg_zigzag[k];
        if (!*c) {
            if (!zeros--) break;
        } else if (bit(b)) {
            *c = (int16_t)(*c + (*c > 0 ? 1 << d->scan.al : -(1 << d->scan.al)));
        }
    }
    return k;
}

void sv_jpeg_ac_refine(struct sv_jpeg_bits *b, struct sv_jpeg *d, const struct sv_jpeg_table *t, int16_t *block) {
    int k = d->scan.ss;
    for (; !d->eobrun && k <= d->scan.se; k++) {
        const int rs = symbol(b, t), r = rs >> 4, s = rs & 15;
        if (s > 1) b->bad = true;
        if (!s && r < 15) { begin_run(b, d, r); break; }
        const int v = !s ? 0 : bit(b) ? 1 << d->scan.al : -(1 << d->scan.al);
        k = refine_known(b, d, block, k, r);
        if (!s) continue;
        if (k > d->scan.se) { b->bad = true; break; }
        block[sv_jpeg_zigzag[k]] = (int16_t)v;
    }
    if (!d->eobrun) return;
    refine_known(b, d, block, k, 64);
    d->eobrun--;
}
