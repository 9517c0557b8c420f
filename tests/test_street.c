/* The trainer of the small CLIP: its words, its pictures, and that a training is the same however it is run. */
#include "io/container.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/bpe.h"
#include "tools/model.h"
#include "tools/street_train.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char dir[4100];
static struct ran r;

static void setup(void) { snprintf(dir, sizeof dir, "%s", temp_dir()); }
TestSuite(street, .init = setup);

/* ---- words ---- */

static struct sv_token *learn(const char *text, size_t merges, char **lines) {
    struct sv_err e = {0};
    cr_assert(!sv_bpe_learn(text, strlen(text), merges, lines, &e), "%s", e.msg);
    struct sv_token *t = sv_token_new((const uint8_t *)*lines, strlen(*lines), &e);
    cr_assert(t, "%s", e.msg);
    return t;
}

static size_t length(const struct sv_token *t, const char *text) {
    int32_t ids[SV_TOKEN_CONTEXT];
    size_t len;
    cr_assert(!sv_token_encode(t, text, strlen(text), NULL, ids, &len, NULL));
    char back[512] = "", piece[64];
    bool end;
    for (size_t i = 1; i + 1 < len; i++) {
        sv_token_text(t, ids[i], piece, sizeof piece, &end);
        strcat(back, piece);
        if (end && i + 2 < len) strcat(back, " ");
    }
    cr_expect_str_eq(back, text);
    return len - 2;
}

Test(street, words_are_learned) {
    char *lines;
    struct sv_token *t = learn("low low low low low lower lower newest newest newest newest newest newest widest widest widest", 10, &lines);
    cr_expect(!strncmp(lines, "e s\nes t</w>\nl o\n", 17), "%s", lines);    /* es 9 times, then est and lo; of equals the first in order */
    cr_expect_eq(sv_token_vocab(t), 514 + 10);
    cr_expect_eq(length(t, "low"), 1);
    cr_expect_eq(length(t, "newest"), 1);
    cr_expect(length(t, "slow zebra") > 2);
    sv_token_free(t), sv_free(lines);
}

/* "ab" + "c" and "a" + "bc" make the same token: the second line that would is left out. */
Test(street, no_token_is_made_twice) {
    char *lines;
    struct sv_token *t = learn("abcx abcx abcx abcx abz abz abz abz abz bcy bcy bcy bcy bcy bcy bcy abcq abcr", 40, &lines);
    cr_expect(strstr(lines, "b c\n") && strlen(lines) < 40 * 8, "%s", lines);
    sv_token_free(t), sv_free(lines);
}

Test(street, words_of_little_text) {
    static const char *const texts[] = { "", "a", "A B 17 ,;", "ab", "ab ab" };
    static const size_t merges[] = { 0, 0, 0, 0, 1 };
    for (size_t i = 0; i < SV_LEN(texts); i++) {
        char *lines;
        struct sv_token *t = learn(texts[i], 5, &lines);
        cr_expect_eq(sv_token_vocab(t), 514 + merges[i], "\"%s\": %s", texts[i], lines);
        sv_token_free(t), sv_free(lines);
    }
    char *lines;
    struct sv_token *t = learn("ab ab ab", 0, &lines);
    cr_expect_str_eq(lines, "");
    sv_token_free(t), sv_free(lines);
}

Test(street, deeds_have_different_texts) {
    const size_t n = sv_street_deeds(NULL, 0);
    static struct sv_street_deed deed[1024];
    static char text[1024][SV_STREET_TEXT];
    cr_assert(n > SV_ACTIONS && n < 512 && sv_street_deeds(deed, n) == n);
    for (size_t i = 0; i < n; i++) {
        sv_street_deed_text(&deed[i], text[i]);
        cr_assert(sv_street_deed_pace(&deed[i]) < sv_street_classes(SV_STREET_PACE));
        for (size_t k = 0; k < i; k++) cr_assert(strcmp(text[i], text[k]), "\"%s\" comes twice", text[i]);
    }
}

/* ---- pictures ---- */

static struct sv_cpu cpu_of(size_t threads) { return (struct sv_cpu){ .kern = sv_kern_best(), .pool = sv_pool_new(threads, NULL) }; }

Test(street, films_are_the_same_for_any_threads) {
    struct sv_street_roll roll[3] = {0};
    for (size_t t = 0; t < 3; t++) {
        struct sv_cpu c = cpu_of(t + 1);
        const struct sv_street_film f = { 7, SV_STREET_LEARN, 5, 9, 3 };
        cr_assert(!sv_street_film(&roll[t], &c, &f, NULL));
        cr_assert(roll[t].n > 9 && roll[t].n == roll[0].n && !memcmp(roll[t].sample, roll[0].sample, roll[0].n * sizeof *roll[0].sample), "%zu threads", t + 1);
        sv_pool_free(c.pool);
    }
    for (size_t i = 0; i < roll[0].n; i++) {
        const struct sv_street_sample *s = &roll[0].sample[i];
        cr_expect(s->turn == i % 3 && s->world >= 5 && s->world < 14);
        cr_expect(s->class[SV_STREET_PLACE] == SV_STREET_NONE ? !*s->caption : *s->caption != 0);
        for (enum sv_street_kind k = 0; k < SV_STREET_KINDS; k++) cr_expect(s->class[k] == SV_STREET_NONE || s->class[k] < sv_street_classes(k));
    }
    struct sv_cpu c = cpu_of(2);
    cr_assert(!sv_street_film(&roll[1], &c, &(struct sv_street_film){ 7, SV_STREET_TUBES, 5, 9, 9 }, NULL));
    cr_expect(roll[1].n % 9 == 0 && roll[1].n && memcmp(roll[1].sample[0].pixels, roll[0].sample[0].pixels, SV_STREET_PIXELS));
    sv_pool_free(c.pool);
    for (size_t t = 0; t < 3; t++) sv_street_roll_free(&roll[t]);
}

/* Named scenes hold more than a frame of a tiny world has room for. */
Test(street, crowds_are_cut) {
    struct sv_street_roll roll = {0};
    struct sv_cpu c = cpu_of(2);
    cr_assert(!sv_street_film(&roll, &c, &(struct sv_street_film){ 1, SV_STREET_SCENES, 0, 20, 2 }, NULL));
    cr_expect(roll.n > 20 && roll.n % 2 == 0);
    sv_street_roll_free(&roll);
    sv_pool_free(c.pool);
}

/* ---- training ---- */

static const struct sv_street_opts tiny = { .seed = 3, .steps = 24, .batch = 40, .worlds = 40, .width = 32, .layers = 1, .text_width = 32, .text_layers = 1, .embed = 32,
                                            .merges = 40, .lr = 3e-3, .decay = 0.05, .kinds = 1, .muon = 1, .warm = 4 };

static double steps(struct sv_street_train *t, size_t n) {
    struct sv_street_tally y;
    struct sv_err e = {0};
    double first = 0, last = 0;
    for (size_t i = 0; i < n; i++) {
        cr_assert(!sv_street_step(t, &y, &e), "%s", e.msg);
        const double sum = y.caption + y.kind[SV_STREET_ACTION];
        if (!i) first = sum;
        last = sum;
    }
    return first - last;
}

Test(street, it_learns_the_same_with_any_threads_and_from_its_state) {
    static float want[1 << 20];
    struct sv_err e = {0};
    for (size_t threads = 1; threads <= 3; threads++) {
        struct sv_cpu c = cpu_of(threads);
        struct sv_street_train t;
        cr_assert(!sv_street_train_open(&t, &tiny, &c, &e), "%s", e.msg);
        cr_assert(t.flat.n < SV_LEN(want));
        const double gain = steps(&t, tiny.steps / 2);
        if (threads == 1) {
            cr_expect(gain > 0.3, "the loss fell by %g", gain);
            cr_assert(!sv_street_save(&t, path_in(dir, "s"), &e), "%s", e.msg);
        } else if (threads == 3) {          /* a new training takes up the state of one thread's */
            sv_street_train_close(&t);
            cr_assert(!sv_street_train_open(&t, &tiny, &c, &e) && !sv_street_load(&t, path_in(dir, "s"), &e), "%s", e.msg);
        }
        steps(&t, tiny.steps / 2);
        if (threads == 1) memcpy(want, t.flat.params, t.flat.n * sizeof *want);
        cr_expect(t.round > 1 && t.step == tiny.steps);
        cr_expect(!memcmp(want, t.flat.params, t.flat.n * sizeof *want), "%zu threads", threads);
        sv_street_train_close(&t);
        sv_pool_free(c.pool);
    }
}

Test(street, a_state_of_something_else_is_refused) {
    struct sv_cpu c = cpu_of(2);
    struct sv_street_opts other = tiny;
    struct sv_street_train t;
    struct sv_err e = {0};
    static uint8_t bytes[1 << 20];
    cr_assert(!sv_street_train_open(&t, &tiny, &c, &e) && !sv_street_save(&t, path_in(dir, "s"), &e), "%s", e.msg);
    FILE *f = fopen(path_in(dir, "s"), "rb");
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    cr_assert(!fclose(f) && n > 1000 && n < sizeof bytes);
    for (size_t i = 0; i < 40; i++) {       /* any byte that flips is found */
        const size_t at = i * (n / 40) + 3;
        bytes[at] ^= 1;
        f = fopen(path_in(dir, "bad"), "wb");
        cr_assert(fwrite(bytes, 1, n, f) == n && !fclose(f));
        struct sv_err why = {0};
        cr_expect(sv_street_load(&t, path_in(dir, "bad"), &why) == SV_EINPUT && strstr(why.msg, "bad"), "byte %zu: %s", at, why.msg);
        bytes[at] ^= 1;
    }
    sv_street_train_close(&t);
    other.lr *= 2;
    cr_assert(!sv_street_train_open(&t, &other, &c, NULL));
    cr_expect_eq(sv_street_load(&t, path_in(dir, "s"), &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "with lr 0.003, expected 0.006"), "%s", e.msg);
    sv_street_train_close(&t);
    sv_pool_free(c.pool);
}

/* ---- the command ---- */

#define TINY "--width 32 --layers 1 --text-width 32 --text-layers 1 --embed 32 --merges 40 --round 40 --batch 32 --warmup 4 --quiet"

Test(street, from_nothing_to_scores) {
    run_svad(&r, dir, "street -o m.svad --steps 6 --every 3 --log log --commit abc " TINY);
    cr_assert_eq(r.code, 0, "%s", r.err);
    cr_expect(strstr(r.out, "step 6: caption"), "%s", r.out);
    run_svad(&r, dir, "verify m.svad");
    cr_expect_eq(r.code, 0, "%s", r.err);
    run_svad(&r, dir, "info m.svad");
    cr_expect(strstr(r.out, "street.commit") && strstr(r.out, "abc") && strstr(r.out, "40 merges"), "%s", r.out);
    run_svad(&r, dir, "embed -m m.svad --text 'riding a bicycle fast to the left'");
    cr_expect_eq(r.code, 0, "%s", r.err);
    run_svad(&r, dir, "street --tubes t --worlds 20 -m m.svad --seed 2");
    cr_assert_eq(r.code, 0, "%s", r.err);
    run_svad(&r, dir, "pretrain -m m.svad t -o full.svad --epochs 2 --batch 16 --quiet");
    cr_assert_eq(r.code, 0, "%s", r.err);
    run_svad(&r, dir, "street --exam full.svad --worlds 8 --json");
    cr_assert_eq(r.code, 0, "%s", r.err);
    cr_expect(strstr(r.out, "tube_action") && strstr(r.out, "named scenes"), "%s", r.out);
    run_svad(&r, dir, "info full.svad");
    cr_expect(strstr(r.out, "street.commit") && strstr(r.out, "prompt-vlm"), "%s", r.out);
    char want[64];                          /* the model's own actions, where no others are given */
    cr_assert(!tiny_folder(dir));
    snprintf(want, sizeof want, "%zu action texts", sv_street_deeds(NULL, 0));
    run_svad(&r, dir, "fit -m full.svad clip --boxes boxes.txt --fps 10 --clusters 2 --prompts 0 -o s.scene");
    cr_expect(!r.code && strstr(r.out, want), "%s: %s %s", want, r.out, r.err);
    run_svad(&r, dir, "fit -m full.svad clip --boxes boxes.txt --fps 10 --clusters 2 --prompts 0 --actions actions.txt -o s.scene");
    cr_expect(!r.code && strstr(r.out, " 3 action texts"), "%s %s", r.out, r.err);
    run_svad(&r, dir, "info full.svad");    /* pretrain keeps how prompts begin */
    cr_expect(strstr(r.out, "prompt.init            a person is\n") && strstr(r.out, "prompt.epochs          10\n"), "%s", r.out);
}

Test(street, what_it_does_not_take) {
    static const struct { const char *args; int code; const char *says; } bad[] = {
        { "", 1, "expected one of" },
        { "-o m --exam n", 1, "expected one of" },
        { "-o no/such/folder/m --steps 1 " TINY, 4, "cannot create" },
        { "-o m --resume " TINY, 2, "nothing to resume" },
        { "-o m --width 48 --quiet", 1, "multiples of 32" },
        { "-o m --steps 1 --quiet --width 32 --layers 1 --batch 5000 --round 2", 1, "fewer than 5000 crops" },
        { "--exam nothing", 2, "nothing" },
        { "--tubes t", 1, "-m MODEL" },
        { "-o m extra", 1, "extra" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        run_svad(&r, dir, "street %s", bad[i].args);
        cr_expect_eq(r.code, bad[i].code, "%s: exit code %d: %s", bad[i].args, r.code, r.err);
        cr_expect(strstr(r.err, bad[i].says), "%s: %s", bad[i].args, r.err);
        cr_expect(access(path_in(dir, "m"), F_OK) && access(path_in(dir, "t"), F_OK));
    }
}
