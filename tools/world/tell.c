/* tell.c - what is in the picture, in numbers, in words, and as a detector would see it. */
#include "tools/world/cast.h"

#include <stdio.h>
#include <string.h>

/* Clips a box to the picture; the share of it that is inside. */
static double clip_box(const struct sv_world *w, const float in[4], double out[4]) {
    const double most[2] = { (double)w->w, (double)w->h };
    if (in[2] <= in[0]) { memset(out, 0, 4 * sizeof *out); return 0; }
    for (int i = 0; i < 4; i++) out[i] = in[i] < 0 ? 0 : (double)in[i] > most[i % 2] ? most[i % 2] : (double)in[i];
    return (out[2] - out[0]) * (out[3] - out[1]) / (((double)in[2] - (double)in[0]) * ((double)in[3] - (double)in[1]) + 1e-9);
}

static void tell(const struct sv_world *w, const struct sv_actor *a, struct sv_world_object *o) {
    const struct sv_vec v = sv_actor_at(a);
    const bool still = a->speed < 0.05f;
    /* A still body shows the side that the line of sight meets; a path shows itself in the picture's own axes. */
    float facing = still ? sv_actor_facing(a) - (sv_angle(v.y, v.x) - SV_PI / 2) : a->heading, across, along;
    while (facing > SV_PI) facing -= 2 * SV_PI;
    while (facing < -SV_PI) facing += 2 * SV_PI;
    sv_scene_strip(&w->scene, v, &along, &across);
    *o = (struct sv_world_object){ .track = a->track, .action = a->act, .tall = (double)a->tall, .speed = (double)(a->speed / 1.72f),
        .vx = (double)a->flow[0], .vy = (double)a->flow[1], .facing = (double)facing, .who = a->look.who, .top = a->look.top_name, .legs = a->look.legs_name, .thing = a->ink_name,
        .coat = a->look.coat, .skirt = a->look.skirt, .hat = a->look.has_hat, .backpack = a->look.backpack, .bag = a->look.has_bag,
        .ground = (uint8_t)sv_strip_at(&w->scene, across)->ground };
    o->inside = clip_box(w, a->box, o->box);
    clip_box(w, a->person, o->person);
    if (o->person[2] <= o->person[0] || o->person[3] <= o->person[1]) memset(o->person, 0, sizeof o->person);
    o->seen = a->covered ? o->inside * (double)a->visible / (double)a->covered : 0;
    if (o->seen > 1) o->seen = 1;
}

size_t sv_world_objects(const struct sv_world *w, struct sv_world_object *out, size_t cap) {
    size_t order[SV_CAST], n = 0;
    for (size_t i = 0; i < SV_CAST; i++) {
        const struct sv_actor *a = &w->actor[i];
        if (!a->drawn || !a->visible || a->box[2] <= 0 || a->box[3] <= 0 || a->box[0] >= (float)w->w || a->box[1] >= (float)w->h) continue;
        size_t at = n++;
        for (; at && w->actor[order[at - 1]].depth < a->depth; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < n && i < cap; i++) tell(w, &w->actor[order[i]], &out[i]);
    return n;
}

/* Words for a colour: its name, or how light it is where the camera has no colours. */
static const char *colour(const struct sv_world *w, uint8_t name) {
    static const char *const light[SV_COLOURS] = { "dark", "light", "gray", "dark", "dark", "dark", "light", "dark", "gray", "light", "dark", "light" };
    return w->sensor.gray || w->scene.night ? light[name] : sv_colours[name].name;
}

struct text { char *at; size_t left; };

static void add(struct text *t, const char *a, const char *b, const char *c) {
    const int n = snprintf(t->at, t->left, "%s%s%s", a, b, c);
    const size_t k = n < 0 ? 0 : (size_t)n < t->left ? (size_t)n : t->left - 1;
    t->at += k, t->left -= k;
}

static void who(const struct sv_world *w, const struct sv_world_object *o, uint64_t *r, struct text *t) {
    static const char *const name[][3] = { { "a man", "a woman", "a child" }, { "a person", "a person", "a person" },
        { "a person", "a person", "a child" }, { "someone", "someone", "someone" } };
    if (o->action == SV_DO_DOG_RUN) { add(t, "a ", colour(w, o->thing), " dog"); return; }
    const bool inside = o->action == SV_DO_DRIVE_CAR || o->action == SV_DO_DRIVE_VAN;
    add(t, name[inside ? 1 : sv_rng_below(r, 4)][o->who], "", "");
    if (inside) return;
    if (sv_draw_if(r, 0.6)) {
        add(t, " in a ", colour(w, o->top), o->coat ? " coat" : o->skirt && o->top == o->legs ? " dress" : sv_draw_if(r, 0.5) ? " shirt" : " jacket");
        if (sv_draw_if(r, 0.3)) add(t, " and ", colour(w, o->legs), o->skirt ? " skirt" : " trousers");
    }
    if (o->backpack && sv_draw_if(r, 0.5)) add(t, " with a backpack", "", "");
    else if (o->bag && sv_draw_if(r, 0.5)) add(t, " with a bag", "", "");
    else if (o->hat && sv_draw_if(r, 0.4)) add(t, o->action == SV_DO_MOTORCYCLE ? " with a helmet" : " with a hat", "", "");
}

/* Other words for the same. */
static const char *const other[SV_ACTIONS] = {
    [SV_DO_STAND] = "standing still", [SV_DO_RUN] = "jogging", [SV_DO_CYCLE] = "cycling", [SV_DO_SKATEBOARD] = "skateboarding",
    [SV_DO_SCOOTER] = "going by scooter", [SV_DO_DRIVE_CART] = "driving a golf cart", [SV_DO_MOTORCYCLE] = "riding a motorbike",
    [SV_DO_ROLLERSKATE] = "skating", [SV_DO_WHEELCHAIR] = "moving in a wheelchair", [SV_DO_WALK_BICYCLE] = "pushing a bicycle",
    [SV_DO_PUSH_PRAM] = "pushing a stroller", [SV_DO_PUSH_TROLLEY] = "pushing a cart", [SV_DO_PULL_SUITCASE] = "rolling a suitcase",
    [SV_DO_CARRY_BOX] = "carrying something", [SV_DO_DRAG] = "dragging something heavy", [SV_DO_UMBRELLA] = "walking under an umbrella",
    [SV_DO_GROUP_WALK] = "walking with others", [SV_DO_LIMP] = "walking with a limp", [SV_DO_LOITER] = "hanging around",
    [SV_DO_PHONE] = "using a phone", [SV_DO_TALK] = "talking", [SV_DO_WAVE] = "waving a hand", [SV_DO_POINT] = "pointing at something",
    [SV_DO_BEND] = "bending over", [SV_DO_PICK_UP] = "lifting something up", [SV_DO_SIT] = "sitting on a bench", [SV_DO_CROUCH] = "squatting",
    [SV_DO_LIE] = "lying down", [SV_DO_FALL] = "falling over", [SV_DO_CRAWL] = "crawling on hands and knees", [SV_DO_JUMP] = "jumping up",
    [SV_DO_JUMP_RAILING] = "jumping over a fence", [SV_DO_CLIMB] = "climbing over a fence", [SV_DO_CLIMB_LADDER] = "climbing up a ladder",
    [SV_DO_THROW] = "throwing something", [SV_DO_CATCH] = "catching something", [SV_DO_KICK] = "playing with a ball",
    [SV_DO_FIGHT] = "hitting someone", [SV_DO_SHOVE] = "shoving someone", [SV_DO_CHASE] = "running after someone", [SV_DO_HUG] = "embracing someone",
    [SV_DO_EXERCISE] = "exercising", [SV_DO_SWEEP] = "cleaning the ground",
};

/* "riding a bicycle" with the colour of the bicycle where that is told. */
static void doing(const struct sv_world *w, const struct sv_world_object *o, uint64_t *r, struct text *t) {
    const char *phrase = other[o->action] && sv_draw_if(r, 0.25) ? other[o->action] : sv_action_phrase(o->action), *thing = strstr(phrase, " a ");
    const enum sv_prop p = sv_action_prop(o->action);
    const bool coloured = p != SV_PROP_NONE && p != SV_PROP_BENCH && p != SV_PROP_RAILING && p != SV_PROP_FENCE && p != SV_PROP_LADDER &&
        p != SV_PROP_SKATES && phrase == sv_action_phrase(o->action);
    if (o->action == SV_DO_DOG_RUN) { add(t, " is running", "", ""); return; }
    add(t, " is ", "", "");
    if (!thing || !coloured || !sv_draw_if(r, 0.5)) { add(t, phrase, "", ""); return; }
    char head[40];
    snprintf(head, sizeof head, "%.*s", (int)(thing - phrase) + 3, phrase);
    add(t, head, colour(w, o->thing), thing + 2);
}

static void pace(const struct sv_world_object *o, uint64_t *r, struct text *t) {
    if (o->speed < 0.12 || o->action == SV_DO_WALK_SLOW || o->action == SV_DO_WALK_FAST || !sv_draw_if(r, 0.75)) return;
    add(t, o->speed < 0.5 ? " slowly" : o->speed < 1.0 ? " at a normal pace" : o->speed < 1.8 ? " quickly" : o->speed < 3.2 ? " fast" : " very fast", "", "");
}

static void direction(const struct sv_world_object *o, uint64_t *r, struct text *t) {
    static const char *const moves[8] = { " to the right", " away to the right", " away from the camera", " away to the left", " to the left",
                                          " toward the camera to the left", " toward the camera", " toward the camera to the right" };
    static const char *const looks[8] = { " facing right", " facing away to the right", " facing away from the camera", " facing away to the left", " facing left",
                                          " facing the camera and left", " facing the camera", " facing the camera and right" };
    if (!sv_draw_if(r, 0.8) || o->action == SV_DO_LIE || o->action == SV_DO_FALL) return;
    const int octant = (int)sv_floorf((float)o->facing / (SV_PI / 4) + 0.5f) & 7;
    add(t, o->speed < 0.12 ? looks[octant] : moves[octant], "", "");
}

void sv_world_caption(const struct sv_world *w, const struct sv_world_object *o, uint64_t *r, char text[160]) {
    static const char *const ground[SV_GROUNDS] = { " on pavement", " on a road", " on grass", " on a platform", " on a floor", " on stairs",
        " on a path", " on bricks" };
    struct text t = { text, 160 };
    text[0] = 0;
    who(w, o, r, &t);
    doing(w, o, r, &t);
    pace(o, r, &t);
    direction(o, r, &t);
    if (sv_draw_if(r, 0.4)) add(&t, ground[o->ground], "", "");
    if (o->inside < 0.6 && sv_draw_if(r, 0.7)) add(&t, ", cut by the edge", "", "");
    else if (o->seen < 0.6 * o->inside && sv_draw_if(r, 0.7)) add(&t, ", partly hidden", "", "");
}

static double jitter(uint64_t *r, double size) { return (double)sv_draw_bell(r) * (0.5 + 0.03 * size); }

/* Two boxes become one where they overlap or nearly touch. */
static bool near(const double a[4], const double b[4]) {
    const double gap = 0.06 * (a[3] - a[1]);
    return a[0] < b[2] + gap && b[0] < a[2] + gap && a[1] < b[3] && b[1] < a[3];
}

size_t sv_world_detect(const struct sv_world *w, uint64_t *r, struct sv_world_box *out, size_t cap) {
    struct sv_world_object all[SV_CAST];
    const size_t n = sv_min(sv_world_objects(w, all, SV_CAST), SV_CAST);
    size_t k = 0;
    for (size_t i = 0; i < n && k < cap; i++) {
        const struct sv_world_object *o = &all[i];
        const bool alone = o->person[2] > o->person[0] && sv_action_prop(o->action) != SV_PROP_NONE && (o->track * 2654435761u >> 7) % 100 < 45;
        const double *b = alone ? o->person : o->box;
        if (o->seen < 0.15 || sv_draw_if(r, 0.02 + 0.3 * (0.5 - o->seen > 0 ? 0.5 - o->seen : 0)) || b[3] - b[1] < 4 || b[2] - b[0] < 2) continue;
        struct sv_world_box *d = &out[k];
        *d = (struct sv_world_box){ .score = 0.55 + 0.44 * o->seen * sv_rng_unit(r), .track = o->track, .action = o->action };
        const double size = b[3] - b[1];
        for (int m = 0; m < 4; m++) {
            const double most = m % 2 ? (double)w->h : (double)w->w, pad = m % 2 ? 0.01 : 0.03;
            const double v = b[m] + (m < 2 ? -pad : pad) * size + jitter(r, size);
            d->box[m] = v < 0 ? 0 : v > most ? most : v;
        }
        if (d->box[2] - d->box[0] < 2 || d->box[3] - d->box[1] < 4) continue;
        if (k && sv_draw_if(r, 0.1) && near(out[k - 1].box, d->box)) {
            for (int m = 0; m < 2; m++) {
                if (d->box[m] > out[k - 1].box[m]) d->box[m] = out[k - 1].box[m];
                if (d->box[m + 2] < out[k - 1].box[m + 2]) d->box[m + 2] = out[k - 1].box[m + 2];
            }
            out[k - 1] = *d;
            continue;
        }
        k++;
    }
    return k;
}
