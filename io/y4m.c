#include "io/y4m.h"

#include <string.h>

static const char MAGIC[] = "YUV4MPEG2";

bool sv_y4m_is(const void *p, size_t n) {
    const char *s = p;
    return n > 9 && !memcmp(s, MAGIC, 9) && (s[9] == ' ' || s[9] == '\n');
}

/* One line without its newline, NUL-terminated.  *len SIZE_MAX: the stream ended before its first byte. */
static int line(struct sv_y4m *y, char out[SV_Y4M_LINE], size_t *len, const char *what, struct sv_err *e) {
    for (size_t n = 0;; n++) {
        uint64_t got;
        uint8_t c = 0;
        const int rc = sv_stream_take(&y->in, &c, 1, &got, e);
        if (rc) return rc;
        if (!got && !n) { *len = SIZE_MAX; return 0; }
        if (!got) return sv_fail(e, SV_EINPUT, "%s: ends inside %s", y->in.name, what);
        if (c == '\n') { out[n] = 0, *len = n; return 0; }
        if (n == SV_Y4M_LINE - 1 || !c)
            return sv_fail(e, SV_EINPUT, "%s: %s has no end of line within %d bytes", y->in.name, what, SV_Y4M_LINE);
        out[n] = (char)c;
    }
}

/* ---- header ---- */

static bool number(const char **s, size_t *out) {
    size_t v = 0;
    const char *p = *s;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (!sv_mul(v, 10, &v) || !sv_add(v, (size_t)(*p - '0'), &v)) return false;
    }
    const bool any = p != *s;
    *s = p, *out = v;
    return any;
}

static bool chroma(struct sv_y4m *y, const char *c) {
    static const struct { const char *name; uint8_t fx, fy; bool centred_x, centred_y; } kind[] = {
        { "420jpeg", 2, 2, true, true }, { "420mpeg2", 2, 2, false, true }, { "420paldv", 2, 2, false, false },
        { "420", 2, 2, true, true }, { "411", 4, 1, false, false }, { "422", 2, 1, false, false },
        { "444", 1, 1, false, false }, { "mono", 0, 1, false, false },
    };
    for (size_t i = 0; i < SV_LEN(kind); i++) {
        const size_t n = strlen(kind[i].name);
        if (strncmp(c, kind[i].name, n)) continue;
        const char *p = c + n;
        size_t bits = 8;
        /* "420p10", but "mono10". */
        if (*p && ((kind[i].fx && *p++ != 'p') || !number(&p, &bits) || *p || bits < 9 || bits > 16)) continue;
        y->fx = kind[i].fx, y->fy = kind[i].fy, y->bits = bits;
        y->centred_x = kind[i].centred_x, y->centred_y = kind[i].centred_y;
        return true;
    }
    return false;
}

static int tag(struct sv_y4m *y, const char *t, struct sv_err *e) {
    const char *p = t + 1;
    bool ok = true;
    if (*t == 'W' || *t == 'H') ok = number(&p, *t == 'W' ? &y->w : &y->h) && !*p;
    else if (*t == 'F') {
        ok = number(&p, &y->rate) && *p++ == ':' && number(&p, &y->per) && !*p;
        if (!y->rate || !y->per) y->rate = y->per = 0;
    } else if (*t == 'C') {
        if (!chroma(y, p))
            return sv_fail(e, SV_EINPUT,
                           "%s: y4m chroma '%.40s', expected 420, 420jpeg, 420mpeg2, 420paldv, 411, 422, 444 (each also "
                           "with p9 .. p16) or mono", y->in.name, p);
    } else if (!strcmp(t, "XCOLORRANGE=FULL")) y->full = true;
    return ok ? 0 : sv_fail(e, SV_EINPUT, "%s: y4m header field '%.40s' is malformed", y->in.name, t);
}

static int header(struct sv_y4m *y, struct sv_err *e) {
    char text[SV_Y4M_LINE];
    size_t n;
    int rc = line(y, text, &n, "the y4m header", e);
    if (rc) return rc;
    if (n == SIZE_MAX || n < 9 || memcmp(text, MAGIC, 9) || (text[9] && text[9] != ' '))
        return sv_fail(e, SV_EINPUT, "%s: not a y4m stream: it does not begin with %s", y->in.name, MAGIC);
    chroma(y, "420jpeg");
    for (char *p = text + 9, *t; !rc && *p;) {
        while (*p == ' ') p++;
        for (t = p; *p && *p != ' ';) p++;
        if (*p) *p++ = 0;
        if (*t) rc = tag(y, t, e);
    }
    if (rc) return rc;
    if (!y->w || !y->h || y->w > SV_Y4M_MAX_SIDE || y->h > SV_Y4M_MAX_SIDE || y->w * y->h > SV_Y4M_MAX_PIXELS)
        return sv_fail(e, SV_EINPUT, "%s: y4m frames of %zu x %zu pixels, expected 1 .. %d a side and at most %d in all",
                       y->in.name, y->w, y->h, SV_Y4M_MAX_SIDE, SV_Y4M_MAX_PIXELS);
    y->frame_bytes = y->w * y->h;
    if (y->fx) y->frame_bytes += 2 * sv_ceil_div(y->w, y->fx) * sv_ceil_div(y->h, y->fy);
    if (y->bits > 8) y->frame_bytes *= 2;
    const size_t step = y->frame_bytes + sizeof "FRAME";        /* the newline takes the place of the NUL */
    if (y->in.left != UINT64_MAX && y->in.left % step == 0) y->frames = (size_t)(y->in.left / step);
    return 0;
}

int sv_y4m_open(struct sv_y4m *y, struct sv_stream *in, struct sv_err *e) {
    *y = (struct sv_y4m){ .in = *in };
    *in = (struct sv_stream){ .fd = -1 };
    const int rc = header(y, e);
    if (rc) sv_y4m_close(y);
    return rc;
}

void sv_y4m_close(struct sv_y4m *y) {
    sv_stream_close(&y->in);
    sv_free(y->raw), sv_free(y->row);
    *y = (struct sv_y4m){ .in.fd = -1 };
}

/* ---- frames ---- */

int sv_y4m_next(struct sv_y4m *y, struct sv_err *e) {
    char text[SV_Y4M_LINE];
    size_t n;
    int rc = line(y, text, &n, "a y4m frame header", e);
    if (rc) return rc;
    if (n == SIZE_MAX) return 0;
    if (n < 5 || memcmp(text, "FRAME", 5) || (text[5] && text[5] != ' '))
        return sv_fail(e, SV_EINPUT, "%s: frame %zu does not begin with FRAME", y->in.name, y->next);
    /* Only now: a header alone must not cost the memory of a frame. */
    uint64_t got = y->in.left;
    if (y->in.left >= y->frame_bytes) {
        if (!y->raw && !(y->raw = sv_alloc(y->frame_bytes, 1, e))) return SV_ENOMEM;
        if (!y->row && !(y->row = sv_alloc(y->w, 6, e))) return SV_ENOMEM;
        if ((rc = sv_stream_take(&y->in, y->raw, y->frame_bytes, &got, e))) return rc;
    }
    if (got < y->frame_bytes)
        return sv_fail(e, SV_EINPUT, "%s: frame %zu is cut: %llu bytes, expected %zu", y->in.name, y->next,
                       (unsigned long long)got, y->frame_bytes);
    y->next++;
    return 1;
}

/* Row r of a plane w samples wide as 8 bits: in place, or narrowed into out. */
static const uint8_t *row8(const struct sv_y4m *y, size_t plane, size_t w, size_t r, uint8_t *out) {
    if (y->bits == 8) return y->raw + plane + r * w;
    const uint8_t *p = y->raw + 2 * (plane + r * w);
    for (size_t i = 0; i < w; i++) out[i] = (uint8_t)sv_min((size_t)(p[2 * i] | p[2 * i + 1] << 8) >> (y->bits - 8), 255);
    return out;
}

/* Where luma sample x lies among n chroma samples: between *a and *b, *f eighths of the way. */
static void between(size_t x, size_t factor, bool centred, size_t n, size_t *a, size_t *b, int *f) {
    const size_t at = centred ? (2 * x + 1) * 4 / factor + 4 : 8 * x / factor + 8;   /* one sample ahead: never < 0 */
    *a = sv_min(sv_max(at / 8, 1) - 1, n - 1), *b = sv_min(at / 8, n - 1), *f = (int)(at % 8);
}

/* out [cw]: 8 times one chroma row, interpolated down. */
static void chroma_row(const struct sv_y4m *y, size_t plane, size_t cw, size_t r, uint16_t *out, uint8_t *tmp) {
    size_t a, b;
    int f;
    between(r, y->fy, y->centred_y, sv_ceil_div(y->h, y->fy), &a, &b, &f);
    const uint8_t *p = row8(y, plane, cw, a, tmp);
    for (size_t i = 0; i < cw; i++) out[i] = (uint16_t)((8 - f) * p[i]);
    p = row8(y, plane, cw, b, tmp);
    for (size_t i = 0; i < cw; i++) out[i] = (uint16_t)(out[i] + f * p[i]);
}

static uint8_t level(int32_t v) { return v < 0 ? 0 : v >= 255 << 16 ? 255 : (uint8_t)(v >> 16); }

void sv_y4m_rgb(const struct sv_y4m *y, uint8_t *out) {
    const size_t w = y->w, cw = y->fx ? sv_ceil_div(w, y->fx) : 0, plane = w * y->h, part = cw * sv_ceil_div(y->h, y->fy);
    uint16_t *u = (uint16_t *)(void *)y->row, *v = u + w;
    uint8_t *tmp = (uint8_t *)(v + w), *luma = tmp + w;
    const int32_t scale = y->full ? 65536 : 76309, black = y->full ? 0 : 16, rv = y->full ? 91881 : 104597,
                  gu = y->full ? 22554 : 25675, gv = y->full ? 46802 : 53279, bu = y->full ? 116130 : 132201;
    for (size_t r = 0; r < y->h; r++) {
        const uint8_t *l = row8(y, 0, w, r, luma);
        if (cw) chroma_row(y, plane, cw, r, u, tmp), chroma_row(y, plane + part, cw, r, v, tmp);
        for (size_t x = 0; x < w; x++, out += 3) {
            int32_t cu = 0, cv = 0;
            if (cw) {
                size_t a, b;
                int f;
                between(x, y->fx, y->centred_x, cw, &a, &b, &f);
                cu = ((8 - f) * u[a] + f * u[b] + 32) / 64 - 128, cv = ((8 - f) * v[a] + f * v[b] + 32) / 64 - 128;
            }
            const int32_t base = scale * (l[x] - black) + 32768;
            out[0] = level(base + rv * cv);
            out[1] = level(base - gu * cu - gv * cv);
            out[2] = level(base + bu * cu);
        }
    }
}
