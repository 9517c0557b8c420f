#include "io/bmp.h"

#include <string.h>

enum { RGB = 0, RLE8 = 1, RLE4 = 2, MASKS = 3, ALPHA_MASKS = 6 };      /* biCompression */

struct bmp {
    const uint8_t *data;
    size_t size;
    const char *name;
    struct sv_err *e;
    size_t at, head;                    /* of the pixels; bytes of the header that follows the file's 14 */
    size_t w, h, stride;
    bool down;                          /* the first row is the top one */
    unsigned bits, how;
    uint32_t mask[4];                   /* R G B A of 16 and 32 bits */
    size_t colours;
    uint8_t palette[256][3];
};

static uint32_t le16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t le32(const uint8_t *p) { return le16(p) | le16(p + 2) << 16; }

bool sv_bmp_is(const uint8_t *data, size_t size) { return size >= 2 && data[0] == 'B' && data[1] == 'M'; }

static int truncated(const struct bmp *b, size_t need) {
    return sv_fail(b->e, SV_EINPUT, "%s: BMP ends at byte %zu, expected at least %zu", b->name, b->size, need);
}

static int check_kind(const struct bmp *b) {
    static const struct { uint8_t how; uint64_t bits; } kind[] = {      /* bits as a set */
        { RGB, 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8 | 1 << 16 | 1 << 24 | 1ull << 32 }, { RLE8, 1 << 8 }, { RLE4, 1 << 4 },
        { MASKS, 1 << 16 | 1ull << 32 }, { ALPHA_MASKS, 1 << 16 | 1ull << 32 },
    };
    for (size_t i = 0; i < SV_LEN(kind); i++)
        if (kind[i].how == b->how && b->bits <= 32 && kind[i].bits >> b->bits & 1) return 0;
    return sv_fail(b->e, SV_EINPUT, "%s: BMP of %u bits a pixel and compression %u, a pair that is not read", b->name, b->bits, b->how);
}

static int read_header(struct bmp *b) {
    static const uint8_t sizes[] = { 12, 16, 40, 52, 56, 64, 108, 124 };
    const uint8_t *s = b->data;
    if (b->size < 26) return truncated(b, 26);
    b->at = le32(s + 10), b->head = le32(s + 14);
    if (b->head > 124 || !b->head || !memchr(sizes, (int)b->head, sizeof sizes))
        return sv_fail(b->e, SV_EINPUT, "%s: BMP header of %zu bytes, expected 12, 16, 40, 52, 56, 64, 108 or 124", b->name, b->head);
    if (b->size < 14 + b->head) return truncated(b, 14 + b->head);
    if (b->head == 12) {
        b->w = le16(s + 18), b->h = le16(s + 20), b->bits = le16(s + 24);
    } else {
        const uint32_t w = le32(s + 18), h = le32(s + 22);
        b->down = h >> 31;
        b->w = w, b->h = b->down ? 0u - h : h, b->bits = le16(s + 28);
    }
    b->how = b->head >= 40 ? le32(s + 30) : RGB;
    if (b->head == 64 && b->how > RLE4)
        return sv_fail(b->e, SV_EINPUT, "%s: BMP of OS/2 with compression %u, which is not read", b->name, b->how);
    return check_kind(b);
}

/* Masks stand behind a header of 40 bytes, and in the same place inside longer ones. */
static int read_masks(struct bmp *b, size_t *palette) {
    if (b->how != MASKS && b->how != ALPHA_MASKS) {
        static const uint32_t low[4] = { 0x7c00, 0x3e0, 0x1f, 0 }, high[4] = { 0xff0000, 0xff00, 0xff, 0 };
        memcpy(b->mask, b->bits == 16 ? low : high, sizeof b->mask);
        return 0;
    }
    const size_t n = b->how == ALPHA_MASKS || b->head >= 56 ? 4 : 3;
    if (b->size < 54 + 4 * n) return truncated(b, 54 + 4 * n);
    if (b->head == 40) *palette += 4 * n;
    for (size_t i = 0; i < n; i++) {
        const uint32_t m = b->mask[i] = le32(b->data + 54 + 4 * i), low = m ? m >> __builtin_ctz(m) : 0;
        if (low & (low + 1) || (!m && i < 3))
            return sv_fail(b->e, SV_EINPUT, "%s: BMP mask %zu is 0x%08x, expected bits side by side", b->name, i, (unsigned)m);
    }
    return 0;
}

/* OS/2 files may have fewer colours than they need: the pixels then follow where the palette stops. */
static int read_palette(struct bmp *b, size_t from) {
    const size_t entry = b->head == 12 ? 3 : 4, most = (size_t)1 << b->bits, used = b->head >= 40 ? le32(b->data + 46) : 0;
    if (used > 256) return sv_fail(b->e, SV_EINPUT, "%s: BMP palette of %zu colours, expected at most 256", b->name, used);
    b->colours = used ? sv_min(used, most) : most;
    b->colours = b->at < from ? 0 : sv_min(b->colours, (b->at - from) / entry);
    if (!b->colours)
        return sv_fail(b->e, SV_EINPUT, "%s: BMP of palette colours without a palette: pixels at byte %zu, headers up to %zu", b->name,
                       b->at, from);
    const uint8_t *s = b->data + from;                      /* at most up to b->at, which is inside the file */
    for (size_t i = 0; i < b->colours; i++, s += entry)
        for (size_t k = 0; k < 3; k++) b->palette[i][k] = s[2 - k];
    return 0;
}

static bool counts_in_gray(const struct bmp *b) {
    const size_t step = b->bits == 1 ? 255 : 1;
    bool gray = b->bits == 8 || (b->bits == 1 && b->colours == 2);
    for (size_t i = 0; i < b->colours; i++)
        for (size_t k = 0; k < 3; k++) gray = gray && b->palette[i][k] == i * step;
    return gray;
}

static uint8_t channel(uint32_t v, uint32_t mask) {
    if (!mask) return 0;
    const int shift = __builtin_ctz(mask);
    const uint64_t max = mask >> shift;
    return (uint8_t)((uint64_t)((v & mask) >> shift) * 255 / max);
}

/* One row of s into out: indices, or bytes R G B [A]. */
static void expand(const struct bmp *b, const uint8_t *s, uint8_t *out, size_t channels) {
    if (b->bits == 24) {
        for (size_t x = 0; x < b->w; x++, s += 3, out += 3) out[0] = s[2], out[1] = s[1], out[2] = s[0];
    } else if (b->bits == 8) {
        memcpy(out, s, b->w);
    } else if (b->bits > 8) {
        for (size_t x = 0; x < b->w; x++, s += b->bits / 8, out += channels) {
            const uint32_t v = b->bits == 16 ? le16(s) : le32(s);
            for (size_t k = 0; k < channels; k++) out[k] = channel(v, b->mask[k]);
        }
    } else {
        const unsigned max = (1u << b->bits) - 1;
        for (size_t x = 0; x < b->w; x++) {
            const size_t bit = x * b->bits;
            out[x] = (uint8_t)(s[bit / 8] >> (8 - b->bits - bit % 8) & max);
        }
    }
}

static uint8_t *row_of(const struct bmp *b, const struct sv_image *im, size_t y) {
    return im->px + (b->down ? y : b->h - 1 - y) * b->w * sv_image_channels(im->mode);
}

static int cut_runs(const struct bmp *b, size_t y) {
    return sv_fail(b->e, SV_EINPUT, "%s: BMP run lengths end in row %zu of %zu", b->name, y, b->h);
}

/* n pixels at x: all of them of one or two colours (literal false), or one after the other. */
static void put_run(const struct bmp *b, uint8_t *row, size_t x, size_t n, const uint8_t *s, bool literal) {
    for (size_t i = 0; i < n && x < b->w; i++, x++) {
        if (b->how == RLE8) row[x] = s[literal ? i : 0];
        else row[x] = s[literal ? i / 2 : 0] >> (i % 2 ? 0 : 4) & 15;
    }
}

static int read_runs(const struct bmp *b, struct sv_image *im) {
    const uint8_t *s = b->data + b->at, *const end = b->data + b->size;
    for (size_t x = 0, y = 0;;) {
        if (end - s < 2) return y >= b->h ? 0 : cut_runs(b, y);
        const size_t n = s[0], code = s[1];
        if (n || code > 2) {
            const size_t count = n ? n : code, bytes = n ? 1 : b->how == RLE8 ? count : (count + 1) / 2;
            s += n ? 1 : 2;
            if ((size_t)(end - s) < bytes || y >= b->h) return cut_runs(b, y);
            if (!n && x + count > b->w)
                return sv_fail(b->e, SV_EINPUT, "%s: BMP row %zu has %zu pixels, expected %zu", b->name, y, x + count, b->w);
            put_run(b, row_of(b, im, y), x, count, s, !n);
            s += n ? 1 : bytes + bytes % 2;                 /* literals fill whole words */
            if (s > end) return cut_runs(b, y);
            x += count;
        } else if (code == 1) {
            return 0;
        } else {
            s += 2;
            if (code == 0) { x = 0, y++; continue; }
            if (end - s < 2) return cut_runs(b, y);
            x += s[0], y += s[1], s += 2;
        }
    }
}

static int pixels(const struct bmp *b, struct sv_image *im) {
    if (b->how == RLE8 || b->how == RLE4) return read_runs(b, im);
    for (size_t y = 0; y < b->h; y++)
        expand(b, b->data + b->at + y * b->stride, row_of(b, im, y), sv_image_channels(im->mode));
    return 0;
}

/* Sizes against what the file holds, before memory is taken: two bytes of run lengths make at most 255 pixels. */
static int check_size(struct bmp *b) {
    if (b->w > SV_IMAGE_MAX_SIDE || b->h > SV_IMAGE_MAX_SIDE || !b->w || !b->h) return 0;       /* sv_image_new says it */
    if (b->at > b->size) return sv_fail(b->e, SV_EINPUT, "%s: BMP pixels begin at byte %zu of %zu", b->name, b->at, b->size);
    b->stride = (b->w * b->bits + 31) / 32 * 4;
    const size_t have = b->size - b->at, runs = b->how == RLE8 || b->how == RLE4;
    const size_t need = runs ? b->w * b->h / 255 : (b->h - 1) * b->stride + (b->w * b->bits + 7) / 8;
    if (have >= need) return 0;
    return sv_fail(b->e, SV_EINPUT, "%s: BMP of %zu x %zu pixels needs at least %zu bytes of data, has %zu", b->name, b->w, b->h, need,
                   have);
}

static int decode(struct bmp *b, struct sv_image *im) {
    int rc = read_header(b);
    size_t palette = 14 + b->head;
    if (!rc) rc = read_masks(b, &palette);
    if (!rc) rc = check_size(b);
    if (!rc && b->bits <= 8 && b->at <= b->size) rc = read_palette(b, palette);
    if (rc) return rc;
    const bool gray = b->bits <= 8 && counts_in_gray(b);
    const enum sv_mode mode = b->bits > 8 ? b->mask[3] ? SV_RGBA : SV_RGB : gray ? SV_GRAY : SV_PALETTE;
    if ((rc = sv_image_new(im, b->w, b->h, mode, b->name, b->e))) return rc;
    memcpy(im->palette, b->palette, sizeof im->palette);
    if ((rc = pixels(b, im))) return rc;
    im->bilevel = gray && b->bits == 1;
    for (size_t i = 0; im->bilevel && i < b->w * b->h; i++) im->px[i] = (uint8_t)(im->px[i] * 255);
    return 0;
}

int sv_bmp_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e) {
    struct bmp b = { .data = data, .size = size, .name = name, .e = e };
    memset(im, 0, sizeof *im);
    if (!sv_bmp_is(data, size)) return sv_fail(e, SV_EINPUT, "%s: no BMP: does not begin with BM", name);
    const int rc = decode(&b, im);
    if (rc) sv_image_free(im);
    return rc;
}
