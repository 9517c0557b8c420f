#include "clip/image.h"

#include <math.h>
#include <string.h>

enum { BITS = 22 };                     /* 32 - 8 bits of a sample - 2 for what negative lobes overshoot */

/* Keys' cubic with a = -1/2, written as Pillow does: the order of the operations is part of the result. */
static double bicubic(double x) {
    x = fabs(x);
    if (x < 1) return ((-0.5 + 2.0) * x - (-0.5 + 3.0)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

static size_t taps_of(size_t in, size_t out) {
    const double scale = (double)in / (double)out;
    return (size_t)ceil(2 * (scale < 1 ? 1 : scale)) * 2 + 1;
}

int sv_resize_room(struct sv_resize *r, size_t max_in, size_t min_out, size_t count, struct sv_err *e) {
    const size_t taps = taps_of(max_in, min_out);
    size_t n;
    if (!sv_mul(count, taps, &n)) return sv_fail(e, SV_ENOMEM, "out of memory: %zu x %zu coefficients", count, taps);
    sv_resize_free(r);
    if (!(r->at = sv_alloc(count, sizeof *r->at, e)) || !(r->n = sv_alloc(count, sizeof *r->n, e)) ||
        !(r->k = sv_alloc(n, sizeof *r->k, e)) || !(r->weight = sv_alloc(taps, sizeof *r->weight, e)))
        return sv_resize_free(r), SV_ENOMEM;
    return 0;
}

void sv_resize_set(struct sv_resize *r, size_t in, size_t out, size_t first, size_t count) {
    const double scale = (double)in / (double)out, wide = scale < 1 ? 1 : scale, support = 2 * wide, inverse = 1 / wide;
    r->in = in, r->out = out, r->first = first, r->count = count, r->taps = taps_of(in, out);
    for (size_t i = 0; i < count; i++) {
        const double centre = ((double)(first + i) + 0.5) * scale;
        const double lo = centre - support + 0.5, hi = centre + support + 0.5;
        const size_t begin = lo < 0 ? 0 : (size_t)lo, end = hi > (double)in ? in : (size_t)hi, n = end - begin;
        int32_t *k = r->k + i * r->taps;
        double sum = 0;
        for (size_t j = 0; j < n; j++) sum += r->weight[j] = bicubic(((double)(j + begin) - centre + 0.5) * inverse);
        for (size_t j = 0; j < n; j++) {
            const double w = (sum != 0 ? r->weight[j] / sum : r->weight[j]) * (1 << BITS);
            k[j] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
        }
        r->at[i] = (uint32_t)begin, r->n[i] = (uint32_t)n;
    }
}

void sv_resize_free(struct sv_resize *r) {
    sv_free(r->at), sv_free(r->n), sv_free(r->k), sv_free(r->weight);
    memset(r, 0, sizeof *r);
}

static uint8_t clip8(int32_t v) { return v < 0 ? 0 : v >> BITS > 255 ? 255 : (uint8_t)(v >> BITS); }

/* Three channels, the common case: sums in variables instead of an array. */
static void resize_row_rgb(const struct sv_resize *r, const uint8_t *in, uint8_t *out) {
    for (size_t i = 0; i < r->count; i++, out += 3) {
        const int32_t *k = r->k + i * r->taps, *end = k + r->n[i];
        const uint8_t *p = in + (size_t)r->at[i] * 3;
        int32_t red = 1 << (BITS - 1), green = red, blue = red;
        for (; k < end; k++, p += 3) red += *k * p[0], green += *k * p[1], blue += *k * p[2];
        out[0] = clip8(red), out[1] = clip8(green), out[2] = clip8(blue);
    }
}

void sv_resize_row(const struct sv_resize *r, const uint8_t *in, size_t c, uint8_t *out) {
    if (c == 3) { resize_row_rgb(r, in, out); return; }
    for (size_t i = 0; i < r->count; i++, out += c) {
        const int32_t *k = r->k + i * r->taps;
        const uint8_t *p = in + r->at[i] * c;
        int32_t s[4] = { 1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1) };
        for (size_t j = 0; j < r->n[i]; j++)
            for (size_t m = 0; m < c; m++) s[m] += k[j] * *p++;
        for (size_t m = 0; m < c; m++) out[m] = clip8(s[m]);
    }
}

enum { LANES = 16 };                    /* a constant, so that compilers keep the sums of a block in vectors */

void sv_resize_column(const struct sv_resize *r, size_t row, const uint8_t *in, size_t width, uint8_t *out) {
    const int32_t *k = r->k + row * r->taps;
    const size_t n = r->n[row];
    in += r->at[row] * width;
    for (size_t x = 0; x < width; x += LANES) {
        int32_t s[LANES];
        const size_t lanes = sv_min(LANES, width - x);
        for (size_t m = 0; m < LANES; m++) s[m] = 1 << (BITS - 1);
        for (size_t j = 0; j < n; j++) {
            const uint8_t *p = in + j * width + x;
            if (lanes == LANES)
                for (size_t m = 0; m < LANES; m++) s[m] += k[j] * p[m];
            else
                for (size_t m = 0; m < lanes; m++) s[m] += k[j] * p[m];
        }
        for (size_t m = 0; m < lanes; m++) out[x + m] = clip8(s[m]);
    }
}

static void fill_table(float table[3][256], const float mean[3], const float std[3]) {
    for (size_t c = 0; c < 3; c++)
        for (int u = 0; u < 256; u++) table[c][u] = ((float)u / 255.0f - mean[c]) / std[c];
}

/* One row of RGB into its place in the three planes of out. */
static void normalise_row(float table[3][256], const uint8_t *rgb, size_t size, size_t row, float *out) {
    for (size_t c = 0; c < 3; c++)
        for (size_t x = 0; x < size; x++) out[(c * size + row) * size + x] = table[c][rgb[3 * x + c]];
}

/* Pillow's a * b / 255, rounded. */
static uint8_t mul255(unsigned a, unsigned b) {
    const unsigned t = a * b + 128;
    return (uint8_t)((t + (t >> 8)) >> 8);
}

static void premultiply(const uint8_t *in, size_t n, size_t c, uint8_t *out) {
    for (size_t i = 0; i < n; i++, in += c, out += c) {
        for (size_t m = 0; m + 1 < c; m++) out[m] = mul255(in[m], in[c - 1]);
        out[c - 1] = in[c - 1];
    }
}

static void unpremultiply(uint8_t *p, size_t n, size_t c) {
    for (size_t i = 0; i < n; i++, p += c) {
        const unsigned a = p[c - 1];
        if (!a || a == 255) continue;
        for (size_t m = 0; m + 1 < c; m++) p[m] = (uint8_t)sv_min(255u * p[m] / a, 255);
    }
}

/* The size after the resize and the corner of the crop. */
struct plan { size_t w, h, left, top; };

static size_t half_to_even(size_t d) { return d / 2 + (d % 4 == 3); }

static struct plan plan_of(const struct sv_image *im, size_t size, bool squash) {
    struct plan p = { size, size, 0, 0 };
    if (squash) return p;
    /* int(size * long / short) as Python: an exact product, one division. */
    if (im->w <= im->h) p.h = (size_t)((double)(size * im->h) / (double)im->w);
    else p.w = (size_t)((double)(size * im->w) / (double)im->h);
    p.left = half_to_even(p.w - size), p.top = half_to_even(p.h - size);
    return p;
}

/* Pillow steps through the source by adding the scale up, starting at half of it. */
static void nearest_axis(size_t in, size_t out, size_t first, size_t count, uint32_t *at) {
    const double step = (double)in / (double)out;
    double pos = step * 0.5;
    for (size_t i = 0; i < first + count; i++, pos += step)
        if (i >= first) at[i - first] = (uint32_t)sv_min((size_t)pos, in - 1);
}

static int nearest(const struct sv_image *im, const struct plan *p, size_t size, uint8_t *out, struct sv_err *e) {
    const size_t c = sv_image_channels(im->mode);
    uint32_t *at = sv_alloc(size, 2 * sizeof *at, e), *ys = at + size;
    if (!at) return SV_ENOMEM;
    nearest_axis(im->w, p->w, p->left, size, at);
    nearest_axis(im->h, p->h, p->top, size, ys);
    for (size_t y = 0; y < size; y++)
        for (size_t x = 0; x < size; x++) memcpy(out + (y * size + x) * c, im->px + (ys[y] * im->w + at[x]) * c, c);
    sv_free(at);
    return 0;
}

static int bicubic_image(const struct sv_image *im, const struct plan *p, size_t size, uint8_t *out, struct sv_err *e) {
    const size_t c = sv_image_channels(im->mode), width = size * c;
    const bool alpha = im->mode == SV_RGBA || im->mode == SV_GRAY_ALPHA;
    struct sv_resize x = {0}, y = {0};
    uint8_t *row = NULL, *mid = NULL;
    int rc = sv_resize_room(&x, im->w, p->w, size, e);
    if (!rc) rc = sv_resize_room(&y, im->h, p->h, size, e);
    if (!rc && (!(mid = sv_alloc(im->h, width, e)) || (alpha && !(row = sv_alloc(im->w, c, e))))) rc = SV_ENOMEM;
    if (!rc) {
        sv_resize_set(&x, im->w, p->w, p->left, size);
        sv_resize_set(&y, im->h, p->h, p->top, size);
        const size_t last = y.at[size - 1] + y.n[size - 1];
        for (size_t i = y.at[0]; i < last; i++) {
            const uint8_t *in = im->px + i * im->w * c;
            if (alpha) premultiply(in, im->w, c, row), in = row;
            sv_resize_row(&x, in, c, mid + i * width);
        }
        for (size_t i = 0; i < size; i++) sv_resize_column(&y, i, mid, width, out + i * width);
        if (alpha) unpremultiply(out, size * size, c);
    }
    sv_free(row), sv_free(mid);
    sv_resize_free(&x), sv_resize_free(&y);
    return rc;
}

int sv_clip_pixels(const struct sv_image *im, size_t size, bool squash, const float mean[3], const float std[3],
                   float *out, uint8_t *rgb, struct sv_err *e) {
    if (!size || size > SV_IMAGE_MAX_SIDE)
        return sv_fail(e, SV_EINPUT, "image size %zu, expected 1 .. %d", size, SV_IMAGE_MAX_SIDE);
    const struct plan p = plan_of(im, size, squash);
    const size_t c = sv_image_channels(im->mode);
    struct sv_image cut = *im;
    cut.w = cut.h = size;
    uint8_t *px = sv_alloc(size * size, c + 3, e), *all = rgb ? rgb : px ? px + size * size * c : NULL;
    if (!px) return SV_ENOMEM;
    cut.px = px;
    int rc = 0;
    if (p.w == im->w && p.h == im->h)               /* torchvision and Pillow copy: no round trip through premultiplied */
        for (size_t y = 0; y < size; y++) memcpy(px + y * size * c, im->px + ((p.top + y) * im->w + p.left) * c, size * c);
    else if (im->mode == SV_PALETTE || im->bilevel) rc = nearest(im, &p, size, px, e);
    else rc = bicubic_image(im, &p, size, px, e);
    if (!rc) {
        float table[3][256];
        fill_table(table, mean, std);
        sv_image_rgb(&cut, all);
        for (size_t y = 0; y < size; y++) normalise_row(table, all + y * size * 3, size, y, out);
    }
    sv_free(px);
    return rc;
}

static size_t square_side(size_t w, size_t h) { return (5 * sv_max(w, h) + 3) / 4; }

int sv_crop_init(struct sv_crop *c, size_t size, size_t max_w, size_t max_h, const float mean[3], const float std[3],
                 struct sv_err *e) {
    memset(c, 0, sizeof *c);
    if (!size || size > SV_IMAGE_MAX_SIDE || !max_w || !max_h || max_w > SV_IMAGE_MAX_SIDE || max_h > SV_IMAGE_MAX_SIDE)
        return sv_fail(e, SV_EINPUT, "crops of %zu from frames of %zu x %zu, expected 1 .. %d each", size, max_w, max_h,
                       SV_IMAGE_MAX_SIDE);
    const size_t side = square_side(max_w, max_h);
    c->size = size, c->max_w = max_w, c->max_h = max_h;
    fill_table(c->table, mean, std);
    int rc = sv_resize_room(&c->x, side, size, size, e);
    if (!rc) rc = sv_resize_room(&c->y, side, size, size, e);
    if (!rc && (!(c->edge = sv_alloc(side, 3, e)) || !(c->mid = sv_alloc(side, size * 3, e)) || !(c->line = sv_alloc(size, 3, e))))
        rc = SV_ENOMEM;
    if (rc) sv_crop_free(c);
    return rc;
}

void sv_crop_free(struct sv_crop *c) {
    sv_resize_free(&c->x), sv_resize_free(&c->y);
    sv_free(c->edge), sv_free(c->mid), sv_free(c->line);
    memset(c, 0, sizeof *c);
}

/* n pixels of a row of w, from x on; those outside are the nearest inside. */
static void clamped_row(const uint8_t *row, size_t w, int64_t x, size_t n, uint8_t *out) {
    for (size_t i = 0; i < n; i++, x++) memcpy(out + 3 * i, row + 3 * (x < 0 ? 0 : sv_min((size_t)x, w - 1)), 3);
}

void sv_crop_pixels(struct sv_crop *c, const uint8_t *frame, size_t w, size_t h, const size_t box[4],
                    enum sv_crop_rule rule, float *out) {
    const size_t bw = box[2] - box[0], bh = box[3] - box[1], width = c->size * 3;
    size_t cw = bw, ch = bh;
    int64_t left = (int64_t)box[0], top = (int64_t)box[1];
    if (rule == SV_CROP_SQUARE) {
        cw = ch = square_side(bw, bh);
        left -= (int64_t)(cw - bw + 1) / 2, top -= (int64_t)(ch - bh + 1) / 2;
    }
    if (c->x.in != cw) sv_resize_set(&c->x, cw, c->size, 0, c->size);
    if (c->y.in != ch) sv_resize_set(&c->y, ch, c->size, 0, c->size);
    for (size_t i = 0; i < ch; i++) {
        const int64_t y = top + (int64_t)i;
        const uint8_t *row = frame + (y < 0 ? 0 : sv_min((size_t)y, h - 1)) * w * 3;
        if (i && (y <= 0 || y >= (int64_t)h)) { memcpy(c->mid + i * width, c->mid + (i - 1) * width, width); continue; }
        if (left < 0 || (size_t)left + cw > w) clamped_row(row, w, left, cw, c->edge), row = c->edge;
        else row += 3 * (size_t)left;
        sv_resize_row(&c->x, row, 3, c->mid + i * width);
    }
    for (size_t y = 0; y < c->size; y++) {
        sv_resize_column(&c->y, y, c->mid, width, c->line);
        normalise_row(c->table, c->line, c->size, y, out);
    }
}
