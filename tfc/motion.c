#include "tfc/motion.h"

#include "tfc/blob.h"
#include <math.h>
#include <string.h>

enum {
    LOOK = SV_MOTION_LOOK, KEPT = 2 * LOOK + 1,
    SURE = 75,                          /* frames that another value must last before it replaces a background that was sure */
    RISE = 3,                           /* lowest difference that is one, in units of the noise */
    FLOOR = 12,                         /* and in gray levels */
    MATURE = 5 * LOOK,                  /* frames that a background must have agreed before it is believed */
};

/* How tall things are, by the image row they stand on: a line h = a + b y2, fitted with weights that fade. */
struct scale { double n, y, yy, h, yh, wide; };

struct sv_motion {
    size_t w, h, pushed, given;         /* frames taken, frames whose boxes were given */
    uint8_t *gray[KEPT];                /* [h, w] each: frame t is gray[t % KEPT] */
    uint8_t *tmp, *mask, *shade, *held; /* [h, w] */
    uint16_t *back;                     /* [h, w] background, 8.8 */
    uint8_t *rival;                     /* [h, w] the value that would replace it */
    uint8_t *trust, *claim;             /* [h, w] frames that agreed with the background, with the rival */
    struct sv_blobs blobs;
    struct scale scale;
    double guess;                       /* how tall things are while the scale knows nothing; 0: no idea */
    double noise;                       /* mean absolute difference of quiet pixels between frames */
    struct sv_motion_box box[SV_MOTION_MOST]; size_t n;
};

static struct sv_motion *carve(struct sv_arena *a, size_t w, size_t h) {
    struct sv_motion m = { .w = w, .h = h, .noise = 2 }, *place = SV_TAKE(a, struct sv_motion, 1);
    for (size_t i = 0; i < KEPT; i++) m.gray[i] = SV_TAKE(a, uint8_t, w * h);
    m.tmp = SV_TAKE(a, uint8_t, w * h), m.mask = SV_TAKE(a, uint8_t, w * h);
    m.shade = SV_TAKE(a, uint8_t, w * h), m.held = SV_TAKE(a, uint8_t, w * h);
    m.back = SV_TAKE(a, uint16_t, w * h);
    m.rival = SV_TAKE(a, uint8_t, w * h), m.trust = SV_TAKE(a, uint8_t, w * h), m.claim = SV_TAKE(a, uint8_t, w * h);
    sv_blobs_take(&m.blobs, a, w, h);
    if (place) *place = m;
    return place;
}

struct sv_motion *sv_motion_open(size_t w, size_t h, struct sv_err *e) {
    struct sv_arena a = {0};
    carve(&a, w, h);
    void *mem = sv_alloc(a.used, 1, e);
    if (!mem) return NULL;
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    return carve(&a, w, h);
}

void sv_motion_free(struct sv_motion *m) { sv_free(m); }

void sv_motion_hold(struct sv_motion *m, const double box[4]) {
    const size_t x1 = (size_t)fmin(fmax(box[0], 0), (double)m->w), x2 = (size_t)fmin(fmax(box[2], 0), (double)m->w);
    const size_t y1 = (size_t)fmin(fmax(box[1], 0), (double)m->h), y2 = (size_t)fmin(fmax(box[3], 0), (double)m->h);
    for (size_t y = y1; y < y2 && x1 < x2; y++) memset(m->held + y * m->w + x1, 1, x2 - x1);
}

/* ---- pixels ---- */

static int gap(int a, int b) { return a < b ? b - a : a - b; }

/* out = rgb as luma (BT.601), smoothed by 1 2 1 both ways: sensors and JPEG shake single pixels. */
static void take(struct sv_motion *m, const uint8_t *rgb, uint8_t *out) {
    const size_t w = m->w, h = m->h;
    uint8_t *luma = m->mask;
    for (size_t i = 0; i < w * h; i++) luma[i] = (uint8_t)((77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2] + 128) >> 8);
    for (size_t y = 0; y < h; y++) {
        const uint8_t *c = luma + y * w;
        uint8_t *o = m->tmp + y * w;
        o[0] = c[0], o[w - 1] = c[w - 1];
        for (size_t x = 1; x + 1 < w; x++) o[x] = (uint8_t)((c[x - 1] + 2 * c[x] + c[x + 1] + 2) >> 2);
    }
    for (size_t y = 0; y < h; y++) {
        const uint8_t *c = m->tmp + y * w, *u = y ? c - w : c, *d = y + 1 < h ? c + w : c;
        uint8_t *o = out + y * w;
        for (size_t x = 0; x < w; x++) o[x] = (uint8_t)((u[x] + 2 * c[x] + d[x] + 2) >> 2);
    }
}

/* The background of each pixel takes in frame c, or another value takes its place. */
static void learn(struct sv_motion *m, const uint8_t *now, int near, int lift) {
    for (size_t i = 0; i < m->w * m->h; i++) {
        const int v = now[i], b = (m->back[i] + 128) >> 8;
        if (m->held[i]) { m->held[i] = 0; continue; }
        if (gap(v, b + lift) <= near) {
            m->back[i] = (uint16_t)(m->back[i] + ((v << 8) - m->back[i]) / 16);
            if (m->trust[i] < 255) m->trust[i]++;
            if (m->claim[i]) m->claim[i]--;
            continue;
        }
        if (gap(v, m->rival[i]) > near) { m->rival[i] = (uint8_t)v, m->claim[i] = 1; continue; }
        if (++m->claim[i] > sv_min(m->trust[i], SURE)) {
            m->back[i] = (uint16_t)(v << 8);
            m->trust[i] = m->claim[i], m->claim[i] = 0;
        }
    }
}

/* The median of what light added to quiet pixels, and their noise, from a grid of samples. */
static int lift_of(struct sv_motion *m, const uint8_t *now, const uint8_t *before) {
    size_t count[511] = {0}, n = 0, sum = 0, quiet = 0;
    for (size_t y = 2; y < m->h; y += 4)
        for (size_t x = 2; x < m->w; x += 4) {
            const size_t i = y * m->w + x;
            count[now[i] - (m->back[i] >> 8) + 255]++, n++;
            const int d = gap(now[i], before[i]);
            if (d < 16) sum += (size_t)d, quiet++;
        }
    if (quiet) m->noise += 0.1 * ((double)sum / (double)quiet - m->noise);
    if (!n) return 0;
    size_t at = 0;
    for (size_t seen = count[0]; 2 * seen < n; ) seen += count[++at];
    return (int)at - 255;
}

/* Darker than the background by less than half. */
static bool dim(int v, int b) { return v < b && 16 * v >= 9 * b; }

/* tmp = the inside of shadows: dim, and the background's own texture shows through. */
static void shades(struct sv_motion *m, const uint8_t *now, int lift) {
    const size_t w = m->w;
    memset(m->tmp, 0, w * m->h);
    for (size_t y = 1; y < m->h; y++)
        for (size_t i = y * w + 1; i < (y + 1) * w; i++) {
            const int v = now[i], b = (m->back[i] >> 8) + lift;
            if (m->trust[i] <= MATURE || !dim(v, b)) continue;
            const int across = (b - lift - (m->back[i - 1] >> 8)) * v / b, down = (b - lift - (m->back[i - w] >> 8)) * v / b;
            m->tmp[i] = gap(v - now[i - 1], across) < 4 && gap(v - now[i - w], down) < 4;
        }
}

/* A dim pixel next to the inside of a shadow is its soft edge. */
static bool near_shade(const uint8_t *t, size_t w) {
    return t[0] | t[-1] | t[-2] | t[1] | t[2] | *(t - w) | *(t - 2 * w) | t[w] | t[2 * w];
}

/* mask = foreground of frame now, shade = what of it may be a shadow; returns the size of mask. */
static size_t difference(struct sv_motion *m, const uint8_t *past, const uint8_t *now, const uint8_t *next, int least, int lift) {
    const size_t w = m->w;
    size_t area = 0;
    shades(m, now, lift);
    for (size_t i = 0; i < w * m->h; i++) {
        const int v = now[i], b = (m->back[i] >> 8) + lift;
        const bool mature = m->trust[i] > MATURE, moved = gap(v, past[i]) > least && gap(v, next[i]) > least;
        area += m->mask[i] = moved || (mature && gap(v, b) > least);
        m->shade[i] = m->mask[i] && mature && dim(v, b) && i >= 2 * w && i + 2 * w + 2 < w * m->h && near_shade(m->tmp + i, w);
    }
    return area;
}

/* A pixel stays where 4 of the 9 around it are set; then gaps of up to two rows and one column close. */
static void clean(struct sv_motion *m) {
    const size_t w = m->w, h = m->h;
    memset(m->tmp, 0, w * h);
    for (size_t y = 1; y + 1 < h; y++) {
        const uint8_t *c = m->mask + y * w;
        uint8_t *o = m->tmp + y * w;
        for (size_t x = 1; x + 1 < w; x++)
            o[x] = c[x - w - 1] + c[x - w] + c[x - w + 1] + c[x - 1] + c[x] + c[x + 1] + c[x + w - 1] + c[x + w] + c[x + w + 1] > 3;
    }
    memcpy(m->mask, m->tmp, w * h);
    for (size_t y = 2; y + 2 < h; y++) {
        const uint8_t *c = m->tmp + y * w;
        uint8_t *o = m->mask + y * w;
        for (size_t x = 1; x + 1 < w; x++)
            o[x] = c[x] | (c[x - 1] & c[x + 1]) | (c[x - w] & c[x + w]) | (c[x - w] & c[x + 2 * w]) | (c[x - 2 * w] & c[x + w]);
    }
}

/* ---- sizes ---- */

enum { SMALLEST = 6, FEW = 5, ENOUGH = 40 };        /* pixels; weights from which the height, and its slope, are believed */

static double tall(const struct sv_motion *m, double y2) {
    const struct scale *s = &m->scale;
    if (s->n < 1) return fmax(m->guess > 0 ? m->guess : (double)m->h / 6, SMALLEST);
    const double mean = s->h / s->n, det = s->n * s->yy - s->y * s->y;
    double slope = s->n > ENOUGH && det > s->n * s->n * 16 ? (s->n * s->yh - s->y * s->h) / det : 0;
    if (slope < 0) slope = 0;
    return fmax(fmax(mean + slope * (y2 - s->y / s->n), mean / 3), SMALLEST);
}

static double wide(const struct sv_motion *m, double y2) { return tall(m, y2) * (m->scale.n > 1 ? m->scale.wide / m->scale.n : 0.42); }

/* Before anything is known: the middle height of what is more than a speck. */
static void guess_scale(struct sv_motion *m) {
    enum { TALLEST = 1024 };
    size_t count[TALLEST + 1] = {0}, n = 0, at = 0, seen = 0;
    for (size_t i = 0; i < m->blobs.n; i++) {
        const struct sv_blob *b = &m->blobs.blob[i];
        if (b->area >= 20 && b->y2 - b->y1 >= 8) count[sv_min(b->y2 - b->y1, TALLEST)]++, n++;
    }
    while (at < TALLEST && 2 * (seen += count[at]) < n) at++;
    if (n) m->guess = (double)at;
}

/* What stands alone, away from the edges, and looks like one upright body teaches the line. */
static void learn_scale(struct sv_motion *m) {
    struct scale *s = &m->scale;
    const double fade = 0.995;
    s->n *= fade, s->y *= fade, s->yy *= fade, s->h *= fade, s->yh *= fade, s->wide *= fade;
    for (size_t i = 0; i < m->blobs.n; i++) {
        const struct sv_blob *b = &m->blobs.blob[i];
        const double h = (double)(b->y2 - b->y1), w = (double)(b->x2 - b->x1), y = (double)b->y2, known = tall(m, y);
        if (h < 8 || w < 4 || h < 1.7 * w || h > 4 * w || (double)b->area < 0.35 * w * h) continue;
        if (b->x1 < 3 || b->y1 < 4 || b->x2 + 3 > m->w || b->y2 + 4 > m->h) continue;
        if (s->n > FEW && (h > 1.15 * known || h < known / 1.35)) continue;
        s->n++, s->y += y, s->yy += y * y, s->h += h, s->yh += y * h, s->wide += w / h;
    }
}

/* ---- boxes ---- */

/* Adds the foreground of the window, drawn tight; nothing if too little of it is set. */
static void emit(struct sv_motion *m, size_t x1, size_t y1, size_t x2, size_t y2, double least) {
    size_t left = x2, right = x1, top = y2, bottom = y1, area = 0;
    for (size_t y = y1; y < y2; y++)
        for (size_t x = x1; x < x2; x++)
            if (m->mask[y * m->w + x]) {
                left = sv_min(left, x), right = sv_max(right, x + 1), top = sv_min(top, y), bottom = y + 1;
                area++;
            }
    if (!area || m->n == SV_MOTION_MOST) return;
    if ((double)area < least * wide(m, (double)bottom) * tall(m, (double)bottom)) return;
    m->box[m->n++] = (struct sv_motion_box){ { (double)left, (double)top, (double)right, (double)bottom } };
}

/* A blob too wide for one body: windows of one body's width side by side. */
static void split_wide(struct sv_motion *m, const struct sv_blob *b) {
    const double w = (double)(b->x2 - b->x1), ew = wide(m, (double)b->y2);
    const size_t n = (size_t)fmin(fmax(floor(w / ew + 0.5), 1), 16);
    for (size_t i = 0; i < n; i++) emit(m, b->x1 + (b->x2 - b->x1) * i / n, b->y1, b->x1 + (b->x2 - b->x1) * (i + 1) / n, b->y2, 0.2);
}

/* The part of a blob that cannot be a shadow, by its well filled columns, as one body; false where it is none.  A dark coat on
 * a plain ground looks like a shadow too, so this is asked only where the whole blob is no body. */
static bool lit_part(const struct sv_motion *m, const struct sv_blob *b, double eh, double ew, struct sv_blob *out) {
    *out = (struct sv_blob){ b->x2, b->y2, b->x1, b->y1, 0 };
    for (size_t x = b->x1; x < b->x2; x++) {
        size_t n = 0, top = b->y2, bottom = b->y1;
        for (size_t y = b->y1; y < b->y2; y++)
            if (m->mask[y * m->w + x] && !m->shade[y * m->w + x]) n++, top = sv_min(top, y), bottom = y + 1;
        if ((double)n < 0.3 * eh) continue;
        out->x1 = sv_min(out->x1, x), out->x2 = x + 1, out->area += n;
        out->y1 = sv_min(out->y1, top), out->y2 = sv_max(out->y2, bottom);
    }
    if (!out->area) return false;
    const double h = (double)(out->y2 - out->y1), w = (double)(out->x2 - out->x1);
    return h >= 0.7 * eh && h <= 1.35 * eh && w >= 0.5 * ew && w <= 1.4 * ew && (double)out->area < 0.7 * (double)b->area;
}

/* Bodies behind each other: the lowest stands on the blob's bottom, the highest begins at its top. */
static void split(struct sv_motion *m, const struct sv_blob *b) {
    const double h = (double)(b->y2 - b->y1), w = (double)(b->x2 - b->x1), low = tall(m, (double)b->y2), ew = wide(m, (double)b->y2);
    if (w <= 1.4 * ew && h <= 1.35 * low) { emit(m, b->x1, b->y1, b->x2, b->y2, 0.15); return; }
    struct sv_blob lit;
    if (lit_part(m, b, low, ew, &lit)) { emit(m, lit.x1, lit.y1, lit.x2, lit.y2, 0.15); return; }
    if (w <= 3.5 * ew && h <= 2 * low) emit(m, b->x1, b->y1, b->x2, b->y2, 0.15);
    if (h <= 1.35 * low) { split_wide(m, b); return; }
    struct sv_blob part = *b;
    part.y1 = b->y2 - (size_t)low;
    split_wide(m, &part);
    for (double y = (double)part.y1; y - (double)b->y1 > 0.3 * low; ) {
        const double high = tall(m, y);
        part.y2 = (size_t)fmin(y + 0.35 * high, (double)b->y2);
        part.y1 = sv_max(b->y1, part.y2 > (size_t)high ? part.y2 - (size_t)high : 0);
        split_wide(m, &part);
        y = (double)part.y1;
        if (part.y1 == b->y1) break;
    }
}

/* Pieces of one body, one above the other: the smaller joins the larger where both fit into one body's box. */
static void merge(struct sv_motion *m) {
    struct sv_blob *blob = m->blobs.blob;
    for (size_t i = 0; i < m->blobs.n; i++)
        for (size_t k = 0; k < m->blobs.n; k++) {
            struct sv_blob *a = &blob[i], *b = &blob[k];
            if (i == k || !a->area || !b->area || a->area < b->area) continue;
            const size_t x1 = sv_min(a->x1, b->x1), x2 = sv_max(a->x2, b->x2), y1 = sv_min(a->y1, b->y1), y2 = sv_max(a->y2, b->y2);
            const double eh = tall(m, (double)y2), ew = wide(m, (double)y2);
            if ((double)(y2 - y1) > 1.15 * eh || (double)(x2 - x1) > 1.4 * ew) continue;
            *a = (struct sv_blob){ x1, y1, x2, y2, a->area + b->area };
            b->area = 0;
        }
}

/* The first frame, or one where most has changed at once: a light, a cut.  It has no boxes; what is seen is background. */
static void start_over(struct sv_motion *m, const uint8_t *now) {
    for (size_t i = 0; i < m->w * m->h; i++) m->back[i] = (uint16_t)(now[i] << 8);
    memset(m->trust, 0, m->w * m->h), memset(m->claim, 0, m->w * m->h), memset(m->held, 0, m->w * m->h);
}

static void find(struct sv_motion *m, size_t t) {
    const uint8_t *now = m->gray[t % KEPT];
    const uint8_t *past = m->gray[(t >= LOOK ? t - LOOK : 0) % KEPT], *next = m->gray[sv_min(t + LOOK, m->pushed - 1) % KEPT];
    if (t < LOOK) past = next;
    if (t + LOOK >= m->pushed) next = past;
    if (!t) start_over(m, now);
    const int lift = lift_of(m, now, m->gray[(t ? t - 1 : 0) % KEPT]);
    const int least = (int)fmax(FLOOR, RISE * m->noise + 1);
    m->n = 0;
    if (2 * difference(m, past, now, next, least, lift) > m->w * m->h) { start_over(m, now); return; }
    learn(m, now, least, lift);
    clean(m);
    sv_blobs_find(&m->blobs, m->mask);
    if (m->scale.n < 1) guess_scale(m);
    learn_scale(m);
    merge(m);
    for (size_t i = 0; i < m->blobs.n; i++)
        if (m->blobs.blob[i].area) split(m, &m->blobs.blob[i]);
}

bool sv_motion_push(struct sv_motion *m, const uint8_t *rgb, const struct sv_motion_box **box, size_t *n) {
    if (rgb) take(m, rgb, m->gray[m->pushed % KEPT]), m->pushed++;
    if (m->given >= m->pushed || (rgb && m->given + LOOK >= m->pushed)) return false;
    find(m, m->given++);
    *box = m->box, *n = m->n;
    return true;
}

const uint8_t *sv_motion_luma(const struct sv_motion *m, int ahead) {
    const size_t now = m->given ? m->given - 1 : 0;
    const bool there = ahead < 0 ? (size_t)-ahead <= now : now + (size_t)ahead < m->pushed;
    return there ? m->gray[(ahead < 0 ? now - (size_t)-ahead : now + (size_t)ahead) % KEPT] : NULL;
}
