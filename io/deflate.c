#include "io/deflate.h"

#include <string.h>

#include "core/hash.h"

/* LZ77 over chains of equal hashes, one step lazy, in blocks that each bring their own two codes.  A match of three bytes is taken only
 * near by: the bits of a far distance cost more than three literals. */
enum { WINDOW = 1 << 15, HASH = 1 << 15, CHAIN = 64, MIN_MATCH = 3, MAX_MATCH = 258, FAR = 4096, BLOCK = 1 << 15,
       LITERALS = 286, DISTANCES = 30, LENGTHS = 19, END = 256, MAX_BITS = 15 };

struct code { uint32_t freq[LITERALS]; uint8_t len[LITERALS]; uint16_t bits[LITERALS]; };      /* bits: lowest bit first */

struct deflate {
    const uint8_t *in; size_t n;
    uint8_t *out; size_t used, cap;
    uint32_t acc; unsigned held;        /* bits that are no whole byte yet */
    int rc; struct sv_err *e;
    size_t head[HASH], prev[WINDOW];    /* places + 1 of equal hashes; 0: none */
    uint32_t item[BLOCK]; size_t items; /* a literal, or length << 16 | distance */
    struct code lit, dist;
};

struct extra { unsigned code, bits, value; };

static unsigned log2_of(size_t v) {
    unsigned k = 0;
    while (v >>= 1) k++;
    return k;
}

static struct extra length_code(size_t length) {
    const size_t l = length - MIN_MATCH;
    if (length == MAX_MATCH) return (struct extra){ 285, 0, 0 };
    if (l < 8) return (struct extra){ 257 + (unsigned)l, 0, 0 };
    const unsigned k = log2_of(l) - 2;
    return (struct extra){ 257 + 4 * k + (unsigned)(l >> k), k, (unsigned)l & ((1u << k) - 1) };
}

static struct extra distance_code(size_t distance) {
    const size_t d = distance - 1;
    if (d < 4) return (struct extra){ (unsigned)d, 0, 0 };
    const unsigned k = log2_of(d) - 1;
    return (struct extra){ 2 * k + (unsigned)(d >> k), k, (unsigned)d & ((1u << k) - 1) };
}

static void put_byte(struct deflate *z, uint8_t v) {
    if (!z->rc) z->rc = sv_grow(&z->out, &z->cap, z->used, 1, z->e);
    if (!z->rc) z->out[z->used++] = v;
}

/* n <= 16 bits, the lowest first. */
static void put(struct deflate *z, unsigned v, unsigned n) {
    z->acc |= (uint32_t)v << z->held;
    for (z->held += n; z->held >= 8; z->held -= 8, z->acc >>= 8) put_byte(z, (uint8_t)z->acc);
}

/* Huffman's lengths; the deepest of them.  At every step the two lightest roots become one; quadratic, and alphabets are small. */
static unsigned build(uint8_t *len, const uint32_t *freq, size_t n) {
    uint32_t weight[2 * LITERALS];
    uint16_t parent[2 * LITERALS] = {0};
    size_t nodes = n;
    unsigned deepest = 0;
    memcpy(weight, freq, n * sizeof *weight);
    for (;;) {
        size_t a = SIZE_MAX, b = SIZE_MAX;              /* the lightest, the next */
        for (size_t i = 0; i < nodes; i++) {
            if (!weight[i] || parent[i]) continue;
            if (a == SIZE_MAX || weight[i] < weight[a]) b = a, a = i;
            else if (b == SIZE_MAX || weight[i] < weight[b]) b = i;
        }
        if (b == SIZE_MAX) break;
        weight[nodes] = weight[a] + weight[b];
        parent[a] = parent[b] = (uint16_t)nodes++;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned depth = 0;
        for (size_t k = i; parent[k]; k = parent[k]) depth++;
        len[i] = (uint8_t)depth;
        if (depth > deepest) deepest = depth;
    }
    return deepest;
}

/* Lengths of at most `limit` bits (frequencies are flattened until they are) and the codes of RFC 1951, 3.2.2. */
static void make_code(struct code *c, size_t n, unsigned limit) {
    unsigned count[MAX_BITS + 1] = {0}, next[MAX_BITS + 2] = {0};
    size_t used = 0;
    for (size_t i = 0; i < n; i++) used += c->freq[i] > 0;
    for (size_t i = 0; used < 2; i++) if (!c->freq[i]) c->freq[i] = 1, used++;          /* a code of one word is not complete */
    while (build(c->len, c->freq, n) > limit)
        for (size_t i = 0; i < n; i++) c->freq[i] = c->freq[i] ? c->freq[i] / 2 + 1 : 0;
    for (size_t i = 0; i < n; i++) if (c->len[i]) count[c->len[i]]++;
    for (unsigned l = 1; l <= MAX_BITS; l++) next[l + 1] = (next[l] + count[l]) << 1;
    for (size_t i = 0; i < n; i++) {
        unsigned v = c->len[i] ? next[c->len[i]]++ : 0, turned = 0;
        for (unsigned k = 0; k < c->len[i]; k++, v >>= 1) turned = turned << 1 | (v & 1);
        c->bits[i] = (uint16_t)turned;
    }
}

/* The lengths of both codes, runs shortened: symbol s with its repeat count in the high byte.  Returns how many. */
static size_t shorten(const uint8_t *len, size_t n, uint16_t *out) {
    size_t m = 0;
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && run < 138 && len[i + run] == len[i];) run++;
        if (!len[i] && run >= 11) out[m++] = (uint16_t)(18 | (run - 11) << 8);
        else if (!len[i] && run >= 3) out[m++] = (uint16_t)(17 | (run - 3) << 8);
        else if (i && len[i] == len[i - 1] && run >= 3) run = sv_min(run, 6), out[m++] = (uint16_t)(16 | (run - 3) << 8);
        else out[m++] = len[i], run = 1;
    }
    return m;
}

static void put_codes(struct deflate *z) {
    static const uint8_t order[LENGTHS] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    uint8_t len[LITERALS + DISTANCES];
    uint16_t run[LITERALS + DISTANCES];
    struct code c = {0};
    size_t lits = LITERALS, dists = DISTANCES, lens = LENGTHS;
    while (lits > END + 1 && !z->lit.len[lits - 1]) lits--;
    while (dists > 1 && !z->dist.len[dists - 1]) dists--;
    memcpy(len, z->lit.len, lits), memcpy(len + lits, z->dist.len, dists);
    const size_t n = shorten(len, lits + dists, run);
    for (size_t i = 0; i < n; i++) c.freq[run[i] & 255]++;
    make_code(&c, LENGTHS, 7);
    while (lens > 4 && !c.len[order[lens - 1]]) lens--;
    put(z, (unsigned)lits - 257, 5), put(z, (unsigned)dists - 1, 5), put(z, (unsigned)lens - 4, 4);
    for (size_t i = 0; i < lens; i++) put(z, c.len[order[i]], 3);
    for (size_t i = 0; i < n; i++) {
        const unsigned s = run[i] & 255;
        put(z, c.bits[s], c.len[s]);
        if (s >= 16) put(z, run[i] >> 8, s == 16 ? 2 : s == 17 ? 3 : 7);
    }
}

static void put_block(struct deflate *z, bool last) {
    z->lit.freq[END] = 1;
    make_code(&z->lit, LITERALS, MAX_BITS), make_code(&z->dist, DISTANCES, MAX_BITS);
    put(z, last, 1), put(z, 2, 2);
    put_codes(z);
    for (size_t i = 0; i < z->items; i++) {
        const uint32_t v = z->item[i];
        const struct extra l = v >> 16 ? length_code(v >> 16) : (struct extra){ v, 0, 0 };
        put(z, z->lit.bits[l.code], z->lit.len[l.code]), put(z, l.value, l.bits);
        if (!(v >> 16)) continue;
        const struct extra d = distance_code(v & 0xffff);
        put(z, z->dist.bits[d.code], z->dist.len[d.code]), put(z, d.value, d.bits);
    }
    put(z, z->lit.bits[END], z->lit.len[END]);
    z->items = 0;
    memset(z->lit.freq, 0, sizeof z->lit.freq), memset(z->dist.freq, 0, sizeof z->dist.freq);
}

static void add(struct deflate *z, uint32_t v) {
    if (z->items == BLOCK) put_block(z, false);
    z->item[z->items++] = v;
    z->lit.freq[v >> 16 ? length_code(v >> 16).code : v]++;
    if (v >> 16) z->dist.freq[distance_code(v & 0xffff).code]++;
}

static size_t *slot(struct deflate *z, size_t at) {
    return &z->head[(z->in[at] * 0x9e5fu ^ z->in[at + 1] * 0x79b1u ^ z->in[at + 2] * 0x1f35u) % HASH];
}

/* The longest match of what begins at `at`; 0: none. */
static size_t find(struct deflate *z, size_t at, size_t *distance) {
    const size_t room = sv_min(z->n - at, MAX_MATCH);
    const uint8_t *here = z->in + at;
    size_t best = 0;
    if (room < MIN_MATCH) return 0;
    size_t k = *slot(z, at);
    for (int tries = CHAIN; k && at - (k - 1) < WINDOW && tries-- && best < room; k = z->prev[(k - 1) % WINDOW]) {
        const uint8_t *there = z->in + k - 1;
        size_t len = 0;
        if (there[best] != here[best]) continue;
        while (len < room && there[len] == here[len]) len++;
        if (len > best && (len > MIN_MATCH || at - (k - 1) < FAR)) best = len, *distance = at - (k - 1);
    }
    return best < MIN_MATCH ? 0 : best;
}

static void enter(struct deflate *z, size_t at) {
    if (z->n - at < MIN_MATCH) return;
    size_t *s = slot(z, at);
    z->prev[at % WINDOW] = *s, *s = at + 1;
}

static void pack(struct deflate *z) {
    put(z, 0x78, 8), put(z, 0x9c, 8);
    for (size_t at = 0, next, far = 0, d = 0; at < z->n;) {
        const size_t len = find(z, at, &d);
        enter(z, at);
        next = len && len < MAX_MATCH && at + 1 < z->n ? find(z, at + 1, &far) : 0;
        if (!len || next > len) {       /* a longer one begins a byte later */
            add(z, z->in[at++]);
            continue;
        }
        add(z, (uint32_t)(len << 16 | d));
        for (size_t i = 1; i < len; i++) enter(z, at + i);
        at += len;
    }
    put_block(z, true);
    if (z->held) put(z, 0, 8 - z->held);
    const uint32_t sum = sv_adler32(1, z->in, z->n);
    for (unsigned shift = 32; shift; shift -= 8) put_byte(z, (uint8_t)(sum >> (shift - 8)));
}

int sv_deflate(const uint8_t *in, size_t n, uint8_t **out, size_t *out_n, struct sv_err *e) {
    *out = NULL, *out_n = 0;
    struct deflate *z = sv_alloc(1, sizeof *z, e);
    if (!z) return SV_ENOMEM;
    z->in = in, z->n = n, z->e = e;
    pack(z);
    const int rc = z->rc;
    if (rc) sv_free(z->out);
    else *out = z->out, *out_n = z->used;
    sv_free(z);
    return rc;
}
