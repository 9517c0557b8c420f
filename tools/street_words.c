/* street_words.c - the classes of the street world in words. */
#include "tools/street.h"
#include "tools/world/cast.h"

#include <stdio.h>
#include <string.h>

static const char *const way[] = { " to the right", " away from the camera", " to the left", " toward the camera" };
static const char *const ways[] = { "moving to the right", "moving away from the camera", "moving to the left", "moving toward the camera" };
static const char *const facings[] = { "facing right", "facing away to the right", "facing away from the camera", "facing away to the left",
                                       "facing left", "facing the camera and left", "facing the camera", "facing the camera and right" };
static const char *const paces[] = { "standing still", "moving slowly", "moving at a normal pace", "moving quickly", "moving fast" };
static const char *const speed[] = { " quickly", " fast", " very fast" };
static const char *const tops[SV_COLOURS] = { "in black", "in white", "in gray", "in red", "in blue", "in green", "in yellow", "in brown", "in orange", "in pink", "in purple", "in beige" };
static const char *const grounds[SV_GROUNDS] = { "on pavement", "on a road", "on grass", "on a platform", "on a floor", "on stairs", "on a path", "on bricks" };
static const char *const places[] = {
    "at the left edge, high up",   "left of the middle, high up",   "in the middle, high up",   "right of the middle, high up",   "at the right edge, high up",
    "at the left edge",            "left of the middle",            "in the middle",            "right of the middle",            "at the right edge",
    "at the left edge, low down",  "left of the middle, low down",  "in the middle, low down",  "right of the middle, low down",  "at the right edge, low down",
};
static const char *const whos[] = { "a man", "a woman", "a child" };

/* What an action's actors do a second, in metres, and a person's height to tell it from body heights. */
static const double range[SV_ACTIONS][2] = {
#define X(name, phrase, from, to, prop) { from, to },
    SV_ACTION_LIST(X)
#undef X
};
static const double tall = 1.72;

/* Lower bounds of the paces but the first, in body heights a second, and of the speeds; both are those of captions. */
static const double bound[] = { 0.12, 0.5, 1, 1.8 }, bounds[] = { 1.8, 3.2 };

static size_t class_of(double v, const double *from, size_t n) {
    size_t c = 0;
    while (c < n && v >= from[c]) c++;
    return c;
}

/* An action that goes somewhere has ways; one whose speeds differ much, speeds. */
static bool goes(size_t a) { return range[a][0] > 0; }
static bool varies(size_t a) { return goes(a) && range[a][1] >= 2.5 && range[a][1] > 1.6 * range[a][0]; }
static bool nobody(size_t a) { return a == SV_DO_DRIVE_CAR || a == SV_DO_DRIVE_VAN || a == SV_DO_DOG_RUN; }

/* Whether some actor of the action has speed number s. */
static bool has_speed(size_t a, size_t s) {
    return (!s || range[a][1] > bounds[s - 1] * tall) && (s == SV_LEN(bounds) || range[a][0] < bounds[s] * tall);
}

static const struct { const char *const *phrase; size_t n; } kinds[SV_STREET_KINDS] = {
    [SV_STREET_ACTION] = { NULL, SV_ACTIONS }, [SV_STREET_WAY] = { ways, SV_LEN(ways) }, [SV_STREET_FACING] = { facings, SV_LEN(facings) },
    [SV_STREET_PACE] = { paces, SV_LEN(paces) }, [SV_STREET_PLACE] = { places, SV_LEN(places) }, [SV_STREET_WHO] = { whos, SV_LEN(whos) },
    [SV_STREET_TOP] = { tops, SV_LEN(tops) }, [SV_STREET_GROUND] = { grounds, SV_LEN(grounds) },
};

size_t sv_street_classes(enum sv_street_kind k) { return kinds[k].n; }

const char *sv_street_phrase(enum sv_street_kind k, size_t c) { return k == SV_STREET_ACTION ? sv_action_phrase((enum sv_action)c) : kinds[k].phrase[c]; }

size_t sv_street_deeds(struct sv_street_deed *out, size_t cap) {
    size_t n = 0;
    for (size_t a = 0; a < SV_ACTIONS; a++)
        for (size_t s = 0; s < (varies(a) ? SV_LEN(speed) : 1); s++)
            for (size_t w = 0; w < (goes(a) ? SV_LEN(way) : 1) && (!varies(a) || has_speed(a, s)); w++, n++)
                if (n < cap) out[n] = (struct sv_street_deed){ (uint8_t)a, varies(a) ? (uint8_t)s : SV_STREET_NONE, goes(a) ? (uint8_t)w : SV_STREET_NONE };
    return n;
}

void sv_street_deed_text(const struct sv_street_deed *d, char text[SV_STREET_TEXT]) {
    snprintf(text, SV_STREET_TEXT, "%s%s%s", sv_action_phrase((enum sv_action)d->action), d->speed == SV_STREET_NONE ? "" : speed[d->speed],
             d->way == SV_STREET_NONE ? "" : way[d->way]);
}

/* Parts of the circle around right, away, left, toward: 4 or 8. */
static uint8_t part_of(double facing, size_t parts) {
    double turns = facing / (6.28318530717958647692 / (double)parts) + 0.5;
    while (turns < 0) turns += (double)parts;
    return (uint8_t)((size_t)turns % parts);
}

struct sv_street_deed sv_street_deed_of(const struct sv_world_object *o) {
    const size_t a = (size_t)o->action;
    size_t s = class_of(o->speed, bounds, SV_LEN(bounds));
    while (varies(a) && !has_speed(a, s)) s = o->speed * tall < range[a][0] ? s + 1 : s - 1;       /* one that begins or ends */
    return (struct sv_street_deed){ (uint8_t)a, varies(a) ? (uint8_t)s : SV_STREET_NONE, goes(a) ? part_of(o->facing, 4) : SV_STREET_NONE };
}

size_t sv_street_deed_pace(const struct sv_street_deed *d) {
    static const double middle[] = { 1.5, 2.5, 4 };
    const double *r = range[d->action];
    return class_of(d->speed == SV_STREET_NONE ? (r[0] + r[1]) / 2 / tall : middle[d->speed], bound, SV_LEN(bound));
}

void sv_street_classes_of(const struct sv_world_object *o, const double where[2], bool gray, uint8_t out[SV_STREET_KINDS]) {
    const size_t a = (size_t)o->action, column = where[0] < 0.2 ? 0 : where[0] < 0.4 ? 1 : where[0] < 0.6 ? 2 : where[0] < 0.8 ? 3 : 4;
    const size_t row = where[1] < 0.4 ? 0 : where[1] < 0.6 ? 1 : 2;
    out[SV_STREET_ACTION] = (uint8_t)a;
    out[SV_STREET_WAY] = goes(a) ? part_of(o->facing, 4) : SV_STREET_NONE;
    out[SV_STREET_FACING] = a == SV_DO_LIE || a == SV_DO_FALL || a == SV_DO_CARTWHEEL ? SV_STREET_NONE : part_of(o->facing, 8);
    out[SV_STREET_PACE] = (uint8_t)class_of(o->speed, bound, SV_LEN(bound));
    out[SV_STREET_PLACE] = (uint8_t)(5 * row + column);
    out[SV_STREET_WHO] = nobody(a) ? SV_STREET_NONE : (uint8_t)o->who;
    out[SV_STREET_TOP] = nobody(a) || gray ? SV_STREET_NONE : o->top;
    out[SV_STREET_GROUND] = o->ground;
}
