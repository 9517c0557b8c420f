/* cast.h - who walks through the world: looks, lives, places. */
#ifndef TOOLS_WORLD_CAST_H
#define TOOLS_WORLD_CAST_H

#include "tools/world/scene.h"

enum { SV_CAST = 96, SV_COLOURS = 12 };

extern const struct sv_colour { const char *name; struct sv_ink ink; } sv_colours[SV_COLOURS];

struct sv_actor {
    bool used;
    uint64_t track;
    enum sv_action act, next;           /* what it does now; what it came to do */
    float when, stay;                   /* seconds until next begins; how long it lasts.  when < 0: nothing more is planned */
    float x, y, heading, speed;         /* of its path, on the ground; metres a second now */
    float pace, act_speed;              /* on the way; in the action */
    float turn;                         /* of the body against the path while it acts */
    float aside, ahead;                 /* of the actor against its path */
    float phase, since;                 /* cycles of the motion; seconds since act began */
    float style[4];
    int role;
    struct sv_look look, guest;         /* guest: in a wheelchair that is pushed */
    struct sv_ink ink; uint8_t ink_name;
    bool fixed;                         /* its railing, bench, ... stands in the scene already */
    struct sv_vec prop;                 /* where it stands otherwise */
    uint64_t since_seen;                /* frames out of the picture */
    /* of the frame drawn last */
    bool drawn;
    float box[4], person[4], depth, tall, flow[2];
    size_t covered, visible;
};

struct sv_world {
    size_t w, h;
    double fps;
    uint64_t rng, tracks;
    bool drawn;                         /* the scene was drawn from the seed: nothing enters, everything is there at once */
    struct sv_scene scene;
    struct sv_canvas canvas;
    struct sv_sensor sensor;
    uint8_t *back; float *back_z;       /* what does not move */
    float weight[SV_ACTIONS];
    double crowd;
    uint64_t frames;                    /* drawn or moved so far */
    struct sv_actor actor[SV_CAST];
};

/* Clothes, build, hair of a new person. */
void sv_look_draw(struct sv_look *l, uint64_t *r);
struct sv_ink sv_ink_draw(uint64_t *r, uint8_t *name);

/* Begins an action: one actor or, in actions of several, all of them.  settled: in the middle of it, in view; else on the way
 * from the edge of the view.  False: no room. */
bool sv_cast_enter(struct sv_world *w, enum sv_action a, bool settled);
/* Moves everybody on by dt seconds; those who are gone leave. */
void sv_cast_move(struct sv_world *w, float dt);
/* An action by the weights. */
enum sv_action sv_cast_choose(struct sv_world *w);
/* Where it stands, and where its body faces. */
struct sv_vec sv_actor_at(const struct sv_actor *a);
float sv_actor_facing(const struct sv_actor *a);
bool sv_action_places(enum sv_action a);    /* is it done in one place? */
float sv_action_speed(enum sv_action a, float t);       /* metres a second, t in 0..1 */

#endif
