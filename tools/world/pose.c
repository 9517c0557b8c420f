#include "tools/world/body.h"

/* Joint angles over a gait cycle in degrees, every tenth of it from the strike of the heel.
 * Walking: Winter, The Biomechanics and Motor Control of Human Gait (1991); running: Novacheck, The biomechanics of running (1998). */
static const int8_t walk_hip[10]  = {  28,  24,  15,   5,  -4, -10,  -3,  14,  26,  30 };
static const int8_t walk_knee[10] = {   5,  16,  17,   9,   6,  12,  37,  60,  48,  16 };
static const int8_t walk_ankle[10] = {  0,  -5,   3,   6,   9,   4, -17,  -6,   0,   1 };
static const int8_t run_hip[10]   = {  38,  30,  14,  -4, -12,   2,  28,  50,  55,  46 };
static const int8_t run_knee[10]  = {  18,  40,  42,  26,  18,  50,  92, 102,  66,  26 };
static const int8_t run_ankle[10] = {   4,  18,  20,   0, -22, -24,  -8,   0,   4,   4 };

static float rad(float degrees) { return degrees * (SV_PI / 180); }

static float at_cycle(const int8_t v[10], float turns) {
    const float t = sv_fract(turns) * 10;
    const int i = (int)t % 10;
    return rad(sv_mixf(v[i], v[(i + 1) % 10], t - (float)i));
}

static void gait(struct sv_pose *p, float phase, float run, float reach) {
    for (int i = 0; i < 2; i++) {
        const float t = phase + (i ? 0.5f : 0);
        p->hip[i] = reach * sv_mixf(at_cycle(walk_hip, t), at_cycle(run_hip, t), run);
        p->knee[i] = (0.4f + 0.6f * reach) * sv_mixf(at_cycle(walk_knee, t), at_cycle(run_knee, t), run);
        p->ankle[i] = sv_mixf(at_cycle(walk_ankle, t), at_cycle(run_ankle, t), run);
        /* The arm goes with the other leg. */
        p->shoulder[i] = -sv_mixf(0.42f * reach, 0.75f, run) * sv_sin_turn(t + 0.25f) + 0.05f;
        p->elbow[i] = sv_mixf(0.3f, 1.55f, run) + 0.15f * sv_sin_turn(t + 0.25f);
        p->spread[i] = 0.1f + 0.08f * run;
    }
    p->bend = sv_mixf(0.04f, 0.2f, run);
    p->twist = 0.12f * sv_sin_turn(phase + 0.25f);
    /* Both feet are off the ground twice a cycle. */
    p->lift = run * 0.05f * (1 + sv_sin_turn(2 * phase - 0.05f));
}

static void stand_easy(struct sv_pose *p, float phase, const float s[4]) {
    for (int i = 0; i < 2; i++) p->shoulder[i] = 0.06f, p->elbow[i] = 0.2f + 0.2f * s[1], p->spread[i] = 0.1f, p->open[i] = 0.05f + 0.05f * s[2];
    p->side = 0.02f * sv_sin_turn(phase);
    p->turn = 0.1f * sv_sin_turn(phase * 0.37f + s[0]);
    if (s[3] > 0.7f) p->shoulder[0] = p->shoulder[1] = 0.5f, p->elbow[0] = p->elbow[1] = 1.6f, p->fore[0] = p->fore[1] = -0.8f;     /* arms folded */
    else if (s[3] > 0.55f) p->spread[0] = p->spread[1] = 0.7f, p->fore[0] = p->fore[1] = -1.3f, p->shoulder[0] = p->shoulder[1] = 0;   /* hands on hips */
}

/* Sits with thighs forward and shanks down. */
static void seated(struct sv_pose *p, float high) {
    for (int i = 0; i < 2; i++) p->hip[i] = 1.5f, p->knee[i] = 1.5f, p->open[i] = 0.1f, p->shoulder[i] = 0.4f, p->elbow[i] = 0.8f;
    p->fixed = true, p->lift = high;
}

static void arms(struct sv_pose *p, float shoulder, float elbow, float spread, float fore) {
    for (int i = 0; i < 2; i++) p->shoulder[i] = shoulder, p->elbow[i] = elbow, p->spread[i] = spread, p->fore[i] = fore;
}

static void legs(struct sv_pose *p, float hip, float knee, float open) {
    for (int i = 0; i < 2; i++) p->hip[i] = hip, p->knee[i] = knee, p->open[i] = open, p->ankle[i] = 0;
}

static void ride(struct sv_pose *p, enum sv_action a, float phase, const float s[4]) {
    switch (a) {
    case SV_DO_CYCLE:
        for (int i = 0; i < 2; i++) {
            const float t = phase + (i ? 0.5f : 0);
            p->hip[i] = 0.95f + 0.38f * sv_sin_turn(t), p->knee[i] = 1.2f + 0.5f * sv_sin_turn(t + 0.08f), p->open[i] = 0.04f;
        }
        arms(p, 1.05f, 0.2f, 0.12f, 0);
        p->bend = 0.35f + 0.5f * s[0], p->nod = -0.3f - 0.3f * s[0];
        p->shoulder[0] = p->shoulder[1] = 1.15f - 0.2f * s[0];
        p->fixed = true, p->lift = 0.98f, p->ahead = -0.14f;
        break;
    case SV_DO_MOTORCYCLE:
        legs(p, 1.15f, 1.35f, 0.2f);
        arms(p, 0.95f, 0.25f, 0.25f, -0.1f);
        p->bend = 0.3f + 0.3f * s[0], p->nod = -0.2f, p->fixed = true, p->lift = 0.85f, p->ahead = -0.2f;
        break;
    case SV_DO_SKATEBOARD: {
        /* Sideways on the board, pushing with the hind foot now and then. */
        const float push = sv_sin_turn(phase * 0.5f + s[1]) > 0.4f ? sv_sin_turn(phase) : 0;
        p->turn = push != 0 ? 0.4f : (s[0] > 0.5f ? 1.2f : -1.2f);
        for (int i = 0; i < 2; i++) p->hip[i] = 0.45f, p->knee[i] = 0.75f, p->ankle[i] = 0.3f, p->open[i] = push != 0 ? 0.05f : 0.32f;
        if (push != 0) p->hip[1] = 0.25f + 0.6f * push, p->knee[1] = 0.35f, p->hip[0] = 0.35f, p->knee[0] = 0.55f;
        arms(p, 0.2f, 0.4f, 0.7f + 0.5f * s[2], 0.1f);
        p->bend = 0.3f, p->lift = 0.11f;
        break;
    }
    case SV_DO_SCOOTER: {
        const float push = sv_sin_turn(phase);
        p->hip[0] = 0.2f, p->knee[0] = 0.3f, p->ankle[0] = 0.1f;
        p->hip[1] = s[1] > 0.5f ? 0.1f : -0.15f + 0.6f * push, p->knee[1] = s[1] > 0.5f ? 0.2f : 0.45f;
        arms(p, 0.85f, 0.45f, 0.1f, 0);
        p->bend = 0.12f, p->lift = 0.13f;
        break;
    }
    case SV_DO_ROLLERSKATE:
        for (int i = 0; i < 2; i++) {
            const float t = sv_sin_turn(phase + (i ? 0.5f : 0));
            p->hip[i] = 0.45f - 0.45f * (t > 0 ? t : 0), p->open[i] = 0.08f + 0.4f * (t > 0 ? t : 0), p->knee[i] = 0.7f - 0.3f * t;
            p->shoulder[i] = 0.7f * sv_sin_turn(phase + (i ? 0 : 0.5f)), p->elbow[i] = 0.7f, p->spread[i] = 0.35f;
        }
        p->side = 0.15f * sv_sin_turn(phase), p->bend = 0.5f, p->nod = -0.3f, p->lift = 0.08f;
        break;
    case SV_DO_DRIVE_CART: case SV_DO_DRIVE_CAR: case SV_DO_DRIVE_VAN:
        seated(p, a == SV_DO_DRIVE_CART ? 0.72f : a == SV_DO_DRIVE_VAN ? 1.0f : 0.6f);
        arms(p, 1.0f, 0.4f, 0.1f, 0);
        p->ahead = a == SV_DO_DRIVE_VAN ? 1.1f : 0.1f, p->aside = 0.3f, p->bend = -0.1f;
        break;
    default:
        seated(p, 0.6f);
        arms(p, 0.35f + 0.5f * sv_sin_turn(phase), 0.9f, 0.25f, 0);
        p->bend = 0.1f;
        break;
    }
}

/* Walking with the hands at or in something. */
static void haul(struct sv_pose *p, enum sv_action a, float phase, const float s[4]) {
    gait(p, phase, 0, a == SV_DO_DRAG ? 0.75f : 0.9f);
    switch (a) {
    case SV_DO_WALK_BICYCLE: arms(p, 0.75f, 0.35f, 0.3f, -0.1f), p->spread[0] = 0.1f, p->aside = 0.45f; break;
    case SV_DO_PUSH_PRAM: case SV_DO_PUSH_TROLLEY: case SV_DO_PUSH_WHEELCHAIR:
        arms(p, 0.55f, 0.75f, 0.12f, -0.05f), p->bend = 0.15f; break;
    case SV_DO_PULL_SUITCASE: p->shoulder[1] = -0.55f, p->elbow[1] = 0.1f; break;
    case SV_DO_CARRY_BOX: arms(p, 0.35f, 1.25f, 0.15f, -0.1f), p->bend = -0.08f; break;
    case SV_DO_DRAG:
        /* Backward, bent over what is dragged. */
        arms(p, 0.9f, 0.1f, 0.05f, 0), p->bend = 0.75f, p->turn = SV_PI, p->nod = -0.3f; break;
    case SV_DO_WALK_DOG: p->shoulder[1] = 0.45f, p->elbow[1] = 0.5f; break;
    case SV_DO_UMBRELLA: p->shoulder[1] = 0.5f, p->elbow[1] = 1.9f, p->fore[1] = 0.05f; break;
    default: break;
    }
    p->nod += 0.15f * s[2];
}

static void low(struct sv_pose *p, enum sv_action a, float phase, float u, const float s[4]) {
    const float slow = sv_sin_turn(phase);
    switch (a) {
    case SV_DO_BEND: {
        const float k = 0.5f + 0.5f * sv_sin_turn(phase * 0.6f);
        legs(p, 0.1f + 0.2f * k, 0.15f + 0.2f * k, 0.1f), p->bend = 1.0f + 0.5f * k, arms(p, 1.2f, 0.2f, 0.1f, 0), p->nod = 0.2f; break;
    }
    case SV_DO_PICK_UP: {
        const float k = sv_smooth_step(0.5f + 0.8f * slow);
        legs(p, 0.2f + 1.0f * k, 0.2f + 1.5f * k, 0.15f), arms(p, 0.5f + 0.5f * k, 0.5f - 0.4f * k, 0.1f, 0), p->bend = 0.15f + 0.85f * k; break;
    }
    case SV_DO_SIT: seated(p, 0.52f), p->bend = 0.05f + 0.3f * s[0], p->nod = 0.3f * s[1], p->twist = 0.1f * slow; break;
    case SV_DO_SIT_GROUND:
        legs(p, 1.35f + 0.35f * s[0], 0.3f + 1.3f * s[0], 0.2f), arms(p, -0.4f + 0.9f * s[1], 0.3f, 0.25f, 0);
        p->bend = -0.1f + 0.4f * s[1], p->twist = 0.15f * slow; break;
    case SV_DO_CROUCH: legs(p, 1.9f, 2.35f, 0.25f), p->ankle[0] = p->ankle[1] = 0.45f, p->bend = 0.5f, arms(p, 0.9f, 0.6f, 0.1f, 0),
        p->nod = 0.1f + 0.2f * slow; break;
    case SV_DO_LIE:
        p->lean = s[0] > 0.5f ? SV_PI / 2 : -SV_PI / 2, legs(p, 0.1f * s[1], 0.3f * s[1], 0.12f), p->open[0] = 0.4f * s[2];
        p->knee[1] = 0.9f * s[3], arms(p, 0.1f, 0.2f, 0.3f + 1.2f * s[3], 0), p->side = 0.05f * slow; break;
    case SV_DO_CRAWL:
        p->lean = 1.4f;
        for (int i = 0; i < 2; i++) {
            const float t = sv_sin_turn(phase + (i ? 0.5f : 0));
            p->hip[i] = 1.45f + 0.35f * t, p->knee[i] = 1.6f, p->shoulder[i] = 1.5f - 0.4f * t, p->elbow[i] = 0.1f, p->spread[i] = 0.1f, p->open[i] = 0.08f;
        }
        p->nod = -0.7f; break;
    default: {
        /* Falls within 0.8 s, arms out; then lies for the rest of two and a half seconds, and again. */
        const float k = sv_smooth_step((u - 2.5f * sv_floorf(u / 2.5f)) / 0.8f), way = s[0] > 0.35f ? 1.0f : -1.0f;
        p->lean = way * 1.55f * k, legs(p, 0.2f + 0.5f * k * (1 - k) * 4, 0.2f + 0.8f * k * (1 - k) * 4, 0.1f), p->open[0] = 0.3f * k, p->knee[1] += 0.4f * k;
        arms(p, way > 0 ? 1.4f + 1.2f * k : 0.3f, 0.3f, 0.5f + 0.6f * k, 0), p->roll = 0.5f * (s[1] - 0.5f) * k, p->ahead = 0.7f * way * k; break;
    }
    }
}

static void gesture(struct sv_pose *p, enum sv_action a, float phase, int role, const float s[4]) {
    const float w = sv_sin_turn(phase);
    stand_easy(p, phase * 0.2f, (const float[4]){ s[0], s[1], s[2], 0 });
    switch (a) {
    case SV_DO_PHONE: p->shoulder[1] = 0.55f, p->elbow[1] = 2.4f, p->spread[1] = 0.35f, p->fore[1] = -0.25f, p->nod = 0.15f; break;
    case SV_DO_TALK: p->shoulder[role] = 0.45f + 0.25f * w, p->elbow[role] = 1.3f + 0.4f * sv_sin_turn(phase * 1.7f), p->nod = 0.1f * w, p->turn = 0; break;
    case SV_DO_WAVE: p->spread[1] = 2.2f, p->elbow[1] = 0.2f, p->fore[1] = 0.55f + 0.6f * w, p->shoulder[1] = 0.1f;
        if (s[0] > 0.7f) p->spread[0] = 2.2f, p->fore[0] = 0.55f - 0.6f * w;
        break;
    case SV_DO_POINT: p->shoulder[1] = 1.5f, p->elbow[1] = 0.02f, p->spread[1] = 0.25f + 0.05f * w, p->twist = -0.2f; break;
    case SV_DO_HUG: arms(p, 1.3f, 0.3f, 0.3f, -0.75f), p->bend = 0.12f, p->side = 0.04f * w, p->turn = 0, p->ahead = 0.03f; break;
    case SV_DO_DANCE:
        for (int i = 0; i < 2; i++) {
            const float t = sv_sin_turn(phase + (i ? 0.5f : 0));
            p->spread[i] = 1.3f + 0.9f * t, p->fore[i] = 0.6f * sv_sin_turn(phase * 2), p->elbow[i] = 0.5f,
                p->hip[i] = 0.25f + 0.4f * (t > 0 ? t : 0), p->knee[i] = 0.4f + 0.8f * (t > 0 ? t : 0), p->open[i] = 0.22f;
        }
        p->side = 0.25f * w, p->turn = 0.8f * sv_sin_turn(phase * 0.5f), p->twist = 0.3f * w; break;
    case SV_DO_EXERCISE: {
        const float k = 0.5f + 0.5f * w;
        arms(p, 0, 0.1f, 0.15f + 2.6f * k, 0), legs(p, 0.05f, 0.1f, 0.03f + 0.45f * k), p->lift = 0.12f * (1 - w * w), p->turn = 0; break;
    }
    case SV_DO_SWEEP: arms(p, 0.6f, 0.5f, 0.1f, -0.3f), p->shoulder[0] = 0.9f, p->bend = 0.35f, p->twist = 0.45f * w, p->hip[0] = 0.3f,
        p->hip[1] = -0.15f, p->turn = 0; break;
    default: break;
    }
}

static void sport(struct sv_pose *p, enum sv_action a, float phase, const float s[4]) {
    const float t = sv_fract(phase), w = sv_sin_turn(phase);
    switch (a) {
    case SV_DO_JUMP: {
        /* Crouch, flight, landing. */
        const float fly = t > 0.3f && t < 0.8f ? (t - 0.3f) / 0.5f : 0, up = 4 * fly * (1 - fly),
            dip = t < 0.3f ? sv_sin_turn(t / 0.6f) : t > 0.8f ? sv_sin_turn((1 - t) / 0.4f) : 0;
        legs(p, 0.1f + 0.9f * dip + 0.5f * up * s[0], 0.15f + 1.5f * dip + 0.9f * up * s[0], 0.08f + 0.15f * up);
        arms(p, -0.6f * dip + 2.4f * up, 0.3f, 0.2f + 0.4f * up, 0), p->bend = 0.5f * dip, p->lift = 0.5f * up; break;
    }
    case SV_DO_JUMP_RAILING: {
        const float d = (t - 0.5f) * 2, near = 1 - d * d;       /* over it in the middle of the cycle */
        gait(p, phase * 2, 0.6f, 1);
        if (t > 0.2f && t < 0.8f) {
            p->hip[0] = 1.7f, p->knee[0] = 0.5f, p->open[0] = 0.35f, p->hip[1] = 0.9f, p->knee[1] = 1.7f, p->open[1] = 0.6f;
            p->shoulder[1] = 0.9f, p->elbow[1] = 0.1f, p->spread[0] = 1.0f, p->shoulder[0] = 0.3f, p->bend = 0.45f, p->roll = -0.25f;
            p->lift = 0.95f * near;
        }
        break;
    }
    case SV_DO_CLIMB: case SV_DO_CLIMB_LADDER:
        for (int i = 0; i < 2; i++) {
            const float k = sv_sin_turn(phase + (i ? 0.5f : 0));
            p->hip[i] = 0.75f + 0.6f * k, p->knee[i] = 1.1f + 0.6f * k, p->shoulder[i] = 2.4f - 0.5f * k, p->elbow[i] = 0.5f + 0.3f * k,
                p->spread[i] = 0.25f, p->open[i] = 0.2f;
        }
        p->bend = 0.05f, p->lift = 0.35f + 0.75f * (0.5f + 0.5f * sv_sin_turn(phase * 0.2f + s[0])); break;
    case SV_DO_THROW: {
        const float k = sv_smooth_step(t * 2), back = t < 0.5f ? k : 1 - sv_smooth_step((t - 0.5f) * 5);
        p->shoulder[1] = sv_mixf(1.2f, 3.4f, back), p->elbow[1] = 0.2f + 1.2f * back, p->spread[1] = 0.3f + 0.3f * back, p->shoulder[0] = 0.9f * back,
            p->elbow[0] = 0.2f, p->spread[0] = 0.3f;
        p->hip[0] = 0.4f, p->hip[1] = -0.4f, p->knee[0] = 0.3f, p->knee[1] = 0.2f, p->twist = -0.5f * back + 0.25f, p->bend = 0.3f - 0.5f * back; break;
    }
    case SV_DO_CATCH: {
        const float k = sv_smooth_step(0.5f + 0.7f * w);
        legs(p, 0.5f, 0.9f, 0.25f), p->ankle[0] = p->ankle[1] = 0.3f, arms(p, 1.3f + 0.8f * k, 0.5f, 0.3f, -0.25f), p->bend = 0.3f; break;
    }
    case SV_DO_KICK: {
        const float k = sv_sin_turn(phase);
        p->hip[1] = 0.35f + 1.15f * k, p->knee[1] = k > 0 ? 0.1f : -1.4f * k + 0.1f, p->hip[0] = 0.1f, p->knee[0] = 0.25f, p->bend = -0.2f - 0.15f * k;
        arms(p, 0, 0.4f, 0.5f, 0), p->shoulder[0] = 0.8f * k, p->shoulder[1] = -0.7f * k; break;
    }
    default:
        /* Over the hands: one turn about the line of sight of whoever does it. */
        p->turn = SV_PI / 2, p->roll = -2 * SV_PI * t, arms(p, 0, 0.05f, 2.5f, 0.1f), legs(p, 0, 0.05f, 0.6f); break;
    }
}

static void quarrel(struct sv_pose *p, enum sv_action a, float phase, int role, const float s[4]) {
    const float t = phase + (role ? 0.37f : 0), w = sv_sin_turn(t);
    p->hip[0] = 0.4f, p->hip[1] = -0.35f, p->knee[0] = 0.45f, p->knee[1] = 0.35f, p->bend = 0.25f;
    if (a == SV_DO_SHOVE && role) {
        arms(p, 0.6f, 0.3f, 0.9f, 0), p->bend = -0.35f + 0.15f * w, p->lean = -0.15f, p->hip[0] = 0.7f; return;
    }
    if (a == SV_DO_SHOVE) { arms(p, 1.4f, 0.55f - 0.5f * w, 0.1f, 0), p->bend = 0.3f + 0.15f * w, p->ahead = 0.1f * w; return; }
    /* Fists: one strikes as the other guards; now and then a kick. */
    const float left = w > 0 ? w : 0, right = w < 0 ? -w : 0;
    p->shoulder[0] = 0.8f + 0.8f * left, p->elbow[0] = 2.0f - 1.9f * left, p->shoulder[1] = 0.8f + 0.8f * right, p->elbow[1] = 2.0f - 1.9f * right;
    p->spread[0] = p->spread[1] = 0.35f, p->fore[0] = p->fore[1] = -0.2f, p->twist = -0.5f * w, p->ahead = 0.12f * sv_sin_turn(t * 0.6f),
        p->aside = 0.12f * sv_sin_turn(t * 0.43f);
    if (sv_fract(t * 0.31f + s[0]) > 0.72f) p->hip[1] = 1.35f, p->knee[1] = 0.2f, p->bend = -0.25f, p->elbow[0] = p->elbow[1] = 1.4f;
    p->side = 0.15f * sv_sin_turn(t * 0.7f);
}

void sv_pose_of(struct sv_pose *p, enum sv_action a, float phase, float u, int role, const float s[4]) {
    *p = (struct sv_pose){0};
    switch (a) {
    case SV_DO_WALK: case SV_DO_GROUP_WALK: gait(p, phase, 0, 0.9f + 0.2f * s[0]); break;
    case SV_DO_WALK_SLOW: case SV_DO_LOITER: gait(p, phase, 0, 0.55f + 0.15f * s[0]); p->nod = 0.2f * s[2]; break;
    case SV_DO_WALK_FAST: gait(p, phase, 0.12f, 1.25f), p->bend = 0.12f; break;
    case SV_DO_RUN: case SV_DO_CHASE: gait(p, phase, 1, 0.85f + 0.35f * s[0]); break;
    case SV_DO_LIMP:
        gait(p, phase, 0, 0.6f), p->knee[1] = 0.1f, p->hip[1] *= 0.4f, p->side = -0.2f + 0.15f * sv_sin_turn(phase), p->bend = 0.2f,
            p->spread[1] = 0.3f; break;
    case SV_DO_CYCLE: case SV_DO_MOTORCYCLE: case SV_DO_SKATEBOARD: case SV_DO_SCOOTER: case SV_DO_ROLLERSKATE: case SV_DO_DRIVE_CAR:
    case SV_DO_DRIVE_VAN: case SV_DO_DRIVE_CART: case SV_DO_WHEELCHAIR: ride(p, a, phase, s); break;
    case SV_DO_WALK_BICYCLE: case SV_DO_PUSH_PRAM: case SV_DO_PUSH_TROLLEY: case SV_DO_PUSH_WHEELCHAIR: case SV_DO_PULL_SUITCASE:
    case SV_DO_CARRY_BOX: case SV_DO_DRAG: case SV_DO_WALK_DOG: case SV_DO_UMBRELLA: haul(p, a, phase, s); break;
    case SV_DO_BEND: case SV_DO_PICK_UP: case SV_DO_SIT: case SV_DO_SIT_GROUND: case SV_DO_CROUCH: case SV_DO_LIE: case SV_DO_FALL:
    case SV_DO_CRAWL: low(p, a, phase, u, s); break;
    case SV_DO_PHONE: case SV_DO_TALK: case SV_DO_WAVE: case SV_DO_POINT: case SV_DO_HUG: case SV_DO_DANCE: case SV_DO_EXERCISE:
    case SV_DO_SWEEP: gesture(p, a, phase, role, s); break;
    case SV_DO_FIGHT: case SV_DO_SHOVE: quarrel(p, a, phase, role, s); break;
    case SV_DO_JUMP: case SV_DO_JUMP_RAILING: case SV_DO_CLIMB: case SV_DO_CLIMB_LADDER: case SV_DO_THROW: case SV_DO_CATCH: case SV_DO_KICK:
    case SV_DO_CARTWHEEL: sport(p, a, phase, s); break;
    default: stand_easy(p, phase, s); break;
    }
}

float sv_cadence(enum sv_action a, float speed, float height, const float s[4]) {
    switch (a) {
    case SV_DO_CYCLE: return 0.25f * speed * (0.8f + 0.4f * s[1]);
    case SV_DO_SKATEBOARD: case SV_DO_SCOOTER: case SV_DO_ROLLERSKATE: return 0.7f + 0.4f * s[2];
    case SV_DO_RUN: case SV_DO_CHASE: return speed / (0.75f + 0.5f * speed) * 1.75f / height;
    case SV_DO_STAND: return 0.25f;
    case SV_DO_CRAWL: return speed / 0.6f;
    case SV_DO_FIGHT: case SV_DO_EXERCISE: case SV_DO_WAVE: case SV_DO_DANCE: return 0.9f + 0.6f * s[2];
    case SV_DO_SHOVE: case SV_DO_KICK: case SV_DO_THROW: case SV_DO_CATCH: case SV_DO_JUMP: return 0.5f + 0.4f * s[2];
    case SV_DO_JUMP_RAILING: return 0.5f;
    case SV_DO_CARTWHEEL: return 0.6f + 0.3f * s[2];
    case SV_DO_CLIMB: case SV_DO_CLIMB_LADDER: case SV_DO_TALK: case SV_DO_SWEEP: return 0.5f + 0.3f * s[2];
    case SV_DO_BEND: case SV_DO_PICK_UP: case SV_DO_CROUCH: case SV_DO_LIE: case SV_DO_SIT: case SV_DO_SIT_GROUND: return 0.25f + 0.15f * s[2];
    default: return speed > 0.05f ? speed / (0.55f + 0.62f * speed) * 1.75f / height : 0.4f;
    }
}
