#include "tools/world/prop.h"

enum sv_prop sv_action_prop(enum sv_action a) {
    static const uint8_t prop[SV_ACTIONS] = {
#define X(name, phrase, from, to, kind) SV_PROP_##kind,
        SV_ACTION_LIST(X)
#undef X
    };
    return prop[a];
}

bool sv_prop_hides_person(enum sv_prop kind) { return kind == SV_PROP_CAR || kind == SV_PROP_VAN; }

/* The thing's own axes on the ground. */
struct spot { struct sv_canvas *c; struct sv_vec at, front, left; };

static struct spot spot(struct sv_canvas *c, struct sv_vec at, float heading) {
    const float k = sv_cos(heading), s = sv_sin(heading);
    return (struct spot){ c, at, sv_vec(k, s, 0), sv_vec(-s, k, 0) };
}

static struct sv_vec from(const struct spot *s, float ahead, float aside, float up) {
    struct sv_vec v = sv_vmad(sv_vmad(s->at, s->front, ahead), s->left, aside);
    v.z += up;
    return v;
}

static const struct sv_ink black = { 28, 28, 30 }, steel = { 150, 152, 156 }, glass = { 46, 54, 66 }, wood = { 122, 88, 54 };

static void bar(struct sv_canvas *c, struct sv_vec a, struct sv_vec b, float r, struct sv_ink ink) {
    sv_capsule_shadow(c, a, r, b, r);
    sv_capsule(c, a, r, b, r, ink);
}

/* A wheel in the vertical plane along `front`: a tyre, and spokes that turn. */
static void wheel(struct sv_canvas *c, struct sv_vec hub, struct sv_vec front, float radius, float tyre, float turn, bool spokes) {
    enum { N = 10 };
    struct sv_vec last = sv_vmad(hub, front, radius);
    for (int i = 1; i <= N; i++) {
        const float t = (float)i / N;
        const struct sv_vec v = sv_vmad(sv_vmad(hub, front, radius * sv_sin_turn(t + 0.25f)), sv_vec(0, 0, 1), radius * sv_sin_turn(t));
        bar(c, last, v, tyre, black);
        last = v;
    }
    for (int i = 0; spokes && i < 3; i++) {
        const struct sv_vec d = sv_vadd(sv_vmul(front, radius * sv_sin_turn(turn + (float)i / 6 + 0.25f)),
            sv_vec(0, 0, radius * sv_sin_turn(turn + (float)i / 6)));
        sv_capsule(c, sv_vadd(hub, d), 0.006f, sv_vsub(hub, d), 0.006f, steel);
    }
}

/* A full disc: the wheel of a car. */
static void disc(struct sv_canvas *c, struct sv_vec hub, struct sv_vec front, struct sv_vec out, float radius) {
    struct sv_vec p[12], q[12];
    for (int i = 0; i < 12; i++) {
        const float t = (float)i / 12;
        const struct sv_vec d = sv_vadd(sv_vmul(front, sv_sin_turn(t + 0.25f)), sv_vec(0, 0, sv_sin_turn(t)));
        p[i] = sv_vmad(hub, d, radius), q[i] = sv_vmad(sv_vmad(hub, out, 0.02f), d, radius * 0.55f);
    }
    sv_polygon(c, p, 12, black);
    sv_polygon(c, q, 12, steel);
}

static void bicycle(struct spot *s, const struct sv_held *h, float aside) {
    struct sv_canvas *c = s->c;
    const float turn = -h->phase * 2.2f;
    const struct sv_vec back = from(s, -0.52f, aside, 0.34f), fore = from(s, 0.56f, aside, 0.34f), crank = from(s, -0.05f, aside, 0.29f),
                        seat = from(s, -0.24f, aside, 0.88f), head = from(s, 0.38f, aside, 0.86f), bars = from(s, 0.42f, aside, 1.02f);
    wheel(c, back, s->front, 0.33f, 0.022f, turn, true);
    wheel(c, fore, s->front, 0.33f, 0.022f, turn, true);
    bar(c, crank, seat, 0.02f, h->ink), bar(c, seat, head, 0.02f, h->ink), bar(c, crank, head, 0.022f, h->ink);
    bar(c, back, crank, 0.016f, h->ink), bar(c, back, seat, 0.014f, h->ink), bar(c, fore, bars, 0.018f, steel);
    bar(c, sv_vmad(bars, s->left, -0.26f), sv_vmad(bars, s->left, 0.26f), 0.016f, black);
    bar(c, sv_vmad(seat, s->front, -0.1f), sv_vmad(seat, s->front, 0.12f), 0.04f, black);
}

static void motorcycle(struct spot *s, const struct sv_held *h) {
    struct sv_canvas *c = s->c;
    wheel(c, from(s, -0.65f, 0, 0.31f), s->front, 0.27f, 0.07f, 0, false);
    wheel(c, from(s, 0.72f, 0, 0.31f), s->front, 0.27f, 0.06f, 0, false);
    bar(c, from(s, -0.6f, 0, 0.7f), from(s, 0, 0, 0.72f), 0.13f, black);
    bar(c, from(s, 0.05f, 0, 0.8f), from(s, 0.35f, 0, 0.85f), 0.17f, h->ink);
    bar(c, from(s, -0.1f, 0, 0.45f), from(s, 0.3f, 0, 0.45f), 0.2f, steel);
    bar(c, from(s, 0.72f, 0, 0.31f), from(s, 0.45f, 0, 1.0f), 0.05f, steel);
    bar(c, from(s, 0.4f, -0.36f, 1.02f), from(s, 0.4f, 0.36f, 1.02f), 0.025f, black);
    bar(c, from(s, 0.55f, 0, 0.9f), from(s, 0.6f, 0, 0.9f), 0.1f, h->ink);
    bar(c, from(s, -0.85f, 0, 0.75f), from(s, -0.6f, 0, 0.68f), 0.08f, h->ink);
}

/* A body between cross sections: ahead, half width, bottom, top. */
static void hull(struct spot *s, const float (*v)[4], size_t n, struct sv_ink ink) {
    for (size_t i = 0; i < n; i++) {
        const float *a = v[i], *b = v[i + 1 < n ? i + 1 : i];
        const struct sv_vec p[4] = { from(s, a[0], a[1], a[2]), from(s, a[0], -a[1], a[2]), from(s, a[0], -a[1], a[3]), from(s, a[0], a[1], a[3]) };
        const struct sv_vec q[4] = { from(s, b[0], b[1], b[2]), from(s, b[0], -b[1], b[2]), from(s, b[0], -b[1], b[3]), from(s, b[0], b[1], b[3]) };
        if (i == 0 || i + 1 == n) sv_polygon(s->c, p, 4, ink);
        if (i + 1 == n) break;
        for (int k = 1; k < 4; k++) {
            const int m = (k + 1) % 4;
            const struct sv_vec side[4] = { p[k], q[k], q[m], p[m] };
            sv_polygon(s->c, side, 4, ink);
            if (k == 2) sv_polygon_shadow(s->c, side, 4);
        }
    }
}

static void pane(struct spot *s, const float v[4][3], struct sv_ink ink) {
    const struct sv_vec p[4] = { from(s, v[0][0], v[0][1], v[0][2]), from(s, v[1][0], v[1][1], v[1][2]), from(s, v[2][0], v[2][1], v[2][2]),
        from(s, v[3][0], v[3][1], v[3][2]) };
    sv_polygon(s->c, p, 4, ink);
}

static void wheels(struct spot *s, float fore, float back, float wide, float radius) {
    for (int i = 0; i < 4; i++) {
        const float side = i % 2 ? -1.0f : 1.0f;
        disc(s->c, from(s, i < 2 ? fore : back, side * wide, radius), s->front, sv_vmul(s->left, side), radius);
    }
}

static const struct sv_ink lamp = { 250, 245, 220 }, red = { 190, 30, 30 };

static void car(struct spot *s, const struct sv_held *h) {
    const float k = h->style[0] > 0.6f ? 0.35f : 0;       /* an estate or a saloon */
    const float low[4][4] = { { -2.1f, 0.8f, 0.28f, 0.8f }, { -1.2f, 0.86f, 0.22f, 0.92f }, { 1.1f, 0.86f, 0.22f, 0.9f }, { 2.1f, 0.78f, 0.28f, 0.68f } };
    const float roof[4][4] = { { -1.75f - k, 0.8f, 0.85f, 0.9f }, { -1.2f - k * 2, 0.68f, 0.85f, 1.42f }, { 0.25f, 0.68f, 0.85f, 1.45f },
        { 1.05f, 0.8f, 0.85f, 0.9f } };
    hull(s, low, 4, h->ink);
    hull(s, roof, 4, h->ink);
    for (int i = 0; i < 2; i++) {
        const float y = i ? -1.0f : 1.0f;
        pane(s, (const float[4][3]){ { -1.3f - k, 0.81f * y, 0.96f }, { 0.85f, 0.81f * y, 0.95f }, { 0.25f, 0.71f * y, 1.38f },
            { -1.1f - k, 0.71f * y, 1.36f } }, glass);
        pane(s, (const float[4][3]){ { 2.12f, 0.72f * y, 0.5f }, { 2.12f, 0.42f * y, 0.5f }, { 2.12f, 0.42f * y, 0.64f },
            { 2.12f, 0.72f * y, 0.64f } }, lamp);
        pane(s, (const float[4][3]){ { -2.12f, 0.75f * y, 0.55f }, { -2.12f, 0.5f * y, 0.55f }, { -2.12f, 0.5f * y, 0.75f },
            { -2.12f, 0.75f * y, 0.75f } }, red);
    }
    pane(s, (const float[4][3]){ { 1.04f, 0.7f, 0.95f }, { 1.04f, -0.7f, 0.95f }, { 0.36f, -0.62f, 1.4f }, { 0.36f, 0.62f, 1.4f } }, glass);
    pane(s, (const float[4][3]){ { -1.74f - k, 0.68f, 0.95f }, { -1.74f - k, -0.68f, 0.95f }, { -1.3f - 2 * k, -0.6f, 1.36f },
        { -1.3f - 2 * k, 0.6f, 1.36f } }, glass);
    wheels(s, 1.3f, -1.3f, 0.87f, 0.32f);
}

static void van(struct spot *s, const struct sv_held *h) {
    const float body[5][4] = { { -2.4f, 0.95f, 0.35f, 2.15f }, { 1.2f, 0.95f, 0.35f, 2.2f }, { 1.35f, 0.95f, 0.35f, 2.1f },
        { 1.95f, 0.93f, 0.35f, 1.2f }, { 2.5f, 0.88f, 0.35f, 1.0f } };
    hull(s, body, 5, h->ink);
    for (int i = 0; i < 2; i++) {
        const float y = i ? -0.97f : 0.97f;
        pane(s, (const float[4][3]){ { 0.5f, y, 1.25f }, { 1.7f, y, 1.25f }, { 1.3f, y, 1.9f }, { 0.5f, y, 1.9f } }, glass);
        if (h->style[1] > 0.5f) pane(s, (const float[4][3]){ { -2.0f, y, 1.25f }, { 0.3f, y, 1.25f }, { 0.3f, y, 1.9f }, { -2.0f, y, 1.9f } }, glass);
    }
    pane(s, (const float[4][3]){ { 1.97f, 0.82f, 1.24f }, { 1.97f, -0.82f, 1.24f }, { 1.41f, -0.82f, 2.05f }, { 1.41f, 0.82f, 2.05f } }, glass);
    pane(s, (const float[4][3]){ { -2.42f, 0.8f, 1.3f }, { -2.42f, -0.8f, 1.3f }, { -2.42f, -0.8f, 1.95f }, { -2.42f, 0.8f, 1.95f } }, glass);
    wheels(s, 1.6f, -1.5f, 0.97f, 0.36f);
}

/* A golf cart: floor, seat, four posts and a roof. */
static void cart(struct spot *s, const struct sv_held *h) {
    const float body[4][4] = { { -1.15f, 0.58f, 0.25f, 0.75f }, { -0.3f, 0.6f, 0.25f, 0.7f }, { 0.55f, 0.6f, 0.25f, 0.35f }, { 1.2f, 0.5f, 0.25f, 0.8f } };
    hull(s, body, 4, h->ink);
    bar(s->c, from(s, -0.4f, 0.45f, 0.75f), from(s, -0.4f, -0.45f, 0.75f), 0.12f, black);
    for (int i = 0; i < 4; i++) {
        const float x = i < 2 ? -1.0f : 0.75f, y = i % 2 ? -0.52f : 0.52f;
        bar(s->c, from(s, x + (i < 2 ? 0 : 0.2f), y, 0.7f), from(s, x, y, 1.85f), 0.025f, black);
    }
    sv_block(s->c, from(s, -0.1f, 0, 1.83f), s->front, 1.05f, 0.6f, 0.07f, (struct sv_ink){ 225, 225, 220 });
    wheels(s, 0.85f, -0.8f, 0.6f, 0.24f);
}

static void wheelchair(struct spot *s, const struct sv_held *h, float ahead) {
    s->at = from(s, ahead, 0, 0);
    for (int i = 0; i < 2; i++) {
        const float y = i ? -0.29f : 0.29f;
        wheel(s->c, from(s, -0.05f, y, 0.3f), s->front, 0.29f, 0.022f, -h->phase, true);
        wheel(s->c, from(s, 0.42f, y * 0.8f, 0.09f), s->front, 0.08f, 0.02f, 0, false);
        bar(s->c, from(s, -0.26f, y * 0.8f, 0.5f), from(s, -0.34f, y * 0.8f, 0.98f), 0.018f, steel);
        bar(s->c, from(s, -0.26f, y * 0.8f, 0.5f), from(s, 0.4f, y * 0.8f, 0.1f), 0.018f, steel);
    }
    bar(s->c, from(s, -0.2f, 0, 0.47f), from(s, 0.22f, 0, 0.47f), 0.06f, h->ink);
    sv_block(s->c, from(s, -0.3f, 0, 0.5f), s->front, 0.03f, 0.22f, 0.38f, h->ink);
}

static void pram(struct spot *s, const struct sv_held *h) {
    struct sv_canvas *c = s->c;
    for (int i = 0; i < 4; i++) wheel(c, from(s, i < 2 ? 0.5f : 1.0f, i % 2 ? -0.24f : 0.24f, 0.13f), s->front, 0.12f, 0.025f, 0, false);
    bar(c, from(s, 0.5f, 0, 0.13f), from(s, 0.9f, 0, 0.5f), 0.02f, steel), bar(c, from(s, 1.0f, 0, 0.13f), from(s, 0.6f, 0, 0.5f), 0.02f, steel);
    bar(c, from(s, 0.55f, 0, 0.62f), from(s, 1.0f, 0, 0.62f), 0.19f, h->ink);
    bar(c, from(s, 1.0f, 0, 0.78f), from(s, 0.9f, 0, 0.86f), 0.22f, h->ink);
    for (int i = 0; i < 2; i++) bar(c, from(s, 0.55f, i ? -0.2f : 0.2f, 0.65f), from(s, 0.33f, i ? -0.2f : 0.2f, 1.0f), 0.018f, steel);
}

static void trolley(struct spot *s, const struct sv_held *h) {
    struct sv_canvas *c = s->c;
    for (int i = 0; i < 4; i++) {
        const float x = i < 2 ? 0.5f : 1.15f, y = i % 2 ? -0.26f : 0.26f, y2 = i == 0 || i == 3 ? -0.26f : 0.26f;
        wheel(c, from(s, x, y, 0.08f), s->front, 0.06f, 0.025f, 0, false);
        bar(c, from(s, x, y, 0.15f), from(s, x - 0.05f, y, 1.0f), 0.016f, steel);
        bar(c, from(s, 0.42f, y2, 0.95f), from(s, 1.15f, y2, 0.9f), 0.014f, steel),
            bar(c, from(s, x, -0.26f, 0.92f), from(s, x, 0.26f, 0.92f), 0.014f, steel);
    }
    sv_block(c, from(s, 0.82f, 0, 0.45f), s->front, 0.34f, 0.24f, 0.2f + 0.4f * h->style[0], h->style[0] > 0.5f ? wood : steel);
    sv_block(c, from(s, 0.82f, 0, 0.15f), s->front, 0.36f, 0.26f, 0.04f, h->ink);
}

static void dog(struct spot *s, const struct sv_held *h, float ahead, float aside, float phase) {
    struct sv_canvas *c = s->c;
    s->at = from(s, ahead, aside, 0);
    const float k = 0.75f + 0.5f * h->style[3], z = 0.45f * k;
    bar(c, from(s, -0.3f * k, 0, z), from(s, 0.28f * k, 0, z + 0.03f), 0.11f * k, h->ink);
    bar(c, from(s, 0.3f * k, 0, z + 0.05f), from(s, 0.42f * k, 0, z + 0.22f * k), 0.075f * k, h->ink);
    bar(c, from(s, 0.45f * k, 0, z + 0.24f * k), from(s, 0.62f * k, 0, z + 0.2f * k), 0.06f * k, h->ink);
    bar(c, from(s, -0.36f * k, 0, z + 0.05f), from(s, -0.58f * k, 0.08f * sv_sin_turn(phase * 2), z + 0.25f * k), 0.025f * k, h->ink);
    for (int i = 0; i < 4; i++) {
        const float x = (i < 2 ? -0.28f : 0.26f) * k, y = (i % 2 ? -0.08f : 0.08f) * k,
            step = 0.2f * k * sv_sin_turn(phase * 1.6f + (i == 0 || i == 3 ? 0 : 0.5f));
        bar(c, from(s, x, y, z), from(s, x + step, y, 0.04f), 0.035f * k, h->ink);
    }
}

/* Eight wedges of cloth over a stick. */
static void umbrella(struct spot *s, const struct sv_held *h) {
    struct sv_vec hand = h->joint[SV_HAND + 1], top = hand;
    top.z = h->joint[SV_HEAD].z + 0.35f;
    bar(s->c, hand, top, 0.012f, black);
    for (int i = 0; i < 8; i++) {
        const float a = (float)i / 8, b = (float)(i + 1) / 8, r = 0.52f, down = -0.2f;
        const struct sv_vec p[3] = { top, sv_vadd(top, sv_vec(r * sv_sin_turn(a), r * sv_sin_turn(a + 0.25f), down)),
            sv_vadd(top, sv_vec(r * sv_sin_turn(b), r * sv_sin_turn(b + 0.25f), down)) };
        sv_polygon(s->c, p, 3, h->ink);
        sv_polygon_shadow(s->c, p, 3);
    }
}

static void ball(struct spot *s, const struct sv_held *h) {
    const float t = sv_fract(h->phase), r = 0.11f + 0.04f * h->style[1];
    struct sv_vec at = h->joint[SV_HAND + 1];
    if (h->action == SV_DO_KICK) {
        const float fly = t > 0.25f ? (t - 0.25f) * 6 : 0.35f;
        at = from(s, 0.25f + fly, -0.1f, r + (t > 0.25f ? 0.4f * (t - 0.25f) : 0));
    } else if (h->action == SV_DO_THROW && t > 0.6f) {
        const float u = (t - 0.6f) / 0.4f;
        at = sv_vadd(from(s, 0.6f + 4 * u, -0.2f, 1.8f), sv_vec(0, 0, 0.9f * u - 1.6f * u * u));
    } else if (h->action == SV_DO_CATCH) {
        const float u = t < 0.25f ? 1 - t * 4 : t > 0.75f ? 1 : 0;      /* comes, is held, is gone */
        at = sv_vmul(sv_vadd(h->joint[SV_HAND], at), 0.5f);
        at = sv_vadd(sv_vmad(at, s->front, 0.12f + 3 * u), sv_vec(0, 0, 0.8f * u * (1 - u) * 2));
    }
    bar(s->c, at, sv_vadd(at, sv_vec(0, 0, 0.001f)), r, h->ink);
}

static void barrier(struct spot *s, enum sv_prop kind) {
    const float high = kind == SV_PROP_RAILING ? 0.95f : 2.0f, wide = kind == SV_PROP_LADDER ? 0.24f : 1.6f, x = kind == SV_PROP_RAILING ? 0 : 0.32f;
    const int rails = kind == SV_PROP_RAILING ? 3 : kind == SV_PROP_LADDER ? 9 : 3, posts = kind == SV_PROP_LADDER ? 2 : kind == SV_PROP_RAILING ? 4 : 13;
    const float top = kind == SV_PROP_LADDER ? 2.9f : high;
    for (int i = 1; i <= rails; i++) {
        const float z = top * (float)i / (float)rails;
        bar(s->c, from(s, x, -wide, z), from(s, x, wide, z), 0.025f, steel);
    }
    for (int i = 0; i < posts; i++) {
        const float y = wide * (2 * (float)i / (float)(posts - 1) - 1);
        bar(s->c, from(s, x, y, 0), from(s, x, y, top), posts > 4 ? 0.014f : 0.03f, steel);
    }
}

static void bench(struct spot *s) {
    sv_block(s->c, from(s, -0.02f, 0, 0.4f), s->front, 0.24f, 0.75f, 0.05f, wood);
    sv_block(s->c, from(s, -0.3f, 0, 0.55f), s->front, 0.025f, 0.75f, 0.32f, wood);
    for (int i = 0; i < 4; i++) bar(s->c, from(s, i < 2 ? -0.25f : 0.2f, i % 2 ? -0.65f : 0.65f, 0),
        from(s, i < 2 ? -0.25f : 0.2f, i % 2 ? -0.65f : 0.65f, 0.4f), 0.025f, black);
}

static void hand_thing(struct spot *s, enum sv_prop kind, const struct sv_held *h) {
    const struct sv_vec left = h->joint[SV_HAND], right = h->joint[SV_HAND + 1], mid = sv_vmul(sv_vadd(left, right), 0.5f);
    struct sv_vec v = mid;
    switch (kind) {
    case SV_PROP_BOX:
        v = sv_vmad(v, s->front, 0.12f), v.z -= 0.15f;
        if (h->action == SV_DO_PICK_UP && v.z > 0.75f) v.z = 0.75f;
        if (v.z < 0) v.z = 0;
        sv_block(s->c, v, s->front, h->action == SV_DO_PICK_UP ? 0.13f : 0.2f, h->action == SV_DO_PICK_UP ? 0.16f : 0.26f,
            h->action == SV_DO_PICK_UP ? 0.22f : 0.34f, h->ink);
        break;
    case SV_PROP_SACK:
        v.z = 0.16f;
        bar(s->c, v, sv_vmad(v, s->front, -0.75f), 0.2f, h->ink);
        break;
    case SV_PROP_SUITCASE: {
        const struct sv_vec base = sv_vmad(right, s->front, -0.42f);
        sv_block(s->c, sv_vec(base.x, base.y, 0.06f), s->front, 0.13f, 0.2f, 0.6f, h->ink);
        bar(s->c, right, sv_vec(base.x, base.y, 0.64f), 0.012f, steel);
        break;
    }
    default: {                          /* a broom */
        struct sv_vec foot = from(s, 0.85f + 0.15f * sv_sin_turn(h->phase + 0.25f), 0.3f * sv_sin_turn(h->phase), 0.06f);
        bar(s->c, sv_vmad(right, sv_vsub(right, foot), 0.35f), foot, 0.016f, wood);
        bar(s->c, sv_vmad(foot, s->left, -0.2f), sv_vmad(foot, s->left, 0.2f), 0.05f, h->ink);
        break;
    }
    }
}

void sv_prop_draw(struct sv_canvas *c, enum sv_prop kind, const struct sv_held *h) {
    struct spot s = spot(c, h->at, h->heading);
    switch (kind) {
    case SV_PROP_NONE: break;
    case SV_PROP_BICYCLE: bicycle(&s, h, 0); break;
    case SV_PROP_MOTORCYCLE: motorcycle(&s, h); break;
    case SV_PROP_CAR: car(&s, h); break;
    case SV_PROP_VAN: van(&s, h); break;
    case SV_PROP_CART: cart(&s, h); break;
    case SV_PROP_SKATEBOARD:
        bar(c, from(&s, -0.38f, 0, 0.09f), from(&s, 0.38f, 0, 0.09f), 0.045f, h->ink);
        for (int i = 0; i < 2; i++) bar(c, from(&s, i ? -0.27f : 0.27f, -0.09f, 0.035f), from(&s, i ? -0.27f : 0.27f, 0.09f, 0.035f), 0.035f, black);
        break;
    case SV_PROP_SCOOTER:
        for (int i = 0; i < 2; i++) wheel(c, from(&s, i ? -0.32f : 0.42f, 0, 0.1f), s.front, 0.085f, 0.022f, 0, false);
        bar(c, from(&s, -0.32f, 0, 0.1f), from(&s, 0.36f, 0, 0.1f), 0.04f, h->ink),
            bar(c, from(&s, 0.42f, 0, 0.1f), from(&s, 0.34f, 0, 1.0f), 0.022f, h->ink);
        bar(c, from(&s, 0.34f, -0.22f, 1.0f), from(&s, 0.34f, 0.22f, 1.0f), 0.02f, black);
        break;
    case SV_PROP_SKATES:
        for (int i = 0; i < 2; i++) bar(c, sv_vmad(sv_vadd(h->joint[SV_FOOT + i], sv_vec(0, 0, -0.08f)), s.front, -0.06f),
            sv_vmad(sv_vadd(h->joint[SV_FOOT + i], sv_vec(0, 0, -0.08f)), s.front, 0.2f), 0.035f, h->ink);
        break;
    case SV_PROP_WHEELCHAIR: wheelchair(&s, h, h->action == SV_DO_PUSH_WHEELCHAIR ? 0.75f : 0); break;
    case SV_PROP_PRAM: pram(&s, h); break;
    case SV_PROP_TROLLEY: trolley(&s, h); break;
    case SV_PROP_DOG:
        if (h->action == SV_DO_DOG_RUN) { dog(&s, h, 0, 0, h->phase); break; }
        dog(&s, h, 0.9f + 0.3f * h->style[0], -0.35f, h->phase * 1.5f);
        sv_capsule(c, h->joint[SV_HAND + 1], 0.008f, from(&s, 0.3f, 0, 0.55f), 0.008f, black);
        break;
    case SV_PROP_UMBRELLA: umbrella(&s, h); break;
    case SV_PROP_BENCH: bench(&s); break;
    case SV_PROP_RAILING: case SV_PROP_FENCE: case SV_PROP_LADDER: barrier(&s, kind); break;
    case SV_PROP_BALL: ball(&s, h); break;
    default: hand_thing(&s, kind, h); break;
    }
}
