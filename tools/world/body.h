/* body.h - a jointed person: segment lengths after Drillis and Contini (1966), joint angles from gait tables. */
#ifndef TOOLS_WORLD_BODY_H
#define TOOLS_WORLD_BODY_H

#include "tools/world/canvas.h"
#include "tools/world/world.h"

/* Angles in radians; [0] left, [1] right.  Zero is upright with arms and legs hanging. */
struct sv_pose {
    float lean, roll, turn;             /* of the whole body at the pelvis: forward, to the left, about the vertical */
    float bend, twist, side;            /* of the trunk on the pelvis: forward, about its axis, to the left */
    float nod;                          /* of the head, forward */
    float shoulder[2], spread[2];       /* arm forward; arm away from the body */
    float elbow[2], fore[2];            /* bent; forearm away from the body on top of spread */
    float hip[2], open[2];              /* thigh forward; away from the other */
    float knee[2], ankle[2];            /* bent backward; toes up */
    float lift;                         /* height of the lowest point above the ground */
    float ahead, aside;                 /* of the pelvis, metres */
    bool fixed;                         /* the pelvis is at height `lift`, whatever the feet do */
};

struct sv_look {
    enum sv_who who;
    float height, wide;                 /* metres; 1 is a common build */
    struct sv_ink skin, hair, top, legs, shoes, hat, bag;
    uint8_t top_name, legs_name;
    bool coat, skirt, has_hat, backpack, has_bag, long_hair, sleeves;
};

enum { SV_HAND = 0, SV_FOOT = 2, SV_HEAD = 4, SV_PELVIS, SV_CHEST, SV_KNEE, SV_ELBOW = 9, SV_JOINTS = 11 };

/* Draws the person standing at `at` facing along heading (x, y); joint[SV_HAND + 0, 1], ... are where they came to be. */
void sv_body_draw(struct sv_canvas *c, const struct sv_look *l, const struct sv_pose *p, struct sv_vec at, float heading,
                  struct sv_vec joint[SV_JOINTS]);
/* Where the joints come to be, without drawing. */
void sv_body_joints(const struct sv_look *l, const struct sv_pose *p, struct sv_vec at, float heading, struct sv_vec joint[SV_JOINTS]);

/* The pose of an action.  phase: cycles of its motion; u: seconds since it began; role 0 or 1 in actions of two; style [4] 0..1. */
void sv_pose_of(struct sv_pose *p, enum sv_action a, float phase, float u, int role, const float style[4]);
/* Cycles a second of its motion at a speed in metres a second of someone so tall. */
float sv_cadence(enum sv_action a, float speed, float height, const float style[4]);

#endif
