#include "io/png.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "io/inflate.h"

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGBA = 6 };

struct png {
    const uint8_t *data;
    size_t size, at;                    /* at: the next chunk */
    const char *name;
    struct sv_err *e;
    size_t w, h;
    unsigned depth, colour, channels;
    bool interlaced, header, ended;
    size_t colours;                     /* of the palette; 0: none yet */
    uint8_t palette[256][3];
    size_t idat, idats;                 /* bytes and number of the chunks with pixel data */
    size_t first;                       /* where the first one's data begins */
    bool closed;                        /* another chunk followed them */
};

struct chunk { const uint8_t *type, *data; size_t at, size; };

static const uint8_t signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

static uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool sv_png_is(const uint8_t *data, size_t size) { return size >= 8 && !memcmp(data, signature, 8); }

static int bad(const struct png *p, const struct chunk *c, const char *what) {
    return sv_fail(p->e, SV_EINPUT, "%s: PNG chunk %.4s at byte %zu: %s", p->name, (const char *)c->type, c->at, what);
}

/* The chunk at p->at, its place in the file and its name checked; moves on.  The CRC is left to the caller. */
static int next_chunk(struct png *p, struct chunk *c) {
    const uint8_t *s = p->data + p->at;
    const size_t left = p->size - p->at;
    if (left < 12)
        return sv_fail(p->e, SV_EINPUT, "%s: PNG ends at byte %zu, expected a chunk at %zu", p->name, p->size, p->at);
    *c = (struct chunk){ .type = s + 4, .data = s + 8, .at = p->at, .size = be32(s) };
    for (int i = 0; i < 4; i++)
        if ((s[4 + i] | 32) < 'a' || (s[4 + i] | 32) > 'z')
            return sv_fail(p->e, SV_EINPUT, "%s: byte %zu: %02x %02x %02x %02x, expected the four letters of a PNG chunk",
                           p->name, p->at + 4, s[4], s[5], s[6], s[7]);
    if (c->size > left - 12)
        return sv_fail(p->e, SV_EINPUT, "%s: PNG chunk %.4s at byte %zu claims %zu bytes, the file has %zu more",
                       p->name, (const char *)c->type, p->at, c->size, left - 12);
    p->at += 12 + c->size;
    return 0;
}

static bool is(const struct chunk *c, const char *type) { return !memcmp(c->type, type, 4); }

static int read_header(struct png *p, const struct chunk *c) {
    /* Depths allowed for each colour type, as bits 1 << depth. */
    static const uint32_t depths[7] = { [GRAY] = 0x10116, [RGB] = 0x10100, [PALETTE] = 0x116, [GRAY_ALPHA] = 0x10100,
                                        [RGBA] = 0x10100 };
    static const uint8_t channels[7] = { [GRAY] = 1, [RGB] = 3, [PALETTE] = 1, [GRAY_ALPHA] = 2, [RGBA] = 4 };
    const uint8_t *s = c->data;
    if (c->size != 13) return sv_fail(p->e, SV_EINPUT, "%s: PNG header of %zu bytes, expected 13", p->name, c->size);
    if (s[8] > 16 || s[9] > 6 || !(depths[s[9]] >> s[8] & 1))
        return sv_fail(p->e, SV_EINPUT, "%s: PNG of colour type %u and depth %u, a pair the format does not have", p->name,
                       s[9], s[8]);
    if (s[10] || s[11] || s[12] > 1)
        return sv_fail(p->e, SV_EINPUT, "%s: PNG with compression %u, filter %u, interlace %u, expected 0, 0, 0 or 1",
                       p->name, s[10], s[11], s[12]);
    p->w = be32(s), p->h = be32(s + 4);
    p->depth = s[8], p->colour = s[9], p->interlaced = s[12], p->channels = channels[s[9]];
    p->header = true;
    return 0;
}

static int read_palette(struct png *p, const struct chunk *c) {
    if (p->colours) return bad(p, c, "a second palette");
    if (p->idats) return bad(p, c, "the palette comes after the pixels");
    if (p->colour != PALETTE) return 0;             /* a hint for displays, or meaningless */
    if (!c->size || c->size % 3 || c->size > 768) return bad(p, c, "a palette whose size is not 3 to 768 bytes in threes");
    memcpy(p->palette, c->data, c->size);
    /* More entries than the depth can name are of no use, but no harm. */
    p->colours = c->size / 3;
    return 0;
}

static int read_chunk(struct png *p, const struct chunk *c) {
    const bool critical = !(c->type[0] & 32);
    p->closed |= p->idats && !is(c, "IDAT");
    if (critical && sv_crc32(0, c->type, c->size + 4) != be32(c->data + c->size)) return bad(p, c, "wrong CRC");
    if (!p->header && !is(c, "IHDR")) return bad(p, c, "stands first, expected IHDR");
    if (is(c, "IHDR")) return p->header ? bad(p, c, "a second header") : read_header(p, c);
    if (is(c, "PLTE")) return read_palette(p, c);
    if (is(c, "IEND")) { p->ended = true; return 0; }
    if (!is(c, "IDAT")) return critical ? bad(p, c, "critical and not known to this reader") : 0;
    if (p->closed) return bad(p, c, "stands apart from the other IDAT chunks");
    if (!p->idats++) p->first = c->at + 8;
    p->idat += c->size;
    return 0;
}

static int read_chunks(struct png *p) {
    p->at = 8;
    while (!p->ended) {
        struct chunk c;
        int rc = next_chunk(p, &c);
        if (!rc) rc = read_chunk(p, &c);
        if (rc) return rc;
    }
    if (!p->idats) return sv_fail(p->e, SV_EINPUT, "%s: PNG without pixels: no IDAT before IEND", p->name);
    if (p->colour == PALETTE && !p->colours)
        return sv_fail(p->e, SV_EINPUT, "%s: PNG of palette colours without a palette", p->name);
    return 0;
}

/* Adam7: pass i has the pixels x0 + k dx, y0 + k dy.  Row 0 is the whole image. */
struct pass { uint8_t x0, y0, dx, dy; };
static const struct pass passes[8] = {
    { 0, 0, 1, 1 },
    { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 },
};

static size_t count(size_t all, size_t from, size_t step) { return all > from ? (all - from - 1) / step + 1 : 0; }
static size_t row_bytes(const struct png *p, size_t w) { return (w * p->channels * p->depth + 7) / 8; }

/* Bytes of all filtered rows; sides are already known to be in bounds. */
static size_t raw_bytes(const struct png *p) {
    size_t n = 0;
    for (int i = p->interlaced; i < (p->interlaced ? 8 : 1); i++) {
        const size_t w = count(p->w, passes[i].x0, passes[i].dx), h = count(p->h, passes[i].y0, passes[i].dy);
        if (w) n += h * (row_bytes(p, w) + 1);
    }
    return n;
}

static uint8_t paeth(int a, int b, int c) {
    const int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);
    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* Undoes the filter of row[n]; up is the row above (zeros above the first), bpp the distance to the left neighbour. */
static bool unfilter(unsigned filter, uint8_t *row, const uint8_t *up, size_t n, size_t bpp) {
    const size_t head = sv_min(bpp, n);
    switch (filter) {
    case 0:
        return true;
    case 1:
        for (size_t i = bpp; i < n; i++) row[i] = (uint8_t)(row[i] + row[i - bpp]);
        return true;
    case 2:
        for (size_t i = 0; i < n; i++) row[i] = (uint8_t)(row[i] + up[i]);
        return true;
    case 3:
        for (size_t i = 0; i < head; i++) row[i] = (uint8_t)(row[i] + up[i] / 2);
        for (size_t i = bpp; i < n; i++) row[i] = (uint8_t)(row[i] + (row[i - bpp] + up[i]) / 2);
        return true;
    case 4:
        for (size_t i = 0; i < head; i++) row[i] = (uint8_t)(row[i] + up[i]);
        for (size_t i = bpp; i < n; i++) row[i] = (uint8_t)(row[i] + paeth(row[i - bpp], up[i], up[i - bpp]));
        return true;
    default:
        return false;
    }
}

/* w pixels of one row to every dx-th pixel at out: samples to 8 bits, palette indices as they are. */
static void expand(const struct png *p, const uint8_t *row, size_t w, uint8_t *out, size_t dx) {
    const size_t c = p->channels, step = c * dx;
    if (p->depth == 8 && dx == 1) {
        memcpy(out, row, w * c);
    } else if (p->depth >= 8) {
        const size_t bytes = p->depth / 8;          /* of two, the first is the high byte */
        for (size_t i = 0; i < w; i++, out += step)
            for (size_t k = 0; k < c; k++, row += bytes) out[k] = *row;
    } else {
        const unsigned max = (1u << p->depth) - 1, scale = p->colour == GRAY ? 255 / max : 1;
        for (size_t i = 0; i < w; i++, out += step) {
            const size_t bit = i * p->depth;
            *out = (uint8_t)((row[bit / 8] >> (8 - p->depth - bit % 8) & max) * scale);
        }
    }
}

/* raw holds all filtered rows, then a row of zeros. */
static int rows(const struct png *p, uint8_t *raw, size_t n, struct sv_image *im) {
    const size_t bpp = sv_max(1, p->channels * p->depth / 8);
    const uint8_t *const zeros = raw + n;
    for (int i = p->interlaced; i < (p->interlaced ? 8 : 1); i++) {
        const struct pass a = passes[i];
        const size_t w = count(p->w, a.x0, a.dx), h = count(p->h, a.y0, a.dy), bytes = row_bytes(p, w);
        const uint8_t *up = zeros;
        for (size_t k = 0; w && k < h; k++, up = raw + 1, raw += 1 + bytes) {
            const size_t y = a.y0 + k * a.dy;
            if (!unfilter(raw[0], raw + 1, up, bytes, bpp))
                return sv_fail(p->e, SV_EINPUT, "%s: PNG row %zu has filter %u, expected 0 .. 4", p->name, y, raw[0]);
            expand(p, raw + 1, w, im->px + (y * p->w + a.x0) * p->channels, a.dx);
        }
    }
    return 0;
}

/* The pixel data in one piece: where it lies if it is one chunk, else joined in *joined. */
static const uint8_t *pixel_data(struct png *p, uint8_t **joined) {
    *joined = NULL;
    if (p->idats == 1) return p->data + p->first;
    if (!(*joined = sv_alloc(p->idat, 1, p->e))) return NULL;
    size_t n = 0;
    p->at = p->first - 8;
    for (size_t k = 0; k < p->idats; k++) {
        struct chunk c;
        if (next_chunk(p, &c)) return NULL;
        memcpy(*joined + n, c.data, c.size);
        n += c.size;
    }
    return *joined;
}

static int decode(struct png *p, struct sv_image *im) {
    static const enum sv_mode mode[7] = { [GRAY] = SV_GRAY, [RGB] = SV_RGB, [PALETTE] = SV_PALETTE,
                                          [GRAY_ALPHA] = SV_GRAY_ALPHA, [RGBA] = SV_RGBA };
    int rc = read_chunks(p);
    if (rc) return rc;
    /* DEFLATE cannot shrink below 1 : 1032 (258 bytes from 2 bits): a header that claims more pixels than the data can
     * hold costs no memory.  Sides out of bounds are left to sv_image_new, here they would only overflow. */
    size_t n = 0;
    if (p->w <= SV_IMAGE_MAX_SIDE && p->h <= SV_IMAGE_MAX_SIDE && p->w * p->h <= SV_IMAGE_MAX_PIXELS) n = raw_bytes(p);
    if (n / 1032 > p->idat)
        return sv_fail(p->e, SV_EINPUT, "%s: PNG of %zu x %zu pixels needs %zu bytes, its %zu compressed ones hold less",
                       p->name, p->w, p->h, n, p->idat);
    if ((rc = sv_image_new(im, p->w, p->h, mode[p->colour], p->name, p->e))) return rc;
    im->bilevel = p->colour == GRAY && p->depth == 1;
    memcpy(im->palette, p->palette, sizeof im->palette);
    uint8_t *joined, *raw = NULL;
    const uint8_t *in = pixel_data(p, &joined);
    if (!in || !(raw = sv_alloc(n + row_bytes(p, p->w), 1, p->e))) rc = SV_ENOMEM;
    size_t used;                        /* bytes behind the zlib stream are ignored */
    if (!rc) rc = sv_inflate_into(in, p->idat, SV_ZLIB, raw, n, &used, p->name, p->e);
    sv_free(joined);
    if (!rc) rc = rows(p, raw, n, im);
    sv_free(raw);
    return rc;
}

int sv_png_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e) {
    struct png p = { .data = data, .size = size, .name = name, .e = e };
    memset(im, 0, sizeof *im);
    if (!sv_png_is(data, size)) return sv_fail(e, SV_EINPUT, "%s: no PNG: does not begin with its signature", name);
    const int rc = decode(&p, im);
    if (rc) sv_image_free(im);
    return rc;
}
