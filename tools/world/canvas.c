#include "tools/world/canvas.h"

#include <string.h>

#define NEAR 0.4f

void sv_canvas_box(struct sv_canvas *c) { c->box[0] = c->box[1] = 1e9f, c->box[2] = c->box[3] = -1e9f; }

bool sv_project(const struct sv_camera *c, struct sv_vec p, float out[3]) {
    const float z = p.z - c->height, depth = p.y * c->cos - z * c->sin;
    if (depth < NEAR) return false;
    const float s = c->f / depth;
    out[0] = c->cx + p.x * s;
    out[1] = c->cy - (p.y * c->sin + z * c->cos) * s;
    out[2] = depth;
    return true;
}

bool sv_ground_at(const struct sv_camera *c, float u, float v, struct sv_vec *out) {
    const float dx = (u - c->cx) / c->f, dy = (c->cy - v) / c->f;
    const float down = c->sin - dy * c->cos;
    if (down < 1e-3f) return false;
    const float t = c->height / down;
    *out = sv_vec(dx * t, (c->cos + dy * c->sin) * t, 0);
    return true;
}

static void grow_box(struct sv_canvas *c, float x1, float y1, float x2, float y2) {
    if (x1 < c->box[0]) c->box[0] = x1;
    if (y1 < c->box[1]) c->box[1] = y1;
    if (x2 > c->box[2]) c->box[2] = x2;
    if (y2 > c->box[3]) c->box[3] = y2;
}

/* Pixels whose centres may lie in lo .. hi, inside 0 .. n. */
static bool span(float lo, float hi, size_t n, size_t *from, size_t *to) {
    if (!(hi > 0 && lo < (float)n)) return false;
    *from = lo > 0 ? (size_t)lo : 0;
    *to = hi + 1 < (float)n ? (size_t)(hi + 1) : n;
    return *from < *to;
}

static uint8_t lit(uint8_t v, float shade) {
    const float x = (float)v * shade;
    return x > 255 ? 255 : (uint8_t)x;
}

static void put(struct sv_canvas *c, size_t i, float z, float cover, const float rgb[3]) {
    if (c->mark[i] != c->id && cover > 0.5f) c->mark[i] = c->id, c->covered++;
    if (z >= c->z[i]) return;
    uint8_t *p = c->rgb + 3 * i;
    for (int k = 0; k < 3; k++) {
        const float v = (float)p[k] + (rgb[k] - (float)p[k]) * cover;
        p[k] = (uint8_t)(v > 255 ? 255 : v);
    }
    if (cover > 0.5f) c->z[i] = z, c->top[i] = c->id;
}

/* A capsule in the picture: ends, radii, depths, in pixels and metres. */
struct stroke { float ax, ay, az, ra, dx, dy, dz, dr, inv, metre; };

static bool stroke_of(const struct sv_camera *cam, struct sv_vec a, float ra, struct sv_vec b, float rb, struct stroke *s) {
    float p[3], q[3];
    if (!sv_project(cam, a, p) || !sv_project(cam, b, q)) return false;
    *s = (struct stroke){ .ax = p[0], .ay = p[1], .az = p[2], .ra = ra * cam->f / p[2], .dx = q[0] - p[0], .dy = q[1] - p[1], .dz = q[2] - p[2] };
    s->dr = rb * cam->f / q[2] - s->ra;
    s->inv = 1 / (s->dx * s->dx + s->dy * s->dy + 1e-9f);
    s->metre = (ra + rb) / 2;
    return true;
}

static void stroke_bounds(const struct stroke *s, float box[4]) {
    const float bx = s->ax + s->dx, by = s->ay + s->dy, rb = s->ra + s->dr;
    box[0] = s->ax - s->ra < bx - rb ? s->ax - s->ra : bx - rb;
    box[1] = s->ay - s->ra < by - rb ? s->ay - s->ra : by - rb;
    box[2] = s->ax + s->ra > bx + rb ? s->ax + s->ra : bx + rb;
    box[3] = s->ay + s->ra > by + rb ? s->ay + s->ra : by + rb;
}

void sv_capsule(struct sv_canvas *c, struct sv_vec a, float ra, struct sv_vec b, float rb, struct sv_ink ink) {
    struct stroke s;
    float box[4];
    size_t x0, x1, y0, y1;
    if (!stroke_of(&c->cam, a, ra, b, rb, &s)) return;
    stroke_bounds(&s, box);
    grow_box(c, box[0], box[1], box[2], box[3]);
    if (!span(box[0] - 1, box[2] + 1, c->w, &x0, &x1) || !span(box[1] - 1, box[3] + 1, c->h, &y0, &y1)) return;
    /* The light in the camera's axes: right, up, back. */
    const float lx = c->sun.x * c->direct, ly = (c->sun.y * c->cam.sin + c->sun.z * c->cam.cos) * c->direct,
                lz = (c->sun.z * c->cam.sin - c->sun.y * c->cam.cos) * c->direct;
    for (size_t y = y0; y < y1; y++)
        for (size_t x = x0; x < x1; x++) {
            const float px = (float)x + 0.5f - s.ax, py = (float)y + 0.5f - s.ay;
            const float t = sv_clampf((px * s.dx + py * s.dy) * s.inv, 0, 1), ex = px - t * s.dx, ey = py - t * s.dy;
            float r = s.ra + t * s.dr, most = 1;
            if (r < 0.5f) most = 2 * r, r = 0.5f;
            const float d2 = ex * ex + ey * ey;
            if (d2 >= (r + 0.5f) * (r + 0.5f)) continue;
            const float d = sqrtf(d2), in = r + 0.5f - d, n = 1 / (r > d ? r : d), back2 = 1 - d2 * n * n;
            const float back = back2 > 0 ? sqrtf(back2) : 0;
            const float light = (ex * lx - ey * ly) * n + back * lz, shade = c->ambient + (light > 0 ? light : 0);
            const float rgb[3] = { (float)ink.r * shade, (float)ink.g * shade, (float)ink.b * shade };
            put(c, y * c->w + x, s.az + t * s.dz - s.metre * back, (in < 1 ? in : 1) * most, rgb);
        }
}

void sv_capsule_shadow(struct sv_canvas *c, struct sv_vec a, float ra, struct sv_vec b, float rb) {
    struct stroke s;
    float box[4];
    size_t x0, x1, y0, y1;
    if (c->shadow < 0.02f || a.z < 0 || b.z < 0) return;
    a = sv_vmad(a, c->sun, -a.z / c->sun.z), b = sv_vmad(b, c->sun, -b.z / c->sun.z);
    if (!stroke_of(&c->cam, a, ra, b, rb, &s)) return;
    stroke_bounds(&s, box);
    if (!span(box[0] - 1, box[2] + 1, c->w, &x0, &x1) || !span(box[1] - 1, box[3] + 1, c->h, &y0, &y1)) return;
    if (y0 < c->shade_from) c->shade_from = y0;
    if (y1 > c->shade_to) c->shade_to = y1;
    /* What lies on the ground is flattened by the view; the flattest is still as thick as a line. */
    const float flat = 1 / (c->cam.sin > 0.25f ? c->cam.sin : 0.25f);
    for (size_t y = y0; y < y1; y++)
        for (size_t x = x0; x < x1; x++) {
            const float px = (float)x + 0.5f - s.ax, py = (float)y + 0.5f - s.ay;
            const float t = sv_clampf((px * s.dx + py * s.dy) * s.inv, 0, 1), ex = px - t * s.dx, ey = (py - t * s.dy) * flat;
            const float in = s.ra + t * s.dr + 0.5f - sqrtf(ex * ex + ey * ey);
            if (in <= 0) continue;
            const uint8_t v = (uint8_t)((in < 1 ? in : 1) * c->shadow * 255);
            uint8_t *to = &c->shade[y * c->w + x];
            if (v > *to) *to = v;
        }
}

void sv_shadows_lay(struct sv_canvas *c) {
    for (size_t y = c->shade_from; y < c->shade_to; y++) {
        uint8_t *s = c->shade + y * c->w, *p = c->rgb + 3 * y * c->w;
        for (size_t x = 0; x < c->w; x++, p += 3)
            if (s[x] && !c->top[y * c->w + x]) {
                const unsigned keep = 256u - s[x];
                p[0] = (uint8_t)(p[0] * keep >> 8), p[1] = (uint8_t)(p[1] * keep >> 8), p[2] = (uint8_t)(p[2] * keep >> 8);
            }
        memset(s, 0, c->w);
    }
    c->shade_from = c->h, c->shade_to = 0;
}

/* Where the edges of a polygon cross the middle of a row: x and 1/z, left and right. */
static bool crossings(const float (*p)[3], size_t n, float y, float left[2], float right[2]) {
    left[0] = 1e9f, right[0] = -1e9f;
    for (size_t i = 0; i < n; i++) {
        const float *a = p[i], *b = p[i + 1 < n ? i + 1 : 0];
        if ((a[1] <= y) == (b[1] <= y)) continue;
        const float t = (y - a[1]) / (b[1] - a[1]), x = a[0] + t * (b[0] - a[0]), z = a[2] + t * (b[2] - a[2]);
        if (x < left[0]) left[0] = x, left[1] = z;
        if (x > right[0]) right[0] = x, right[1] = z;
    }
    return left[0] < right[0];
}

/* Corners in the picture with 1/z as the third; false where one is behind the camera.  box grows. */
static bool corners(const struct sv_camera *cam, const struct sv_vec *p, size_t n, float (*q)[3], float box[4]) {
    for (size_t i = 0; i < n; i++) {
        if (!sv_project(cam, p[i], q[i])) return false;
        q[i][2] = 1 / q[i][2];
        if (q[i][0] < box[0]) box[0] = q[i][0];
        if (q[i][1] < box[1]) box[1] = q[i][1];
        if (q[i][0] > box[2]) box[2] = q[i][0];
        if (q[i][1] > box[3]) box[3] = q[i][1];
    }
    return true;
}

static float cover_of(float x, float left, float right) {
    const float a = x + 1 - left, b = right - x, in = a < b ? a : b;
    return in < 0 ? 0 : in < 1 ? in : 1;
}

void sv_polygon(struct sv_canvas *c, const struct sv_vec *p, size_t n, struct sv_ink ink) {
    float q[16][3], box[4] = { 1e9f, 1e9f, -1e9f, -1e9f }, left[2] = {0}, right[2] = {0};
    size_t y0, y1, x0, x1;
    if (!corners(&c->cam, p, n, q, box)) return;
    grow_box(c, box[0], box[1], box[2], box[3]);
    if (!span(box[1], box[3], c->h, &y0, &y1)) return;
    struct sv_vec normal = sv_vunit(sv_vcross(sv_vsub(p[1], p[0]), sv_vsub(p[2], p[0])));
    const struct sv_vec to_eye = sv_vsub(sv_vec(0, 0, c->cam.height), p[0]);
    if (sv_vdot(normal, to_eye) < 0) normal = sv_vmul(normal, -1);
    const float light = sv_vdot(normal, c->sun), shade = c->ambient + (light > 0 ? light * c->direct : 0);
    const float rgb[3] = { lit(ink.r, shade), lit(ink.g, shade), lit(ink.b, shade) };
    for (size_t y = y0; y < y1; y++) {
        if (!crossings((const float (*)[3])q, n, (float)y + 0.5f, left, right)) continue;
        if (!span(left[0] - 1, right[0], c->w, &x0, &x1)) continue;
        const float step = (right[1] - left[1]) / (right[0] - left[0] + 1e-6f);
        for (size_t x = x0; x < x1; x++) {
            const float cover = cover_of((float)x, left[0], right[0]);
            const float at = sv_clampf((float)x + 0.5f, left[0], right[0]);
            if (cover > 0) put(c, y * c->w + x, 1 / (left[1] + (at - left[0]) * step), cover, rgb);
        }
    }
}

void sv_polygon_shadow(struct sv_canvas *c, const struct sv_vec *p, size_t n) {
    struct sv_vec g[16];
    float q[16][3], box[4] = { 1e9f, 1e9f, -1e9f, -1e9f }, left[2], right[2];
    size_t y0, y1, x0, x1;
    if (c->shadow < 0.02f) return;
    for (size_t i = 0; i < n; i++) g[i] = sv_vmad(p[i], c->sun, -p[i].z / c->sun.z);
    if (!corners(&c->cam, g, n, q, box) || !span(box[1], box[3], c->h, &y0, &y1)) return;
    if (y0 < c->shade_from) c->shade_from = y0;
    if (y1 > c->shade_to) c->shade_to = y1;
    const uint8_t v = (uint8_t)(c->shadow * 255);
    for (size_t y = y0; y < y1; y++) {
        if (!crossings((const float (*)[3])q, n, (float)y + 0.5f, left, right)) continue;
        if (!span(left[0], right[0], c->w, &x0, &x1)) continue;
        for (size_t x = x0; x < x1; x++)
            if (c->shade[y * c->w + x] < v) c->shade[y * c->w + x] = v;
    }
}

void sv_block(struct sv_canvas *c, struct sv_vec base, struct sv_vec along, float half_long, float half_wide, float high, struct sv_ink ink) {
    const struct sv_vec side = sv_vec(-along.y, along.x, 0), up = sv_vec(0, 0, high);
    struct sv_vec p[8];
    for (int i = 0; i < 4; i++) {
        const float u = i == 0 || i == 3 ? -half_long : half_long, v = i < 2 ? -half_wide : half_wide;
        p[i] = sv_vmad(sv_vmad(base, along, u), side, v);
        p[i + 4] = sv_vadd(p[i], up);
    }
    sv_polygon(c, p + 4, 4, ink);
    for (int i = 0; i < 4; i++) {
        const int j = (i + 1) % 4;
        const struct sv_vec wall[4] = { p[i], p[j], p[j + 4], p[i + 4] };
        sv_polygon(c, wall, 4, ink);
    }
    sv_polygon_shadow(c, p + 4, 4);
}
