/* Learned prompts in svad fit: what is learned, stored, told and refused. */
#include "clip/prompt.h"
#include "io/container.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/fit_answers.h"
#include "tools/fit_prompt.h"
#include "tools/model.h"
#include "tools/scene.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static char dir[4100];
static struct ran r;

static const char *in(const char *name) {
    static char path[2][4400];
    static unsigned turn;
    char *p = path[turn++ % 2];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static void setup(void) {
    cr_assert(temp_dir());
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "extract -m m.svad clip --frames 3 --boxes boxes.txt -o f --quiet"), 0, "%s", r.err);
}

TestSuite(fit_prompt, .init = setup);

#define FIT "fit -m m.svad f --actions actions.txt --clusters 2 --json --quiet "
#define RUN(want, ...) do { \
    run_svad(&r, dir, __VA_ARGS__); \
    cr_assert_eq(r.code, want, "%s: %d, expected %d: %s", #__VA_ARGS__, r.code, want, r.err); } while (0)
#define SAYS(text) cr_expect(strstr(r.err, text), "expected \"%s\" in: %s", text, r.err)

/* The numbers of "loss":[...] in the last run's output. */
static size_t losses(double out[16]) {
    const char *at = strstr(r.out, "\"loss\": [");
    size_t n = 0;
    cr_assert(at, "%s", r.out);
    for (at += 9; *at && *at != ']' && n < 16; at += *at == ',') {
        char *end;
        out[n++] = strtod(at, &end);
        cr_assert(end > at);
        at = end;
    }
    return n;
}

static void same_files(const char *a, const char *b, bool same) {
    struct sv_file x, y;
    cr_assert(!sv_file_map(&x, in(a), NULL) && !sv_file_map(&y, in(b), NULL), "%s, %s", a, b);
    cr_expect_eq(x.size == y.size && !memcmp(x.data, y.data, x.size), same, "%s and %s", a, b);
    sv_file_close(&x), sv_file_close(&y);
}

Test(fit_prompt, loss_falls_and_bits_depend_on_nothing_but_the_seed) {
    static const char *const kinds[] = { "", "--prompt-place front", "--prompt-place end", "--prompt-per-class", "--prompt-relabel --prompt-init walk" };
    double loss[16];
    for (size_t i = 0; i < SV_LEN(kinds); i++) {
        RUN(0, FIT "--prompts 3 --prompt-epochs 8 --prompt-lr 1e-2 --prompt-batch 5 %s --threads 1 -o one.scene", kinds[i]);
        cr_expect(losses(loss) > 1 && loss[losses(loss) - 1] < loss[0], "%s: %s", kinds[i], r.out);
        RUN(0, FIT "--prompts 3 --prompt-epochs 8 --prompt-lr 1e-2 --prompt-batch 5 %s --threads 3 --memory 1e-3 -o three.scene", kinds[i]);
        same_files("one.scene", "three.scene", true);
        RUN(0, FIT "--prompts 3 --prompt-epochs 8 --prompt-lr 1e-2 --prompt-batch 5 %s --seed 1 -o other.scene", kinds[i]);
        same_files("one.scene", "other.scene", false);
    }
    RUN(0, "verify one.scene");
    RUN(0, "score -m m.svad -s one.scene f -o scores --quiet");
}

/* What the scene says is F_hat is what its vectors make of its names. */
Test(fit_prompt, scene_holds_vectors_and_features_that_belong_together) {
    static const struct { const char *options; enum sv_place place; bool own; } kinds[] = {
        { "", SV_PLACE_MIDDLE, false }, { "--prompt-place front", SV_PLACE_FRONT, false }, { "--prompt-place end --prompt-per-class", SV_PLACE_END, true },
    };
    struct sv_err e = {0};
    struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = NULL };
    struct sv_model m;
    cr_assert(!sv_model_open(&m, in("m.svad"), &e) && !sv_model_token(&m, &e), "%s", e.msg);
    for (size_t i = 0; i < SV_LEN(kinds); i++) {
        struct sv_scene s;
        RUN(0, FIT "--prompts 4 --prompt-lr 1e-2 %s -o a.scene", kinds[i].options);
        cr_assert_eq(sv_scene_load(&s, in("a.scene"), &e), 0, "%s", e.msg);
        cr_assert(s.context && s.context_dim[0] == (kinds[i].own ? s.texts : 1) && s.context_dim[1] == 4 && s.context_dim[2] == TINY_W);
        int32_t ids[3 * TINY_CONTEXT];
        size_t start[4] = { 0 }, n;
        for (size_t j = 0; j < s.texts; j++, start[j] = start[j - 1] + n)
            cr_assert_eq(sv_token_bare(m.token, s.actions.name[j], strlen(s.actions.name[j]), NULL, ids + start[j], &n, &e), 0, "%s", e.msg);
        const struct sv_prompt_config g = { 4, kinds[i].place, kinds[i].own, 1, 1 << 26 };
        struct sv_prompts *p = sv_prompts_open(&m.store, &cpu, &g, ids, start, s.texts, &e);
        cr_assert(p && sv_prompts_floats(p) == s.context_dim[0] * 4 * TINY_W, "%s", e.msg);
        memcpy(sv_prompts_context(p), s.context, sv_prompts_floats(p) * sizeof(float));
        float text[3 * TINY_E];
        sv_prompts_texts(p, text);
        for (size_t k = 0; k < s.texts * TINY_E; k++) cr_assert_float_eq(text[k], s.text[k], 1e-6, "%s: %zu", kinds[i].options, k);
        sv_prompts_free(p);
        sv_scene_free(&s);
    }
    sv_model_close(&m);
}

/* With no step worth the name, the vectors are what they began as; the loss does not fall, so it ends after three epochs. */
Test(fit_prompt, begins_as_a_phrase_and_stops_when_nothing_is_gained) {
    struct sv_err e = {0};
    struct sv_model m;
    struct sv_scene s;
    double loss[16];
    RUN(0, FIT "--prompt-init 'walk run' --prompt-lr 1e-12 --prompt-epochs 9 -o a.scene");
    cr_expect_eq(losses(loss), 3, "%s", r.out);
    cr_assert(!sv_scene_load(&s, in("a.scene"), &e) && !sv_model_open(&m, in("m.svad"), &e) && !sv_model_token(&m, &e), "%s", e.msg);
    cr_assert_eq(s.context_dim[1], 2);
    const struct sv_view *token = sv_store_find(&m.store, "clip.text.token");
    int32_t ids[TINY_CONTEXT];
    size_t n;
    cr_assert(!sv_token_bare(m.token, "walk run", 8, NULL, ids, &n, &e) && n == 2);
    for (size_t k = 0; k < 2; k++) {
        float row[TINY_W];
        sv_view_f32(token, (size_t)ids[k] * TINY_W, TINY_W, row);
        for (size_t i = 0; i < TINY_W; i++) cr_assert_float_eq(row[i], s.context[k * TINY_W + i], 1e-9);
    }
    cr_expect(strstr(r.out, "\"token\": \"walk\"") && strstr(r.out, "\"token\": \"run\""), "%s", r.out);
    sv_scene_free(&s), sv_model_close(&m);

    /* More vectors than the phrase has tokens: the rest is noise; no vectors at all: plain texts, nothing told of prompts. */
    RUN(0, FIT "--prompt-init walk --prompts 3 -o a.scene");
    cr_expect(strstr(r.out, "\"vectors\": 3"), "%s", r.out);
    RUN(0, FIT "--prompts 0 -o plain.scene");
    cr_expect(!strstr(r.out, "\"prompts\""), "%s", r.out);
    cr_assert_eq(sv_scene_load(&s, in("plain.scene"), &e), 0);
    cr_expect(!s.context);
    sv_scene_free(&s);
}

/* m.svad with two values more, as name. */
static void with_values(const char *name, const char *init, int64_t epochs) {
    struct sv_err e = {0};
    struct sv_store st = {0};
    struct sv_file f;
    cr_assert(!sv_file_map(&f, in("m.svad"), &e) && !sv_store_init(&st, "m.svad", &e) && !sv_container_read(&f, "model", &st, &e), "%s", e.msg);
    cr_assert(!sv_store_set_text(&st, SV_PROMPT_MODEL_INIT, init, &e) && !sv_store_set_int(&st, SV_PROMPT_MODEL_EPOCHS, epochs, &e), "%s", e.msg);
    cr_assert(!sv_container_write(in(name), "model", &st, &e), "%s", e.msg);
    sv_store_free(&st), sv_file_close(&f);
}

/* A model may say how its prompts begin; what is given goes before it. */
Test(fit_prompt, is_as_the_model_says_unless_told) {
#define OF(model) "fit -m " model " clip --frames 3 --boxes boxes.txt --actions actions.txt --clusters 2 --json --quiet --prompt-lr 1e-3 "
    static const struct { const char *told, *meant; } pair[] = {
        { "", "--prompt-init 'walk run' --prompt-epochs 2" },
        { "--prompt-epochs 3", "--prompt-init 'walk run' --prompt-epochs 3" },
        { "--prompts 4", "--prompts 4 --prompt-epochs 2" },
        { "--prompt-init run", "--prompt-init run --prompt-epochs 2" },
    };
    with_values("own.svad", "walk run", 2);
    for (size_t i = 0; i < SV_LEN(pair); i++) {
        struct sv_err e = {0};
        struct sv_scene s[2];
        RUN(0, OF("own.svad") "%s -o told.scene", pair[i].told);
        RUN(0, OF("m.svad") "%s -o meant.scene", pair[i].meant);
        cr_assert(!sv_scene_load(&s[0], in("told.scene"), &e) && !sv_scene_load(&s[1], in("meant.scene"), &e), "%s", e.msg);
        cr_assert_eq(s[0].context_dim[1], s[1].context_dim[1], "%s", pair[i].told);
        cr_expect(!memcmp(s[0].context, s[1].context, s[0].context_dim[1] * TINY_W * sizeof(float)), "%s", pair[i].told);
        sv_scene_free(&s[0]), sv_scene_free(&s[1]);
    }
    with_values("own.svad", "walk", 0);
    RUN(2, OF("own.svad") "-o told.scene");
    SAYS("prompt.epochs");
    with_values("own.svad", "", 2);
    RUN(1, OF("own.svad") "-o told.scene");
    SAYS("no token");
}

Test(fit_prompt, tells_what_was_learned) {
    RUN(0, "fit -m m.svad f --actions actions.txt --prompts 3 --prompt-lr 1e-2 --clusters 2 -o a.scene");
    static const char *const parts[] = { "pseudo-labels: ", "prompts: 3 vectors (middle, the same for all texts), mean loss of 5 epochs: ", "nearest tokens: \"",
                                         "responses, before and after: between tubes " };
    for (size_t i = 0; i < SV_LEN(parts); i++) cr_expect(strstr(r.out, parts[i]), "%s", r.out);
    SAYS("prompts: epoch 5: loss");
}

/* All that is wrong with a prompt is told before the first frame: this clip's last is broken. */
Test(fit_prompt, refuses_before_a_frame_is_read) {
    char phrase[200] = "";
    for (size_t i = 0; i < 11; i++) strcat(phrase, " run");
    cr_assert(!tiny_write(dir, "clip/f05.ppm", "P6 24 18 255\n", 13) && !tiny_write(dir, "one.txt", "walk\n", 5));
#define LIVE "fit -m m.svad clip --frames 3 --boxes boxes.txt --actions actions.txt -o x.scene "
    RUN(2, LIVE "--prompts 3");
    SAYS("f05.ppm");
    RUN(2, LIVE);
    SAYS("\"walk\": 1 tokens, 16 context vectors and both ends are 19, expected at most 12");
    RUN(2, LIVE "--prompts 9");
    SAYS("\"walk run\": 2 tokens");
    RUN(2, LIVE "--prompts 8");
    SAYS("f05.ppm");
    RUN(1, LIVE "--prompts 3 --memory 1e-5");
    SAYS("memory for activations, expected at least");
    RUN(1, LIVE "--prompts 3 --prompt-place left");
    SAYS("middle, front or end");
    RUN(1, LIVE "--prompts 1 --prompt-init 'walk run'");
    SAYS("2 tokens, expected at most --prompts 1");
    RUN(1, LIVE "--prompt-init ' '");
    SAYS("no token");
    RUN(2, LIVE "--prompt-init '%s'", phrase);
    RUN(2, "fit -m m.svad clip --frames 3 --boxes boxes.txt --actions one.txt -o x.scene --prompts 3");
    SAYS("one.txt: one action text");
    RUN(3, FIT "--prompts 3 --prompt-lr 1e6 --prompt-epochs 40 -o x.scene");
    SAYS("prompts: step ");
    SAYS("lower --prompt-lr (1e+06)");
    struct sv_file f;
    cr_expect(sv_file_map(&f, in("x.scene"), NULL), "something was left behind");
}

/* A scene whose context does not belong to it. */
Test(fit_prompt, scene_with_a_wrong_context) {
    struct sv_err e = {0};
    struct sv_scene s, t;
    RUN(0, FIT "--prompts 3 -o a.scene");
    cr_assert_eq(sv_scene_load(&s, in("a.scene"), &e), 0, "%s", e.msg);
    strcpy(s.place, "left");
    cr_assert_eq(sv_scene_save(&s, in("b.scene"), &e), 0);
    cr_expect_eq(sv_scene_load(&t, in("b.scene"), &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "prompt.place is \"left\""), "%s", e.msg);
    strcpy(s.place, "end");
    s.context[3] = NAN;
    e = (struct sv_err){0};
    cr_assert_eq(sv_scene_save(&s, in("b.scene"), &e), 0);
    cr_expect_eq(sv_scene_load(&t, in("b.scene"), &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "context: value 3 is not finite"), "%s", e.msg);
    s.context[3] = 0, s.context_dim[0] = 2, s.context_dim[1] = 1;          /* vectors of two texts' own, where there are three */
    e = (struct sv_err){0};
    cr_assert_eq(sv_scene_save(&s, in("b.scene"), &e), 0);
    cr_expect_eq(sv_scene_load(&t, in("b.scene"), &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "expected [k, W] or [3, k, W]"), "%s", e.msg);
    s.context_dim[0] = 1, s.context_dim[1] = 3;
    sv_scene_free(&s);
}

/* Four tubes and three texts in the plane, by hand. */
Test(fit_prompt, answers_by_hand) {
    static const float text[3 * 2] = { 1, 0, 0, 2, -3, 0 }, video[4 * 2] = { 1, 0, 5, 0, 0, 1, 0.6f, 0.8f };
    static const double cosine[4][3] = { { 1, 0, -1 }, { 1, 0, -1 }, { 0, 1, 0 }, { 0.6, 0.8, -0.6 } };
    const struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = NULL };
    struct sv_answers a;
    uint32_t label[4];
    double mean[3] = { 0 }, along = 0, certainty = 0;
    cr_assert_eq(sv_answers_take(&a, &cpu, text, 3, 2, video, 4, 0.1, label, NULL), 0);
    cr_expect(label[0] == 0 && label[1] == 0 && label[2] == 1 && label[3] == 1);
    cr_expect(a.used == 2 && a.top[0] == 0 && a.top[1] == 1 && a.count[0] == 2 && a.count[1] == 2);
    cr_expect_float_eq(a.entropy, 1, 1e-12);
    for (size_t i = 0; i < 4; i++) {
        const double *c = cosine[i], m = (c[0] + c[1] + c[2]) / 3, norm = sqrt(c[0] * c[0] + c[1] * c[1] + c[2] * c[2]), top = fmax(c[0], c[1]);
        double var = 0, sum = 0;
        for (size_t j = 0; j < 3; j++) var += (c[j] - m) * (c[j] - m) / 3, sum += exp(10 * (c[j] - top)), mean[j] += c[j] / norm / 4;
        along += sqrt(var) / 4, certainty += 1 / sum / 4;
    }
    cr_expect_float_eq(a.along, along, 1e-6);
    cr_expect_float_eq(a.certainty, certainty, 1e-6);
    cr_expect_float_eq(a.between, 1 - sqrt(mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2]), 1e-6);
}

Test(fit_prompt, collapse) {
    const struct sv_answers before = { .used = 9, .between = 0.1, .along = 0.1, .certainty = 0.1 };
    struct sv_answers after = before;
    cr_expect(!sv_answers_collapsed(&before, &after));
    after.between = 0.009;
    cr_expect(strstr(sv_answers_collapsed(&before, &after), "tubes respond"));
    after = before, after.along = 0.009;
    cr_expect(strstr(sv_answers_collapsed(&before, &after), "all actions"));
    after = before, after.used = 1;
    cr_expect(strstr(sv_answers_collapsed(&before, &after), "one action"));
    after = before, after.certainty = 0.95;
    cr_expect(strstr(sv_answers_collapsed(&before, &after), "one-hot"));
}
