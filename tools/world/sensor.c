#include "tools/world/sensor.h"

#include "core/mem.h"
#include "tools/world/space.h"
#include <string.h>

enum { TAPS = 7, HALF = TAPS / 2, LANE = 16, GRAIN = 8192 };

int sv_sensor_open(struct sv_sensor *s, size_t w, size_t h, struct sv_err *e) {
    s->rng = s->seed, s->w = w, s->h = h, s->stride = sv_ceil_div(w, LANE) * LANE;
    const size_t rows = sv_ceil_div(h, 16) * 16;
    for (int i = 0; i < 3; i++)
        if (!(s->plane[i] = sv_alloc(rows, s->stride, e))) return SV_ENOMEM;
    /* A row with room for the taps on either side, and as many filtered rows as there are taps. */
    if (!(s->spare = sv_alloc(TAPS + 1, s->stride + LANE, e)) || !(s->grain = sv_alloc(GRAIN + s->stride, 1, e))) return SV_ENOMEM;
    for (size_t i = 0; i < GRAIN + s->stride; i++) s->grain[i] = (int8_t)((int)sv_clampf(s->noise * sv_draw_bell(&s->rng) + 128.5f, 28, 228) - 128);
    for (int i = 0; i < 256; i++) {
        const float v = (float)i / 255, y = s->lift + s->gain * v + s->bow * v * (1 - v);
        s->lut[i] = (uint8_t)(sv_clampf(y, 0, 1) * 255 + 0.5f);
    }
    return 0;
}

void sv_sensor_close(struct sv_sensor *s) {
    for (int i = 0; i < 3; i++) sv_free(s->plane[i]), s->plane[i] = NULL;
    sv_free(s->spare), sv_free(s->grain);
    s->spare = NULL, s->grain = NULL;
}

/* Luma and, at half the size, chroma of BT.601 in full range. */
static void split(struct sv_sensor *s, const uint8_t *in) {
    for (size_t y = 0; y < s->h; y++) {
        const uint8_t *p = in + 3 * y * s->w;
        uint8_t *o = s->plane[0] + y * s->stride;
        for (size_t x = 0; x < s->w; x++, p += 3) o[x] = (uint8_t)((77u * p[0] + 150u * p[1] + 29u * p[2]) >> 8);
        for (size_t x = s->w; x < s->stride; x++) o[x] = o[s->w - 1];
    }
    if (s->gray) return;
    const int keep = (int)(s->colour * 256);
    for (size_t y = 0; y < s->h; y += 2) {
        const uint8_t *p = in + 3 * y * s->w, *q = y + 1 < s->h ? p + 3 * s->w : p;
        uint8_t *b = s->plane[1] + y / 2 * s->stride, *r = s->plane[2] + y / 2 * s->stride;
        for (size_t x = 0; x < s->w; x += 2, p += 6, q += 6) {
            const size_t n = x + 1 < s->w ? 3 : 0;
            const int R = p[0] + p[n] + q[0] + q[n], G = p[1] + p[n + 1] + q[1] + q[n + 1], B = p[2] + p[n + 2] + q[2] + q[n + 2];
            b[x / 2] = (uint8_t)(128 + (((-43 * R - 85 * G + 128 * B) / 1024) * keep + 128) / 256);
            r[x / 2] = (uint8_t)(128 + (((128 * R - 107 * G - 21 * B) / 1024) * keep + 128) / 256);
        }
        for (size_t x = (s->w + 1) / 2; x % 8; x++) b[x] = b[x - 1], r[x] = r[x - 1];
    }
}

/* Weights of a bell around `at`, sum 256: (1 - u/n)^n stands for exp(-u). */
static void bell(float sigma, float at, uint16_t k[TAPS]) {
    float v[TAPS], sum = 0;
    for (int i = 0; i < TAPS; i++) {
        const float d = (float)(i - HALF) - at, u = d * d / (2 * sigma * sigma);
        float b = u < 16 ? 1 - u / 16 : 0;
        for (int n = 0; n < 4; n++) b *= b;
        sum += v[i] = b;
    }
    int left = 256;
    for (int i = 0; i < TAPS; i++) k[i] = (uint16_t)(v[i] * 256 / sum + 0.5f), left -= k[i];
    k[HALF] = (uint16_t)(k[HALF] + left);
}

/* Fixed lengths: the compiler makes vectors of them. */
static void weigh(const uint8_t *const in[TAPS], const uint16_t k[TAPS], uint8_t *restrict out) {
    uint16_t sum[LANE];
    for (int i = 0; i < LANE; i++) sum[i] = 128;
    for (int t = 0; t < TAPS; t++) {
        const uint8_t *v = in[t];
        const uint16_t w = k[t];
        if (!w) continue;
        for (int i = 0; i < LANE; i++) sum[i] = (uint16_t)(sum[i] + w * v[i]);
    }
    for (int i = 0; i < LANE; i++) out[i] = (uint8_t)(sum[i] >> 8);
}

static void blur_plane(struct sv_sensor *s, uint8_t *plane, size_t rows, const uint16_t kx[TAPS], const uint16_t ky[TAPS]) {
    const size_t wide = s->stride + LANE;
    uint8_t *row = s->spare + TAPS * wide;
    for (size_t y = 0, done = 0; done < rows; y++) {
        if (y < rows) {
            const uint8_t *p = plane + y * s->stride;
            memset(row, p[0], HALF), memcpy(row + HALF, p, s->stride), memset(row + HALF + s->stride, p[s->w - 1], LANE - HALF);
            for (size_t x = 0; x < s->stride; x += LANE) {
                const uint8_t *in[TAPS];
                for (size_t t = 0; t < TAPS; t++) in[t] = row + x + t;
                weigh(in, kx, s->spare + y % TAPS * wide + x);
            }
        }
        if (y < HALF) continue;
        for (size_t x = 0; x < s->stride; x += LANE) {
            const uint8_t *in[TAPS];
            for (size_t t = 0; t < TAPS; t++) {
                const size_t at = done + t < HALF ? 0 : done + t - HALF;
                in[t] = s->spare + (at < rows ? at : rows - 1) % TAPS * wide + x;
            }
            weigh(in, ky, plane + done * s->stride + x);
        }
        done++;
    }
}

static void grain_row(uint8_t *restrict p, const int8_t *restrict g, size_t n) {
    for (size_t x = 0; x < n; x += LANE)
        for (size_t i = x; i < x + LANE; i++) {
            const int v = p[i] + g[i];
            p[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}

/* Rows of the orthonormal DCT: even and odd halves. */
static const float even[4][4] = {
    { 0.35355339f,  0.35355339f,  0.35355339f,  0.35355339f }, { 0.46193977f,  0.19134172f, -0.19134172f, -0.46193977f },
    { 0.35355339f, -0.35355339f, -0.35355339f,  0.35355339f }, { 0.19134172f, -0.46193977f,  0.46193977f, -0.19134172f } };
static const float odd[4][4] = {
    { 0.49039264f,  0.41573481f,  0.27778512f,  0.09754516f }, { 0.41573481f, -0.09754516f, -0.49039264f, -0.27778512f },
    { 0.27778512f, -0.49039264f,  0.09754516f,  0.41573481f }, { 0.09754516f, -0.27778512f,  0.41573481f, -0.49039264f } };

/* One dimension of the DCT down the columns, out transposed. */
static void forward(float (*restrict in)[8], float (*restrict out)[8]) {
    float r[8][8];
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 8; i++) {
            r[2 * k][i] = even[k][0] * (in[0][i] + in[7][i]) + even[k][1] * (in[1][i] + in[6][i]) + even[k][2] * (in[2][i] + in[5][i]) + even[k][3] * (in[3][i] + in[4][i]);
            r[2 * k + 1][i] = odd[k][0] * (in[0][i] - in[7][i]) + odd[k][1] * (in[1][i] - in[6][i]) + odd[k][2] * (in[2][i] - in[5][i]) + odd[k][3] * (in[3][i] - in[4][i]);
        }
    for (int k = 0; k < 8; k++) for (int i = 0; i < 8; i++) out[i][k] = r[k][i];
}

static void backward(float (*restrict in)[8], float (*restrict out)[8]) {
    float r[8][8];
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 8; i++) {
            const float a = even[0][k] * in[0][i] + even[1][k] * in[2][i] + even[2][k] * in[4][i] + even[3][k] * in[6][i];
            const float b = odd[0][k] * in[1][i] + odd[1][k] * in[3][i] + odd[2][k] * in[5][i] + odd[3][k] * in[7][i];
            r[k][i] = a + b, r[7 - k][i] = a - b;
        }
    for (int k = 0; k < 8; k++) for (int i = 0; i < 8; i++) out[i][k] = r[k][i];
}

static void code_block(uint8_t *p, size_t stride, float (*step)[8], float (*per)[8]) {
    float a[8][8], b[8][8];
    for (size_t y = 0; y < 8; y++) for (size_t x = 0; x < 8; x++) a[y][x] = p[y * stride + x];
    forward(a, b), forward(b, a);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++) {
            const float q = a[y][x] * per[y][x];
            a[y][x] = (float)(int)(q + (q < 0 ? -0.5f : 0.5f)) * step[y][x];
        }
    backward(a, b), backward(b, a);
    for (size_t y = 0; y < 8; y++)
        for (size_t x = 0; x < 8; x++) {
            const int v = (int)(a[y][x] + 0.5f);
            p[y * stride + x] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}

static void code_plane(uint8_t *plane, size_t w, size_t h, size_t stride, float coarse) {
    float step[8][8], per[8][8];
    for (int y = 0; y < 8; y++) for (int x = 0; x < 8; x++) step[y][x] = coarse * (1 + 0.55f * (float)(x + y)), per[y][x] = 1 / step[y][x];
    step[0][0] = coarse * 0.7f, per[0][0] = 1 / step[0][0];
    for (size_t y = h; y % 8; y++) memcpy(plane + y * stride, plane + (y - 1) * stride, stride);        /* the rows under the last are as that */
    for (size_t y = 0; y < h; y += 8) for (size_t x = 0; x < w; x += 8) code_block(plane + y * stride + x, stride, step, per);
}

static void join(const struct sv_sensor *s, uint8_t *out) {
    for (size_t y = 0; y < s->h; y++) {
        const uint8_t *p = s->plane[0] + y * s->stride, *b = s->plane[1] + y / 2 * s->stride, *r = s->plane[2] + y / 2 * s->stride;
        uint8_t *o = out + 3 * y * s->w;
        for (size_t x = 0; x < s->w; x++, o += 3) {
            if (s->gray) { o[0] = o[1] = o[2] = p[x]; continue; }
            const int u = b[x / 2] - 128, v = r[x / 2] - 128, Y = p[x];
            const int c[3] = { Y + (359 * v >> 8), Y - ((88 * u + 183 * v) >> 8), Y + (454 * u >> 8) };
            for (int k = 0; k < 3; k++) o[k] = (uint8_t)(c[k] < 0 ? 0 : c[k] > 255 ? 255 : c[k]);
        }
    }
}

void sv_sensor_take(struct sv_sensor *s, uint64_t frame, const uint8_t *in, uint8_t *out) {
    uint16_t kx[TAPS], ky[TAPS];
    s->rng = frame * 0x9e3779b97f4a7c15u ^ s->seed;
    split(s, in);
    const float dx = s->shake * sv_draw_bell(&s->rng), dy = s->shake * sv_draw_bell(&s->rng);
    bell(s->blur > 0.25f ? s->blur : 0.25f, sv_clampf(dx, -1.5f, 1.5f), kx);
    bell(s->blur > 0.25f ? s->blur : 0.25f, sv_clampf(dy, -1.5f, 1.5f), ky);
    blur_plane(s, s->plane[0], s->h, kx, ky);
    for (size_t y = 0; y < s->h; y++) {
        uint8_t *p = s->plane[0] + y * s->stride;
        for (size_t x = 0; x < s->w; x++) p[x] = s->lut[p[x]];
        grain_row(p, s->grain + sv_rng_below(&s->rng, GRAIN), s->stride);
    }
    for (int i = 0; s->coarse > 0 && i < (s->gray ? 1 : 3); i++)
        code_plane(s->plane[i], i ? (s->w + 1) / 2 : s->w, i ? (s->h + 1) / 2 : s->h, s->stride, i ? s->coarse * 1.5f : s->coarse);
    join(s, out);
}
