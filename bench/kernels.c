#include "bench/bench.h"

#include "bench/table.h"
#include "core/gemm.h"
#include "core/mem.h"
#include "core/rng.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1 << 15 };                /* floats of each operand of a kernel row: all in L1 or L2 */

struct subject {
    const struct sv_kern *kern;
    size_t n;
    float *y, *x, *a, *b;               /* MOST floats each */
    uint16_t *h;
    float lo[64], inv[64];              /* of ipack's rows */
    volatile float sink;
};

/* One run_ and one work_ per kernel: a call, its size, its operations and the bytes it reads and writes.  Elementwise functions
 * count no operations: they are rated by bytes. */
struct work { size_t n; double flops, bytes; };

static void run_dot(void *p) { struct subject *s = p; s->sink = s->kern->dot(s->a, s->b, s->n); }
static void run_axpy(void *p) { struct subject *s = p; s->kern->axpy(s->y, 1e-9f, s->x, s->n); }
static void run_norm(void *p) { struct subject *s = p; s->kern->norm(s->y, s->x, s->a, s->b, s->n, 1e-5f); }
static void run_softmax(void *p) { struct subject *s = p; s->kern->softmax(s->y, s->n, 0.125f); }
static void run_quick(void *p) { struct subject *s = p; s->kern->quick(s->y, s->x, s->n); }
static void run_gelu(void *p) { struct subject *s = p; s->kern->gelu(s->y, s->x, s->n); }
static void run_half(void *p) { struct subject *s = p; s->kern->half(s->y, s->h, s->n); }
static void run_bhalf(void *p) { struct subject *s = p; s->kern->bhalf(s->y, s->h, s->n); }
static void run_tile(void *p) {
    struct subject *s = p;
    s->kern->tile(s->y, s->kern->nr, s->kern->mr, s->kern->nr, s->n, s->a, s->b, true);
}
static void run_pack(void *p) { struct subject *s = p; s->kern->pack(s->y, s->kern->mr, s->x, s->n, s->kern->mr, s->n); }
static void run_peak(void *p) { struct subject *s = p; s->kern->peak(s->y, 0.99f, 0.01f, s->n); }
static void run_bpack(void *p) { struct subject *s = p; s->kern->bpack((uint32_t *)s->y, s->kern->mr, s->x, s->n, s->kern->mr, s->n); }
static void run_btile(void *p) {
    struct subject *s = p;
    s->kern->btile(s->y, s->kern->nr, s->kern->mr, s->kern->nr, s->n, (uint32_t *)s->a, (uint32_t *)s->b, false);
}
static void run_bpeak(void *p) { struct subject *s = p; s->kern->bpeak(s->y, 0x3a003a00, 0xba003a00, s->n); }
static void run_span(void *p) { struct subject *s = p; float hi; s->kern->span(&hi, &hi, s->x, s->n); s->sink = hi; }
static void run_ipack(void *p) {
    struct subject *s = p;
    s->kern->ipack((uint32_t *)s->y, s->kern->mr, s->x, s->n, s->kern->mr, s->n, s->lo, s->inv);
}
static void run_itile(void *p) {
    struct subject *s = p;
    s->kern->itile((int32_t *)s->y, s->kern->nr, s->kern->mr, s->kern->nr, s->n, (uint32_t *)s->a, (uint32_t *)s->b, false);
}
static void run_iscale(void *p) { struct subject *s = p; s->kern->iscale(s->y, (int32_t *)s->x, s->n, 1e-9f, 1, s->a, s->b); }
static void run_ipeak(void *p) { struct subject *s = p; s->kern->ipeak((int32_t *)s->y, 0x01020304, 0x010203ff, s->n); }

static struct work work_dot(const struct sv_kern *k) { (void)k; return (struct work){ 768, 2 * 768, 8 * 768 }; }
static struct work work_axpy(const struct sv_kern *k) { (void)k; return (struct work){ 768, 2 * 768, 12 * 768 }; }
static struct work work_norm(const struct sv_kern *k) { (void)k; return (struct work){ 768, NAN, 16 * 768 }; }
static struct work work_softmax(const struct sv_kern *k) { (void)k; return (struct work){ 197, NAN, 8 * 197 }; }
static struct work work_quick(const struct sv_kern *k) { (void)k; return (struct work){ 3072, NAN, 8 * 3072 }; }
static struct work work_gelu(const struct sv_kern *k) { (void)k; return (struct work){ 3072, NAN, 8 * 3072 }; }
static struct work work_half(const struct sv_kern *k) { (void)k; return (struct work){ 4096, NAN, 6 * 4096 }; }
static struct work work_bhalf(const struct sv_kern *k) { (void)k; return (struct work){ 4096, NAN, 6 * 4096 }; }
static struct work work_tile(const struct sv_kern *k) {
    return (struct work){ k->kc, 2 * (double)(k->kc * k->mr * k->nr), 4 * (double)(k->kc * (k->mr + k->nr)) };
}
static struct work work_pack(const struct sv_kern *k) { return (struct work){ 768, NAN, 8 * 768 * (double)k->mr }; }
static struct work work_peak(const struct sv_kern *k) { return (struct work){ 4096, 2 * 4096 * (double)(k->mr * k->nr), NAN }; }
/* The products of words: 2 and 4 multiply-adds each. */
static struct work word_tile(const struct sv_kern *k, double adds) { struct work w = work_tile(k); w.flops *= adds; return w; }
static struct work word_peak(const struct sv_kern *k, double adds) { struct work w = work_peak(k); w.flops *= adds; return w; }
static struct work work_bpack(const struct sv_kern *k) { return (struct work){ 768, NAN, 6 * 768 * (double)k->mr }; }
static struct work work_btile(const struct sv_kern *k) { return word_tile(k, 2); }
static struct work work_bpeak(const struct sv_kern *k) { return word_peak(k, 2); }
static struct work work_span(const struct sv_kern *k) { (void)k; return (struct work){ 768, NAN, 4 * 768 }; }
static struct work work_ipack(const struct sv_kern *k) { return (struct work){ 768, NAN, 5 * 768 * (double)k->mr }; }
static struct work work_itile(const struct sv_kern *k) { return word_tile(k, 4); }
static struct work work_iscale(const struct sv_kern *k) { (void)k; return (struct work){ 768, NAN, 16 * 768 }; }
static struct work work_ipeak(const struct sv_kern *k) { return word_peak(k, 4); }

static const struct { const char *name; void (*run)(void *); struct work (*work)(const struct sv_kern *); } rows[] = {
#define X(ret, name, args) { #name, run_##name, work_##name },
    SV_KERN_OPS(X)
#undef X
};

static const struct sv_column columns[] = {
    { "kernel", -24, 0 }, { "isa", -10, 0 }, { "threads", 7, 0 }, { "us", 10, 3 }, { "median", 10, 3 }, { "GFLOP/s", 8, 1 }, { "GB/s", 7, 1 },
    { "peak%", 6, 1 }, { "x scalar", 8, 1 },
};

static void print(const char *name, const struct sv_kern *k, size_t threads, const struct sv_bench *b, struct work w, double peak, double scalar, bool json) {
    sv_table_row(columns, SV_LEN(columns), (struct sv_cell[]){ { name, 0 }, { k->isa, 0 }, { NULL, (double)threads }, { NULL, b->min * 1e6 },
                 { NULL, b->median * 1e6 }, { NULL, w.flops / b->min * 1e-9 }, { NULL, w.bytes / b->min * 1e-9 },
                 { NULL, 100 * w.flops / b->min / peak }, { NULL, scalar / b->min } }, json);
}

/* One kernel in every usable table, interleaved with the peak of each. */
static void bench_row(size_t r, const struct subject *model, const struct sv_bench_options *o) {
    enum { TABLES = 8 };
    struct subject s[TABLES];
    struct sv_cpu cpu[TABLES];
    struct sv_peak peak[TABLES];
    struct sv_bench b[2 * TABLES];
    size_t n = 0;
    for (const struct sv_kern *const *k = sv_kern_usable(); *k && n < TABLES; k++, n++) {
        s[n] = *model, s[n].kern = *k, s[n].n = rows[r].work(*k).n;
        cpu[n] = (struct sv_cpu){ *k, NULL };
        peak[n] = (struct sv_peak){ &cpu[n], 1 };
        b[2 * n] = (struct sv_bench){ .run = rows[r].run, .arg = &s[n] };
        b[2 * n + 1] = (struct sv_bench){ .run = sv_peak_run, .arg = &peak[n] };
    }
    sv_bench_run(b, 2 * n, o->quick ? 1e-5 : 1e-3, o->quick ? 3 : 31);
    for (size_t i = 0; i < n; i++)
        print(rows[r].name, s[i].kern, 1, &b[2 * i], rows[r].work(s[i].kern), sv_peak_flops(&peak[i]) / b[2 * i + 1].min, b[0].min, o->json);
}

static bool wanted(const struct sv_bench_options *o, const char *name) { return !o->filter || strstr(name, o->filter); }

static int bench_rows(const struct sv_bench_options *o, struct sv_err *e) {
    uint64_t state = 1;
    struct subject s = { 0 };
    float *all = sv_alloc(5 * MOST, sizeof *all, e);
    if (!all) return SV_ENOMEM;
    for (size_t i = 0; i < 4 * MOST; i++) all[i] = (float)(4 * sv_rng_unit(&state) - 2);
    s.y = all, s.x = all + MOST, s.a = all + 2 * MOST, s.b = all + 3 * MOST, s.h = (uint16_t *)(all + 4 * MOST);
    for (size_t i = 0; i < SV_LEN(s.lo); i++) s.lo[i] = -2, s.inv[i] = 63.75f;
    for (size_t i = 0; i < MOST; i++) s.h[i] = (uint16_t)sv_rng(&state);
    for (size_t r = 0; r < SV_LEN(rows); r++)
        if (wanted(o, rows[r].name)) bench_row(r, &s, o);
    sv_free(all);
    return 0;
}

/* The products of the towers: ViT-B/16 (qkv, out, fc1, fc2) of one image and of nine, B/32, L/14, a text, single rows. */
static const struct { size_t m, n, k; enum sv_act act; } shapes[] = {
    { 197, 2304, 768, SV_ACT_NONE }, { 197, 768, 768, SV_ACT_NONE }, { 197, 3072, 768, SV_ACT_QUICK }, { 197, 768, 3072, SV_ACT_NONE },
    { 1773, 2304, 768, SV_ACT_NONE }, { 1773, 3072, 768, SV_ACT_QUICK }, { 1773, 768, 3072, SV_ACT_NONE }, { 50, 3072, 768, SV_ACT_QUICK },
    { 257, 4096, 1024, SV_ACT_GELU }, { 257, 1024, 4096, SV_ACT_NONE }, { 77, 2048, 512, SV_ACT_QUICK }, { 197, 512, 512, SV_ACT_NONE },
    { 1, 512, 768, SV_ACT_NONE }, { 1, 3072, 768, SV_ACT_NONE },
};

struct product {
    struct sv_cpu cpu;
    struct sv_packed w;
    struct sv_epilogue ep;
    float *y, *x, *scratch;
    size_t m;
};

static void run_product(void *arg) {
    struct product *p = arg;
    sv_gemm(&p->cpu, p->y, p->w.n, p->x, p->w.k, p->m, &p->w, &p->ep, p->scratch);
}

static int bench_product(const struct sv_cpu *c, size_t i, const char *name, const struct sv_bench_options *o, struct sv_err *e) {
    const size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k, threads = sv_pool_threads(c->pool);
    struct sv_arena a = { 0 };
    float *w = NULL, *panel = NULL, *mem = NULL;
    struct product p[2] = { { { c->kern, NULL }, { 0 }, { .act = shapes[i].act }, NULL, NULL, NULL, m }, { .cpu = *c } };
    for (int pass = 0; pass < 2; pass++) {
        w = SV_TAKE(&a, float, n * k), panel = SV_TAKE(&a, float, sv_pack_floats(c->kern, n, k));
        p[0].y = SV_TAKE(&a, float, m * n), p[0].x = SV_TAKE(&a, float, m * k), p[0].ep.bias = SV_TAKE(&a, float, n);
        p[0].scratch = SV_TAKE(&a, float, sv_gemm_floats(c, m, k));
        if (!pass && !(mem = sv_alloc(a.used, 1, e))) return SV_ENOMEM;
        if (!pass) a = (struct sv_arena){ .base = (char *)mem, .cap = a.used };
    }
    uint64_t state = 1;
    for (size_t t = 0; t < n * k; t++) w[t] = (float)(sv_rng_unit(&state) - 0.5);
    for (size_t t = 0; t < m * k; t++) p[0].x[t] = (float)(sv_rng_unit(&state) - 0.5);
    p[0].w = sv_pack_f32(c, panel, w, n, k);
    p[1] = p[0], p[1].cpu = *c;
    struct sv_peak peak[2] = { { c, 1 }, { c, threads } };
    struct sv_bench b[4] = { { .run = run_product, .arg = &p[0] }, { .run = sv_peak_run, .arg = &peak[0] },
                             { .run = run_product, .arg = &p[1] }, { .run = sv_peak_run, .arg = &peak[1] } };
    const size_t kinds = threads > 1 ? 2 : 1;
    sv_bench_run(b, 2 * kinds, o->quick ? 1e-5 : 2e-3, o->quick ? 3 : 31);
    const struct work work = { 0, 2 * (double)m * (double)n * (double)k, 4 * ((double)n * (double)k + (double)m * (double)(n + k)) };
    for (size_t t = 0; t < kinds; t++)
        print(name, c->kern, t ? threads : 1, &b[2 * t], work, sv_peak_flops(&peak[t]) / b[2 * t + 1].min, NAN, o->json);
    sv_free(mem);
    return 0;
}

int sv_bench_kernels(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_err *e) {
    sv_table_head(columns, SV_LEN(columns), o->json);
    int rc = bench_rows(o, e);
    for (size_t i = 0; !rc && i < SV_LEN(shapes); i++) {
        static const char *const act[] = { "", " quick", " gelu" };
        char name[64];
        snprintf(name, sizeof name, "gemm %zux%zux%zu%s", shapes[i].m, shapes[i].n, shapes[i].k, act[shapes[i].act]);
        if (wanted(o, name)) rc = bench_product(c, i, name, o, e);
    }
    return rc;
}
