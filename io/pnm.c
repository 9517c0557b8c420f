#include "io/pnm.h"

#include <string.h>

#include "io/file.h"

struct pnm {
    const uint8_t *data;
    size_t size, at;
    const char *name;
    struct sv_err *e;
    size_t w, h, channels, max;
    bool plain, bits;
};

static bool is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool sv_pnm_is(const uint8_t *data, size_t size) {
    return size > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && (is_space(data[2]) || data[2] == '#');
}

static int truncated(const struct pnm *p) {
    return sv_fail(p->e, SV_EINPUT, "%s: PNM ends at byte %zu, in the middle", p->name, p->size);
}

/* The next character, a comment being the end of its line; -1 at the end. */
static int next(struct pnm *p) {
    if (p->at == p->size) return -1;
    int c = p->data[p->at++];
    if (c != '#') return c;
    while (p->at < p->size && c != '\n' && c != '\r') c = p->data[p->at++];
    return '\n';
}

static int not_a_number(const struct pnm *p, int c, const char *what) {
    if (c < 0) return truncated(p);
    return sv_fail(p->e, SV_EINPUT, "%s: PNM byte %zu: 0x%02x, expected the digits of %s", p->name, p->at - 1, (unsigned)c,
                   what);
}

/* A number of at most `max` and the one character behind it. */
static int number(struct pnm *p, const char *what, size_t max, size_t *out) {
    int c;
    do c = next(p);
    while (is_space(c));
    if (c < '0' || c > '9') return not_a_number(p, c, what);
    size_t v = 0;
    for (; c >= '0' && c <= '9'; c = next(p)) {
        v = v * 10 + (size_t)(c - '0');
        if (v > max) return sv_fail(p->e, SV_EINPUT, "%s: PNM byte %zu: %s is above %zu", p->name, p->at - 1, what, max);
    }
    if (c >= 0 && !is_space(c)) return not_a_number(p, c, what);
    *out = v;
    return 0;
}

static int header(struct pnm *p) {
    const int kind = p->data[1] - '0';
    p->plain = kind < 4, p->bits = kind % 3 == 1, p->channels = kind % 3 ? 1 : 3, p->max = 1;
    p->at = 2;
    int rc = number(p, "the width", SIZE_MAX >> 8, &p->w);
    if (!rc) rc = number(p, "the height", SIZE_MAX >> 8, &p->h);
    if (!rc && !p->bits) rc = number(p, "maxval", 65535, &p->max);
    if (!rc && !p->max) rc = sv_fail(p->e, SV_EINPUT, "%s: PNM with maxval 0, expected 1 .. 65535", p->name);
    return rc;
}

/* The least number of bytes that hold the samples; SIZE_MAX where that does not fit. */
static size_t least_bytes(const struct pnm *p) {
    size_t row, n;
    if (!sv_mul(p->w, p->channels, &row)) return SIZE_MAX;
    if (p->bits && !p->plain) row = sv_ceil_div(row, 8);
    else if (!p->plain && p->max > 255 && !sv_mul(row, 2, &row)) return SIZE_MAX;
    if (!sv_mul(row, p->h, &n)) return SIZE_MAX;
    return n;
}

static uint8_t scale(size_t v, size_t max) {
    if (max > 255) return (uint8_t)((v * 65535 + max / 2) / max >> 8);
    const size_t q = v * 255 / max, r = v * 255 % max * 2;
    return (uint8_t)(q + (r > max || (r == max && q % 2)));
}

static int too_large(const struct pnm *p, size_t v, size_t i) {
    return sv_fail(p->e, SV_EINPUT, "%s: PNM sample %zu is %zu, above its maxval %zu", p->name, i, v, p->max);
}

static int plain_bits(struct pnm *p, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {            /* digits need no space between them */
        int c;
        do c = next(p);
        while (is_space(c));
        if (c != '0' && c != '1') return not_a_number(p, c, "a bit");
        out[i] = c == '0' ? 255 : 0;
    }
    return 0;
}

static int plain_samples(struct pnm *p, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t v;
        const int rc = number(p, "a sample", 65535, &v);
        if (rc) return rc;
        if (v > p->max) return too_large(p, v, i);
        out[i] = scale(v, p->max);
    }
    return 0;
}

static int raw_samples(const struct pnm *p, uint8_t *out, size_t n) {
    const uint8_t *s = p->data + p->at;
    uint8_t table[256];
    if (p->max > 255) {
        for (size_t i = 0; i < n; i++, s += 2) {
            const size_t v = (size_t)s[0] << 8 | s[1];
            if (v > p->max) return too_large(p, v, i);
            out[i] = scale(v, p->max);
        }
        return 0;
    }
    for (size_t v = 0; v <= p->max; v++) table[v] = scale(v, p->max);
    for (size_t i = 0; i < n; i++) {
        if (s[i] > p->max) return too_large(p, s[i], i);
        out[i] = table[s[i]];
    }
    return 0;
}

static void raw_bits(const struct pnm *p, uint8_t *out) {
    const uint8_t *s = p->data + p->at;
    for (size_t y = 0; y < p->h; y++, s += sv_ceil_div(p->w, 8))
        for (size_t x = 0; x < p->w; x++) *out++ = s[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
}

int sv_pnm_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e) {
    struct pnm p = { .data = data, .size = size, .name = name, .e = e };
    memset(im, 0, sizeof *im);
    if (!sv_pnm_is(data, size))
        return sv_fail(e, SV_EINPUT, "%s: no PNM: does not begin with P1 .. P6 and a space", name);
    int rc = header(&p);
    if (rc) return rc;
    const size_t least = least_bytes(&p);
    if (least > size - p.at)
        return sv_fail(e, SV_EINPUT, "%s: PNM of %zu x %zu pixels needs at least %zu bytes of data, has %zu", name, p.w,
                       p.h, least, size - p.at);
    if ((rc = sv_image_new(im, p.w, p.h, p.channels == 3 ? SV_RGB : SV_GRAY, name, e))) return rc;
    im->bilevel = p.bits;
    const size_t n = p.w * p.h * p.channels;
    if (p.plain) rc = p.bits ? plain_bits(&p, im->px, n) : plain_samples(&p, im->px, n);
    else if (p.bits) raw_bits(&p, im->px);
    else rc = raw_samples(&p, im->px, n);
    if (rc) sv_image_free(im);
    return rc;
}

int sv_pnm_write(const char *path, size_t w, size_t h, const uint8_t *rgb, struct sv_err *e) {
    struct sv_out o;
    int rc = sv_out_open(&o, path, e);
    if (rc) return rc;
    rc = sv_out_printf(&o, e, "P6\n%zu %zu\n255\n", w, h);
    if (!rc) rc = sv_out_write(&o, rgb, w * h * 3, e);
    if (!rc) return sv_out_commit(&o, e);
    sv_out_drop(&o);
    return rc;
}
