#include "clip/prompt.h"
#include "clip/clip_int.h"
#include "core/rng.h"
#include "nn/loss.h"
#include "tests/golden/prompt.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { K = 3, N = 4, B = 6, E = 64, W = 128, CONTEXT = 77, SOT = 662, EOT = 663 };
static const int32_t ids[] = { 5, 77, 301, 12, 600, 8, 43, 43, 150, 661, 2 };
static const size_t start[N + 1] = { 0, 3, 4, 9, 11 };
static const uint32_t target[B] = { 1, 0, 3, 2, 1, 0 };

static struct sv_err err;
static struct sv_store model;
static float *video;

static float *noise(size_t n, double sd, uint64_t seed) {
    float *v = sv_alloc(n, sizeof *v, &err);
    for (size_t i = 0; i < n; i++) v[i] = (float)(sd * 3.4641016151377544 * (sv_rng_unit(&seed) - 0.5));
    return v;
}

static void setup(void) {
    struct sv_clip_config g;
    cr_assert(sv_clip_family(&g, "tiny") && !sv_store_init(&model, "random", &err) && !sv_clip_random(&model, &g, 1, &err));
    video = noise(B * E, 1, 400);
}

static void teardown(void) { sv_store_free(&model), sv_free(video); }

TestSuite(prompt, .init = setup, .fini = teardown);

static struct sv_prompts *prompts(const struct sv_cpu *c, enum sv_place place, bool per_class, size_t memory) {
    const struct sv_prompt_config g = { K, place, per_class, B, memory };
    struct sv_prompts *p = sv_prompts_open(&model, c, &g, ids, start, N, &err);
    cr_assert(p, "%s", err.msg);
    float *context = noise(sv_prompts_floats(p), 0.1, 300);
    memcpy(sv_prompts_context(p), context, sv_prompts_floats(p) * sizeof *context);
    sv_free(context);
    return p;
}

/* Every value within share of the norm of all. */
static void near(const float *got, const float *want, size_t n, double share, const char *what) {
    double norm = 0;
    for (size_t i = 0; i < n; i++) norm += (double)want[i] * want[i];
    for (size_t i = 0; i < n; i++)
        cr_assert(fabs((double)got[i] - want[i]) <= share * sqrt(norm), "%s %zu: %g, expected %g", what, i, (double)got[i], (double)want[i]);
}

static const struct variant { const char *name; enum sv_place place; bool per_class; const float *text, *loss, *grad; } variants[] = {
    { "middle", SV_PLACE_MIDDLE, false, golden_prompt_middle_text, golden_prompt_middle_loss, golden_prompt_middle_grad },
    { "front", SV_PLACE_FRONT, false, golden_prompt_front_text, golden_prompt_front_loss, golden_prompt_front_grad },
    { "end", SV_PLACE_END, false, golden_prompt_end_text, golden_prompt_end_loss, golden_prompt_end_grad },
    { "own", SV_PLACE_MIDDLE, true, golden_prompt_own_text, golden_prompt_own_loss, golden_prompt_own_grad },
};

Test(prompt, golden_of_every_table_and_place) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t i = 0; i < SV_LEN(variants); i++) {
            const struct variant *v = &variants[i];
            const struct sv_cpu c = { .kern = *k, .pool = NULL };
            struct sv_prompts *p = prompts(&c, v->place, v->per_class, 1 << 26);
            float text[N * E];
            sv_prompts_texts(p, text);
            near(text, v->text, N * E, 1e-6, v->name);
            const double loss = sv_prompts_loss(p, video, target, B, 10);
            cr_assert_float_eq(loss, v->loss[0], 2e-6, "%s: %.9g", v->name, loss);
            near(sv_prompts_gradient(p), v->grad, sv_prompts_floats(p), 2e-6, v->name);
            sv_prompts_free(p);
        }
}

/* The same from all 77 positions of every class, one by one and nothing shared: F_hat [N, E] and the gradient of the vectors. */
static void the_long_way(const struct sv_cpu *c, const struct variant *v, float *text, float *grad) {
    struct sv_clip m = { .cpu = c };
    cr_assert(!sv_clip_config_read(&m.cfg, &model, &err));
    struct sv_arena a = {0};
    struct sv_load l = { .store = &model, .cpu = c, .arena = &a, .err = &err, .back = true };
    sv_text_load(&m, &l);
    a = (struct sv_arena){ .base = sv_alloc(a.used, 1, &err), .cap = a.used };
    sv_text_load(&m, &l);
    struct sv_trip t = { .seqs = { .batch = 1, .len = CONTEXT, .causal = true }, .frozen = true };
    t.kept = sv_alloc(sv_trip_kept(&m.cfg.text, &t), sizeof(float), &err);
    float *scratch = sv_alloc(sv_trip_floats(c, &m.cfg.text, &t), sizeof(float), &err), *context = noise((v->per_class ? N : 1) * K * W, 0.1, 300);
    float *dtext = sv_alloc(N * E, sizeof *dtext, &err), *mem = sv_alloc(sv_nce_floats(c, B, N, E), sizeof *mem, &err);
    const size_t h = v->place == SV_PLACE_MIDDLE ? 2 : v->place == SV_PLACE_FRONT ? 3 : 0;
    for (int back = 0; back < 2; back++) {
        for (size_t j = 0; j < N; j++) {
            const size_t n = start[j + 1] - start[j], end = n + K + 1;
            float x[CONTEXT * W], row[W], drow[W] = { 0 }, stats[2];
            for (size_t r = 0; r < CONTEXT; r++) {
                const bool front = r >= 1 && r < 1 + h, after = r >= 1 + h + n && r < 1 + K + n;
                const int32_t id = r == 0 ? SOT : r == end ? EOT : front || after || r > end ? 0 : ids[start[j] + r - 1 - h];
                if (front || after) memcpy(x + r * W, context + ((v->per_class ? j * K : 0) + r - 1 - (after ? n : 0)) * W, sizeof row);
                else sv_view_f32(&m.text.token, (size_t)id * W, W, x + r * W);
                for (size_t i = 0; i < W; i++) x[r * W + i] += m.text.position[r * W + i];
            }
            sv_stack_there(c, &m.cfg.text, m.text.block, x, &t, scratch);
            sv_norm_rows(c, row, x + end * W, W, 1, W, &m.text.ln_final);
            if (!back) { sv_gemm(c, text + j * E, E, row, W, 1, &m.text.proj.w, NULL, scratch); continue; }
            sv_gemm(c, row, W, dtext + j * E, E, 1, &m.text.proj.turned, NULL, scratch);
            sv_norm_back(c, drow, row, x + end * W, W, 1, W, &m.text.ln_final, stats);
            memset(x, 0, sizeof x);
            memcpy(x + end * W, drow, sizeof drow);
            sv_stack_back(c, &m.cfg.text, m.text.block, x, &t, scratch);
            for (size_t q = 0; q < K; q++)
                for (size_t i = 0; i < W; i++) grad[(v->per_class ? j * K * W : 0) + q * W + i] += x[(1 + q + (q < h ? 0 : n)) * W + i];
        }
        const struct sv_nce nce = { B, N, E, video, text, target, 10, false };
        sv_nce(c, &nce, &(struct sv_nce_out){ .dtext = dtext }, mem);
    }
    sv_free(a.base), sv_free(t.kept), sv_free(scratch), sv_free(context), sv_free(dtext), sv_free(mem);
}

Test(prompt, same_as_77_tokens_with_nothing_shared) {
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
    for (size_t i = 0; i < SV_LEN(variants); i++) {
        struct sv_prompts *p = prompts(&c, variants[i].place, variants[i].per_class, 1 << 26);
        float text[N * E], want[N * E], *grad = sv_alloc(sv_prompts_floats(p), sizeof *grad, &err);
        the_long_way(&c, &variants[i], want, grad);
        sv_prompts_texts(p, text);
        near(text, want, N * E, 1e-6, "text");
        sv_prompts_loss(p, video, target, B, 10);
        near(sv_prompts_gradient(p), grad, sv_prompts_floats(p), 1e-5, "gradient");
        sv_free(grad), sv_prompts_free(p);
    }
}

/* Vectors after three steps. */
static float *learned(const struct sv_cpu *c, const struct variant *v, size_t memory, double *kept, double loss[3]) {
    struct sv_prompts *p = prompts(c, v->place, v->per_class, memory);
    float *out = sv_alloc(sv_prompts_floats(p), sizeof *out, &err);
    for (size_t i = 0; i < 3; i++) {
        loss[i] = sv_prompts_loss(p, video, target, B, 10);
        sv_prompts_update(p, 0.01);
    }
    memcpy(out, sv_prompts_context(p), sv_prompts_floats(p) * sizeof *out);
    if (kept) *kept = sv_prompts_kept(p);
    sv_prompts_free(p);
    return out;
}

Test(prompt, same_bits_for_any_threads_and_memory) {
    for (size_t i = 0; i < SV_LEN(variants); i++) {
        const struct sv_cpu one = { .kern = sv_kern_best(), .pool = NULL };
        const size_t n = sizeof(float) * K * W * (variants[i].per_class ? N : 1);
        double loss[3], again[3], kept = 0;
        float *want = learned(&one, &variants[i], 1 << 26, &kept, loss);
        cr_assert(kept == 1 && loss[2] < loss[0], "kept %g, losses %g %g %g", kept, loss[0], loss[1], loss[2]);
        for (size_t threads = 1; threads <= 3; threads++) {
            struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(threads, &err) };
            size_t tight = 0, whole = 0;
            for (size_t memory = 1 << 17; memory <= 1 << 21; memory += memory / 9) {
                const struct sv_prompt_config g = { K, variants[i].place, variants[i].per_class, B, memory };
                struct sv_prompts *p = sv_prompts_open(&model, &c, &g, ids, start, N, NULL);
                sv_prompts_free(p);
                if (!p) continue;
                float *got = learned(&c, &variants[i], memory, &kept, again);
                cr_assert(!memcmp(got, want, n) && !memcmp(loss, again, sizeof loss), "%s: %zu threads, %zu bytes", variants[i].name, threads, memory);
                tight += kept < 1, whole += kept == 1;
                sv_free(got);
            }
            cr_assert(tight > 2 && whole, "%zu, %zu", tight, whole);
            sv_pool_free(c.pool);
        }
        sv_free(want);
    }
}

/* Along random directions the loss changes as the gradient says. */
Test(prompt, gradient_against_differences) {
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
    for (size_t i = 0; i < SV_LEN(variants); i++) {
        struct sv_prompts *p = prompts(&c, variants[i].place, variants[i].per_class, 1 << 26);
        const size_t n = sv_prompts_floats(p);
        float *x = sv_prompts_context(p), *grad = sv_alloc(n, sizeof *grad, &err);
        sv_prompts_loss(p, video, target, B, 10);
        memcpy(grad, sv_prompts_gradient(p), n * sizeof *grad);
        for (uint64_t seed = 1; seed <= 4; seed++) {
            float *way = noise(n, 1e-3, seed);
            double slope = 0, up, down;
            for (size_t q = 0; q < n; q++) way[q] += grad[q] * 1e-2f, slope += (double)way[q] * grad[q];
            for (size_t q = 0; q < n; q++) x[q] += way[q];
            up = sv_prompts_loss(p, video, target, B, 10);
            for (size_t q = 0; q < n; q++) x[q] -= 2 * way[q];
            down = sv_prompts_loss(p, video, target, B, 10);
            for (size_t q = 0; q < n; q++) x[q] += way[q];
            cr_assert_float_eq((up - down) / 2, slope, 0.02 * fabs(slope), "%s: %g, by differences %g", variants[i].name, slope, (up - down) / 2);
            sv_free(way);
        }
        sv_free(grad), sv_prompts_free(p);
    }
}

static void refused(const struct sv_prompt_config *g, const size_t *starts, size_t classes, int code, const char *part) {
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
    static int32_t many[100];
    err = (struct sv_err){0};
    cr_assert(!sv_prompts_open(&model, &c, g, many, starts, classes, &err));
    cr_assert(err.code == code && strstr(err.msg, part), "%d %s", err.code, err.msg);
}

Test(prompt, refuses_what_does_not_fit) {
    const struct sv_prompt_config g = { 16, SV_PLACE_MIDDLE, false, B, 1 << 26 }, small = { 16, SV_PLACE_MIDDLE, false, B, 1000 },
                                  none = { 0, SV_PLACE_MIDDLE, false, B, 1 << 26 }, many = { 76, SV_PLACE_END, false, B, 1 << 26 };
    refused(&g, (size_t[]){ 0, 59, 119 }, 2, SV_EINPUT, "class 1 has 60 tokens");
    refused(&many, (size_t[]){ 0, 0 }, 1, SV_EINPUT, "class 0 has 0 tokens, with 76 context vectors");
    refused(&small, (size_t[]){ 0, 3 }, 1, SV_EUSAGE, "1000 bytes of memory for activations, expected at least");
    refused(&none, (size_t[]){ 0, 3 }, 1, SV_EUSAGE, "0 context vectors");
    refused(&g, (size_t[]){ 0 }, 0, SV_EUSAGE, "0 classes");
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
    struct sv_prompts *p = prompts(&c, SV_PLACE_MIDDLE, false, 1 << 26);
    sv_prompts_context(p)[5] = NAN;
    cr_expect(isnan(sv_prompts_loss(p, video, target, B, 10)));
    sv_prompts_free(p);
}
