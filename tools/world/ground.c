/* ground.c - what does not move: the ground and its textures, walls, sky, trees, lamp posts, parked cars. */
#include "tools/world/scene.h"

/* Noise over a lattice of whole numbers, 0..1. */
static float lattice(int x, int y) {
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u;
    h = (h ^ h >> 13) * 0x5bd1e995u;
    return (float)((h ^ h >> 15) & 0xffff) * (1 / 65535.0f);
}

static float cloud(float x, float y) {
    const float fx = sv_floorf(x), fy = sv_floorf(y), u = x - fx, v = y - fy;
    const int i = (int)fx, j = (int)fy;
    return sv_mixf(sv_mixf(lattice(i, j), lattice(i + 1, j), u), sv_mixf(lattice(i, j + 1), lattice(i + 1, j + 1), u), v);
}

/* How much of a pixel as wide as `step` a line of width `line` every `period` covers at x. */
static float seam(float x, float period, float line, float step) {
    const float d = sv_absf(sv_fract(x / period + 0.5f) - 0.5f) * period;
    if (step > period / 2) return line / period;
    const float in = (line / 2 + step / 2 - d) / step;
    return sv_clampf(in, 0, line < step ? line / step : 1);
}

/* Light of a texture at strip coordinates; step: metres a pixel covers there. */
static float texture(const struct sv_strip *t, float s, float q, float step) {
    const float fine = sv_clampf(0.25f / step - 0.5f, 0, 1), T = t->tile;
    const float n = (cloud(s * 0.35f, q * 0.35f) - 0.5f) * 0.18f + (fine > 0 ? (cloud(s * 4, q * 4) - 0.5f) * 0.14f * fine : 0);
    switch (t->ground) {
    case SV_PAVEMENT: return 1 + n - 0.28f * (1 - (1 - seam(s, T, 0.03f, step)) * (1 - seam(q, T, 0.03f, step)));
    case SV_PLATFORM: return 1 + n - 0.2f * seam(s, T * 2, 0.02f, step) + (q > t->to - 0.9f && q < t->to - 0.6f ? 0.45f : 0);
    case SV_BRICKS: return 1 + n * 1.2f - 0.2f * (1 - (1 - seam(s, T * 0.4f, 0.03f, step)) * (1 - seam(q, T * 0.2f, 0.03f, step)));
    case SV_FLOOR: return 1 + n * 0.4f - 0.1f * (1 - (1 - seam(s, T * 1.5f, 0.02f, step)) * (1 - seam(q, T * 1.5f, 0.02f, step)));
    case SV_STAIRS: return 1 + n * 0.5f - 0.3f * seam(q, 0.34f, 0.1f, step) + 0.12f * sv_fract(q / 0.34f);
    case SV_ROAD: return 1 + n * 0.8f + (sv_fract(s / 5) < 0.4f ? 1.1f : 0) * seam(q - t->to - 3, 60, 0.14f, step);
    case SV_GRASS: return 1 + n * 1.6f + (fine > 0 ? (cloud(s * 11, q * 7) - 0.5f) * 0.35f * fine : 0);
    default: return 1 + n * 1.5f;
    }
}

static void tone(uint8_t *p, struct sv_ink ink, float light) {
    light = light > 0 ? light : 0;
    const float v[3] = { (float)ink.r * light, (float)ink.g * light, (float)ink.b * light };
    for (int k = 0; k < 3; k++) p[k] = v[k] > 255 ? 255 : (uint8_t)v[k];
}

static void paint_ground(const struct sv_scene *s, const struct sv_canvas *c, struct sv_vec at, float depth, uint8_t *p) {
    float along, across;
    sv_scene_strip(s, at, &along, &across);
    const struct sv_strip *t = sv_strip_at(s, across);
    float light = c->ambient + c->direct * c->sun.z;
    if (across > s->dusk) light *= 1 - 0.8f * c->shadow * sv_clampf((across - s->dusk) * 3, 0, 1);
    tone(p, t->ink, light * texture(t, along, across, depth / (c->cam.f * (c->cam.sin > 0.2f ? c->cam.sin : 0.2f))));
}

/* A wall with courses and windows; x along it, z up. */
static void paint_wall(const struct sv_scene *s, const struct sv_canvas *c, float x, float z, float facing, uint8_t *p) {
    const float u = sv_fract(x / 2.8f), v = sv_fract(z / 3.1f);
    const float light = (c->ambient + c->direct * (facing > 0 ? facing : 0)) * (0.94f + 0.12f * cloud(x * 0.7f, z * 0.7f));
    const bool window = s->roof == 0 && u > 0.3f && u < 0.75f && v > 0.35f && v < 0.8f;
    if (window) tone(p, (struct sv_ink){ 52, 60, 72 }, light);
    else tone(p, s->wall_ink, z < 0.25f ? light * 0.75f : light);
}

/* One pixel of what lies behind everything: the nearest of ground, walls, ceiling; sky where there is none. */
static void paint_pixel(const struct sv_scene *s, struct sv_canvas *c, size_t x, size_t y) {
    const struct sv_camera *m = &c->cam;
    const float u = ((float)x + 0.5f - m->cx) / m->f, v = (m->cy - (float)y - 0.5f) / m->f;
    const float dy = m->cos + v * m->sin, dz = v * m->cos - m->sin;       /* of the ray (u, dy, dz), whose depth is 1 a unit */
    const size_t i = y * c->w + x;
    uint8_t *p = c->rgb + 3 * i;
    float near = 1e9f;
    int what = 0;
    if (dz < -1e-3f) near = m->height / -dz, what = 1;
    if (s->wall > 0 && dy > 1e-3f && s->wall / dy < near && m->height + dz * s->wall / dy < s->wall_high) near = s->wall / dy, what = 2;
    if (s->side > 0 && u != 0 && s->side / sv_absf(u) < near) near = s->side / sv_absf(u), what = 3;
    if (s->roof > 0 && dz > 1e-3f && (s->roof - m->height) / dz < near) near = (s->roof - m->height) / dz, what = 4;
    const float z = m->height + dz * near;
    c->z[i] = what > 1 ? near : 1e9f;
    if (what == 1 && near < 400) paint_ground(s, c, sv_vec(u * near, dy * near, 0), near, p);
    else if (what == 2) paint_wall(s, c, u * near + 100, z, -c->sun.y, p);
    else if (what == 3) paint_wall(s, c, dy * near, z, u > 0 ? -c->sun.x : c->sun.x, p);
    else if (what == 4) tone(p, (struct sv_ink){ 205, 205, 200 }, 0.9f + (sv_fract(dy * near / 3) < 0.2f ? 0.3f : 0));
    else {
        const float haze = sv_clampf(1 - v * 1.5f, 0.55f, 1);
        tone(p, s->night ? (struct sv_ink){ 30, 34, 48 } : (struct sv_ink){ 205, 215, 228 }, haze);
    }
}

/* A tree, or a row of bushes. */
static void tree(struct sv_canvas *c, struct sv_vec at, uint64_t *r) {
    const bool bush = sv_draw_if(r, 0.4);
    const float high = bush ? 0.5f : sv_draw(r, 3.5f, 7), flat = bush ? 0.35f : 1, g = sv_draw(r, 0.6f, 1.2f);
    const struct sv_vec top = sv_vec(at.x, at.y, high);
    sv_capsule_shadow(c, at, 0.16f, top, 0.1f);
    sv_capsule(c, at, 0.18f, top, 0.1f, (struct sv_ink){ 92, 74, 56 });
    for (int i = 0; i < 14; i++) {
        /* One draw a statement, also elsewhere: C leaves the order of arguments open. */
        const float z = sv_draw(r, -1.2f, 1.4f) * flat, y = sv_draw(r, -1.3f, 1.3f), x = sv_draw(r, -1.3f, 1.3f) / (flat + 0.1f);
        const struct sv_vec b = sv_vadd(top, sv_vec(x, y, z));
        const float k = g * sv_draw(r, 0.75f, 1.2f), size = sv_draw(r, 0.4f, 0.9f);
        sv_capsule_shadow(c, b, size, b, size);
        sv_capsule(c, b, size, sv_vadd(b, sv_vec(0.1f, 0, 0)), size * 0.8f, (struct sv_ink){ (uint8_t)(66 * k), (uint8_t)(98 * k), (uint8_t)(48 * k) });
    }
}

static void lamp_post(struct sv_canvas *c, struct sv_vec at) {
    const struct sv_vec top = sv_vec(at.x, at.y, 4.6f), arm = sv_vec(at.x + 0.7f, at.y, 4.8f);
    sv_capsule_shadow(c, at, 0.07f, top, 0.05f);
    sv_capsule(c, at, 0.08f, top, 0.05f, (struct sv_ink){ 74, 76, 78 });
    sv_capsule(c, top, 0.05f, arm, 0.04f, (struct sv_ink){ 74, 76, 78 });
    sv_capsule(c, arm, 0.14f, sv_vec(arm.x + 0.15f, arm.y, arm.z), 0.12f, (struct sv_ink){ 235, 230, 205 });
}

/* A pool of light under a lamp, at night. */
static void pool(struct sv_canvas *c, struct sv_vec at) {
    float p[3];
    if (!sv_project(&c->cam, at, p)) return;
    const float rx = 3.5f * c->cam.f / p[2], ry = rx * (c->cam.sin > 0.2f ? c->cam.sin : 0.2f);
    for (size_t y = 0; y < c->h; y++)
        for (size_t x = 0; x < c->w; x++) {
            const float dx = ((float)x - p[0]) / rx, dy = ((float)y - p[1]) / ry, k = 1 - dx * dx - dy * dy;
            if (k > 0) for (size_t n = 3 * (y * c->w + x), e = n + 3; n < e; n++) c->rgb[n] = (uint8_t)sv_clampf((float)c->rgb[n] * (1 + 0.9f * k), 0, 255);
        }
}

/* A place at the edge of the middle strips, sometimes in front of people, else behind them. */
static struct sv_vec beside(const struct sv_scene *s, uint64_t *r, float off, float reach, float front_share) {
    const float low = s->strips > 1 ? s->strip[0].to : -5, high = s->strips > 1 ? s->strip[s->strips - 2].to : 5;
    const bool front = sv_draw_if(r, (double)front_share);
    struct sv_vec v = {0};
    for (int n = 0; n < 8; n++) {
        const float across = sv_draw_if(r, 0.6) ? high + off : low - off, along = sv_draw(r, -reach, reach);
        v = sv_scene_point(s, along, across);
        if (front ? v.y < s->away - 1.5f && v.y > 3 : v.y > s->away + 1.5f && (s->wall == 0 || v.y < s->wall - 0.5f)) break;
    }
    return v;
}

void sv_scene_paint(const struct sv_scene *s, struct sv_canvas *c, uint64_t seed) {
    uint64_t rng = seed ^ 0x9a147, *r = &rng;
    float style[4] = {0};
    style[0] = sv_draw(r, 0, 1), style[1] = sv_draw(r, 0, 1);
    for (size_t y = 0; y < c->h; y++) for (size_t x = 0; x < c->w; x++) paint_pixel(s, c, x, y);
    for (int i = 0; i < s->trees; i++) tree(c, beside(s, r, sv_draw(r, 1.5f, 5), 12, 0), r);
    for (int i = 0; i < s->lamps; i++) {
        const struct sv_vec at = beside(s, r, sv_draw(r, -0.3f, 0.3f), 7, 0.25f);
        if (s->night) pool(c, at);
        lamp_post(c, at);
    }
    for (int i = 0; i < s->parked; i++) {
        const struct sv_held h = { .action = SV_DO_DRIVE_CAR, .at = beside(s, r, 2, 6, 0), .heading = sv_angle(s->sin, s->cos), .style = style,
            .ink = { 120, 124, 132 } };
        sv_prop_draw(c, SV_PROP_CAR, &h);
    }
    for (size_t i = 0; i < s->spots; i++) {
        const struct sv_spot *t = &s->spot[i];
        const struct sv_held h = { .at = sv_scene_point(s, t->s, t->q), .heading = sv_angle(s->sin, s->cos) + t->turn, .style = style };
        sv_prop_draw(c, t->kind, &h);
    }
    sv_shadows_lay(c);
}
