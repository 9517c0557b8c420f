#include "clip/clip.h"
#include "core/rng.h"
#include "tfc/temporal.h"
#include "tools/golden.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { BATCH = 3, E = 64, PIXELS = 3 * 64 * 64, CONTEXT = 77, FRAMES = 9 };

static struct sv_err err;

/* mean 0, sd 1: as Fill.tensor of tests/golden/model.py */
static float *noise(size_t n, uint64_t seed) {
    float *v = sv_alloc(n, sizeof *v, &err);
    for (size_t i = 0; i < n; i++) v[i] = (float)(3.4641016151377544 * (sv_rng_unit(&seed) - 0.5));
    return v;
}

static void token_ids(int32_t ids[BATCH * CONTEXT], int32_t vocab) {
    memset(ids, 0, BATCH * CONTEXT * sizeof *ids);
    for (int i = 0; i < BATCH; i++) {
        int32_t *row = ids + i * CONTEXT;
        const int n = 5 + 30 * i;
        for (int j = 1; j < n; j++) row[j] = (7 * j * j + 13 * i) % (vocab - 2);
        row[0] = vocab - 2, row[n] = vocab - 1;
    }
}

static void random_model(struct sv_store *s, enum sv_act act, uint64_t seed) {
    struct sv_clip_config g;
    cr_assert(sv_clip_family(&g, "tiny"));
    g.visual.act = g.text.act = act;
    cr_assert(!sv_store_init(s, "random", &err) && !sv_clip_random(s, &g, seed, &err), "%s", err.msg);
}

/* Every value within 2e-4 of its row's norm, cosine at least 0.999999. */
static void near_rows(const float *got, const float *want, size_t rows, size_t n, const char *what) {
    for (size_t r = 0; r < rows; r++, got += n, want += n) {
        double norm = 0, mine = 0, both = 0, worst = 0;
        for (size_t i = 0; i < n; i++) {
            norm += (double)want[i] * want[i], mine += (double)got[i] * got[i], both += (double)want[i] * got[i];
            worst = fmax(worst, fabs((double)got[i] - want[i]));
            cr_assert(isfinite(got[i]));
        }
        cr_assert(worst <= 2e-4 * sqrt(norm), "%s row %zu: off by %g of norm %g", what, r, worst, sqrt(norm));
        cr_assert(both / sqrt(norm * mine) >= 0.999999, "%s row %zu: cosine %.9g", what, r, both / sqrt(norm * mine));
    }
}

static void check_table(const struct sv_kern *kern, enum sv_act act, uint64_t seed, const float *image, const float *text) {
    struct sv_cpu cpu = { .kern = kern, .pool = sv_pool_new(2, &err) };
    struct sv_store s;
    random_model(&s, act, seed);
    struct sv_clip *m = sv_clip_open(&s, &cpu, SV_CLIP_IMAGE | SV_CLIP_TEXT, BATCH, &err);
    cr_assert(m, "%s", err.msg);
    float out[BATCH * E], *pixels = noise(BATCH * PIXELS, 100);
    int32_t ids[BATCH * CONTEXT];
    token_ids(ids, 664);
    sv_clip_image(m, pixels, BATCH, out);
    near_rows(out, image, BATCH, E, kern->isa);
    sv_clip_text(m, ids, BATCH, out);
    near_rows(out, text, BATCH, E, kern->isa);
    sv_clip_free(m), sv_store_free(&s), sv_pool_free(cpu.pool), sv_free(pixels);
}

Test(clip, golden_of_every_table) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        check_table(*k, SV_ACT_QUICK, 1, golden_image_quick, golden_text_quick);
        check_table(*k, SV_ACT_GELU, 2, golden_image_gelu, golden_text_gelu);
    }
}

Test(clip, same_bits_for_any_batch_and_threads) {
    struct sv_store s;
    random_model(&s, SV_ACT_QUICK, 1);
    float *pixels = noise(7 * PIXELS, 5), first[7 * E], again[7 * E], text[BATCH * E], text2[BATCH * E];
    int32_t ids[BATCH * CONTEXT];
    token_ids(ids, 664);
    for (size_t threads = 1; threads <= 5 * SV_ALL_I8; threads++)        /* 1 .. 5 in f32, bf16, i8 */
        for (size_t batch = 1; batch <= 7; batch += 3) {
            const enum sv_precision precision = (enum sv_precision)(SV_ALL_F32 + (int)((threads - 1) / 5));
            struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = sv_pool_new((threads - 1) % 5 + 1, &err), .precision = precision };
            struct sv_clip *m = sv_clip_open(&s, &cpu, SV_CLIP_IMAGE | SV_CLIP_TEXT, batch, &err);
            const bool base = threads % 5 == 1 && batch == 1;
            sv_clip_image(m, pixels, 7, base ? first : again);
            sv_clip_text(m, ids, BATCH, base ? text : text2);
            cr_assert(base || !memcmp(first, again, sizeof first), "image: %zu threads, batch %zu, precision %d", (threads - 1) % 5 + 1, batch, (int)precision);
            cr_assert(base || !memcmp(text, text2, sizeof text), "text: %zu threads, batch %zu, precision %d", (threads - 1) % 5 + 1, batch, (int)precision);
            sv_clip_free(m), sv_pool_free(cpu.pool);
        }
    sv_store_free(&s), sv_free(pixels);
}

Test(clip, memory_of_the_caller) {
    struct sv_store s;
    random_model(&s, SV_ACT_QUICK, 1);
    const struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = NULL };
    const size_t size = sv_clip_size(&s, &cpu, SV_CLIP_TEXT, 1, &err);
    cr_assert(size);
    char *mem = sv_alloc(size, 1, &err);
    cr_assert(!sv_clip_init(mem, size - 1, &s, &cpu, SV_CLIP_TEXT, 1, &err));
    cr_assert_eq(err.code, SV_ENOMEM);
    err = (struct sv_err){0};
    struct sv_clip *m = sv_clip_init(mem, size, &s, &cpu, SV_CLIP_TEXT, 1, &err);
    cr_assert(m && (char *)m == mem);
    int32_t ids[BATCH * CONTEXT];
    float out[BATCH * E];
    token_ids(ids, 664);
    sv_clip_text(m, ids, BATCH, out);
    near_rows(out, golden_text_quick, BATCH, E, "caller's memory");
    sv_free(mem), sv_store_free(&s);
}

Test(clip, refuses_wrong_shapes_and_values) {
    const struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = NULL };
    struct sv_store s;
    random_model(&s, SV_ACT_QUICK, 1);
    struct sv_view *v = (struct sv_view *)sv_store_find(&s, "clip.visual.block.1.qkv.weight");
    v->dim[0]--;
    cr_assert(!sv_clip_open(&s, &cpu, SV_CLIP_IMAGE, 1, &err));
    cr_assert_eq(err.code, SV_EINPUT);
    cr_assert(strstr(err.msg, "clip.visual.block.1.qkv.weight is [383, 128], expected [384, 128]"), "%s", err.msg);
    v->dim[0]++;
    static const struct { const char *name; int64_t v; const char *part; } bad[] = {
        { "clip.patch", 15, "multiple" }, { "clip.visual.heads", 3, "multiple" }, { "clip.visual.layers", 4, "block.3" },
        { "clip.embed", 0, "clip.embed is 0" }, { "clip.vocab", 663, "clip.text.token" }, { "clip.image_size", 1 << 20, "expected" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        const int64_t old = sv_store_value(&s, bad[i].name)->i;
        sv_store_set_int(&s, bad[i].name, bad[i].v, &err);
        err = (struct sv_err){0};
        cr_assert(!sv_clip_open(&s, &cpu, SV_CLIP_IMAGE | SV_CLIP_TEXT, 1, &err), "%s", bad[i].name);
        cr_assert(strstr(err.msg, bad[i].part), "%s", err.msg);
        sv_store_set_int(&s, bad[i].name, old, NULL);
    }
    sv_store_free(&s);
}

static void check_tfc(const struct sv_kern *kern, const char *backbone, const float *want) {
    struct sv_cpu cpu = { .kern = kern, .pool = sv_pool_new(2, &err) };
    struct sv_store s;
    struct sv_tfc_config g;
    cr_assert(!sv_store_init(&s, "random", &err) && sv_tfc_backbone(&g, backbone, E, FRAMES) && !sv_tfc_random(&s, &g, 3, &err));
    cr_assert(!sv_tfc_config_read(&g, &s, E, FRAMES, &err), "%s", err.msg);
    float *feats = noise(BATCH * FRAMES * E, 200), out[BATCH * E], one[BATCH * E];
    struct sv_tfc *t = sv_tfc_open(&g, &s, &cpu, BATCH, &err), *single = sv_tfc_open(&g, &s, &cpu, 1, &err);
    cr_assert(t && single, "%s", err.msg);
    sv_tfc_video(t, feats, BATCH, out);
    sv_tfc_video(single, feats, BATCH, one);
    near_rows(out, want, BATCH, E, backbone);
    cr_assert(!memcmp(out, one, sizeof out));
    sv_tfc_free(t), sv_tfc_free(single), sv_store_free(&s), sv_pool_free(cpu.pool), sv_free(feats);
}

Test(tfc, golden_of_every_backbone_and_table) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        check_tfc(*k, "prompt-vlm", golden_tfc_prompt_vlm);
        check_tfc(*k, "actionclip", golden_tfc_actionclip);
        check_tfc(*k, "clip4clip", golden_tfc_clip4clip);
        check_tfc(*k, "mean", golden_tfc_mean);
    }
}

Test(tfc, without_a_section_it_is_the_mean) {
    struct sv_store s;
    struct sv_tfc_config g;
    cr_assert(!sv_store_init(&s, "empty", &err) && !sv_tfc_config_read(&g, &s, E, 5, &err));
    cr_assert_str_eq(g.backbone, "mean");
    cr_assert_eq(g.frames, 5);
    sv_store_set_text(&s, "tfc.backbone", "lstm", &err);
    cr_assert_eq(sv_tfc_config_read(&g, &s, E, 5, &err), SV_EINPUT);
    sv_store_free(&s);
}
