/* world.h - a street that never was: rendered surveillance footage with boxes, tracks, actions and captions.
 *
 * People are jointed bodies of shaded capsules on a ground plane, seen by a camera of any height, tilt and focal length, through a
 * sensor that blurs, makes noise and leaves blocks.  Everything follows from the seed; only integers and + - * / sqrt are used, so the
 * bytes are the same on every machine. */
#ifndef TOOLS_WORLD_WORLD_H
#define TOOLS_WORLD_WORLD_H

#include "core/err.h"

/* What an actor does.  Order and phrases never change: models are trained on them.
 * X(name, phrase, metres a second from, to, what moves or is held) */
#define SV_ACTION_LIST(X) \
    X(STAND,           "standing",                  0,    0,    NONE) \
    X(WALK,            "walking",                   1.0,  1.55, NONE) \
    X(WALK_SLOW,       "walking slowly",            0.35, 0.8,  NONE) \
    X(WALK_FAST,       "walking fast",              1.75, 2.3,  NONE) \
    X(RUN,             "running",                   2.8,  5.5,  NONE) \
    X(CYCLE,           "riding a bicycle",          2.2,  6.5,  BICYCLE) \
    X(SKATEBOARD,      "riding a skateboard",       1.8,  5.0,  SKATEBOARD) \
    X(SCOOTER,         "riding a scooter",          1.8,  5.0,  SCOOTER) \
    X(DRIVE_CAR,       "driving a car",             2.5,  11,   CAR) \
    X(DRIVE_VAN,       "driving a van",             2.5,  10,   VAN) \
    X(DRIVE_CART,      "driving a cart",            1.8,  4.5,  CART) \
    X(MOTORCYCLE,      "riding a motorcycle",       3.5,  11,   MOTORCYCLE) \
    X(ROLLERSKATE,     "roller skating",            2.0,  5.0,  SKATES) \
    X(WHEELCHAIR,      "riding in a wheelchair",    0.6,  1.5,  WHEELCHAIR) \
    X(WALK_BICYCLE,    "walking a bicycle",         0.9,  1.5,  BICYCLE) \
    X(PUSH_PRAM,       "pushing a pram",            0.8,  1.5,  PRAM) \
    X(PUSH_TROLLEY,    "pushing a trolley",         0.7,  1.4,  TROLLEY) \
    X(PUSH_WHEELCHAIR, "pushing a wheelchair",      0.7,  1.3,  WHEELCHAIR) \
    X(PULL_SUITCASE,   "pulling a suitcase",        0.9,  1.6,  SUITCASE) \
    X(CARRY_BOX,       "carrying a box",            0.7,  1.3,  BOX) \
    X(DRAG,            "dragging a sack",           0.35, 0.8,  SACK) \
    X(WALK_DOG,        "walking a dog",             0.7,  1.4,  DOG) \
    X(UMBRELLA,        "walking with an umbrella",  0.9,  1.5,  UMBRELLA) \
    X(GROUP_WALK,      "walking in a group",        0.8,  1.4,  NONE) \
    X(LIMP,            "limping",                   0.4,  0.9,  NONE) \
    X(LOITER,          "loitering",                 0.15, 0.45, NONE) \
    X(PHONE,           "talking on a phone",        0,    0,    NONE) \
    X(TALK,            "talking to someone",        0,    0,    NONE) \
    X(WAVE,            "waving",                    0,    0,    NONE) \
    X(POINT,           "pointing",                  0,    0,    NONE) \
    X(BEND,            "bending down",              0,    0,    NONE) \
    X(PICK_UP,         "picking something up",      0,    0,    BOX) \
    X(SIT,             "sitting",                   0,    0,    BENCH) \
    X(SIT_GROUND,      "sitting on the ground",     0,    0,    NONE) \
    X(CROUCH,          "crouching",                 0,    0,    NONE) \
    X(LIE,             "lying on the ground",       0,    0,    NONE) \
    X(FALL,            "falling down",              0,    0,    NONE) \
    X(CRAWL,           "crawling",                  0.25, 0.6,  NONE) \
    X(JUMP,            "jumping",                   0,    0.6,  NONE) \
    X(JUMP_RAILING,    "jumping over a railing",    1.2,  2.2,  RAILING) \
    X(CLIMB,           "climbing a fence",          0,    0,    FENCE) \
    X(CLIMB_LADDER,    "climbing a ladder",         0,    0,    LADDER) \
    X(THROW,           "throwing a ball",           0,    0,    BALL) \
    X(CATCH,           "catching a ball",           0,    0,    BALL) \
    X(KICK,            "kicking a ball",            0,    0.5,  BALL) \
    X(FIGHT,           "fighting",                  0,    0.3,  NONE) \
    X(SHOVE,           "pushing someone",           0.1,  0.4,  NONE) \
    X(CHASE,           "chasing someone",           2.8,  5.0,  NONE) \
    X(HUG,             "hugging someone",           0,    0,    NONE) \
    X(DANCE,           "dancing",                   0,    0.2,  NONE) \
    X(EXERCISE,        "doing jumping jacks",       0,    0,    NONE) \
    X(CARTWHEEL,       "doing a cartwheel",         0.8,  1.6,  NONE) \
    X(SWEEP,           "sweeping the ground",       0,    0.3,  BROOM) \
    X(DOG_RUN,         "a dog running",             1.5,  5.0,  DOG)

enum sv_action {
#define X(name, phrase, from, to, prop) SV_DO_##name,
    SV_ACTION_LIST(X)
#undef X
    SV_ACTIONS
};

/* "walking slowly", "riding a bicycle": what captions and lists of actions say. */
const char *sv_action_phrase(enum sv_action a);

/* The named scenes; a name may end in a dash and a number ("street-2"): another camera over another such place. */
size_t sv_world_scenes(const char *const **name);

struct sv_world_config {
    const char *scene;              /* NULL: one drawn from the seed, with everything about it drawn too */
    uint64_t seed;
    size_t w, h;                    /* 16 .. 4096 */
    double fps;                     /* 1 .. 1000 */
    double crowd;                   /* mean actors in view, at most 48; 0: the scene's own */
    double height;                  /* pixels of a standing person in the middle of the picture; 0: drawn */
    const float *weight;            /* [SV_ACTIONS] how often an action is begun, relative; NULL: the scene's normal day */
};
struct sv_world;
/* NULL on failure: an unknown scene or a size out of range (SV_EUSAGE), no memory. */
struct sv_world *sv_world_open(const struct sv_world_config *g, struct sv_err *e);
void sv_world_free(struct sv_world *w);
/* Moves on by 1/fps (the first call does not move) and draws.  rgb [h, w, 3]; NULL: moves only. */
void sv_world_next(struct sv_world *w, uint8_t *rgb);
/* Begins an action in view now, whatever the weights say.  False: no room for one more actor. */
bool sv_world_begin(struct sv_world *w, enum sv_action a);
bool sv_world_gray(const struct sv_world *w);       /* has the camera no colours? */
/* Is the action part of the scene's normal day? */
bool sv_world_normal(const struct sv_world *w, enum sv_action a);

enum sv_who { SV_MAN, SV_WOMAN, SV_CHILD };

struct sv_world_object {            /* an actor of the frame drawn last, if any of it is in the picture */
    uint64_t track;
    double box[4], person[4];       /* x1 y1 x2 y2 of all of it / of the person alone (empty: x1 = x2 where none shows); clipped to the picture */
    double seen;                    /* share of it that is in the picture and not hidden, 0..1 */
    double inside;                  /* share of its box that is in the picture */
    double tall;                    /* pixels of a standing person where it is */
    enum sv_action action;
    double speed;                   /* body heights a second */
    double vx, vy;                  /* body heights a second to the right, downwards in the picture */
    double facing;                  /* radians: 0 to the right, pi/2 away, pi left, -pi/2 toward the camera */
    enum sv_who who;
    uint8_t top, legs, thing;       /* colours of clothes and of the vehicle: indices of sv_world_colour */
    bool coat, skirt, hat, backpack, bag;
    uint8_t ground;
};
/* Objects of the frame drawn last (rgb not NULL), farthest first; at most cap are written, the count is returned. */
size_t sv_world_objects(const struct sv_world *w, struct sv_world_object *out, size_t cap);
/* One caption of it; r varies the wording and which attributes are told.  Lower case, < 160 bytes:
 * "a man in a red coat is riding a bicycle fast to the left on gray pavement". */
void sv_world_caption(const struct sv_world *w, const struct sv_world_object *o, uint64_t *r, char text[160]);

/* Boxes as a detector would give them, of the frame drawn last: edges that tremble, riders without what they ride, people
 * side by side in one box, a sliver of one who is half hidden, some missed. */
struct sv_world_box { double box[4], score; uint64_t track; enum sv_action action; };
size_t sv_world_detect(const struct sv_world *w, uint64_t *r, struct sv_world_box *out, size_t cap);

#endif
