#include "tools/world/scene.h"

#include "core/num.h"
#include <string.h>

/* What a kind of place fixes; the rest is drawn from the number behind its name. */
struct kind {
    const char *name;
    float tilt[2], tall[2];             /* of the camera in radians; of a person in the middle, share of the picture's height */
    uint8_t ground[SV_STRIPS]; float width[SV_STRIPS]; size_t strips;
    bool wall, corridor, dusk;
    int trees, lamps, parked;
    double crowd;
    const char *day;                    /* what happens on a normal day besides walking: letters, see `days` */
};

static const struct kind kinds[] = {
    { "street",   { .22f, .38f }, { .17f, .24f }, { SV_GRASS, SV_PAVEMENT, SV_BRICKS, SV_PAVEMENT, SV_ROAD }, { 3, 4, 3, 4, 3 }, 5, true, false, true, 2, 2, 1, 10, "sgpbt" },
    { "campus",   { .38f, .55f }, { .11f, .17f }, { SV_GRASS, SV_PAVEMENT, SV_GRASS, SV_PATH }, { 4, 8, 2, 5 }, 4, false, false, true, 3, 1, 0, 12, "sgpbt" },
    { "station",  { .20f, .34f }, { .18f, .26f }, { SV_FLOOR, SV_PLATFORM, SV_ROAD }, { 6, 6, 4 }, 3, true, false, false, 0, 2, 0, 11, "sgptci" },
    { "school",   { .26f, .40f }, { .16f, .22f }, { SV_GRASS, SV_BRICKS, SV_PAVEMENT, SV_GRASS }, { 5, 6, 5, 4 }, 4, true, false, true, 2, 0, 0, 10, "sgbtk" },
    { "shop",     { .45f, .65f }, { .20f, .30f }, { SV_FLOOR }, { 30 }, 1, true, true, false, 0, 0, 0, 7, "sgptyc" },
    { "corridor", { .25f, .40f }, { .22f, .32f }, { SV_FLOOR }, { 30 }, 1, true, true, false, 0, 0, 0, 5, "sgpc" },
    { "stairs",   { .24f, .36f }, { .18f, .25f }, { SV_PAVEMENT, SV_STAIRS, SV_PAVEMENT }, { 5, 6, 6 }, 3, true, false, true, 0, 1, 0, 8, "sgpb" },
    { "park",     { .26f, .44f }, { .13f, .20f }, { SV_GRASS, SV_PATH, SV_GRASS }, { 6, 5, 6 }, 3, false, false, true, 5, 1, 0, 8, "sgbdwt" },
    { "road",     { .30f, .48f }, { .12f, .18f }, { SV_PAVEMENT, SV_ROAD, SV_PAVEMENT, SV_GRASS }, { 4, 7, 4, 4 }, 4, true, false, true, 2, 2, 1, 9, "sgpbrvt" },
    { "square",   { .34f, .60f }, { .10f, .16f }, { SV_BRICKS }, { 60 }, 1, true, false, true, 1, 2, 0, 14, "sgpbtud" },
};

/* Letter: an action of the normal day and its weight; walking at all paces is everywhere. */
static const struct { char letter; enum sv_action action; float weight; } days[] = {
    { 's', SV_DO_STAND, 1.5f }, { 'g', SV_DO_GROUP_WALK, 3 }, { 'p', SV_DO_PHONE, 0.8f }, { 'b', SV_DO_PUSH_PRAM, 0.5f }, { 't', SV_DO_TALK, 0.8f },
    { 'c', SV_DO_PULL_SUITCASE, 1.5f }, { 'i', SV_DO_SIT, 1 }, { 'k', SV_DO_KICK, 0.6f }, { 'y', SV_DO_PUSH_TROLLEY, 2.5f }, { 'd', SV_DO_WALK_DOG, 1.2f },
    { 'w', SV_DO_SIT, 0.8f }, { 'r', SV_DO_CYCLE, 1.5f }, { 'v', SV_DO_DRIVE_CAR, 2.5f }, { 'v', SV_DO_DRIVE_VAN, 0.6f }, { 'u', SV_DO_UMBRELLA, 0.7f },
};

size_t sv_scene_kinds(const char *const **name) {
    static const char *names[SV_LEN(kinds)];
    for (size_t i = 0; i < SV_LEN(kinds); i++) names[i] = kinds[i].name;
    if (name) *name = names;
    return SV_LEN(kinds);
}

bool sv_scene_find(const char *name, size_t *kind, uint64_t *number) {
    for (size_t i = 0; i < SV_LEN(kinds); i++) {
        const size_t n = strlen(kinds[i].name);
        int64_t v = 1;
        if (strncmp(name, kinds[i].name, n)) continue;
        if (name[n] && (name[n] != '-' || !sv_num_int(name + n + 1, strlen(name + n + 1), &v) || v < 1)) continue;
        *kind = i, *number = (uint64_t)v;
        return true;
    }
    return false;
}

struct sv_vec sv_scene_point(const struct sv_scene *s, float along, float across) {
    return sv_vec(s->cos * along - s->sin * across, s->away + s->sin * along + s->cos * across, 0);
}

void sv_scene_strip(const struct sv_scene *s, struct sv_vec at, float *along, float *across) {
    const float y = at.y - s->away;
    *along = s->cos * at.x + s->sin * y, *across = s->cos * y - s->sin * at.x;
}

const struct sv_strip *sv_strip_at(const struct sv_scene *s, float across) {
    size_t i = 0;
    while (i + 1 < s->strips && across > s->strip[i].to) i++;
    return &s->strip[i];
}

static struct sv_ink shade_of(uint64_t *r, float lo, float hi, float warm) {
    const float v = sv_draw(r, lo, hi), t = sv_draw(r, -warm, warm);
    return (struct sv_ink){ (uint8_t)sv_clampf(v * (1 + t), 0, 255), (uint8_t)v, (uint8_t)sv_clampf(v * (1 - t), 0, 255) };
}

static struct sv_ink ground_ink(uint64_t *r, enum sv_ground g) {
    const float v = sv_draw(r, 0.8f, 1.2f);
    switch (g) {
    case SV_ROAD: return shade_of(r, 60, 120, 0.03f);
    case SV_GRASS: return (struct sv_ink){ (uint8_t)(80 * v), (uint8_t)(112 * v), (uint8_t)(52 * v) };
    case SV_BRICKS: return (struct sv_ink){ (uint8_t)(158 * v), (uint8_t)(112 * v), (uint8_t)(90 * v) };
    case SV_PATH: return (struct sv_ink){ (uint8_t)(170 * v), (uint8_t)(146 * v), (uint8_t)(112 * v) };
    case SV_STAIRS: return shade_of(r, 120, 190, 0.04f);
    case SV_FLOOR: return shade_of(r, 120, 215, 0.06f);
    default: return shade_of(r, 105, 215, 0.06f);
    }
}

static void lay_strips(struct sv_scene *s, const struct kind *k, uint64_t *r) {
    static const uint8_t any[] = { SV_PAVEMENT, SV_PAVEMENT, SV_PAVEMENT, SV_ROAD, SV_ROAD, SV_GRASS, SV_GRASS, SV_PLATFORM, SV_FLOOR, SV_STAIRS,
        SV_PATH, SV_BRICKS };
    float wide = 0, at = 0;
    s->strips = k ? k->strips : 1 + sv_rng_below(r, 4);
    for (size_t i = 0; i < s->strips; i++) {
        struct sv_strip *t = &s->strip[i];
        t->ground = k ? k->ground[i] : any[sv_rng_below(r, sizeof any)];
        t->to = (k ? k->width[i] : 1) * sv_draw(r, 0.85f, 1.2f);
        if (!k) t->to *= sv_draw(r, 2, 9);
        t->ink = ground_ink(r, t->ground), t->tile = sv_draw(r, 0.65f, 1.6f), t->tile *= t->tile * t->tile;     /* 0.3 to 4 metres */
        wide += t->to;
    }
    /* The middle of the picture lies in the middle of them, or wherever the draw says. */
    at = -wide * (k ? 0.5f : sv_draw(r, 0.3f, 0.7f));
    for (size_t i = 0; i < s->strips; i++) at = s->strip[i].to = at + s->strip[i].to;
}

static void set_camera(struct sv_camera *c, size_t w, size_t h, float tilt, float tall, float far) {
    c->tilt = tilt, c->sin = sv_sin(tilt), c->cos = sv_cos(tilt);
    c->cx = (float)w / 2, c->cy = (float)h / 2;
    c->f = tall * far / (1.72f * c->cos);
    c->height = far * c->sin + 0.85f;
}

static void set_light(struct sv_canvas *c, uint64_t *r, bool night, bool indoors) {
    const float around = sv_draw(r, -SV_PI, SV_PI), high = sv_draw(r, 0.5f, 1.3f);
    c->sun = sv_vunit(sv_vec(sv_cos(around), sv_sin(around), sv_absf(sv_sin(high)) / sv_absf(sv_cos(high) + 0.05f)));
    const bool overcast = night || indoors || sv_draw_if(r, 0.4);
    c->ambient = overcast ? sv_draw(r, 0.55f, 0.8f) : sv_draw(r, 0.4f, 0.6f);
    c->direct = (overcast ? 1.05f : 1.15f) - c->ambient + sv_draw(r, -0.1f, 0.15f);
    c->shadow = overcast ? sv_draw(r, 0, 0.22f) : sv_draw(r, 0.25f, 0.6f);
    if (overcast) c->sun = sv_vunit(sv_vec(c->sun.x * 0.3f, c->sun.y * 0.3f, 1));
}

/* Most cameras are good and some are bad: squares and cubes of the draw. */
static void set_sensor(struct sv_sensor *s, uint64_t *r, bool named, bool night) {
    const float blur = sv_draw(r, 0, 1), noise = sv_draw(r, 0, 1), coarse = sv_draw(r, 0, 1), worst = named ? 0.4f : 1;
    s->gray = sv_draw_if(r, named ? 0.25 : 0.5);
    s->blur = 0.25f + 0.95f * blur * blur * blur * worst;
    s->shake = sv_draw_if(r, 0.25) ? sv_draw(r, 0.05f, named ? 0.2f : 0.5f) : 0;
    /* Contrast about a middle gray that lies somewhere itself. */
    s->gain = sv_draw(r, 0.6f, 1.5f), s->bow = sv_draw(r, -0.25f, 0.4f);
    s->lift = 0.45f * (1 - s->gain) + sv_draw(r, -0.12f, 0.12f);
    if (named) s->gain = 0.5f + 0.5f * s->gain, s->lift *= 0.5f, s->bow *= 0.5f;
    if (night) s->gain *= sv_draw(r, 0.4f, 0.7f), s->lift *= 0.3f, s->bow = 0;
    s->noise = 0.3f + 5.5f * noise * noise * noise * worst * (night ? 1.5f : 1);
    s->coarse = sv_draw_if(r, 0.6) ? 1 + 15 * coarse * coarse * worst : 0;
    s->colour = sv_draw(r, 0.4f, 1.1f);
    s->seed = sv_rng(r);
}

/* Furniture at the edge of where people walk. */
static void place_spots(struct sv_scene *s, uint64_t *r) {
    static const uint8_t kind[SV_SPOTS] = { SV_PROP_BENCH, SV_PROP_RAILING, SV_PROP_FENCE, SV_PROP_LADDER };
    const float wide = s->strip[s->strips - 1].to - (s->strips > 1 ? s->strip[0].to : -6);
    for (size_t i = 0; i < SV_SPOTS; i++) {
        const float q = (i == SV_PROP_RAILING ? 0.0f : 0.3f) * sv_clampf(wide, 0, 14);
        s->spot[i] = (struct sv_spot){ (enum sv_prop)kind[i], sv_draw(r, 1.5f, 3) * (i % 2 ? 1.0f : -1.0f) * (i < 2 ? 1 : 2), q * (i < 2 ? 1 : 1.15f),
                                       i == 0 ? -SV_PI / 2 : i == 1 ? 0 : SV_PI / 2 };
    }
    s->spots = SV_SPOTS;
}

static void set_day(struct sv_scene *s, const struct kind *k) {
    if (!k) {
        for (size_t i = 0; i < SV_ACTIONS; i++) s->weight[i] = 1;
        return;
    }
    s->weight[SV_DO_WALK] = 9, s->weight[SV_DO_WALK_SLOW] = 2.5f, s->weight[SV_DO_WALK_FAST] = 1.5f;
    for (size_t i = 0; i < SV_LEN(days); i++)
        if (strchr(k->day, days[i].letter)) s->weight[days[i].action] = days[i].weight;
}

void sv_scene_make(struct sv_scene *s, struct sv_canvas *c, struct sv_sensor *sensor, size_t kind, uint64_t seed, double height, double most) {
    const struct kind *k = kind < SV_LEN(kinds) ? &kinds[kind] : NULL;
    uint64_t rng = seed ^ 0x5ce4e, *r = &rng;
    *s = (struct sv_scene){ .name = k ? k->name : NULL, .dusk = 1e9f };
    s->night = sv_draw_if(r, k ? 0 : 0.12);
    lay_strips(s, k, r);
    const float turn = !k ? sv_draw(r, -SV_PI / 2, SV_PI / 2) : (k->corridor ? SV_PI / 2 : 0) + sv_draw(r, -0.3f, 0.3f) * (k->corridor ? 0.3f : 1);
    s->cos = sv_cos(turn), s->sin = sv_sin(turn);
    const float far = k ? sv_draw(r, 13, 20) : sv_draw(r, 7, 34);
    const float tilt = k ? sv_draw(r, k->tilt[0], k->tilt[1]) : sv_draw_if(r, 0.15) ? sv_draw(r, 0.7f, 1.05f) : sv_draw(r, 0.04f, 0.75f);
    float tall = (float)height;
    if (!(tall > 0)) tall = (k ? sv_draw(r, k->tall[0], k->tall[1]) : sv_draw(r, 0.2f, 0.55f)) * (float)c->h;
    if (tall > (float)most) tall = (float)most;
    set_camera(&c->cam, c->w, c->h, tilt, tall, far);
    s->away = far * c->cam.cos;
    const bool corridor = k ? k->corridor : sv_draw_if(r, 0.12);
    if (k ? k->wall : corridor || sv_draw_if(r, 0.5)) s->wall = s->away + sv_draw(r, 7, 16) + (k ? 3 : 0), s->wall_high = sv_draw(r, 3.5f, 12);
    if (corridor) s->side = sv_draw(r, 3.5f, 5.5f), s->roof = c->cam.height + sv_draw(r, 0.4f, 1.2f), s->wall_high = s->roof;
    s->wall_ink = shade_of(r, 70, 200, 0.12f);
    if (k ? k->dusk : sv_draw_if(r, 0.3)) s->dusk = sv_draw(r, -4, 8);
    s->trees = k ? k->trees : (int)sv_rng_below(r, 3), s->lamps = k ? k->lamps : (int)sv_rng_below(r, 2), s->parked = k ? k->parked : sv_draw_if(r, 0.15);
    if (corridor) s->trees = 0;
    s->crowd = k ? k->crowd : sv_draw(r, 1, 4);
    set_light(c, r, s->night, corridor);
    if (s->dusk < 1e8f && c->shadow < 0.2f) s->dusk = 1e9f;
    set_sensor(sensor, r, k, s->night);
    set_day(s, k);
    if (k) place_spots(s, r);
}
