/* tune.c - block sizes of gemm that are fastest on this machine. */
#include "bench/bench.h"

#include "core/gemm.h"
#include "core/mem.h"
#include "core/rng.h"
#include "io/file.h"

/* ViT-B/16 (qkv of one picture, fc2 of one, fc1 of four) and a text's fc1. */
static const struct { size_t m, n, k; } shapes[] = { { 197, 2304, 768 }, { 197, 768, 3072 }, { 788, 3072, 768 }, { 77, 2048, 512 } };
static const size_t rows[] = { 48, 96, 128, 192, 256, 384, 512 }, cols[] = { 1, 128, 512 };
enum { SHAPES = SV_LEN(shapes), TRIES = SV_LEN(rows) * SV_LEN(cols) };

/* All shapes with one pair of sizes; the first one is what the caches suggest. */
struct attempt { struct sv_cpu cpu; const struct sv_packed *w; float *x, *y, *scratch; };

static void run_attempt(void *arg) {
    const struct attempt *t = arg;
    for (size_t i = 0; i < SHAPES; i++) sv_gemm(&t->cpu, t->y, shapes[i].n, t->x, shapes[i].k, shapes[i].m, &t->w[i], NULL, t->scratch);
}

/* Weights of all shapes in the type the table is fastest in, and room for any sizes of blocks.  Counts while a has no base. */
static void place(struct attempt *t, struct sv_packed *w, const struct sv_cpu *c, enum sv_dtype type, struct sv_arena *a) {
    size_t x = 0, y = 0, scratch = 0;
    uint64_t rng = 1;
    for (size_t i = 0; i < SHAPES; i++) {
        x = sv_max(x, sv_max(shapes[i].m, shapes[i].n) * shapes[i].k), y = sv_max(y, shapes[i].m * shapes[i].n);
        for (size_t k = 0; k <= TRIES; k++) scratch = sv_max(scratch, sv_gemm_floats(&t[k].cpu, shapes[i].m, shapes[i].k));
    }
    t->x = SV_TAKE(a, float, x), t->y = SV_TAKE(a, float, y), t->scratch = SV_TAKE(a, float, scratch);
    for (size_t i = 0; t->x && i < x; i++) t->x[i] = (float)(sv_rng_unit(&rng) - 0.5);
    for (size_t i = 0; i < SHAPES; i++) {
        const size_t n = shapes[i].n, k = shapes[i].k;
        const struct sv_view v = { .dtype = SV_F32, .rank = 2, .dim = { n, k }, .count = n * k, .bytes = n * k * sizeof(float), .data = t->x };
        float *panel = SV_TAKE(a, float, sv_pack_floats(c->kern, type, n, k));
        if (panel) w[i] = sv_pack(c, panel, type, &v, NULL);
    }
    for (size_t k = 1; k <= TRIES; k++) t[k].x = t->x, t[k].y = t->y, t[k].scratch = t->scratch;
}

/* The best sizes of one table, and what they gain over those of the caches. */
static int tune(const struct sv_cpu *c, bool quick, struct sv_block_sizes *best, double *gain, struct sv_err *e) {
    static const struct sv_pace usual = { 1e-2, 0.5, 11 }, once = { 0, 0, 1 };
    struct attempt t[TRIES + 1];
    struct sv_bench b[TRIES + 1];
    struct sv_packed w[SHAPES];
    struct sv_arena a = { 0 };
    for (size_t i = 0; i <= TRIES; i++) {
        t[i] = (struct attempt){ .cpu = *c, .w = w };
        t[i].cpu.block = i ? (struct sv_block_sizes){ rows[(i - 1) / SV_LEN(cols)], cols[(i - 1) % SV_LEN(cols)] } : sv_block_sizes();
        b[i] = (struct sv_bench){ .run = run_attempt, .arg = &t[i] };
    }
    const enum sv_dtype type = c->kern->bf16 ? SV_BF16 : SV_F32;
    place(t, w, c, type, &a);
    void *mem = sv_alloc(a.used, 1, e);
    if (!mem) return SV_ENOMEM;
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    place(t, w, c, type, &a);
    sv_bench_run(b, TRIES + 1, quick ? &once : &usual);
    size_t at = 0;
    for (size_t i = 1; i <= TRIES; i++)
        if (b[i].min < b[at].min) at = i;
    *best = t[at].cpu.block, *gain = b[0].min / b[at].min - 1;
    sv_free(mem);
    return 0;
}

int sv_bench_tune(const struct sv_cpu *c, const struct sv_bench_options *o, const char *path, struct sv_err *e) {
    struct sv_out out;
    int rc = sv_out_open(&out, path, e);
    if (rc) return rc;
    rc = sv_out_printf(&out, e, "# svad bench tune, %zu threads: kernel table, rows of x in a block, columns of w that pass together\n", sv_pool_threads(c->pool));
    for (size_t i = 0; !rc && o->table[i]; i++) {
        const struct sv_cpu cpu = { .kern = o->table[i], .pool = c->pool };
        struct sv_block_sizes best;
        double gain;
        if (!strcmp(cpu.kern->isa, "scalar") && o->table[1]) continue;       /* nobody waits for it */
        if ((rc = tune(&cpu, o->quick, &best, &gain, e)) || (rc = sv_out_printf(&out, e, "# %+.1f %% against what the caches suggest\n%s %zu %zu\n", 100 * gain,
                                                                                     cpu.kern->isa, best.rows, best.cols))) break;
    }
    if (!rc) return sv_out_commit(&out, e);
    sv_out_drop(&out);
    return rc;
}
