#include "tools/world/measure.h"

#include "tools/world/world.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int add(struct sv_measures *m, enum sv_measure what, double v, struct sv_err *e) {
    if (sv_grow(&m->value[what], &m->cap[what], m->n[what], sizeof **m->value, e)) return SV_ENOMEM;
    m->value[what][m->n[what]++] = (float)v;
    return 0;
}

void sv_measures_free(struct sv_measures *m) {
    for (size_t i = 0; i < SV_MEASURED; i++) sv_free(m->value[i]);
    *m = (struct sv_measures){0};
}

static int by_size(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double sv_measures_quantile(struct sv_measures *m, enum sv_measure what, double q) {
    const size_t n = m->n[what];
    if (!n) return NAN;
    qsort(m->value[what], n, sizeof(float), by_size);
    return (double)m->value[what][(size_t)(q * (double)(n - 1))];
}

/* The difference of two frames that 68 % of pixels stay below, over sqrt 2: the deviation of normal noise where little moves. */
static double noise(const uint8_t *a, const uint8_t *b, size_t n) {
    size_t count[256] = {0};
    for (size_t i = 0; i < n; i++) count[abs(a[i] - b[i])]++;
    double left = 0.6827 * (double)n;
    size_t d = 0;
    for (; d < 255 && left >= (double)count[d]; d++) left -= (double)count[d];
    const double at = (double)d - 0.5 + left / ((double)count[d] + 1e-9);
    return (at > 0 ? at : 0) / 1.41421356;
}

int sv_measure_frame(struct sv_measures *m, const uint8_t *luma, const uint8_t *before, size_t w, size_t h, struct sv_err *e) {
    double sum = 0, square = 0, edge = 0, inner = 0;
    size_t edges = 0, inners = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            const double v = luma[y * w + x], d = x ? fabs(v - luma[y * w + x - 1]) : 0;
            sum += v, square += v * v;
            if (!x) continue;
            if (x % 8) inner += d, inners++;
            else edge += d, edges++;
        }
    const double n = (double)(w * h), mean = sum / n, spread = square / n - mean * mean;
    int rc = add(m, SV_OF_MEAN, mean, e);
    if (!rc) rc = add(m, SV_OF_DEVIATION, sqrt(spread > 0 ? spread : 0), e);
    if (!rc && edges && inner > 0) rc = add(m, SV_OF_BLOCKS, edge / (double)edges / (inner / (double)inners), e);
    if (!rc && before) rc = add(m, SV_OF_NOISE, noise(luma, before, w * h), e);
    return rc;
}

static double mean_of(const uint8_t *luma, size_t w, size_t x1, size_t y1, size_t x2, size_t y2) {
    double sum = 0;
    for (size_t y = y1; y < y2; y++) for (size_t x = x1; x < x2; x++) sum += luma[y * w + x];
    return sum / ((double)(y2 - y1) * (double)(x2 - x1));
}

int sv_measure_box(struct sv_measures *m, const uint8_t *luma, size_t w, size_t h, const double box[4], struct sv_err *e) {
    const double most[2] = { (double)w, (double)h };
    size_t at[4];
    for (int i = 0; i < 4; i++) at[i] = (size_t)(box[i] < 0 ? 0 : box[i] > most[i % 2] ? most[i % 2] : box[i]);
    const size_t x1 = at[0], y1 = at[1], x2 = at[2], y2 = at[3];
    if (x2 < x1 + 5 || y2 < y1 + 8) return 0;
    double square = 0, slope = 0;
    const double n = (double)(x2 - x1) * (double)(y2 - y1), mean = mean_of(luma, w, x1, y1, x2, y2);
    for (size_t y = y1; y < y2; y++)
        for (size_t x = x1; x < x2; x++) {
            const double v = luma[y * w + x] - mean, d = x + 1 < x2 ? (double)luma[y * w + x + 1] - luma[y * w + x] : 0;
            square += v * v, slope += d * d;
        }
    int rc = add(m, SV_OF_TALL, box[3] - box[1], e);
    if (!rc) rc = add(m, SV_OF_SHAPE, (box[3] - box[1]) / (box[2] - box[0]), e);
    if (!rc) rc = add(m, SV_OF_LIGHT, mean, e);
    if (!rc) rc = add(m, SV_OF_TEXTURE, sqrt(square / n), e);
    if (!rc && square > 4 * n) rc = add(m, SV_OF_SHARPNESS, slope / square, e);
    const size_t side = (x2 - x1) / 3 + 2, qx = (x2 - x1) / 4, qy = (y2 - y1) / 4;
    if (rc || x1 < side || x2 + side > w) return rc;
    return add(m, SV_OF_CONTRAST, mean_of(luma, w, x1 + qx, y1 + qy, x2 - qx, y2 - qy) -
               (mean_of(luma, w, x1 - side, y1, x1, y2) + mean_of(luma, w, x2, y1, x2 + side, y2)) / 2, e);
}

static double overlap(const double a[4], const double b[4]) {
    const double x = fmin(a[2], b[2]) - fmax(a[0], b[0]), y = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (x <= 0 || y <= 0) return 0;
    return x * y / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - x * y);
}

int sv_measure_speed(struct sv_measures *m, const double (*from)[4], size_t n, const double (*to)[4], size_t n_to, double seconds, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        double best = 0.3;
        const double *b = NULL, *a = from[i];
        for (size_t k = 0; k < n_to; k++) {
            const double o = overlap(a, to[k]);
            if (o > best) best = o, b = to[k];
        }
        if (b) rc = add(m, SV_OF_SPEED, hypot((b[0] + b[2] - a[0] - a[2]) / 2, b[3] - a[3]) / (a[3] - a[1]) / seconds, e);
    }
    return rc;
}

static void luma_of(const uint8_t *rgb, size_t n, uint8_t *out) {
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)((77u * rgb[3 * i] + 150u * rgb[3 * i + 1] + 29u * rgb[3 * i + 2]) >> 8);
}

int sv_measure_worlds(struct sv_measures *m, size_t worlds, struct sv_err *e) {
    enum { W = 128, H = 96, FPS = 10, BOXES = 64, LATER = 2 };
    float weight[SV_ACTIONS] = { [SV_DO_STAND] = 1, [SV_DO_WALK] = 1, [SV_DO_WALK_SLOW] = 1, [SV_DO_WALK_FAST] = 1, [SV_DO_GROUP_WALK] = 1 };
    uint8_t *rgb = sv_alloc(W * H, 3, e), *luma = sv_alloc(2 * W * H, 1, e), *now = luma + W * H;
    int rc = rgb && luma ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < worlds; i++) {
        const struct sv_world_config g = { .seed = 777000 + i, .w = W, .h = H, .fps = FPS, .height = 20 + (double)(i * 37 % 100) * 0.36, .weight = weight };
        struct sv_world *w = sv_world_open(&g, e);
        struct sv_world_box b[BOXES];
        double from[BOXES][4], to[BOXES][4];
        uint64_t r = i;
        if (!w) { rc = e->code; break; }
        sv_world_next(w, rgb), luma_of(rgb, W * H, luma);
        sv_world_next(w, rgb), luma_of(rgb, W * H, now);
        rc = sv_measure_frame(m, now, luma, W, H, e);
        const size_t n = sv_world_detect(w, &r, b, BOXES);
        for (size_t k = 0; !rc && k < n; k++) memcpy(from[k], b[k].box, sizeof *from), rc = sv_measure_box(m, now, W, H, b[k].box, e);
        for (size_t t = 0; t < LATER; t++) sv_world_next(w, rgb);
        const size_t then = sv_world_detect(w, &r, b, BOXES);
        for (size_t k = 0; k < then; k++) memcpy(to[k], b[k].box, sizeof *to);
        if (!rc) rc = sv_measure_speed(m, (const double (*)[4])from, n, (const double (*)[4])to, then, (double)LATER / FPS, e);
        sv_world_free(w);
    }
    sv_free(rgb), sv_free(luma);
    return rc;
}
