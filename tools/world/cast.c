#include "tools/world/cast.h"

#include <string.h>

const struct sv_colour sv_colours[SV_COLOURS] = {
    { "black", { 34, 34, 38 } }, { "white", { 226, 226, 222 } }, { "gray", { 128, 129, 132 } }, { "red", { 176, 38, 40 } }, { "blue", { 44, 72, 158 } },
    { "green", { 48, 116, 62 } }, { "yellow", { 218, 190, 56 } }, { "brown", { 108, 76, 50 } }, { "orange", { 218, 120, 44 } }, { "pink", { 214, 140, 160 } },
    { "purple", { 104, 62, 130 } }, { "beige", { 202, 184, 150 } },
};

static const struct { float from, to; } pace_of[SV_ACTIONS] = {
#define X(name, phrase, a, b, prop) { (float)(a), (float)(b) },
    SV_ACTION_LIST(X)
#undef X
};

const char *sv_action_phrase(enum sv_action a) {
    static const char *const phrase[SV_ACTIONS] = {
#define X(name, text, from, to, prop) text,
        SV_ACTION_LIST(X)
#undef X
    };
    return phrase[a];
}

float sv_action_speed(enum sv_action a, float t) { return sv_mixf(pace_of[a].from, pace_of[a].to, t); }
bool sv_action_places(enum sv_action a) {
    return pace_of[a].from < 0.3f && a != SV_DO_LOITER && a != SV_DO_CRAWL && a != SV_DO_DOG_RUN;
}

struct sv_ink sv_ink_draw(uint64_t *r, uint8_t *name) {
    static const uint8_t often[] = { 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 7, 8, 9, 10, 11 };
    *name = often[sv_rng_below(r, sizeof often)];
    const struct sv_ink k = sv_colours[*name].ink;
    const float v = sv_draw(r, 0.82f, 1.15f);
    return (struct sv_ink){ (uint8_t)sv_clampf(v * (float)k.r, 0, 255), (uint8_t)sv_clampf(v * (float)k.g, 0, 255), (uint8_t)sv_clampf(v * (float)k.b, 0, 255) };
}

void sv_look_draw(struct sv_look *l, uint64_t *r) {
    static const struct sv_ink skins[] = { { 224, 182, 158 }, { 206, 160, 130 }, { 172, 124, 92 }, { 120, 84, 62 }, { 84, 58, 44 } };
    static const struct sv_ink hairs[] = { { 32, 26, 22 }, { 60, 42, 30 }, { 112, 80, 48 }, { 186, 156, 100 }, { 150, 150, 150 } };
    uint8_t any;
    *l = (struct sv_look){ .who = sv_draw_if(r, 0.12) ? SV_CHILD : sv_draw_if(r, 0.5) ? SV_WOMAN : SV_MAN };
    l->height = l->who == SV_CHILD ? sv_draw(r, 1.05f, 1.4f) : (l->who == SV_WOMAN ? 1.65f : 1.77f) + 0.06f * sv_draw_bell(r);
    l->wide = sv_draw(r, 0.86f, 1.22f);
    l->skin = skins[sv_rng_below(r, SV_LEN(skins))], l->hair = hairs[sv_rng_below(r, SV_LEN(hairs))];
    l->top = sv_ink_draw(r, &l->top_name), l->legs = sv_ink_draw(r, &l->legs_name);
    if (sv_draw_if(r, 0.45)) l->legs_name = sv_draw_if(r, 0.5) ? 0 : 4, l->legs = l->legs_name ? (struct sv_ink){ 46, 58, 92 } : sv_colours[0].ink;
    l->shoes = sv_ink_draw(r, &any), l->hat = sv_ink_draw(r, &any), l->bag = sv_ink_draw(r, &any);
    l->sleeves = sv_draw_if(r, 0.65), l->coat = sv_draw_if(r, 0.22), l->skirt = l->who == SV_WOMAN && sv_draw_if(r, 0.3);
    l->has_hat = sv_draw_if(r, 0.15), l->backpack = sv_draw_if(r, 0.28), l->has_bag = sv_draw_if(r, 0.15),
        l->long_hair = l->who == SV_WOMAN && sv_draw_if(r, 0.7);
}

enum sv_action sv_cast_choose(struct sv_world *w) {
    float sum = 0;
    for (int i = 0; i < SV_ACTIONS; i++) sum += w->weight[i] > 0 ? w->weight[i] : 0;
    float at = sv_draw(&w->rng, 0, sum);
    int last = SV_DO_WALK;
    for (int i = 0; i < SV_ACTIONS; i++) {
        if (!(w->weight[i] > 0)) continue;
        last = i;
        if ((at -= w->weight[i]) < 0) break;
    }
    return (enum sv_action)last;
}

struct sv_vec sv_actor_at(const struct sv_actor *a) {
    const float k = sv_cos(a->heading), s = sv_sin(a->heading);
    return sv_vec(a->x + k * a->ahead - s * a->aside, a->y + s * a->ahead + k * a->aside, 0);
}

float sv_actor_facing(const struct sv_actor *a) { return a->heading + (a->act == a->next ? a->turn : 0); }

static struct sv_actor *take(struct sv_world *w) {
    for (size_t i = 0; i < SV_CAST; i++)
        if (!w->actor[i].used) {
            struct sv_actor *a = &w->actor[i];
            *a = (struct sv_actor){ .used = true, .track = w->tracks++, .when = -1 };
            return a;
        }
    return NULL;
}

/* How many act together, how far apart, and whether they face each other. */
static int company(enum sv_action a, uint64_t *r, float *gap, bool *facing) {
    *facing = a != SV_DO_GROUP_WALK && a != SV_DO_CHASE;
    *gap = a == SV_DO_HUG ? 0.34f : a == SV_DO_SHOVE ? 0.62f : a == SV_DO_FIGHT ? 0.78f : a == SV_DO_TALK ? 0.95f : a == SV_DO_GROUP_WALK ? 0.58f : 1.25f;
    if (a == SV_DO_GROUP_WALK) return 2 + (int)sv_rng_below(r, 2);
    return a == SV_DO_HUG || a == SV_DO_SHOVE || a == SV_DO_FIGHT || a == SV_DO_TALK || a == SV_DO_CHASE ? 2 : 1;
}

static void dress(struct sv_actor *a, enum sv_action act, uint64_t *r) {
    sv_look_draw(&a->look, r);
    const bool hands = act != SV_DO_WALK && act != SV_DO_STAND && act != SV_DO_WALK_SLOW && act != SV_DO_WALK_FAST && act != SV_DO_GROUP_WALK;
    if (hands) a->look.has_bag = false;
    if (sv_action_prop(act) == SV_PROP_MOTORCYCLE) a->look.has_hat = true;
    if (a->look.who == SV_CHILD && (act == SV_DO_DRIVE_CART || act == SV_DO_MOTORCYCLE || act == SV_DO_PUSH_PRAM || act == SV_DO_PUSH_WHEELCHAIR))
        a->look.who = SV_MAN, a->look.height = 1.75f;
    if (act == SV_DO_PUSH_WHEELCHAIR) sv_look_draw(&a->guest, r), a->guest.who = SV_MAN, a->guest.height = 1.6f, a->guest.skirt = a->guest.coat = false;
    a->ink = sv_ink_draw(r, &a->ink_name);
    if (act == SV_DO_DOG_RUN || act == SV_DO_WALK_DOG) {
        static const uint8_t fur[] = { 0, 1, 7, 11, 2 };
        a->ink_name = fur[sv_rng_below(r, sizeof fur)], a->ink = sv_colours[a->ink_name].ink;
    }
    for (int i = 0; i < 4; i++) a->style[i] = sv_draw(r, 0, 1);
    a->phase = sv_draw(r, 0, 1);
    a->since = sv_draw(r, 0, 3);
}

/* A step of the ground that is in view for feet at q, in s; false: none. */
static bool in_view(const struct sv_world *w, float q, float *lo, float *hi) {
    *lo = 1e9f, *hi = -1e9f;
    for (float s = -50; s <= 50; s += 0.5f) {
        float p[3];
        const struct sv_vec v = sv_scene_point(&w->scene, s, q);
        if (!sv_project(&w->canvas.cam, v, p) || p[0] < 0 || p[0] > (float)w->w || p[1] < 0 || p[1] > (float)w->h) continue;
        if (w->scene.wall > 0 && v.y > w->scene.wall - 0.5f) continue;
        if (w->scene.side > 0 && sv_absf(v.x) > w->scene.side - 0.4f) continue;
        if (s < *lo) *lo = s;
        if (s > *hi) *hi = s;
    }
    return *lo < *hi;
}

static bool suits(enum sv_ground g, bool vehicle, bool roads) {
    return vehicle && roads ? g == SV_ROAD : g != SV_ROAD && g != SV_GRASS;
}

/* A lane across which people go, whose ends are in view. */
static bool lane(struct sv_world *w, bool vehicle, float *q, float *lo, float *hi) {
    uint64_t *r = &w->rng;
    const struct sv_scene *s = &w->scene;
    bool roads = false;
    for (size_t i = 0; i < s->strips; i++) roads |= s->strip[i].ground == SV_ROAD && w->weight[SV_DO_DRIVE_CAR] > 0;
    for (int n = 0; n < 40; n++) {
        const size_t i = sv_rng_below(r, s->strips);
        /* The outer strips go on beyond the picture: not far into them. */
        const float far = 0.45f * s->away, to = sv_clampf(s->strip[i].to, -far, far), from = i ? s->strip[i - 1].to : to - far > -far ? -far : to - far;
        *q = sv_draw(r, from + 0.3f, to - 0.3f);
        if ((n > 30 || suits(s->strip[i].ground, vehicle, roads)) && to > from && in_view(w, *q, lo, hi) && *hi - *lo > (n < 30 ? 3.0f : 1.0f)) return true;
    }
    return false;
}

static const struct sv_spot *spot_of(const struct sv_world *w, enum sv_action a) {
    for (size_t i = 0; i < w->scene.spots; i++)
        if (w->scene.spot[i].kind == sv_action_prop(a)) return &w->scene.spot[i];
    return NULL;
}

/* The path of an actor of a named scene.  place: s at which it acts. */
static bool path(struct sv_world *w, struct sv_actor *a, enum sv_action act, bool settled, float *when) {
    uint64_t *r = &w->rng;
    float q, lo, hi;
    const struct sv_spot *spot = spot_of(w, act);
    const enum sv_prop prop = sv_action_prop(act);
    const bool vehicle = prop == SV_PROP_CAR || prop == SV_PROP_VAN || prop == SV_PROP_MOTORCYCLE;
    if (!lane(w, vehicle, &q, &lo, &hi)) return false;
    if (spot) {
        q = spot->q;
        if (!in_view(w, q, &lo, &hi)) return false;
    }
    const float way = sv_draw_if(r, 0.5) ? 1.0f : -1.0f, strip = sv_angle(w->scene.sin, w->scene.cos), out = vehicle ? 3 : 0.8f;
    float target = spot ? spot->s : sv_draw(r, sv_mixf(lo, hi, 0.2f), sv_mixf(lo, hi, 0.8f));
    if (act == SV_DO_JUMP_RAILING && spot) target -= way * a->act_speed * 0.5f / sv_cadence(act, a->act_speed, a->look.height, a->style);
    const bool places = sv_action_places(act) || act == SV_DO_JUMP_RAILING || act == SV_DO_CARTWHEEL;
    const float start = settled ? places ? target : sv_draw(r, lo, hi) : way > 0 ? lo - out : hi + out;
    const struct sv_vec v = sv_scene_point(&w->scene, start, q);
    a->x = v.x, a->y = v.y, a->heading = strip + (way > 0 ? 0 : SV_PI) + (spot ? 0 : 0.08f * sv_draw_bell(r));
    a->fixed = spot != NULL;
    if (spot && act != SV_DO_JUMP_RAILING) a->turn = strip + spot->turn - a->heading;
    *when = places ? sv_absf(target - start) / a->pace : 0;
    return true;
}

/* Anywhere in the picture, in the middle of it half a second from now. */
static bool anywhere(struct sv_world *w, struct sv_actor *a, float speed) {
    uint64_t *r = &w->rng;
    struct sv_vec v;
    const bool cut = sv_draw_if(r, 0.12);       /* half a body at the edge */
    for (int n = 0; n < 60; n++) {
        const float u = sv_draw(r, cut ? 0 : 0.2f, cut ? 1 : 0.8f) * (float)w->w, t = sv_draw(r, cut ? 0.3f : 0.4f, cut ? 1.25f : 0.98f) * (float)w->h;
        if (!sv_ground_at(&w->canvas.cam, u, t, &v) || v.y > w->scene.away * 2.2f || v.y < w->scene.away * 0.45f) continue;
        if (w->scene.wall > 0 && v.y > w->scene.wall - 0.8f) continue;
        if (w->scene.side > 0 && sv_absf(v.x) > w->scene.side - 0.4f) continue;
        float p[3];
        if (!cut && (!sv_project(&w->canvas.cam, sv_vec(v.x, v.y, 1.75f), p) || p[1] < 0)) continue;
        a->heading = sv_draw(r, -SV_PI, SV_PI);
        a->x = v.x - 0.5f * speed * sv_cos(a->heading), a->y = v.y - 0.5f * speed * sv_sin(a->heading);
        return true;
    }
    return false;
}

static void begin(struct sv_actor *a, enum sv_action act, bool fresh) {
    a->act = act;
    a->speed = act == a->next ? a->act_speed : a->pace;
    if (fresh) a->since = 0;
    if (fresh && (act == SV_DO_JUMP_RAILING || act == SV_DO_CARTWHEEL || act == SV_DO_FALL)) a->phase = 0;
}

/* The first of a company decides where all go. */
static bool plan(struct sv_world *w, struct sv_actor *a, enum sv_action act, bool settled) {
    uint64_t *r = &w->rng;
    a->next = act;
    a->act_speed = sv_action_speed(act, sv_draw(r, 0, 1)) * (a->look.who == SV_CHILD && sv_action_prop(act) == SV_PROP_NONE ? 0.8f : 1);
    a->pace = sv_draw(r, 1.0f, 1.5f);
    a->stay = sv_draw(r, 5, 11);
    float when = 0;
    if (w->drawn) {
        if (!anywhere(w, a, a->act_speed)) return false;
        if (act == SV_DO_FALL) a->since = sv_draw(r, -0.2f, 0.5f);
        if (act == SV_DO_JUMP_RAILING) a->phase = sv_draw(r, 0.1f, 0.35f);
        const float on = a->act_speed * (0.5f - a->phase) / 0.5f;
        a->prop = sv_vec(a->x + on * sv_cos(a->heading), a->y + on * sv_sin(a->heading), 0);
    } else if (!path(w, a, act, settled, &when)) return false;
    const bool places = sv_action_places(act);
    if (act == SV_DO_JUMP_RAILING || act == SV_DO_CARTWHEEL) a->stay = 1 / sv_cadence(act, a->act_speed, a->look.height, a->style);
    if (act == SV_DO_FALL) a->stay = sv_draw(r, 4, 8);
    a->when = w->drawn || settled || when <= 0 ? -1 : when;
    if (a->when < 0 && !places && act != SV_DO_JUMP_RAILING && act != SV_DO_CARTWHEEL) a->stay = 1e9f;
    if (w->drawn) a->stay = 1e9f;
    begin(a, a->when < 0 ? act : SV_DO_WALK, false);
    return true;
}

bool sv_cast_enter(struct sv_world *w, enum sv_action act, bool settled) {
    float gap;
    bool facing;
    const int n = company(act, &w->rng, &gap, &facing);
    struct sv_actor *all[3] = {0};
    for (int i = 0; i < n; i++) {
        if (!(all[i] = take(w))) break;
        struct sv_actor *a = all[i];
        dress(a, act, &w->rng);
        a->role = i;
        bool good = true;
        if (!i) good = plan(w, a, act, settled);
        else {
            const struct sv_actor *f = all[0];
            a->act = f->act, a->next = f->next, a->when = f->when, a->stay = f->stay, a->x = f->x, a->y = f->y, a->heading = f->heading;
            a->speed = f->speed, a->pace = f->pace, a->act_speed = f->act_speed, a->since = f->since;
            if (act != SV_DO_GROUP_WALK) a->phase = f->phase;
        }
        if (!good) { a->used = false; return false; }
        if (act == SV_DO_CHASE) a->ahead = i ? -gap : 0, a->aside = 0.2f * (float)i, a->phase = sv_draw(&w->rng, 0, 1);
        else if (n > 1) a->aside = ((float)i - (float)(n - 1) / 2) * gap, a->ahead = facing ? 0 : sv_draw(&w->rng, -0.15f, 0.15f);
        if (facing && n > 1) a->turn = i ? -SV_PI / 2 : SV_PI / 2;
    }
    return all[0] != NULL;
}

static void live(struct sv_actor *a, float dt) {
    const float k = sv_cos(a->heading), s = sv_sin(a->heading);
    a->x += k * a->speed * dt, a->y += s * a->speed * dt;
    a->phase += dt * sv_cadence(a->act, a->speed, a->look.height, a->style);
    a->since += dt;
    if (a->when >= 0 && (a->when -= dt) < 0) begin(a, a->next, true);
    else if (a->when < 0 && a->act == a->next && (a->stay -= dt) < 0) {
        begin(a, SV_DO_WALK, true);
        a->speed = a->pace, a->next = SV_DO_WALK, a->turn = 0, a->stay = 1e9f, a->act_speed = a->pace;
    }
}

/* Out of the picture for good: by a margin, and going away from it or long gone. */
static bool gone(const struct sv_world *w, const struct sv_actor *a) {
    float p[3];
    const struct sv_vec v = sv_actor_at(a);
    if (!sv_project(&w->canvas.cam, v, p)) return true;
    if (v.y > w->scene.away * 3.5f || (w->scene.wall > 0 && v.y > w->scene.wall - 0.3f)) return true;
    const float tall = w->canvas.cam.f * 2.2f / p[2], wide = sv_prop_hides_person(sv_action_prop(a->act)) ? tall * 1.6f : tall * 0.6f;
    if (p[0] > -wide && p[0] < (float)w->w + wide && p[1] > -wide * 0.3f && p[1] < (float)w->h + tall) return false;
    const float k = sv_cos(a->heading), s = sv_sin(a->heading);
    float q[3];
    if (!sv_project(&w->canvas.cam, sv_vec(v.x + k * 0.5f, v.y + s * 0.5f, 0), q)) return true;
    const float cx = (float)w->w / 2, cy = (float)w->h / 2;
    return sv_absf(q[0] - cx) > sv_absf(p[0] - cx) || sv_absf(q[1] - cy) > sv_absf(p[1] - cy) || a->since > 60;
}

void sv_cast_move(struct sv_world *w, float dt) {
    size_t n = 0;
    for (size_t i = 0; i < SV_CAST; i++) {
        struct sv_actor *a = &w->actor[i];
        if (!a->used) continue;
        live(a, dt);
        if (gone(w, a)) a->used = false;
        else n++;
    }
    /* Newcomers keep the number near the mean; a life lasts about ten seconds. */
    if ((double)n < w->crowd && sv_draw_if(&w->rng, sv_clampf((float)(w->crowd - (double)n) * dt * 0.8f, 0, 1)))
        sv_cast_enter(w, sv_cast_choose(w), w->drawn);
}
