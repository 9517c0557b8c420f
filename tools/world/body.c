#include "tools/world/body.h"

/* The body's own axes. */
struct axes { struct sv_vec front, left, up; };

static struct sv_vec swing(const struct axes *a, float forward, float out, float side) {
    const float s = sv_sin(forward), k = sv_cos(forward), o = sv_sin(out) * side, m = sv_cos(out);
    return sv_vadd(sv_vmul(sv_vadd(sv_vmul(a->up, -k), sv_vmul(a->front, s)), m), sv_vmul(a->left, o));
}

/* Turns two axes towards each other: a goes to b. */
static void tilt(struct sv_vec *a, struct sv_vec *b, float angle) {
    const float s = sv_sin(angle), k = sv_cos(angle);
    const struct sv_vec x = *a, y = *b;
    *a = sv_vadd(sv_vmul(x, k), sv_vmul(y, s));
    *b = sv_vadd(sv_vmul(y, k), sv_vmul(x, -s));
}

struct frame { struct axes low, high; struct sv_vec hip[2], knee[2], ankle[2], toe[2], shoulder[2], elbow[2], hand[2], pelvis, waist, chest, neck, head; };

static void place(const struct sv_look *l, const struct sv_pose *p, struct sv_vec at, float heading, struct frame *f) {
    const float H = l->height, wide = l->wide * (l->who == SV_WOMAN ? 0.92f : 1);
    struct axes *a = &f->low;
    const float turn = heading + p->turn;
    a->front = sv_vec(sv_cos(turn), sv_sin(turn), 0), a->left = sv_vec(-sv_sin(turn), sv_cos(turn), 0), a->up = sv_vec(0, 0, 1);
    tilt(&a->up, &a->front, p->lean);
    tilt(&a->up, &a->left, p->roll);
    f->high = *a;
    tilt(&f->high.up, &f->high.front, p->bend);
    tilt(&f->high.up, &f->high.left, p->side);
    tilt(&f->high.front, &f->high.left, p->twist);
    f->pelvis = at;
    const struct axes *b = &f->high;
    f->waist = sv_vmad(f->pelvis, sv_vunit(sv_vadd(a->up, b->up)), 0.11f * H);
    f->chest = sv_vmad(f->waist, b->up, 0.13f * H);
    f->neck = sv_vmad(f->chest, b->up, 0.075f * H);
    struct axes head = *b;
    tilt(&head.up, &head.front, p->nod);
    f->head = sv_vmad(sv_vmad(f->neck, head.up, 0.085f * H), head.front, 0.012f * H);
    for (int i = 0; i < 2; i++) {
        const float side = i ? -1.0f : 1.0f;
        f->hip[i] = sv_vmad(f->pelvis, a->left, side * 0.052f * H * wide);
        f->knee[i] = sv_vmad(f->hip[i], swing(a, p->hip[i], p->open[i], side), 0.245f * H);
        f->ankle[i] = sv_vmad(f->knee[i], swing(a, p->hip[i] - p->knee[i], p->open[i], side), 0.235f * H);
        f->toe[i] = sv_vmad(f->ankle[i], swing(a, p->hip[i] - p->knee[i] + p->ankle[i] + SV_PI / 2, p->open[i], side), 0.11f * H);
        f->shoulder[i] = sv_vmad(sv_vmad(f->chest, b->up, 0.045f * H), b->left, side * 0.095f * H * wide);
        f->elbow[i] = sv_vmad(f->shoulder[i], swing(b, p->shoulder[i], p->spread[i], side), 0.172f * H);
        f->hand[i] = sv_vmad(f->elbow[i], swing(b, p->shoulder[i] + p->elbow[i], p->spread[i] + p->fore[i], side), 0.185f * H);
    }
}

static void shift(struct frame *f, float up) {
    struct sv_vec *v = f->hip;          /* all points from hip on */
    const size_t n = (sizeof *f - offsetof(struct frame, hip)) / sizeof *v;
    for (size_t i = 0; i < n; i++) v[i].z += up;
}

static float lowest(const struct frame *f, float H) {
    float z = f->pelvis.z - 0.07f * H;
    for (int i = 0; i < 2; i++) {
        const float foot = 0.022f * H, joint = 0.03f * H;
        const float at[5] = { f->ankle[i].z - foot, f->toe[i].z - foot, f->knee[i].z - joint, f->hand[i].z - foot, f->elbow[i].z - joint };
        for (int k = 0; k < 5; k++) if (at[k] < z) z = at[k];
    }
    if (f->head.z - 0.06f * H < z) z = f->head.z - 0.06f * H;
    if (f->chest.z - 0.06f * H < z) z = f->chest.z - 0.06f * H;
    return z;
}

static void stand(const struct sv_look *l, const struct sv_pose *p, struct sv_vec at, float heading, struct frame *f) {
    const float k = sv_cos(heading), s = sv_sin(heading);
    at.x += k * p->ahead - s * p->aside, at.y += s * p->ahead + k * p->aside;
    at.z = p->fixed ? p->lift : 0;
    place(l, p, at, heading, f);
    if (!p->fixed) shift(f, p->lift - lowest(f, l->height));
}

static void tell(const struct frame *f, struct sv_vec joint[SV_JOINTS]) {
    for (int i = 0; i < 2; i++)
        joint[SV_HAND + i] = f->hand[i], joint[SV_FOOT + i] = f->ankle[i], joint[SV_KNEE + i] = f->knee[i], joint[SV_ELBOW + i] = f->elbow[i];
    joint[SV_HEAD] = f->head, joint[SV_PELVIS] = f->pelvis, joint[SV_CHEST] = f->chest;
}

void sv_body_joints(const struct sv_look *l, const struct sv_pose *p, struct sv_vec at, float heading, struct sv_vec joint[SV_JOINTS]) {
    struct frame f;
    stand(l, p, at, heading, &f);
    tell(&f, joint);
}

static void limb(struct sv_canvas *c, struct sv_vec a, float ra, struct sv_vec b, float rb, struct sv_ink ink, bool shadow) {
    if (shadow) sv_capsule_shadow(c, a, ra, b, rb);
    sv_capsule(c, a, ra, b, rb, ink);
}

static void draw_low(struct sv_canvas *c, const struct sv_look *l, const struct frame *f, float w) {
    for (int i = 0; i < 2; i++) {
        const struct sv_ink bare = l->skirt ? l->skin : l->legs;
        limb(c, f->hip[i], 0.052f * w, f->knee[i], 0.036f * w, l->legs, true);
        limb(c, f->knee[i], 0.036f * w, f->ankle[i], 0.026f * w, bare, true);
        limb(c, sv_vmad(f->ankle[i], f->low.up, -0.006f * w), 0.026f * w, f->toe[i], 0.022f * w, l->shoes, false);
    }
    const struct sv_ink seat = l->coat ? l->top : l->legs;
    limb(c, f->hip[0], 0.058f * w, f->hip[1], 0.058f * w, seat, true);
    if (!l->skirt && !l->coat) return;
    const struct sv_ink cloth = l->coat ? l->top : l->legs;
    const float down = l->coat ? 0.75f : 0.9f;
    for (int i = 0; i < 2; i++) {
        const struct sv_vec hem = sv_vmad(f->hip[i], sv_vsub(f->knee[i], f->hip[i]), down);
        limb(c, f->hip[i], 0.062f * w, hem, 0.068f * w, cloth, false);
    }
    limb(c, f->pelvis, 0.07f * w, sv_vmul(sv_vadd(sv_vmad(f->hip[0], sv_vsub(f->knee[0], f->hip[0]), down),
         sv_vmad(f->hip[1], sv_vsub(f->knee[1], f->hip[1]), down)), 0.5f), 0.066f * w, cloth, false);
}

static void draw_trunk(struct sv_canvas *c, const struct sv_look *l, const struct frame *f, float w) {
    const float off = 0.042f * w;
    for (int i = 0; i < 2; i++) {
        const float side = i ? -off : off;
        limb(c, sv_vmad(f->waist, f->low.left, side * 0.8f), 0.06f * w, sv_vmad(f->chest, f->high.left, side), 0.072f * w, l->top, true);
        limb(c, sv_vmad(f->pelvis, f->low.left, side * 0.8f), 0.062f * w, sv_vmad(f->waist, f->low.left, side * 0.8f), 0.06f * w, l->top, false);
    }
    limb(c, f->shoulder[0], 0.04f * w, f->shoulder[1], 0.04f * w, l->top, true);
    if (l->backpack) {
        const struct sv_vec back = sv_vmad(f->chest, f->high.front, -0.085f * w);
        limb(c, sv_vmad(back, f->high.up, 0.03f * w), 0.062f * w, sv_vmad(back, f->high.up, -0.11f * w), 0.075f * w, l->bag, true);
    }
}

static void draw_high(struct sv_canvas *c, const struct sv_look *l, const struct frame *f, float w) {
    const float H = l->height;
    for (int i = 0; i < 2; i++) {
        limb(c, f->shoulder[i], 0.034f * w, f->elbow[i], 0.026f * w, l->top, true);
        limb(c, f->elbow[i], 0.026f * w, f->hand[i], 0.018f * w, l->sleeves ? l->top : l->skin, true);
        limb(c, f->hand[i], 0.024f * w, sv_vmad(f->hand[i], sv_vunit(sv_vsub(f->hand[i], f->elbow[i])), 0.03f * H), 0.02f * w, l->skin, false);
    }
    limb(c, f->neck, 0.03f * w, f->head, 0.03f * w, l->skin, false);
    limb(c, f->head, 0.058f * H, sv_vmad(f->head, f->high.up, 0.02f * H), 0.06f * H, l->skin, true);
    const struct sv_vec crown = sv_vmad(sv_vmad(f->head, f->high.up, 0.03f * H), f->high.front, -0.022f * H);
    limb(c, crown, 0.062f * H, sv_vmad(crown, f->high.front, -0.008f * H), 0.06f * H, l->hair, false);
    if (l->long_hair) limb(c, crown, 0.058f * H, sv_vmad(sv_vmad(f->neck, f->high.front, -0.04f * H), f->high.up, -0.01f * H), 0.045f * H, l->hair, false);
    if (l->has_hat) {
        const struct sv_vec brim = sv_vmad(f->head, f->high.up, 0.045f * H);
        limb(c, brim, 0.066f * H, sv_vmad(brim, f->high.up, 0.03f * H), 0.055f * H, l->hat, false);
        limb(c, sv_vmad(brim, f->high.front, 0.085f * H), 0.025f * H, sv_vmad(brim, f->high.front, 0.02f * H), 0.05f * H, l->hat, false);
    }
}

void sv_body_draw(struct sv_canvas *c, const struct sv_look *l, const struct sv_pose *p, struct sv_vec at, float heading,
                  struct sv_vec joint[SV_JOINTS]) {
    struct frame f;
    stand(l, p, at, heading, &f);
    tell(&f, joint);
    const float w = l->height * l->wide;
    draw_low(c, l, &f, w);
    draw_trunk(c, l, &f, w);
    draw_high(c, l, &f, w);
    if (!l->has_bag) return;
    const struct sv_vec hang = sv_vmad(f.hand[1], sv_vec(0, 0, 1), -0.13f * l->height);
    limb(c, f.hand[1], 0.006f * w, hang, 0.006f * w, l->bag, false);
    limb(c, sv_vmad(hang, f.low.front, -0.06f * w), 0.055f * w, sv_vmad(hang, f.low.front, 0.06f * w), 0.055f * w, l->bag, true);
}
