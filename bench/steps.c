/* steps.c - one step of each training: of prompts through a frozen text tower, of the temporal fusion. */
#include "bench/bench.h"

#include "clip/prompt.h"
#include "core/mem.h"
#include "core/rng.h"
#include "nn/adamw.h"
#include "nn/loss.h"
#include "tfc/temporal_train.h"
#include <stdio.h>

static const float scale = 10;          /* 1 / sigma */

static int noise(float **x, size_t n, uint64_t seed, struct sv_err *e) {
    if (!(*x = sv_alloc(n, sizeof **x, e))) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) (*x)[i] = (float)(2 * sv_rng_unit(&seed) - 1);
    return 0;
}

static int targets(uint32_t **t, size_t n, size_t classes, struct sv_err *e) {
    if (!(*t = sv_alloc(n, sizeof **t, e))) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) (*t)[i] = (uint32_t)(i * 7 % classes);
    return 0;
}

static int measure(const struct sv_cpu *c, const char *name, double flops, double items, void (*run)(void *), void *arg,
                   const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    struct sv_probe p = { { .type = "f32", .flops = flops, .items = items }, c, run, arg };
    snprintf(p.row.name, sizeof p.row.name, "%s", name);
    return sv_measure(&p, 1, o, out, e);
}

/* Of rows through a stack and back, whose queries see `pairs` keys in all.  Multiply-adds count as two; what is computed a second time, norms,
 * softmax and activations are left out.  Products: one there, one back, one more for the gradient of a weight; attention: two there, four back. */
static double stack_flops(const struct sv_stack *s, double rows, double pairs, bool frozen) {
    const double w = (double)s->width, product = 2 * rows * w * (4 * w + 2 * (double)s->mlp);
    return (double)s->layers * (product * (frozen ? 2 : 3) + 12 * pairs * w);
}

/* ---- prompts ---- */

enum { NAMES = 400, VECTORS = 16, VIDEOS = 128, LONGEST = 8 };

/* The names of Kinetics 400, as numbers of tokens: how many have one, two, ... */
static const unsigned char kinetics[LONGEST] = { 34, 245, 95, 11, 7, 3, 2, 3 };

struct prompt_step { struct sv_prompts *p; float *video; uint32_t *target; size_t batch; };

static void run_prompt(void *arg) {
    struct prompt_step *s = arg;
    sv_prompts_loss(s->p, s->video, s->target, s->batch, scale);
    sv_prompts_update(s->p, 2e-4);
}

/* Lengths in a mixed order, tokens at random. */
static void make_names(int32_t *ids, size_t *start, size_t vocab) {
    unsigned char left[LONGEST];
    uint64_t rng = 3;
    memcpy(left, kinetics, sizeof left);
    for (size_t j = 0; j < NAMES; j++) {
        size_t at = sv_rng_below(&rng, NAMES - j), n = 0;
        while (at >= left[n]) at -= left[n++];
        left[n]--;
        start[j + 1] = start[j] + n + 1;
        for (size_t i = start[j]; i < start[j + 1]; i++) ids[i] = (int32_t)sv_rng_below(&rng, vocab - 2);
    }
}

static double prompt_flops(const struct sv_clip_config *g, const size_t *start, size_t rows, size_t batch) {
    const double prefix = 1 + VECTORS / 2, ends = 2.0 * NAMES * (double)(g->text.width * g->embed), nce = 2.0 * (double)batch * NAMES * (double)g->embed;
    double pairs = prefix * (prefix + 1) / 2;
    for (size_t j = 0; j < NAMES; j++) {
        const double own = (double)(start[j + 1] - start[j]) + VECTORS - VECTORS / 2 + 1;
        pairs += own * (prefix + (own + 1) / 2);
    }
    return stack_flops(&g->text, (double)rows, pairs, true) + 2 * ends + 2 * nce;
}

static int open_prompts(struct prompt_step *s, const struct sv_clip_config *g, const struct sv_cpu *c, const int32_t *ids, const size_t *start,
                        struct sv_err *e) {
    const struct sv_prompt_config cfg = { VECTORS, SV_PLACE_MIDDLE, false, s->batch, (size_t)(1.2 * 0x1p30) };
    struct sv_store random = { 0 };
    int rc = sv_store_init(&random, "random model", e);
    if (!rc) rc = sv_clip_random(&random, g, 1, e);
    if (!rc && !(s->p = sv_prompts_open(&random, c, &cfg, ids, start, NAMES, e))) rc = e && e->code ? e->code : SV_ENOMEM;
    sv_store_free(&random);
    if (!rc) rc = noise(&s->video, s->batch * g->embed, 1, e);
    if (!rc) rc = targets(&s->target, s->batch, NAMES, e);
    uint64_t rng = 2;
    for (size_t i = 0; !rc && i < sv_prompts_floats(s->p); i++) sv_prompts_context(s->p)[i] = (float)(0.02 * sv_rng_normal(&rng));
    return rc;
}

static int bench_prompts(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    struct prompt_step s = { .batch = o->batch ? o->batch : VIDEOS };
    struct sv_clip_config g;
    int32_t ids[NAMES * LONGEST];
    size_t start[NAMES + 1] = { 0 };
    char name[64];
    snprintf(name, sizeof name, "%s prompt step %zu", o->quick ? "tiny" : "B/16", s.batch);
    if (!sv_bench_wants(o, name)) return 0;
    sv_clip_family(&g, o->quick ? "tiny" : "B/16");
    make_names(ids, start, g.vocab);
    int rc = open_prompts(&s, &g, c, ids, start, e);
    if (!rc) rc = measure(c, name, prompt_flops(&g, start, sv_prompts_rows(s.p), s.batch), 1, run_prompt, &s, o, out, e);
    sv_prompts_free(s.p), sv_free(s.video), sv_free(s.target);
    return rc;
}

/* ---- the temporal fusion ---- */

enum { WIDTH = 512, FRAMES = 9, TUBES = 512, CHUNK = 64, CLASSES = 400 };     /* CHUNK: as svad pretrain */

struct fusion_step {
    const struct sv_cpu *cpu;
    struct sv_flat flat;
    struct sv_tfc_train *tfc;
    float *feats, *text, *video, *dvideo, *m, *v, *scratch;
    uint32_t *target;
    size_t batch;
    uint64_t step;
};

static void run_fusion(void *arg) {
    struct fusion_step *s = arg;
    memset(s->flat.grads, 0, s->flat.n * sizeof *s->flat.grads);
    for (size_t i = 0, n; i < s->batch; i += n) {
        n = sv_min(CHUNK, s->batch - i);
        sv_tfc_train_forward(s->tfc, s->feats + i * FRAMES * WIDTH, n, s->video);
        const struct sv_nce x = { n, CLASSES, WIDTH, s->video, s->text, s->target + i, scale, false };
        sv_nce(s->cpu, &x, &(struct sv_nce_out){ .dvideo = s->dvideo }, s->scratch);
        for (size_t k = 0; k < n * WIDTH; k++) s->dvideo[k] *= (float)n / (float)s->batch;
        sv_tfc_train_back(s->tfc, s->dvideo);
    }
    sv_adamw_step(s->cpu->pool, &SV_ADAMW, 7e-4, ++s->step, s->flat.params, s->m, s->v, s->flat.grads, s->flat.n);
    sv_tfc_train_reload(s->tfc);
}

static int open_fusion(struct fusion_step *s, const struct sv_tfc_config *g, struct sv_err *e) {
    struct sv_store first = { 0 };
    int rc = sv_store_init(&first, "random fusion", e);
    if (!rc) rc = sv_tfc_init(&first, g, 1, NULL, e);
    if (!rc) rc = sv_flat_init(&s->flat, &first, "tfc.", e);
    sv_store_free(&first);
    if (!rc && !(s->tfc = sv_tfc_train_open(g, &s->flat, s->cpu, CHUNK, e))) rc = e && e->code ? e->code : SV_ENOMEM;
    if (!rc) rc = noise(&s->feats, s->batch * FRAMES * WIDTH, 1, e);
    if (!rc) rc = noise(&s->text, CLASSES * WIDTH, 2, e);
    if (!rc) rc = targets(&s->target, s->batch, CLASSES, e);
    if (!rc && (!(s->video = sv_alloc(CHUNK, WIDTH * sizeof *s->video, e)) || !(s->dvideo = sv_alloc(CHUNK, WIDTH * sizeof *s->dvideo, e)) ||
                !(s->m = sv_alloc(s->flat.n, sizeof *s->m, e)) || !(s->v = sv_alloc(s->flat.n, sizeof *s->v, e)) ||
                !(s->scratch = sv_alloc(sv_nce_floats(s->cpu, CHUNK, CLASSES, WIDTH), sizeof *s->scratch, e)))) rc = SV_ENOMEM;
    return rc;
}

static int bench_fusion(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    struct fusion_step s = { .cpu = c, .batch = o->batch ? o->batch : o->quick ? CHUNK : TUBES };
    struct sv_tfc_config g;
    char name[64];
    snprintf(name, sizeof name, "tfc step %zu", s.batch);
    if (!sv_bench_wants(o, name)) return 0;
    sv_tfc_backbone(&g, "prompt-vlm", WIDTH, FRAMES);
    const double tubes = (double)s.batch, nce = 2 * tubes * CLASSES * WIDTH;
    int rc = open_fusion(&s, &g, e);
    if (!rc) rc = measure(c, name, stack_flops(&g.stack, tubes * FRAMES, tubes * FRAMES * FRAMES, false) + 2 * nce, tubes, run_fusion, &s, o, out, e);
    sv_tfc_train_free(s.tfc), sv_flat_free(&s.flat);
    sv_free(s.feats), sv_free(s.text), sv_free(s.target), sv_free(s.video), sv_free(s.dvideo), sv_free(s.m), sv_free(s.v), sv_free(s.scratch);
    return rc;
}

int sv_bench_steps(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    const int rc = bench_prompts(c, o, out, e);
    return rc ? rc : bench_fusion(c, o, out, e);
}
