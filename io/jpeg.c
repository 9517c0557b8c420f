#include "io/jpeg.h"

#include "io/jpeg_int.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SOF0 = 0xc0, SOF1 = 0xc1, SOF2 = 0xc2, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc, SOF15 = 0xcf, RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9,
    SOS = 0xda, DQT = 0xdb, DNL = 0xdc, DRI = 0xdd, APP0 = 0xe0, APP14 = 0xee, APP15 = 0xef, COM = 0xfe, TEM = 0x01
};

/* What a marker's parameters are read from. */
struct part { const uint8_t *p; size_t n; };

int sv_jpeg_bad(const struct sv_jpeg *d, const uint8_t *at, const char *fmt, ...) {
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return sv_fail(d->e, SV_EINPUT, "%s: JPEG, byte %zu: %s", d->name, (size_t)(at - d->data), text);
}

static unsigned be16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }

static int read_dqt(struct sv_jpeg *d, struct part s) {
    while (s.n) {
        const unsigned id = s.p[0] & 15, wide = s.p[0] >> 4;
        const size_t size = wide ? 128 : 64;
        if (id > 3 || wide > 1 || s.n - 1 < size)
            return sv_jpeg_bad(d, s.p, "quantization table %u of precision %u with %zu bytes", id, wide, s.n - 1);
        for (size_t k = 0; k < 64; k++)
            d->quant[id][sv_jpeg_zigzag[k]] = (uint16_t)(wide ? be16(s.p + 1 + 2 * k) : s.p[1 + k]);
        d->has_quant[id] = true;
        s.p += 1 + size, s.n -= 1 + size;
    }
    return 0;
}

static int read_dht(struct sv_jpeg *d, struct part s) {
    while (s.n) {
        if (s.n < 17) return sv_jpeg_bad(d, s.p, "Huffman table of %zu bytes, expected 17 or more", s.n);
        const unsigned id = s.p[0] & 15, ac = s.p[0] >> 4;
        size_t n = 0;
        for (size_t i = 1; i <= 16; i++) n += s.p[i];
        if (id > 3 || ac > 1 || n > 256 || n > s.n - 17)
            return sv_jpeg_bad(d, s.p, "Huffman table 0x%02x with %zu codes in %zu bytes", s.p[0], n, s.n - 17);
        struct sv_jpeg_table *t = &d->table[ac][id];
        memcpy(t->count, s.p, 17);
        memset(t->symbol, 0, sizeof t->symbol);
        memcpy(t->symbol, s.p + 17, n);
        t->defined = true, t->built = false;
        s.p += 17 + n, s.n -= 17 + n;
    }
    return 0;
}

static int lay_out(struct sv_jpeg *d) {
    for (size_t i = 0; i < d->n; i++) {
        d->hmax = d->comp[i].h > d->hmax ? d->comp[i].h : d->hmax;
        d->vmax = d->comp[i].v > d->vmax ? d->comp[i].v : d->vmax;
    }
    d->mcux = sv_ceil_div(d->w, 8u * d->hmax), d->mcuy = sv_ceil_div(d->h, 8u * d->vmax);
    for (size_t i = 0; i < d->n; i++) {
        struct sv_jpeg_comp *c = &d->comp[i];
        c->w = sv_ceil_div(d->w * c->h, d->hmax), c->rows = sv_ceil_div(d->h * c->v, d->vmax);
        c->bw = sv_ceil_div(c->w, 8), c->bh = sv_ceil_div(c->rows, 8);
        c->pw = d->mcux * c->h, c->ph = d->mcuy * c->v;
        memset(c->al, -1, sizeof c->al);
    }
    return 0;
}

static int read_sof(struct sv_jpeg *d, struct part s, unsigned marker) {
    if (marker > SOF2)
        return sv_jpeg_bad(d, s.p, "%s JPEG (frame type %u) is not supported, expected baseline, extended or progressive Huffman",
                           marker == 0xc3 ? "lossless" : marker > JPG ? "arithmetic" : "hierarchical", marker - SOF0);
    if (d->n) return sv_jpeg_bad(d, s.p, "second frame header");
    if (s.n < 6 || s.n != 6 + 3u * s.p[5]) return sv_jpeg_bad(d, s.p, "frame header of %zu bytes", s.n);
    if (s.p[0] != 8) return sv_jpeg_bad(d, s.p, "%u bits a sample, expected 8", s.p[0]);
    d->h = be16(s.p + 1), d->w = be16(s.p + 3);
    if (!d->w || !d->h || d->w * d->h > SV_IMAGE_MAX_PIXELS)
        return sv_jpeg_bad(d, s.p, "image of %zu x %zu pixels, expected 1 .. %d in all%s", d->w, d->h, SV_IMAGE_MAX_PIXELS,
                           d->h ? "" : " (a height in a DNL marker is not supported)");
    if (s.p[5] != 1 && s.p[5] != 3) return sv_jpeg_bad(d, s.p, "%u components, expected 1 (gray) or 3 (colour)", s.p[5]);
    d->n = s.p[5], d->progressive = marker == SOF2;
    for (size_t i = 0; i < d->n; i++) {
        struct sv_jpeg_comp *c = &d->comp[i];
        const uint8_t *p = s.p + 6 + 3 * i;
        c->id = p[0], c->h = p[1] >> 4, c->v = p[1] & 15, c->tq = p[2];
        if (!c->h || !c->v || c->h > 4 || c->v > 4 || c->tq > 3)
            return sv_jpeg_bad(d, p, "component %u: sampling %ux%u, quantization table %u, expected 1 .. 4 and 0 .. 3",
                               c->id, c->h, c->v, c->tq);
        /* Factors say how components relate; alone, its MCU is one block whatever they are. */
        if (d->n == 1) c->h = c->v = 1;
    }
    return lay_out(d);
}

/* The component that a scan names; the next of that name where several have it. */
static struct sv_jpeg_comp *named(struct sv_jpeg *d, unsigned id, size_t taken) {
    for (size_t i = 0; i < d->n; i++) {
        bool used = d->comp[i].id != id;
        for (size_t j = 0; j < taken; j++) used = used || d->scan.c[j] == &d->comp[i];
        if (!used) return &d->comp[i];
    }
    return NULL;
}

/* JFIF means YCbCr, whatever else is there; then Adobe's flag; then component names. */
static bool is_ycc(const struct sv_jpeg *d) {
    if (d->jfif) return true;
    if (d->adobe) return d->transform != 0;
    return !(d->comp[0].id == 'R' && d->comp[1].id == 'G' && d->comp[2].id == 'B');
}

static int read_sos(struct sv_jpeg *d, struct part s) {
    if (!d->n) return sv_jpeg_bad(d, s.p, "scan without a frame header");
    if (!s.n || !s.p[0] || s.p[0] > d->n || s.n != 4 + 2u * s.p[0])
        return sv_jpeg_bad(d, s.p, "scan header of %zu bytes for %u of %zu components", s.n, s.n ? s.p[0] : 0, d->n);
    if (d->scans >= SV_JPEG_MAX_SCANS) return sv_jpeg_bad(d, s.p, "more than %d scans", SV_JPEG_MAX_SCANS);
    if (!d->scans) d->ycc = is_ycc(d);
    d->scan.n = s.p[0];
    for (size_t i = 0; i < d->scan.n; i++) {
        const uint8_t *p = s.p + 1 + 2 * i;
        struct sv_jpeg_comp *c = d->scan.c[i] = named(d, p[0], i);
        if (!c || p[1] >> 4 > 3 || (p[1] & 15) > 3)
            return sv_jpeg_bad(d, p, "component %u with Huffman tables 0x%02x: no such component or table", p[0], p[1]);
        c->dc = &d->table[0][p[1] >> 4], c->ac = &d->table[1][p[1] & 15];
    }
    const uint8_t *p = s.p + s.n - 3;
    d->scan.ss = 0, d->scan.se = 63, d->scan.ah = d->scan.al = 0;
    if (!d->progressive) return 0;      /* there they mean nothing, and some writers leave them 0 */
    d->scan.ss = p[0], d->scan.se = p[1], d->scan.ah = p[2] >> 4, d->scan.al = p[2] & 15;
    if (d->scan.se > 63 || (d->scan.ss ? d->scan.se < d->scan.ss || d->scan.n != 1 : d->scan.se != 0)
        || d->scan.al > 13 || (d->scan.ah && d->scan.al != d->scan.ah - 1))
        return sv_jpeg_bad(d, p, "progressive scan of coefficients %u .. %u, bits 0x%02x, components: %zu",
                           p[0], p[1], p[2], d->scan.n);
    return 0;
}

static int read_app(struct sv_jpeg *d, struct part s, unsigned marker) {
    if (marker == APP0 && s.n >= 14 && !memcmp(s.p, "JFIF", 5)) d->jfif = true;
    if (marker == APP14 && s.n >= 12 && !memcmp(s.p, "Adobe", 5)) d->adobe = true, d->transform = s.p[11];
    return 0;
}

/* Steps to the next marker, over whatever lies before it; 0 where there is none. */
static unsigned next_marker(struct sv_jpeg *d) {
    for (; d->end - d->p >= 2; d->p++) {
        if (d->p[0] != 0xff || d->p[1] == 0 || d->p[1] == 0xff) continue;
        d->p += 2;
        return d->p[-1];
    }
    return 0;
}

static int read_segment(struct sv_jpeg *d, unsigned marker, struct part s) {
    switch (marker) {
    case DQT: return read_dqt(d, s);
    case DHT: return read_dht(d, s);
    case SOS: return read_sos(d, s);
    case DRI:
        if (s.n != 2) return sv_jpeg_bad(d, s.p, "restart interval of %zu bytes, expected 2", s.n);
        return d->restart = be16(s.p), 0;
    case DAC: case DNL: case COM: return 0;
    default:
        if (marker >= APP0 && marker <= APP15) return read_app(d, s, marker);
        if (marker >= SOF0 && marker <= SOF15 && marker != JPG) return read_sof(d, s, marker);
        return sv_jpeg_bad(d, s.p, "unknown marker 0x%02x", marker);
    }
}

/* Nothing more can come.  Progressive: every bit of every coefficient is there. */
static bool complete(const struct sv_jpeg *d) {
    for (size_t i = 0; i < d->n; i++) {
        if (!d->comp[i].seen) return false;
        for (size_t k = 0; d->progressive && k < 64; k++)
            if (d->comp[i].al[k]) return false;
    }
    return d->n > 0;
}

static int decode(struct sv_jpeg *d) {
    while (d->progressive || !complete(d)) {
        const unsigned marker = next_marker(d);
        if (!marker && complete(d)) break;
        if (!marker) return sv_jpeg_bad(d, d->end, "ends early: expected %s", d->n ? "more scans or the end marker" : "a frame header");
        if (marker == EOI) break;
        if (marker == SOI) return sv_jpeg_bad(d, d->p, "a second image begins before the first has ended");
        if (marker == TEM || (marker >= RST0 && marker < SOI)) continue;
        const size_t left = (size_t)(d->end - d->p), size = left < 2 ? 0 : be16(d->p);
        if (size < 2 || size > left) return sv_jpeg_bad(d, d->p, "marker 0x%02x with %zu bytes of %zu left", marker, size, left);
        const struct part s = { d->p + 2, size - 2 };
        d->p += size;
        int rc = read_segment(d, marker, s);
        if (!rc && marker == SOS) rc = sv_jpeg_scan(d);
        if (rc) return rc;
    }
    for (size_t i = 0; i < d->n; i++)
        if (!d->comp[i].seen) return sv_jpeg_bad(d, d->p, "no scan of component %u", d->comp[i].id);
    return d->n ? sv_jpeg_finish(d) : sv_jpeg_bad(d, d->p, "no frame header");
}

bool sv_jpeg_is(const uint8_t *data, size_t size) { return size >= 2 && data[0] == 0xff && data[1] == SOI; }

int sv_jpeg_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e) {
    memset(im, 0, sizeof *im);
    struct sv_jpeg d = { .name = name, .e = e, .data = data, .end = data + size, .im = im };
    if (!sv_jpeg_is(data, size))
        return sv_fail(e, SV_EINPUT, "%s: not a JPEG file: expected the bytes ff d8 at the start", name);
    d.p = data + 2;
    const int rc = decode(&d);
    for (size_t i = 0; i < 3; i++) sv_free(d.comp[i].px), sv_free(d.comp[i].coef), sv_free(d.line[i]);
    sv_free(d.sum);
    if (rc) sv_image_free(im);
    return rc;
}
