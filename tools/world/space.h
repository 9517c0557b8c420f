/* space.h - vectors, angles and chance for the world: + - * / and sqrt alone, so that every machine gets the same bits. */
#ifndef TOOLS_WORLD_SPACE_H
#define TOOLS_WORLD_SPACE_H

#include "core/rng.h"

#define SV_PI 3.14159265f

struct sv_vec { float x, y, z; };

static inline struct sv_vec sv_vec(float x, float y, float z) { return (struct sv_vec){ x, y, z }; }
static inline struct sv_vec sv_vadd(struct sv_vec a, struct sv_vec b) { return sv_vec(a.x + b.x, a.y + b.y, a.z + b.z); }
static inline struct sv_vec sv_vsub(struct sv_vec a, struct sv_vec b) { return sv_vec(a.x - b.x, a.y - b.y, a.z - b.z); }
static inline struct sv_vec sv_vmul(struct sv_vec a, float s) { return sv_vec(a.x * s, a.y * s, a.z * s); }
static inline struct sv_vec sv_vmad(struct sv_vec a, struct sv_vec b, float s) { return sv_vec(a.x + b.x * s, a.y + b.y * s, a.z + b.z * s); }
static inline float sv_vdot(struct sv_vec a, struct sv_vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline struct sv_vec sv_vcross(struct sv_vec a, struct sv_vec b) {
    return sv_vec(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static inline struct sv_vec sv_vunit(struct sv_vec a) { return sv_vmul(a, 1 / (sqrtf(sv_vdot(a, a)) + 1e-12f)); }

static inline float sv_clampf(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }
static inline float sv_mixf(float a, float b, float t) { return a + (b - a) * t; }
static inline float sv_absf(float x) { return x < 0 ? -x : x; }
/* For |x| < 2^31. */
static inline float sv_floorf(float x) { const float t = (float)(int)x; return t > x ? t - 1 : t; }
static inline float sv_fract(float x) { return x - sv_floorf(x); }
static inline float sv_smooth_step(float x) { x = sv_clampf(x, 0, 1); return x * x * (3 - 2 * x); }

/* sin(2 pi turns) by two parabolas, within 0.0012. */
static inline float sv_sin_turn(float turns) {
    const float t = turns - sv_floorf(turns + 0.5f), y = 8 * t - 16 * t * sv_absf(t);
    return 0.225f * (y * sv_absf(y) - y) + y;
}
static inline float sv_sin(float x) { return sv_sin_turn(x * (0.5f / SV_PI)); }
static inline float sv_cos(float x) { return sv_sin_turn(x * (0.5f / SV_PI) + 0.25f); }
/* The angle of (x, y), within 0.005. */
static inline float sv_angle(float y, float x) {
    const float ax = sv_absf(x), ay = sv_absf(y), q = (ax < ay ? ax : ay) / ((ax < ay ? ay : ax) + 1e-12f);
    float a = q * (SV_PI / 4 + 0.273f * (1 - q));
    if (ay > ax) a = SV_PI / 2 - a;
    if (x < 0) a = SV_PI - a;
    return y < 0 ? -a : a;
}

static inline float sv_draw(uint64_t *r, float lo, float hi) { return lo + (hi - lo) * (float)sv_rng_unit(r); }
static inline bool sv_draw_if(uint64_t *r, double p) { return sv_rng_unit(r) < p; }
/* Mean 0, deviation 1: a sum of uniforms, no logarithm. */
static inline float sv_draw_bell(uint64_t *r) {
    float s = 0;
    for (int i = 0; i < 4; i++) s += (float)sv_rng_unit(r);
    return (s - 2) * 1.7320508f;
}

#endif
