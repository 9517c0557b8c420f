/* svad pretrain on features with a known answer: classes that have the same frames and the same middle one, in another order. */
#include "core/half.h"
#include "io/container.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/train_set.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLASSES = 12, N = 9 };

static char dir[4100];
static struct ran r;

static const char *in(const char *name) {
    static char path[4][4400];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

/* The frame that class c shows at place i: the middle one stays, the others stand in an order of the class's own. */
static size_t frame_of(size_t c, size_t i) {
    uint64_t rng = 77 + c;
    size_t order[N];
    for (size_t k = 0; k < N; k++) {
        const size_t at = k == N / 2 ? k : sv_rng_below(&rng, k + 1);
        if (at == N / 2 || k == N / 2) order[k] = k;
        else order[k] = order[at], order[at] = k;
    }
    return order[i];
}

/* Changes of a set of tubes; 0: none. */
struct flaw { size_t nan_tube, empty_class; size_t frames; bool other_model; };

static void write_set(const char *name, size_t per_class, size_t tubes, enum sv_dtype dtype, const struct flaw *flaw) {
    const size_t rows = CLASSES * per_class, n = flaw->frames ? flaw->frames : N, starts = rows + 1;
    struct sv_store st = {0};
    struct sv_file model;
    struct sv_rule rule = { .tube = { n, 1 }, .every = 1, .min_score = 0.5 };
    float base[N][TINY_E];
    uint64_t rng = 5;
    char labels[CLASSES * 3 + 1] = "";
    cr_assert(!sv_store_init(&st, name, NULL) && !sv_file_map(&model, in("m.svad"), NULL));
    sv_identity(&model, "clip.", rule.clip);
    if (flaw->other_model) rule.clip[0] = rule.clip[0] == '0' ? '1' : '0';
    uint8_t *data = sv_store_alloc(&st, rows * tubes * n * TINY_E, sv_dtype_size(dtype), NULL);
    int64_t *first = sv_store_alloc(&st, starts, 8, NULL);
    int32_t *label = sv_store_alloc(&st, rows, 4, NULL), *video = sv_store_alloc(&st, rows, 4, NULL);
    for (size_t f = 0; f < N; f++)
        for (size_t i = 0; i < TINY_E; i++) base[f][i] = (float)sv_rng_normal(&rng);
    size_t at = 0;
    for (size_t row = 0; row < rows; row++) {
        label[row] = (int32_t)(row % CLASSES), video[row] = (int32_t)row;
        const size_t k = flaw->empty_class && (size_t)label[row] == flaw->empty_class ? 0 : tubes;
        for (size_t t = 0; t < k; t++)
            for (size_t i = 0; i < n * TINY_E; i++, at++) {
                float v = base[frame_of(row % CLASSES, i / TINY_E % N)][i % TINY_E] + (float)(0.3 * sv_rng_normal(&rng));
                if (flaw->nan_tube && at / (n * TINY_E) == flaw->nan_tube) v = NAN;
                const uint16_t half = sv_f32_f16(v);
                memcpy(data + at * sv_dtype_size(dtype), dtype == SV_F32 ? (const void *)&v : &half, sv_dtype_size(dtype));
            }
        first[row + 1] = first[row] + (int64_t)k;
    }
    for (int c = 0; c < CLASSES; c++) sprintf(labels + 3 * c, "%c%c\n", 'a' + c, 'a' + c);
    const size_t bytes = CLASSES * 3, dim[3] = { (size_t)first[rows], n, TINY_E };
    cr_assert(!sv_rule_write(&rule, &st, NULL) && !sv_store_set_text(&st, "list", "", NULL) &&
              !sv_store_add(&st, "features", dtype, 3, dim, data, at * sv_dtype_size(dtype), NULL) &&
              !sv_store_add(&st, "first", SV_I64, 1, &starts, first, 8 * starts, NULL) &&
              !sv_store_add(&st, "label", SV_I32, 1, &rows, label, 4 * rows, NULL) &&
              !sv_store_add(&st, "video", SV_I32, 1, &rows, video, 4 * rows, NULL) &&
              !sv_store_add(&st, "labels", SV_U8, 1, &bytes, labels, bytes, NULL) && !sv_container_write(in(name), "tubes", &st, NULL));
    sv_store_free(&st);
    sv_file_close(&model);
}

static void setup(void) {
    cr_assert(temp_dir());
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    write_set("order.tubes", 40, 2, SV_F32, &(struct flaw){0});
}

/* The number behind the last "key": in text; NAN where there is none. */
static double last_number(const char *text, const char *key) {
    const char *at = NULL;
    for (const char *p = text; (p = strstr(p, key)); p++) at = p;
    return at ? atof(at + strlen(key)) : (double)NAN;
}

Test(pretrain, keep, .init = setup) { char c[9000]; snprintf(c, sizeof c, "cp -r %s/. /tmp/pretrain/w", dir); cr_assert(!system(c)); }

Test(pretrain, order_is_learned_by_the_fusion_and_not_by_the_mean, .init = setup) {
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --backbone mean --val 0.25 --json --quiet -o mean.svad"), 0, "%s", r.err);
    cr_expect(last_number(r.out, "\"top1\":") < 3.0 / CLASSES, "%s", r.out);
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --val 0.25 --batch 64 --epochs 60 --json --quiet -o order.svad"), 0, "%s", r.err);
    cr_expect(last_number(r.out, "\"top1\":") > 0.95, "%s", r.out);
}
