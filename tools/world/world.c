#include "tools/world/cast.h"

#include "core/mem.h"
#include <string.h>

size_t sv_world_scenes(const char *const **name) { return sv_scene_kinds(name); }

void sv_world_free(struct sv_world *w) {
    if (!w) return;
    sv_free(w->canvas.rgb), sv_free(w->canvas.z), sv_free(w->canvas.mark), sv_free(w->canvas.top), sv_free(w->canvas.shade);
    sv_free(w->back), sv_free(w->back_z);
    sv_sensor_close(&w->sensor);
    sv_free(w);
}

static int take_memory(struct sv_world *w, struct sv_err *e) {
    struct sv_canvas *c = &w->canvas;
    const size_t n = w->w * w->h;
    c->w = w->w, c->h = w->h;
    if (!(w->back = sv_alloc(n, 3, e)) || !(w->back_z = sv_alloc(n, sizeof(float), e)) || !(c->rgb = sv_alloc(n, 3, e)) ||
        !(c->z = sv_alloc(n, sizeof(float), e)) ||
        !(c->mark = sv_alloc(n, sizeof *c->mark, e)) || !(c->top = sv_alloc(n, sizeof *c->top, e)) || !(c->shade = sv_alloc(n, 1, e))) return SV_ENOMEM;
    return 0;
}

/* How tall people may be in the picture so that whoever comes first fits in with what it drives. */
static double room_for(const struct sv_world *w, enum sv_action first) {
    if (first == SV_ACTIONS) return 1e9;
    const enum sv_prop p = sv_action_prop(first);
    const double wide = (double)w->w;
    return sv_prop_hides_person(p) ? wide / 3.6 : p == SV_PROP_CART || p == SV_PROP_MOTORCYCLE ? wide / 2.4 : 1e9;
}

/* Who is there when the world opens; in a world that was drawn, first is the first. */
static void populate(struct sv_world *w, enum sv_action first) {
    const double u = sv_rng_unit(&w->rng);
    const size_t n = w->drawn ? (size_t)(w->crowd * (0.5 + u) + 0.5) : (size_t)(w->crowd + 0.5);
    for (size_t tries = 0, in = 0; in < (n ? n : 1) && tries < n + 20; tries++) {
        sv_cast_enter(w, tries || first == SV_ACTIONS ? sv_cast_choose(w) : first, true);
        in = 0;
        for (size_t i = 0; i < SV_CAST; i++) in += w->actor[i].used;
    }
}

struct sv_world *sv_world_open(const struct sv_world_config *g, struct sv_err *e) {
    size_t kind = SIZE_MAX;
    uint64_t number = g->seed;
    if (g->scene && !sv_scene_find(g->scene, &kind, &number)) return sv_fail(e, SV_EUSAGE, "no scene \"%s\"; svad world --list shows them", g->scene), NULL;
    if (g->w < 16 || g->h < 16 || g->w > 4096 || g->h > 4096)
        return sv_fail(e, SV_EUSAGE, "a world of %zu x %zu pixels, expected sides of 16 to 4096", g->w, g->h), NULL;
    if (!(g->fps >= 1 && g->fps <= 1000) || !(g->crowd >= 0 && g->crowd <= SV_CAST / 2) || !(g->height >= 0 && g->height <= 4 * (double)g->h))
        return sv_fail(e, SV_EUSAGE, "a world of %g frames a second, %g actors, people of %g pixels; expected 1 to 1000, at most %d, at most four pictures",
                       g->fps, g->crowd, g->height, SV_CAST / 2), NULL;
    struct sv_world *w = sv_alloc(1, sizeof *w, e);
    if (!w) return NULL;
    w->w = g->w, w->h = g->h, w->fps = g->fps, w->drawn = !g->scene;
    if (take_memory(w, e)) return sv_world_free(w), NULL;
    /* A named place looks the same for every seed; its people do not. */
    const uint64_t place = g->scene ? number * 1000003 + kind * 7919 + 17 : g->seed;
    w->rng = g->seed ^ 0xac7035;
    enum sv_action first = SV_ACTIONS;
    if (w->drawn) {
        for (size_t i = 0; i < SV_ACTIONS; i++) w->weight[i] = g->weight ? g->weight[i] : 1;
        first = sv_cast_choose(w);
    }
    sv_scene_make(&w->scene, &w->canvas, &w->sensor, kind, place, g->height, room_for(w, first));
    w->sensor.seed ^= sv_rng(&w->rng);
    if (sv_sensor_open(&w->sensor, w->w, w->h, e)) return sv_world_free(w), NULL;
    memset(w->canvas.mark, 0, w->w * w->h * sizeof *w->canvas.mark);
    w->canvas.shade_from = w->h, w->canvas.shade_to = 0, w->canvas.id = 1;
    sv_scene_paint(&w->scene, &w->canvas, place);
    memcpy(w->back, w->canvas.rgb, 3 * w->w * w->h), memcpy(w->back_z, w->canvas.z, w->w * w->h * sizeof(float));
    memcpy(w->weight, g->weight ? g->weight : w->scene.weight, sizeof w->weight);
    w->crowd = g->crowd > 0 ? g->crowd : w->scene.crowd;
    populate(w, first);
    return w;
}

bool sv_world_begin(struct sv_world *w, enum sv_action a) { return sv_cast_enter(w, a, w->drawn); }
bool sv_world_gray(const struct sv_world *w) { return w->sensor.gray; }
bool sv_world_normal(const struct sv_world *w, enum sv_action a) { return w->scene.weight[a] > 0; }

static void draw_actor(struct sv_world *w, struct sv_actor *a, uint16_t id) {
    struct sv_canvas *c = &w->canvas;
    const enum sv_prop prop = sv_action_prop(a->act);
    const float facing = sv_actor_facing(a);
    struct sv_vec joint[SV_JOINTS], at = sv_actor_at(a);
    struct sv_pose pose;
    c->id = id, c->covered = 0;
    sv_canvas_box(c);
    sv_pose_of(&pose, a->act, a->phase, a->since, a->role, a->style);
    if (a->act == SV_DO_DOG_RUN || sv_prop_hides_person(prop)) sv_body_joints(&a->look, &pose, at, facing, joint);
    else sv_body_draw(c, &a->look, &pose, at, facing, joint);
    memcpy(a->person, c->box, sizeof a->person);
    const bool stands = prop >= SV_PROP_BENCH && prop <= SV_PROP_LADDER;
    struct sv_held held = { .action = a->act, .at = a->act == SV_DO_JUMP_RAILING ? a->prop : at, .heading = facing, .phase = a->phase, .speed = a->speed,
                            .height = a->look.height, .style = a->style, .joint = joint, .ink = a->ink };
    if (prop != SV_PROP_NONE && !(stands && a->fixed)) {
        const float keep[4] = { c->box[0], c->box[1], c->box[2], c->box[3] };
        sv_prop_draw(c, prop, &held);
        if (stands) memcpy(c->box, keep, sizeof keep);      /* a bench is no part of who sits on it */
    }
    if (a->act == SV_DO_PUSH_WHEELCHAIR) {
        struct sv_pose sit;
        sv_pose_of(&sit, SV_DO_WHEELCHAIR, 0.25f, 0, 0, a->style);
        const struct sv_vec seat = sv_vec(at.x + 0.75f * sv_cos(facing), at.y + 0.75f * sv_sin(facing), 0);
        sv_body_draw(c, &a->guest, &sit, seat, facing, joint);
    }
    memcpy(a->box, c->box, sizeof a->box);
    a->covered = c->covered;
}

/* Where it is in the picture, how large and how fast; false: nowhere near. */
static bool locate(struct sv_world *w, struct sv_actor *a) {
    float p[3], q[3];
    const struct sv_vec v = sv_actor_at(a);
    const float k = sv_cos(a->heading) * a->speed * 0.05f, s = sv_sin(a->heading) * a->speed * 0.05f;
    if (!sv_project(&w->canvas.cam, v, p) || !sv_project(&w->canvas.cam, sv_vec(v.x, v.y, 1.72f), q)) return false;
    a->depth = p[2], a->tall = p[1] - q[1] > 1 ? p[1] - q[1] : 1;
    if (sv_project(&w->canvas.cam, sv_vec(v.x + k, v.y + s, 0), q))
        for (int i = 0; i < 2; i++) a->flow[i] = (q[i] - p[i]) / (0.05f * a->tall);
    const float out = w->canvas.cam.f * 3.2f / p[2];
    return p[0] > -out && p[0] < (float)w->w + out && p[1] > -out && p[1] < (float)w->h + out;
}

/* Draws everybody, the farthest first, shadows before bodies. */
static void draw(struct sv_world *w, uint8_t *rgb) {
    struct sv_canvas *c = &w->canvas;
    const size_t n = w->w * w->h;
    size_t order[SV_CAST], count = 0;
    memcpy(c->rgb, w->back, 3 * n), memcpy(c->z, w->back_z, n * sizeof *c->z);
    memset(c->mark, 0, n * sizeof *c->mark), memset(c->top, 0, n * sizeof *c->top);
    for (size_t i = 0; i < SV_CAST; i++) {
        struct sv_actor *a = &w->actor[i];
        if (!(a->drawn = a->used && locate(w, a))) continue;
        size_t at = count++;
        for (; at && w->actor[order[at - 1]].depth < a->depth; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < count; i++) draw_actor(w, &w->actor[order[i]], (uint16_t)(order[i] + 1));
    size_t seen[SV_CAST + 1] = {0};
    for (size_t i = 0; i < n; i++) seen[c->top[i]]++;
    for (size_t i = 0; i < SV_CAST; i++) w->actor[i].visible = seen[i + 1];
    sv_shadows_lay(c);
    sv_sensor_take(&w->sensor, w->frames, c->rgb, rgb);
}

void sv_world_next(struct sv_world *w, uint8_t *rgb) {
    if (w->frames++) sv_cast_move(w, (float)(1 / w->fps));
    if (rgb) draw(w, rgb);
}
