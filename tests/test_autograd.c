#include "clip/clip_train.h"
#include "core/rng.h"
#include "tests/golden/grad.h"
#include "tfc/temporal_train.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Gradients of whole models against the reference's autograd. */

static struct sv_err err;

/* mean 0, sd 1: as Fill.tensor of tests/golden/fill.py */
static float *noise(size_t n, uint64_t seed) {
    float *v = sv_alloc(n, sizeof *v, &err);
    for (size_t i = 0; i < n; i++) v[i] = (float)(3.4641016151377544 * (sv_rng_unit(&seed) - 0.5));
    return v;
}

/* want: for each tensor <g, r> and |g|, as tests/golden/grad.py says. */
static void near_gradient(const struct sv_flat *f, const float *want, size_t n, const char *what) {
    cr_assert_eq(2 * f->store.views, n, "%s: %zu tensors", what, f->store.views);
    for (size_t t = 0; t < f->store.views; t++) {
        const struct sv_view *v = &f->store.view[t];
        const float *g = f->grads + ((const float *)v->data - f->params);
        float *r = noise(v->count, 1000 + t);
        double along = 0, square = 0;
        for (size_t i = 0; i < v->count; i++) along += (double)g[i] * r[i], square += (double)g[i] * g[i];
        const double norm = want[2 * t + 1], bound = 2e-5 * norm + 1e-7;
        cr_assert(fabs(along - want[2 * t]) <= 4 * bound, "%s, %s: <g, r> is %g, want %g, |g| %g", what, v->name, along, (double)want[2 * t], norm);
        cr_assert(fabs(sqrt(square) - norm) <= bound, "%s, %s: |g| is %g, want %g", what, v->name, sqrt(square), norm);
        sv_free(r);
    }
}

enum { B = 4, N = 7, W = 128 };

static void tfc_flat(struct sv_tfc_config *g, struct sv_flat *f, struct sv_store *s, const char *backbone) {
    cr_assert(!sv_store_init(s, "random", &err) && sv_tfc_backbone(g, backbone, W, N));
    cr_assert(!sv_tfc_random(s, g, 3, &err) && !sv_flat_init(f, s, "tfc.", &err), "%s", err.msg);
}

static void check_tfc(const struct sv_kern *kern, size_t threads, const char *backbone, bool unit, const float *want, size_t n) {
    struct sv_cpu cpu = { kern, sv_pool_new(threads, &err) };
    struct sv_store s;
    struct sv_tfc_config g;
    struct sv_flat f;
    tfc_flat(&g, &f, &s, backbone);
    g.norm_then_blend = unit;
    struct sv_tfc_train *t = sv_tfc_train_open(&g, &f, &cpu, B, &err);
    struct sv_tfc *plain = sv_tfc_open(&g, &s, &cpu, B, &err);
    cr_assert(t && plain, "%s", err.msg);
    float *feats = noise(B * N * W, 200), *c = noise(B * W, 201), out[B * W], same[B * W];
    sv_tfc_train_forward(t, feats, B, out), sv_tfc_video(plain, feats, B, same);
    cr_assert(!memcmp(out, same, sizeof out), "%s: other bits than sv_tfc_video", backbone);
    sv_tfc_train_back(t, c);
    if (want) near_gradient(&f, want, n, backbone);
    else cr_assert_eq(f.n, 0);
    /* Weights loaded again from the same parameters; two chunks add up to what one was. */
    sv_tfc_train_reload(t);
    for (size_t b = 0; b < B; b += 3) {
        sv_tfc_train_forward(t, feats + b * N * W, sv_min(3, B - b), out + b * W);
        sv_tfc_train_back(t, c + b * W);
    }
    cr_assert(!memcmp(out, same, sizeof out));
    for (size_t i = 0; i < f.n; i++) f.grads[i] /= 2;
    if (want) near_gradient(&f, want, n, backbone);
    /* After a change of the parameters the outputs are those of a model made of them. */
    for (size_t i = 0; i < f.n; i++) f.params[i] *= 0.9f;
    sv_tfc_train_reload(t);
    sv_tfc_train_forward(t, feats, B, out);
    struct sv_store again;
    cr_assert(!sv_store_init(&again, "again", &err) && !sv_flat_write(&f, &again, &err));
    struct sv_tfc *other = sv_tfc_open(&g, &again, &cpu, B, &err);
    cr_assert(other, "%s", err.msg);
    sv_tfc_video(other, feats, B, same);
    cr_assert(!memcmp(out, same, sizeof out));
    sv_tfc_free(plain), sv_tfc_free(other), sv_tfc_train_free(t), sv_flat_free(&f), sv_store_free(&s), sv_store_free(&again), sv_pool_free(cpu.pool);
    sv_free(feats), sv_free(c);
}

Test(autograd, fusion) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        check_tfc(*k, 2, "prompt-vlm", false, golden_grad_prompt_vlm, SV_LEN(golden_grad_prompt_vlm));
        check_tfc(*k, 2, "prompt-vlm", true, golden_grad_prompt_vlm_unit, SV_LEN(golden_grad_prompt_vlm_unit));
        check_tfc(*k, 3, "actionclip", false, golden_grad_actionclip, SV_LEN(golden_grad_actionclip));
        check_tfc(*k, 2, "clip4clip", true, golden_grad_clip4clip, SV_LEN(golden_grad_clip4clip));
        check_tfc(*k, 1, "mean", false, NULL, 0);
    }
}

Test(autograd, fusion_refuses_other_tensors) {
    struct sv_cpu cpu = { sv_kern_best(), NULL };
    struct sv_store s;
    struct sv_tfc_config g;
    struct sv_flat f;
    tfc_flat(&g, &f, &s, "prompt-vlm");
    g.frames = N + 2;
    cr_assert(!sv_tfc_train_open(&g, &f, &cpu, B, &err));
    cr_assert(strstr(err.msg, "tfc.position is [7, 128], expected [9, 128]"), "%s", err.msg);
    err = (struct sv_err){0};
    g.frames = N, g.stack.layers = 3;
    cr_assert(!sv_tfc_train_open(&g, &f, &cpu, B, &err));
    cr_assert(strstr(err.msg, "tfc.block.2"), "%s", err.msg);
    sv_flat_free(&f), sv_store_free(&s);
}

/* A whole CLIP: E 20, 12 pixels in patches of 4, widths 36 and 24, 2 layers, 3 and 2 heads, texts of 17 positions. */
enum { TOWER_B = 3, TOWER_E = 20, TOWER_S = 12, CONTEXT = 17, VOCAB = 40 };

static void clip_flat(struct sv_clip_config *g, struct sv_flat *f, struct sv_store *s, enum sv_act act, uint64_t seed) {
    cr_assert(sv_clip_family(g, "tiny"));
    g->embed = TOWER_E, g->image_size = TOWER_S, g->patch = 4, g->context = CONTEXT, g->vocab = VOCAB;
    g->visual = (struct sv_stack){ 36, 2, 3, 144, act, 1e-5f, false };
    g->text = (struct sv_stack){ 24, 2, 2, 96, act, 1e-5f, true };
    cr_assert(!sv_store_init(s, "random", &err) && !sv_clip_random(s, g, seed, &err) && !sv_flat_init(f, s, "clip.", &err), "%s", err.msg);
}

static void token_ids(int32_t ids[TOWER_B * CONTEXT]) {
    memset(ids, 0, TOWER_B * CONTEXT * sizeof *ids);
    for (int i = 0; i < TOWER_B; i++) {
        int32_t *row = ids + i * CONTEXT;
        for (int j = 1; j < 5 + 4 * i; j++) row[j] = (7 * j * j + 13 * i) % (VOCAB - 2);
        row[0] = VOCAB - 2, row[5 + 4 * i] = VOCAB - 1;
    }
}

static void check_clip(const struct sv_kern *kern, enum sv_act act, uint64_t seed, const float *want, size_t n, float **first) {
    for (size_t threads = 1; threads < 4; threads++) {
        struct sv_cpu cpu = { kern, sv_pool_new(threads, &err) };
        struct sv_store s;
        struct sv_clip_config g;
        struct sv_flat f;
        clip_flat(&g, &f, &s, act, seed);
        struct sv_clip_train *t = sv_clip_train_open(&g, &f, &cpu, TOWER_B, &err);
        struct sv_clip *plain = sv_clip_open(&s, &cpu, SV_CLIP_IMAGE | SV_CLIP_TEXT, TOWER_B, &err);
        cr_assert(t && plain, "%s", err.msg);
        float *pixels = noise(TOWER_B * 3 * TOWER_S * TOWER_S, 100), *di = noise(TOWER_B * TOWER_E, 101), *dt = noise(TOWER_B * TOWER_E, 102);
        float out[2][TOWER_B * TOWER_E], same[2][TOWER_B * TOWER_E];
        int32_t ids[TOWER_B * CONTEXT];
        token_ids(ids);
        sv_clip_image(plain, pixels, TOWER_B, same[0]), sv_clip_text(plain, ids, TOWER_B, same[1]);
        sv_clip_train_image(t, pixels, TOWER_B, out[0]), sv_clip_train_text(t, ids, TOWER_B, out[1]);
        cr_assert(!memcmp(out, same, sizeof out));
        sv_clip_train_image_back(t, di), sv_clip_train_text_back(t, dt);
        near_gradient(&f, want, n, kern->isa);
        if (threads == 1) {
            *first = sv_alloc(f.n, sizeof **first, &err);
            memcpy(*first, f.grads, f.n * sizeof **first);
        }
        cr_assert(!memcmp(*first, f.grads, f.n * sizeof **first), "%zu threads", threads);
        for (size_t i = 0; i < f.n; i++) f.params[i] *= 0.9f;
        sv_clip_train_reload(t);
        sv_clip_train_text(t, ids, 1, out[1]);
        cr_assert(memcmp(out[1], same[1], TOWER_E * sizeof(float)));
        sv_clip_free(plain), sv_clip_train_free(t), sv_flat_free(&f), sv_store_free(&s), sv_pool_free(cpu.pool);
        sv_free(pixels), sv_free(di), sv_free(dt);
    }
    sv_free(*first);
}

Test(autograd, clip) {
    float *first;
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        check_clip(*k, SV_ACT_QUICK, 1, golden_grad_clip_quick, SV_LEN(golden_grad_clip_quick), &first);
        check_clip(*k, SV_ACT_GELU, 2, golden_grad_clip_gelu, SV_LEN(golden_grad_clip_gelu), &first);
    }
}
