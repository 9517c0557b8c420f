#include "io/jpeg_write.h"

#include <math.h>
#include <string.h>

#include "core/image.h"
#include "io/jpeg_int.h"

struct huffman { uint16_t bits[256]; uint8_t len[256]; struct sv_jpeg_table t; };

struct writer {
    uint8_t *out; size_t n, cap;
    int rc; struct sv_err *e;
    uint32_t acc; unsigned held;
    double basis[8][8];                 /* [frequency][sample] of the DCT with orthonormal rows */
    uint8_t quant[2][64];               /* luma, chroma; row order */
    struct huffman table[2][2];         /* DC, AC; luma, chroma */
    int last[3];                        /* DC of the component's block before */
};

static void put(struct writer *w, unsigned v) {
    if (!w->rc) w->rc = sv_grow(&w->out, &w->cap, w->n, 1, w->e);
    if (!w->rc) w->out[w->n++] = (uint8_t)v;
}

static void put16(struct writer *w, size_t v) { put(w, (unsigned)(v >> 8 & 255)), put(w, (unsigned)(v & 255)); }

/* The lowest n bits of v, the highest first; a byte of ones is followed by a zero, or it would begin a marker. */
static void put_bits(struct writer *w, unsigned v, unsigned n) {
    w->acc = w->acc << n | (v & ((1u << n) - 1));
    for (w->held += n; w->held >= 8; w->held -= 8) {
        const unsigned byte = w->acc >> (w->held - 8) & 255;
        put(w, byte);
        if (byte == 255) put(w, 0);
    }
}

/* T.81 K.1, scaled as libjpeg does. */
static void make_quant(struct writer *w, unsigned quality) {
    static const uint8_t luma[64] = {
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    };
    static const uint8_t chroma[4][4] = { { 17, 18, 24, 47 }, { 18, 21, 26, 66 }, { 24, 26, 56, 99 }, { 47, 66, 99, 99 } };
    const unsigned scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (unsigned i = 0; i < 64; i++) {
        const unsigned v[2] = { luma[i], i / 8 < 4 && i % 8 < 4 ? chroma[i / 8][i % 8] : 99 };
        for (unsigned k = 0; k < 2; k++) {
            const unsigned q = (v[k] * scale + 50) / 100;
            w->quant[k][i] = (uint8_t)(q < 1 ? 1 : q > 255 ? 255 : q);
        }
    }
}

static void make_tables(struct writer *w) {
    for (size_t ac = 0; ac < 2; ac++)
        for (size_t id = 0; id < 2; id++) {
            struct huffman *h = &w->table[ac][id];
            unsigned code = 0, k = 0;
            sv_jpeg_table_default(&h->t, !ac, id);
            for (unsigned len = 1; len <= 16; len++, code <<= 1)
                for (unsigned i = 0; i < h->t.count[len]; i++, k++, code++)
                    h->bits[h->t.symbol[k]] = (uint16_t)code, h->len[h->t.symbol[k]] = (uint8_t)len;
        }
}

/* cos((2 n + 1) k pi / 16) / 2 from the nine cosines of one quarter; row 0 is 1 / sqrt(8). */
static void make_basis(struct writer *w) {
    static const double cosine[9] = { 1, 0.98078528040323044913, 0.92387953251128675613, 0.83146961230254523708, 0.70710678118654752440,
                                      0.55557023301960222474, 0.38268343236508977173, 0.19509032201612826785, 0 };
    for (int k = 0; k < 8; k++)
        for (int n = 0; n < 8; n++) {
            int m = (2 * n + 1) * k % 32;
            if (m > 16) m = 32 - m;
            w->basis[k][n] = (m > 8 ? -cosine[16 - m] : cosine[m]) * (k ? 0.5 : 0.35355339059327376220);
        }
}

static void put_quant(struct writer *w, size_t tables) {
    for (size_t k = 0; k < tables; k++) {
        put16(w, 0xffdb), put16(w, 67), put(w, (unsigned)k);
        for (int i = 0; i < 64; i++) put(w, w->quant[k][sv_jpeg_zigzag[i]]);
    }
}

static void put_huffman(struct writer *w, size_t tables) {
    for (size_t ac = 0; ac < 2; ac++)
        for (size_t id = 0; id < tables; id++) {
            const struct sv_jpeg_table *t = &w->table[ac][id].t;
            size_t n = 0;
            for (int i = 1; i <= 16; i++) n += t->count[i];
            put16(w, 0xffc4), put16(w, 19 + n), put(w, (unsigned)(ac << 4 | id));
            for (int i = 1; i <= 16; i++) put(w, t->count[i]);
            for (size_t i = 0; i < n; i++) put(w, t->symbol[i]);
        }
}

static void put_head(struct writer *w, size_t width, size_t height, size_t comps) {
    static const uint8_t jfif[] = { 0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0 };
    for (size_t i = 0; i < sizeof jfif; i++) put(w, jfif[i]);
    put_quant(w, comps > 1 ? 2 : 1);
    put16(w, 0xffc0), put16(w, 8 + 3 * comps), put(w, 8), put16(w, height), put16(w, width), put(w, (unsigned)comps);
    for (size_t c = 0; c < comps; c++) put(w, (unsigned)c + 1), put(w, c || comps == 1 ? 0x11 : 0x22), put(w, c > 0);
    put_huffman(w, comps > 1 ? 2 : 1);
    put16(w, 0xffda), put16(w, 6 + 2 * comps), put(w, (unsigned)comps);
    for (size_t c = 0; c < comps; c++) put(w, (unsigned)c + 1), put(w, c ? 0x11 : 0);
    put(w, 0), put(w, 63), put(w, 0);
}

/* The size of v and, behind its code, its bits: negative ones have 1 taken off. */
static void put_value(struct writer *w, const struct huffman *h, unsigned run, int v) {
    unsigned size = 0;
    for (int a = v < 0 ? -v : v; a; a >>= 1) size++;
    const unsigned s = run << 4 | size;
    put_bits(w, h->bits[s], h->len[s]);
    if (size) put_bits(w, (unsigned)(v < 0 ? v - 1 : v), size);
}

static void put_block(struct writer *w, const uint8_t *px /* 8 rows of `stride` */, size_t stride, size_t comp) {
    const size_t id = comp > 0;
    double half[8][8], c;
    int q[64];
    unsigned run = 0;
    for (int y = 0; y < 8; y++)
        for (int k = 0; k < 8; k++) {
            c = 0;
            for (int x = 0; x < 8; x++) c += w->basis[k][x] * (px[(size_t)y * stride + (size_t)x] - 128);
            half[y][k] = c;
        }
    for (int k = 0; k < 8; k++)
        for (int x = 0; x < 8; x++) {
            c = 0;
            for (int y = 0; y < 8; y++) c += w->basis[k][y] * half[y][x];
            q[8 * k + x] = (int)floor(c / w->quant[id][8 * k + x] + 0.5);
        }
    put_value(w, &w->table[0][id], 0, q[0] - w->last[comp]);
    w->last[comp] = q[0];
    for (int i = 1; i < 64; i++) {
        const int v = q[sv_jpeg_zigzag[i]];
        if (!v) { run++; continue; }
        for (; run > 15; run -= 16) put_bits(w, w->table[1][id].bits[0xf0], w->table[1][id].len[0xf0]);
        put_value(w, &w->table[1][id], run, v > 1023 ? 1023 : v < -1023 ? -1023 : v);
        run = 0;
    }
    if (run) put_bits(w, w->table[1][id].bits[0], w->table[1][id].len[0]);
}

/* One 16 x 16 piece of the picture (its edge goes on past it): luma, and chroma as the mean of 2 x 2.  BT.601, full range, in 16 bits. */
static void put_colour(struct writer *w, const uint8_t *px, size_t width, size_t height, size_t x0, size_t y0) {
    uint8_t luma[16][16], chroma[2][8][8];
    int sum[2][8][8] = {{{0}}};
    for (size_t y = 0; y < 16; y++)
        for (size_t x = 0; x < 16; x++) {
            const uint8_t *p = px + 3 * (sv_min(y0 + y, height - 1) * width + sv_min(x0 + x, width - 1));
            luma[y][x] = (uint8_t)((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16);
            sum[0][y / 2][x / 2] += -11059 * p[0] - 21709 * p[1] + 32768 * p[2];
            sum[1][y / 2][x / 2] += 32768 * p[0] - 27439 * p[1] - 5329 * p[2];
        }
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < 64; i++) {
            const int v = (sum[c][i / 8][i % 8] + (128 << 18) + (1 << 17)) >> 18;
            chroma[c][i / 8][i % 8] = (uint8_t)(v > 255 ? 255 : v);
        }
    for (size_t i = 0; i < 4; i++) put_block(w, &luma[i / 2 * 8][i % 2 * 8], 16, 0);
    for (size_t c = 0; c < 2; c++) put_block(w, chroma[c][0], 8, 1 + c);
}

static void put_gray(struct writer *w, const uint8_t *px, size_t width, size_t height, size_t x0, size_t y0) {
    uint8_t v[64];
    for (size_t i = 0; i < 64; i++) v[i] = px[sv_min(y0 + i / 8, height - 1) * width + sv_min(x0 + i % 8, width - 1)];
    put_block(w, v, 8, 0);
}

int sv_jpeg_encode(size_t w, size_t h, size_t channels, const uint8_t *px, unsigned quality, uint8_t **out, size_t *out_n, struct sv_err *e) {
    *out = NULL, *out_n = 0;
    if (!w || !h || w > SV_IMAGE_MAX_SIDE || h > SV_IMAGE_MAX_SIDE || w * h > SV_IMAGE_MAX_PIXELS || (channels != 1 && channels != 3) || !quality || quality > 100)
        return sv_fail(e, SV_EUSAGE, "JPEG: %zu x %zu pixels of %zu channels with quality %u cannot be written", w, h, channels, quality);
    struct writer *o = sv_alloc(1, sizeof *o, e);
    if (!o) return SV_ENOMEM;
    o->e = e;
    make_quant(o, quality), make_tables(o), make_basis(o);
    put_head(o, w, h, channels);
    const size_t step = channels == 1 ? 8 : 16;
    for (size_t y = 0; y < h && !o->rc; y += step)
        for (size_t x = 0; x < w; x += step) channels == 1 ? put_gray(o, px, w, h, x, y) : put_colour(o, px, w, h, x, y);
    if (o->held) put_bits(o, 127, 7);   /* ones up to the byte's end */
    put16(o, 0xffd9);
    const int rc = o->rc;
    if (rc) sv_free(o->out);
    else *out = o->out, *out_n = o->n;
    sv_free(o);
    return rc;
}
