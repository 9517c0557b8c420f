#include "io/tiff.h"

#include <string.h>

#include "io/fax.h"
#include "io/inflate.h"
#include "io/jpeg.h"
#include "io/tiff_pack.h"

enum { MAX_PART = 1 << 30 };            /* bytes of a strip or tile */

/* The fields that are read, in the order of their tags. */
enum { WIDTH, HEIGHT, BITS, PACKING, KIND, FILL, STRIPS, TURN, SAMPLES, ROWS, STRIP_SIZES, PLANES, T4, PREDICTOR, COLOURS, TILE_W, TILE_H,
       TILES, TILE_SIZES, EXTRA, FORMAT, TABLES, FIELDS };
static const struct { uint16_t tag; const char *name; } known[FIELDS] = {
    { 256, "ImageWidth" }, { 257, "ImageLength" }, { 258, "BitsPerSample" }, { 259, "Compression" }, { 262, "PhotometricInterpretation" },
    { 266, "FillOrder" }, { 273, "StripOffsets" }, { 274, "Orientation" }, { 277, "SamplesPerPixel" }, { 278, "RowsPerStrip" },
    { 279, "StripByteCounts" }, { 284, "PlanarConfiguration" }, { 292, "T4Options" }, { 317, "Predictor" }, { 320, "ColorMap" },
    { 322, "TileWidth" }, { 323, "TileLength" }, { 324, "TileOffsets" }, { 325, "TileByteCounts" }, { 338, "ExtraSamples" },
    { 339, "SampleFormat" }, { 347, "JPEGTables" },
};

enum { NONE = 1, FAX_RUNS = 2, FAX3 = 3, FAX4 = 4, LZW = 5, JPEG = 7, DEFLATE = 8, PACKBITS = 32773, OLD_DEFLATE = 32946 };
enum { WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK = 5, YCBCR = 6 };

struct tiff {
    const uint8_t *data;
    size_t size;
    const char *name;
    struct sv_err *e;
    bool motorola, big;                 /* the high byte first; BigTIFF */
    struct { unsigned type; size_t count, at; } field[FIELDS];     /* count 0: absent */
    size_t w, h, bits, samples, packing, kind, planes;
    size_t alpha;                       /* 1: the colours are multiplied with it, 2: they are not */
    bool is_signed, reversed, tiled;
    size_t predictor, t4, turn;
    enum sv_mode mode;
    size_t part_w, part_h, across, down;    /* strips and tiles */
    size_t part_samples, row_bytes;         /* samples a pixel has in one; bytes of its rows */
    size_t at, n;                           /* the bytes of the current one in the file */
};

/* ---- the directory ---- */

static uint64_t get(const struct tiff *t, size_t at, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v |= (uint64_t)t->data[at + i] << 8 * (t->motorola ? n - 1 - i : i);
    return v;
}

bool sv_tiff_is(const uint8_t *data, size_t size) {
    return size >= 8 && (!memcmp(data, "II*", 4) || !memcmp(data, "MM\0*", 4) || !memcmp(data, "II+", 4) || !memcmp(data, "MM\0+", 4));
}

static size_t type_bytes(unsigned type) {
    static const uint8_t bytes[19] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8 };
    return type < SV_LEN(bytes) ? bytes[type] : 0;
}

/* One entry at `at`; of fields that come twice the first counts. */
static int read_entry(struct tiff *t, size_t at) {
    const unsigned tag = (unsigned)get(t, at, 2), type = (unsigned)get(t, at + 2, 2);
    const size_t word = t->big ? 8 : 4;
    size_t k = 0, bytes;
    while (k < FIELDS && known[k].tag != tag) k++;
    if (k == FIELDS || t->field[k].count) return 0;
    const uint64_t count = get(t, at + 4, word);
    if (!type_bytes(type) || !count || count > t->size || !sv_mul((size_t)count, type_bytes(type), &bytes))
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF field %s of type %u has %llu values", t->name, known[k].name, type, (unsigned long long)count);
    const uint64_t from = bytes <= word ? at + 4 + word : get(t, at + 4 + word, word);
    if (from > t->size || bytes > t->size - from)
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF field %s claims bytes %llu to %llu of %zu", t->name, known[k].name, (unsigned long long)from,
                       (unsigned long long)(from + bytes), t->size);
    t->field[k].type = type, t->field[k].count = (size_t)count, t->field[k].at = (size_t)from;
    return 0;
}

static int read_directory(struct tiff *t) {
    t->motorola = t->data[0] == 'M';
    t->big = t->data[t->motorola ? 3 : 2] == '+';
    if (t->big && (t->size < 16 || get(t, 4, 4) != (t->motorola ? 8u << 16 : 8u)))
        return sv_fail(t->e, SV_EINPUT, "%s: BigTIFF header with offsets of other than 8 bytes", t->name);
    const uint64_t from = t->big ? get(t, 8, 8) : get(t, 4, 4);
    const size_t entry = t->big ? 20 : 12, head = t->big ? 8 : 2;
    if (from < 8 || from > t->size || t->size - from < head)
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF directory at byte %llu of %zu", t->name, (unsigned long long)from, t->size);
    const uint64_t n = get(t, (size_t)from, head);
    if (n > (t->size - from - head) / entry)
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF directory of %llu fields at byte %llu does not fit into %zu", t->name,
                       (unsigned long long)n, (unsigned long long)from, t->size);
    for (size_t i = 0; i < n; i++) {
        const int rc = read_entry(t, (size_t)from + head + i * entry);
        if (rc) return rc;
    }
    return 0;
}

/* Value i of a field that is there; whole numbers only. */
static int value(const struct tiff *t, size_t k, size_t i, size_t *out) {
    const unsigned type = t->field[k].type;
    if (i >= t->field[k].count || (type != 1 && type != 3 && type != 4 && type != 7 && type != 16))
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF field %s of type %u with %zu values, expected number %zu", t->name, known[k].name, type,
                       t->field[k].count, i);
    const uint64_t v = get(t, t->field[k].at + i * type_bytes(type), type_bytes(type));
    *out = v > SIZE_MAX ? SIZE_MAX : (size_t)v;
    return 0;
}

/* A field of one value, or several that must be equal; absent: `otherwise`. */
static int one(const struct tiff *t, size_t k, size_t otherwise, size_t *out) {
    *out = otherwise;
    for (size_t i = 0, v; i < sv_min(t->field[k].count, 16); i++) {
        const int rc = value(t, k, i, &v);
        if (rc) return rc;
        if (i && v != *out)
            return sv_fail(t->e, SV_EINPUT, "%s: TIFF field %s is %zu and %zu, expected one value", t->name, known[k].name, *out, v);
        *out = v;
    }
    return 0;
}

/* ---- what kind of picture ---- */

static int refuse(const struct tiff *t, size_t k, size_t v, const char *expected) {
    return sv_fail(t->e, SV_EINPUT, "%s: TIFF with %s %zu, expected %s", t->name, known[k].name, v, expected);
}

static int read_numbers(struct tiff *t) {
    size_t fill = 1, planar = 1, format = 1;
    int rc = 0;
    if (!t->field[WIDTH].count || !t->field[HEIGHT].count || !t->field[KIND].count)
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF directory without ImageWidth, ImageLength or PhotometricInterpretation", t->name);
    const struct { size_t field, otherwise, *to; } all[] = {
        { WIDTH, 0, &t->w }, { HEIGHT, 0, &t->h }, { BITS, 1, &t->bits }, { PACKING, NONE, &t->packing }, { KIND, 0, &t->kind },
        { FILL, 1, &fill }, { SAMPLES, 1, &t->samples }, { PLANES, 1, &planar }, { T4, 0, &t->t4 }, { PREDICTOR, 1, &t->predictor },
        { FORMAT, 1, &format }, { TURN, 1, &t->turn },
    };
    for (size_t i = 0; !rc && i < SV_LEN(all); i++) rc = one(t, all[i].field, all[i].otherwise, all[i].to);
    if (!rc && t->field[EXTRA].count) rc = value(t, EXTRA, 0, &t->alpha);
    if (rc) return rc;
    if (fill != 1 && fill != 2) return refuse(t, FILL, fill, "1 or 2");
    if (planar != 1 && planar != 2) return refuse(t, PLANES, planar, "1 or 2");
    if (format != 1 && format != 2 && format != 4) return refuse(t, FORMAT, format, "whole numbers (1, 2)");
    t->reversed = fill == 2, t->is_signed = format == 2;
    t->planes = planar == 2 && t->samples > 1 ? t->samples : 1;
    return 0;
}

static int check_depth(const struct tiff *t) {
    const bool gray = t->kind <= BLACK_IS_ZERO, deep = t->bits == 16 || t->bits == 32;
    if (t->bits != 1 && t->bits != 2 && t->bits != 4 && t->bits != 8 && !deep) return refuse(t, BITS, t->bits, "1, 2, 4, 8, 16 or 32");
    if (!(t->kind == CMYK || t->kind == YCBCR ? t->bits == 8 : t->kind == PALETTE ? !deep : true))
        return refuse(t, BITS, t->bits, "8 (for palettes up to 8)");
    switch (t->packing) {
    case NONE: case LZW: case DEFLATE: case OLD_DEFLATE: case PACKBITS:
        if (t->predictor == 1 || t->packing == NONE || t->packing == PACKBITS) return 0;
        if (t->predictor != 2) return refuse(t, PREDICTOR, t->predictor, "1 or 2");
        return t->bits == 8 || t->bits == 16 ? 0 : refuse(t, BITS, t->bits, "8 or 16 with a predictor");
    case FAX_RUNS: case FAX3: case FAX4:
        return gray && t->bits == 1 && t->samples == 1 ? 0 : refuse(t, PACKING, t->packing, "another packing: fax is of 1 bit");
    case JPEG:
        if (t->bits == 8 && t->planes == 1 && t->samples == (gray ? 1 : 3) && (gray || t->kind == RGB || t->kind == YCBCR)) return 0;
        return refuse(t, PACKING, t->packing, "another packing: JPEG is of 8 bits, gray, RGB or YCbCr");
    default:
        return refuse(t, PACKING, t->packing, "none (1), fax (2, 3, 4), LZW (5), JPEG (7), deflate (8, 32946) or PackBits (32773)");
    }
}

static int check_kind(struct tiff *t) {
    const size_t n = t->samples;
    const bool alpha = t->alpha == 1 || t->alpha == 2;
    bool fits = false;
    switch (t->kind) {
    case WHITE_IS_ZERO: case BLACK_IS_ZERO:
        t->mode = n == 1 ? SV_GRAY : SV_GRAY_ALPHA, fits = n == 1 || (n == 2 && alpha);
        break;
    case RGB:
        t->mode = n == 4 && alpha ? SV_RGBA : SV_RGB, fits = n == 3 || n == 4;
        break;
    case PALETTE:
        t->mode = SV_PALETTE, fits = n == 1 || n == 2;
        break;
    case CMYK:
        t->mode = SV_RGBA, fits = n == 4;
        break;
    case YCBCR:
        t->mode = SV_RGB, fits = n == 3 && t->packing == JPEG;
        if (t->packing != JPEG) return refuse(t, KIND, t->kind, "YCbCr in JPEG alone");
        break;
    default:
        return refuse(t, KIND, t->kind, "gray (0, 1), RGB (2), palette (3), CMYK (5) or YCbCr (6)");
    }
    return fits ? check_depth(t) : refuse(t, SAMPLES, n, "as many as PhotometricInterpretation has, and one of alpha");
}

static int read_palette(const struct tiff *t, struct sv_image *im) {
    const size_t n = (size_t)1 << t->bits;
    size_t v[3 * 256], most = 0;
    if (t->field[COLOURS].count != 3 * n)
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF ColorMap of %zu values, expected %zu", t->name, t->field[COLOURS].count, 3 * n);
    for (size_t i = 0; i < 3 * n; i++) {
        const int rc = value(t, COLOURS, i, &v[i]);
        if (rc) return rc;
        most = sv_max(most, v[i]);
    }
    /* The format wants 16 bits; some writers give 8. */
    for (size_t i = 0; i < 3 * n; i++) im->palette[i % n][i / n] = (uint8_t)(most > 255 ? v[i] >> 8 : v[i]);
    return 0;
}

/* ---- strips and tiles ---- */

static int find_parts(struct tiff *t) {
    int rc;
    t->tiled = t->field[TILE_W].count || t->field[TILE_H].count;
    if (t->tiled) rc = one(t, TILE_W, 0, &t->part_w), rc = rc ? rc : one(t, TILE_H, 0, &t->part_h);
    else rc = one(t, ROWS, SIZE_MAX, &t->part_h), t->part_h = sv_min(t->part_h, t->h), t->part_w = t->w;
    if (rc) return rc;
    t->part_samples = t->planes > 1 ? 1 : t->samples;
    const size_t side = SV_IMAGE_MAX_SIDE;
    if (!t->part_w || !t->part_h || t->part_w > side || t->part_h > side ||
        (t->row_bytes = (t->part_w * t->part_samples * t->bits + 7) / 8) * t->part_h > MAX_PART)
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF %s of %zu x %zu pixels", t->name, t->tiled ? "tiles" : "strips", t->part_w, t->part_h);
    t->across = sv_ceil_div(t->w, t->part_w), t->down = sv_ceil_div(t->h, t->part_h);
    return 0;
}

/* The rows that part i must hold: of strips the last has what is left. */
static size_t rows_of(const struct tiff *t, size_t i) {
    const size_t y = i / t->across % t->down * t->part_h;
    return t->tiled ? t->part_h : sv_min(t->part_h, t->h - y);
}

/* Finds the bytes of part i and holds its size against them, so that a header alone costs no memory: no packing makes more of a byte than
 * this.  LZW: 8 / 9 of a code, whose string has at most 4096 - 257 bytes; JPEG does it itself. */
static int find_part(struct tiff *t, size_t i) {
    const size_t offsets = t->field[TILES].count ? TILES : STRIPS, sizes = t->field[TILE_SIZES].count ? TILE_SIZES : STRIP_SIZES;
    const char *const what = t->tiled ? "tile" : "strip";
    int rc = value(t, offsets, i, &t->at);
    if (!rc) rc = value(t, sizes, i, &t->n);
    if (rc) return rc;
    if (t->at > t->size || t->n > t->size - t->at)
        return sv_fail(t->e, SV_EINPUT, "%s: TIFF %s %zu has %zu bytes at %zu of %zu", t->name, what, i, t->n, t->at, t->size);
    const size_t need = rows_of(t, i) * t->row_bytes;
    size_t most = 1;
    if (t->packing == PACKBITS) most = 64;
    else if (t->packing == LZW) most = 4096;
    else if (t->packing == DEFLATE || t->packing == OLD_DEFLATE) most = 1032;
    else if (t->packing != NONE) return rows_of(t, i) / 8 <= t->n ? 0 : sv_fail(t->e, SV_EINPUT, "%s: TIFF %s %zu has %zu bytes for %zu rows",
                                                                                  t->name, what, i, t->n, rows_of(t, i));
    if (need / most <= t->n) return 0;
    return sv_fail(t->e, SV_EINPUT, "%s: TIFF %s %zu has %zu bytes, too few for %zu", t->name, what, i, t->n, need);
}

static int check_parts(struct tiff *t) {
    const size_t n = t->across * t->down * t->planes;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) rc = find_part(t, i);
    return rc;
}

static int unfax(const struct tiff *t, const uint8_t *in, size_t rows, uint8_t *out) {
    const enum sv_fax kind = t->packing == FAX_RUNS ? SV_FAX_RUNS : t->packing == FAX4 ? SV_FAX_G4 : t->t4 & 1 ? SV_FAX_G3_2D : SV_FAX_G3;
    return sv_fax_decode(in, t->n, kind, t->part_w, rows, out, t->name, t->e);
}

static int inflate(const struct tiff *t, const uint8_t *in, size_t need, uint8_t *out) {
    uint8_t *p;
    size_t n, used;
    int rc = sv_inflate(in, t->n, SV_ZLIB, t->part_h * t->row_bytes, &p, &n, &used, t->name, t->e);
    if (rc) return rc;
    if (n >= need) memcpy(out, p, need);
    else rc = sv_fail(t->e, SV_EINPUT, "%s: TIFF %s at byte %zu holds %zu bytes, expected %zu", t->name, t->tiled ? "tile" : "strip", t->at,
                      n, need);
    sv_free(p);
    return rc;
}

/* Part i as it was before packing, in out. */
static int unpack(struct tiff *t, size_t rows, uint8_t *out) {
    const uint8_t *in = t->data + t->at;
    const size_t need = rows * t->row_bytes;
    uint8_t *turned = NULL;
    int rc = 0;
    bool whole = true;
    if (t->reversed) {
        if (!(turned = sv_alloc(t->n, 1, t->e))) return SV_ENOMEM;
        for (size_t i = 0; i < t->n; i++)
            for (unsigned k = 0; k < 8; k++) turned[i] = (uint8_t)(turned[i] | (in[i] >> k & 1) << (7 - k));
        in = turned;
    }
    if (t->packing == NONE) memcpy(out, in, need);
    else if (t->packing == PACKBITS) whole = sv_tiff_packbits(in, t->n, out, need);
    else if (t->packing == LZW) whole = sv_tiff_lzw(in, t->n, out, need);
    else if (t->packing == DEFLATE || t->packing == OLD_DEFLATE) rc = inflate(t, in, need, out);
    else rc = unfax(t, in, rows, out);
    sv_free(turned);
    if (!whole) return sv_fail(t->e, SV_EINPUT, "%s: TIFF %s at byte %zu: %s data ends early or is damaged, expected %zu bytes", t->name,
                               t->tiled ? "tile" : "strip", t->at, t->packing == LZW ? "LZW" : "PackBits", need);
    return rc;
}

/* Each sample is the difference from the one to its left. */
static void unpredict(const struct tiff *t, uint8_t *row) {
    const size_t step = t->part_samples, n = t->part_w * step;
    if (t->bits == 8) {
        for (size_t i = step; i < n; i++) row[i] = (uint8_t)(row[i] + row[i - step]);
        return;
    }
    const size_t hi = t->motorola ? 0 : 1, lo = 1 - hi;
    for (size_t i = step; i < n; i++) {
        uint8_t *p = row + 2 * i, *q = p - 2 * step;
        const unsigned v = ((unsigned)p[hi] << 8 | p[lo]) + ((unsigned)q[hi] << 8 | q[lo]);
        p[hi] = (uint8_t)(v >> 8), p[lo] = (uint8_t)v;
    }
}

/* Sample k of a row as 8 bits. */
static uint8_t sample(const struct tiff *t, const uint8_t *row, size_t k) {
    uint8_t v;
    if (t->bits < 8) {
        const unsigned max = (1u << t->bits) - 1, scale = t->kind == PALETTE ? 1 : 255 / max;
        v = (uint8_t)(((unsigned)row[k * t->bits / 8] >> (8 - t->bits - k * t->bits % 8) & max) * scale);
    } else {
        const size_t bytes = t->bits / 8;
        v = row[k * bytes + (t->motorola ? 0 : bytes - 1)];
        if (t->is_signed && v > 127) v = 0;
    }
    return v;
}

/* The visible part of one row into the picture: all its samples, or the plane's. */
static void place(const struct tiff *t, const uint8_t *row, size_t n, size_t plane, uint8_t *out) {
    const size_t channels = sv_image_channels(t->mode), step = t->part_samples;
    const size_t first = t->planes > 1 ? plane : 0, count = t->planes > 1 ? 1 : channels;
    const uint8_t flip = t->kind == WHITE_IS_ZERO ? 255 : 0;
    if (t->bits == 8 && step == channels && t->planes == 1 && !flip && !t->is_signed) {
        memcpy(out, row, n * channels);
        return;
    }
    for (size_t x = 0; x < n; x++, out += channels)
        for (size_t c = 0; c < count; c++) out[first + c] = sample(t, row, x * step + c) ^ (first + c ? 0 : flip);
}

/* A strip or tile in JPEG: the tables of the file, then its own data.  An Adobe marker tells the decoder what the directory says of the colours. */
static int unpack_jpeg(struct tiff *t, size_t rows, uint8_t *out) {
    const uint8_t head[] = { 0xff, 0xd8, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, t->kind == YCBCR };
    const size_t tables = t->field[TABLES].count > 4 ? t->field[TABLES].count - 4 : 0;
    const uint8_t *in = t->data + t->at;
    struct sv_image im;
    if (!sv_jpeg_is(in, t->n)) return sv_fail(t->e, SV_EINPUT, "%s: TIFF part at byte %zu does not begin like a JPEG", t->name, t->at);
    uint8_t *p = sv_alloc(sizeof head + tables + t->n, 1, t->e);
    if (!p) return SV_ENOMEM;
    memcpy(p, head, sizeof head);
    if (tables) memcpy(p + sizeof head, t->data + t->field[TABLES].at + 2, tables);
    memcpy(p + sizeof head + tables, in + 2, t->n - 2);
    int rc = sv_jpeg_decode(p, sizeof head + tables + t->n - 2, t->name, &im, t->e);
    sv_free(p);
    if (rc) return rc;
    if (im.w != t->part_w || im.h < rows || im.mode != t->mode)
        rc = sv_fail(t->e, SV_EINPUT, "%s: TIFF part at byte %zu is a JPEG of %zu x %zu pixels, expected %zu x %zu", t->name, t->at, im.w,
                     im.h, t->part_w, rows);
    else memcpy(out, im.px, rows * t->row_bytes);
    sv_image_free(&im);
    return rc;
}

static int one_part(struct tiff *t, size_t i, uint8_t *part, struct sv_image *im) {
    const size_t x = i % t->across * t->part_w, y = i / t->across % t->down * t->part_h, plane = i / t->across / t->down;
    const size_t rows = rows_of(t, i), channels = sv_image_channels(t->mode);
    int rc = find_part(t, i);
    if (!rc) rc = t->packing == JPEG ? unpack_jpeg(t, rows, part) : unpack(t, rows, part);
    const bool predicted = t->predictor == 2 && (t->packing == LZW || t->packing == DEFLATE || t->packing == OLD_DEFLATE);
    for (size_t r = 0; !rc && r < sv_min(rows, t->h - y); r++) {
        uint8_t *row = part + r * t->row_bytes;
        if (predicted) unpredict(t, row);
        place(t, row, sv_min(t->part_w, t->w - x), plane, im->px + ((y + r) * t->w + x) * channels);
    }
    return rc;
}

/* ---- the picture ---- */

static void divide_by_alpha(struct sv_image *im) {
    const size_t c = sv_image_channels(im->mode);
    for (size_t i = 0; i < im->w * im->h; i++) {
        uint8_t *p = im->px + i * c;
        const unsigned a = p[c - 1];
        for (size_t k = 0; a && k < c - 1; k++) p[k] = (uint8_t)sv_min(255 * p[k] / a, 255);
    }
}

static void rgb_of_cmyk(struct sv_image *im) {
    const uint8_t *p = im->px;
    uint8_t *out = im->px;
    for (size_t i = 0; i < im->w * im->h; i++, p += 4, out += 3) {
        const int k = 255 - p[3];
        for (size_t c = 0; c < 3; c++) out[c] = (uint8_t)((255 - p[c]) * k / 255);
    }
    im->mode = SV_RGB;
}

/* Orientation: which stored corner is the picture's top left one.  From 5 on rows are columns. */
static int turn(const struct tiff *t, struct sv_image *im) {
    const size_t w = im->w, h = im->h, c = sv_image_channels(im->mode);
    const bool swap = t->turn > 4, up = t->turn == 3 || t->turn == 4 || t->turn == 6 || t->turn == 7;
    const bool left = t->turn == 2 || t->turn == 3 || t->turn == 7 || t->turn == 8;
    if (t->turn < 2 || t->turn > 8) return 0;
    uint8_t *px = sv_alloc(w * h, c, t->e), *out = px;
    if (!px) return SV_ENOMEM;
    im->w = swap ? h : w, im->h = swap ? w : h;
    for (size_t y = 0; y < im->h; y++)
        for (size_t x = 0; x < im->w; x++, out += c) {
            const size_t row = swap ? x : y, column = swap ? y : x;
            memcpy(out, im->px + ((up ? h - 1 - row : row) * w + (left ? w - 1 - column : column)) * c, c);
        }
    sv_free(im->px);
    im->px = px;
    return 0;
}

static int decode(struct tiff *t, struct sv_image *im) {
    int rc = read_directory(t);
    if (!rc) rc = read_numbers(t);
    if (!rc) rc = check_kind(t);
    if (rc) return rc;
    if (t->w && t->h && t->w <= SV_IMAGE_MAX_SIDE && t->h <= SV_IMAGE_MAX_SIDE)         /* else sv_image_new says it */
        if ((rc = find_parts(t)) || (rc = check_parts(t))) return rc;
    if ((rc = sv_image_new(im, t->w, t->h, t->mode, t->name, t->e))) return rc;
    if (t->kind == PALETTE && (rc = read_palette(t, im))) return rc;
    im->bilevel = t->bits == 1 && t->mode == SV_GRAY;
    uint8_t *part = sv_alloc(t->part_h, t->row_bytes, t->e);
    if (!part) return SV_ENOMEM;
    const size_t planes = t->planes > 1 ? sv_image_channels(t->mode) : 1;
    for (size_t i = 0; !rc && i < t->across * t->down * planes; i++) rc = one_part(t, i, part, im);
    sv_free(part);
    if (rc) return rc;
    if (t->kind == CMYK) rgb_of_cmyk(im);
    else if (t->alpha == 1 && (t->mode == SV_RGBA || t->mode == SV_GRAY_ALPHA)) divide_by_alpha(im);
    return turn(t, im);
}

int sv_tiff_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e) {
    struct tiff t = { .data = data, .size = size, .name = name, .e = e };
    memset(im, 0, sizeof *im);
    if (!sv_tiff_is(data, size)) return sv_fail(e, SV_EINPUT, "%s: no TIFF: does not begin with II* or MM*", name);
    const int rc = decode(&t, im);
    if (rc) sv_image_free(im);
    return rc;
}
