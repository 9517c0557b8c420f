#include "bench/bench.h"

#include "core/mem.h"
#include "core/rng.h"
#include <stdio.h>

enum { MOST = 1 << 15 };                /* floats of each operand: all in L1 or L2 */

struct subject {
    const struct sv_kern *kern;
    size_t n;
    float *y, *x, *a, *b;               /* MOST floats each */
    uint16_t *h;
    float scale[64], lo[64];            /* of rows of bytes */
    volatile float sink;
};

/* One run_ and one work_ per kernel: a call; its size, its operations and the bytes it reads and writes.  Operations are those of the
 * vector body's formula: a multiply-add is two, a division, maximum or comparison one; 0 where none is of floats. */
struct work { size_t n; double flops, bytes; };

static void run_dot(void *p) { struct subject *s = p; s->sink = s->kern->dot(s->a, s->b, s->n); }
static void run_axpy(void *p) { struct subject *s = p; s->kern->axpy(s->y, 1e-9f, s->x, s->n); }
static void run_norm(void *p) { struct subject *s = p; s->kern->norm(s->y, s->x, s->a, s->b, s->n, 1e-5f); }
static void run_softmax(void *p) { struct subject *s = p; s->kern->softmax(s->y, s->n, 0.125f); }
static void run_quick(void *p) { struct subject *s = p; s->kern->quick(s->y, s->x, s->n); }
static void run_gelu(void *p) { struct subject *s = p; s->kern->gelu(s->y, s->x, s->n); }
/* What these scale is copied anew each time, or it would sink into subnormals. */
static void run_dquick(void *p) { struct subject *s = p; s->kern->dquick(memcpy(s->y, s->a, s->n * sizeof *s->y), s->x, s->n); }
static void run_dgelu(void *p) { struct subject *s = p; s->kern->dgelu(memcpy(s->y, s->a, s->n * sizeof *s->y), s->x, s->n); }
static void run_dnorm(void *p) {
    struct subject *s = p;
    float stat[2];
    s->kern->dnorm(s->y, s->x, s->a, s->b, s->n, 1e-5f, stat);
}
static void run_half(void *p) { struct subject *s = p; s->kern->half(s->y, s->h, s->n); }
static void run_bhalf(void *p) { struct subject *s = p; s->kern->bhalf(s->y, s->h, s->n); }
static void run_tile(void *p) {
    struct subject *s = p;
    s->kern->tile(s->y, s->kern->nr, s->kern->mr, s->kern->nr, s->n, s->a, s->b, true);
}
static void run_finish(void *p) {
    struct subject *s = p;
    s->kern->finish(s->y, s->kern->nr, s->x, s->kern->mr, s->kern->nr, s->a, SV_ACT_QUICK, SV_SET);
}
static void run_pack(void *p) { struct subject *s = p; s->kern->pack(s->y, s->kern->mr, s->x, s->n, s->kern->mr, s->n); }
static void run_lay(void *p) { struct subject *s = p; s->kern->lay(s->y, s->kern->mr, s->x, s->kern->mr + 4, s->kern->mr, s->n); }
static void run_peak(void *p) { struct subject *s = p; s->kern->peak(s->y, 0.99f, 0.01f, s->n); }
static void run_blay(void *p) { struct subject *s = p; s->kern->blay((uint32_t *)s->y, s->kern->nr, s->h, s->kern->nr, s->kern->nr, s->n); }
static void run_bsoftmax(void *p) { struct subject *s = p; s->kern->bsoftmax((uint32_t *)(s->y + 1024), s->kern->wmr, s->y, s->n, s->n, 0.125f); }
static void run_bpack(void *p) { struct subject *s = p; s->kern->bpack((uint32_t *)s->y, s->kern->wmr, s->x, s->n); }
static void run_btile(void *p) {
    struct subject *s = p;
    s->kern->btile(s->y, s->kern->nr, s->kern->wmr, s->kern->nr, s->n, (uint32_t *)s->a, (uint32_t *)s->b, true);
}
static void run_bpeak(void *p) { struct subject *s = p; s->kern->bpeak(s->y, 0x3a003a00, 0xba003a00, s->n); }
static void run_ipack(void *p) { struct subject *s = p; s->kern->ipack((uint32_t *)s->y, s->kern->wmr, s->x, s->n, s->scale, s->lo); }
static void run_itile(void *p) {
    struct subject *s = p;
    s->kern->itile((int32_t *)s->y, s->kern->nr, s->kern->wmr, s->kern->nr, s->n, (uint32_t *)s->a, (uint32_t *)s->b, true);
}
static void run_product(void *p) {
    struct subject *s = p;
    s->kern->product(s->y, s->kern->nr, s->kern->mr, s->kern->nr, s->n, s->a, s->b, s->a, SV_ACT_NONE, SV_SET);
}
static void run_bproduct(void *p) {
    struct subject *s = p;
    s->kern->bproduct(s->y, s->kern->nr, s->kern->wmr, s->kern->nr, s->n, (uint32_t *)s->a, (uint32_t *)s->b, s->a, SV_ACT_NONE, SV_SET);
}
static void run_iproduct(void *p) {
    struct subject *s = p;
    const struct sv_bytes of = { s->scale, s->lo, s->a, s->b };
    s->kern->iproduct(s->y, s->kern->nr, s->kern->wmr, s->kern->nr, s->n, (uint32_t *)s->a, (uint32_t *)s->b, &of, s->a, SV_ACT_NONE, SV_SET);
}
static void run_ifinish(void *p) {
    struct subject *s = p;
    const struct sv_bytes of = { s->scale, s->lo, s->a, s->b };
    s->kern->ifinish(s->y, s->kern->nr, (int32_t *)s->x, s->kern->wmr, s->kern->nr, &of, s->a, SV_ACT_NONE, SV_SET);
}
static void run_ipeak(void *p) { struct subject *s = p; s->kern->ipeak((int32_t *)s->y, 0x01020304, 0x010203ff, s->n); }

enum { EXP = 22, ODDS = 18 };           /* operations of one exponential; of QuickGELU's denominator */
static struct work work_dot(const struct sv_kern *k) { (void)k; return (struct work){ 768, 2 * 768, 8 * 768 }; }
static struct work work_axpy(const struct sv_kern *k) { (void)k; return (struct work){ 768, 2 * 768, 12 * 768 }; }
static struct work work_norm(const struct sv_kern *k) { (void)k; return (struct work){ 768, 10 * 768, 16 * 768 }; }
static struct work work_softmax(const struct sv_kern *k) { (void)k; return (struct work){ 197, (EXP + 5) * 197, 8 * 197 }; }
static struct work work_quick(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (ODDS + 1) * 3072, 8 * 3072 }; }
static struct work work_gelu(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (EXP + 25) * 3072, 8 * 3072 }; }
static struct work work_dquick(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (ODDS + 5) * 3072, 20 * 3072 }; }
static struct work work_dgelu(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (EXP + 28) * 3072, 20 * 3072 }; }
static struct work work_dnorm(const struct sv_kern *k) { (void)k; return (struct work){ 768, 21 * 768, 20 * 768 }; }
static struct work work_half(const struct sv_kern *k) { (void)k; return (struct work){ 4096, 0, 6 * 4096 }; }
static struct work work_bhalf(const struct sv_kern *k) { (void)k; return (struct work){ 4096, 0, 6 * 4096 }; }
static struct work work_tile(const struct sv_kern *k) {
    const size_t kc = sv_min(k->kc, 256);           /* operands in L1 */
    return (struct work){ kc, 2 * (double)(kc * k->mr * k->nr), 4 * (double)(kc * (k->mr + k->nr) + 2 * k->mr * k->nr) };
}
static struct work work_finish(const struct sv_kern *k) {
    return (struct work){ 0, (ODDS + 2) * (double)(k->mr * k->nr), 8 * (double)(k->mr * k->nr) };
}
static struct work work_pack(const struct sv_kern *k) { return (struct work){ 768, 0, 8 * 768 * (double)k->mr }; }
static struct work work_lay(const struct sv_kern *k) { return (struct work){ 768, 0, 8 * 768 * (double)k->mr }; }
static struct work work_peak(const struct sv_kern *k) {
    return (struct work){ 4096, 2 * 4096 * (double)(k->mr * k->nr), 8 * (double)(k->mr * k->nr) };
}

/* A word is two multiply-adds of bf16 or four of bytes. */
static struct work words(size_t k, size_t mr, size_t nr, double adds) {
    return (struct work){ k, 2 * adds * (double)(k * mr * nr), 4 * (double)(k * (mr + nr) + 2 * mr * nr) };
}
static struct work work_bsoftmax(const struct sv_kern *k) { (void)k; return (struct work){ 197, (ODDS + 4) * 197, 6 * 197 }; }
static struct work work_bpack(const struct sv_kern *k) { (void)k; return (struct work){ 768, 0, 6 * 768 }; }
static struct work work_blay(const struct sv_kern *k) { return (struct work){ 768, 0, 4 * 768 * (double)k->nr }; }
static struct work work_btile(const struct sv_kern *k) { return words(256, k->wmr, k->nr, 2); }
static struct work work_bpeak(const struct sv_kern *k) { return words(4096, k->wmr, k->nr, 2); }
static struct work work_ipack(const struct sv_kern *k) { (void)k; return (struct work){ 768, 6 * 768, 5 * 768 }; }
static struct work work_itile(const struct sv_kern *k) { return words(256, k->wmr, k->nr, 4); }
static struct work work_ifinish(const struct sv_kern *k) { return (struct work){ 0, 5 * (double)(k->wmr * k->nr), 8 * (double)(k->wmr * k->nr) }; }
static struct work work_product(const struct sv_kern *k) { return work_tile(k); }
static struct work work_bproduct(const struct sv_kern *k) { return words(384, k->wmr, k->nr, 2); }
static struct work work_iproduct(const struct sv_kern *k) { return words(192, k->wmr, k->nr, 4); }
static struct work work_ipeak(const struct sv_kern *k) { return words(4096, k->wmr, k->nr, 4); }

static const struct { const char *name; void (*run)(void *); struct work (*work)(const struct sv_kern *); } rows[] = {
#define X(ret, name, args) { #name, run_##name, work_##name },
    SV_KERN_OPS(X)
#undef X
};

static const char *type_of(const char *kernel) {
    static const char *const of[][2] = { { "bpack", "bf16" }, { "blay", "bf16" }, { "bsoftmax", "bf16" }, { "btile", "bf16" }, { "bpeak", "bf16" }, { "ipack", "i8" }, { "itile", "i8" }, { "iproduct", "i8" }, { "bproduct", "bf16" }, { "ipeak", "i8" } };
    for (size_t i = 0; i < SV_LEN(of); i++)
        if (!strcmp(kernel, of[i][0])) return of[i][1];
    return "f32";
}

/* One kernel in every table, on one thread. */
static int bench_kernel(size_t r, const struct subject *model, const struct sv_bench_options *o, struct sv_roof roof[SV_TABLES][2],
                        struct sv_rows *out, struct sv_err *e) {
    struct subject s[SV_TABLES];
    struct sv_cpu cpu[SV_TABLES];
    struct sv_probe p[SV_TABLES];
    size_t n = 0;
    for (const struct sv_kern *const *k = o->table; *k; k++, n++) {
        const struct work w = rows[r].work(*k);
        s[n] = *model, s[n].kern = *k, s[n].n = w.n;
        cpu[n] = (struct sv_cpu){ .kern = *k };
        p[n] = (struct sv_probe){ { .flops = w.flops, .bytes = w.bytes, .bandwidth = sv_roof_of(&roof[n][0], w.bytes, 1) },
                                  &cpu[n], rows[r].run, &s[n] };
        snprintf(p[n].row.name, sizeof p[n].row.name, "%s", rows[r].name);
        snprintf(p[n].row.type, sizeof p[n].row.type, "%s", type_of(rows[r].name));
    }
    return sv_measure(p, n, o, out, e);
}

int sv_bench_kernels(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    struct sv_roof roof[SV_TABLES][2];
    uint64_t state = 1;
    struct subject s = { 0 };
    float *all = sv_alloc(5 * MOST, sizeof *all, e);
    if (!all) return SV_ENOMEM;
    for (size_t i = 0; i < 4 * MOST; i++) all[i] = (float)(4 * sv_rng_unit(&state) - 2);
    s.y = all, s.x = all + MOST, s.a = all + 2 * MOST, s.b = all + 3 * MOST, s.h = (uint16_t *)(all + 4 * MOST);
    for (size_t i = 0; i < SV_LEN(s.lo); i++) s.lo[i] = -2, s.scale[i] = 0x1p-6f;
    for (size_t i = 0; i < MOST; i++) s.h[i] = (uint16_t)sv_rng(&state);
    int rc = sv_bench_roofs(c, o, out, roof, e);
    for (size_t r = 0; !rc && r < SV_LEN(rows); r++)
        if (sv_bench_wants(o, rows[r].name)) rc = bench_kernel(r, &s, o, roof, out, e);
    sv_free(all);
    return rc ? rc : sv_bench_products(c, o, roof, out, e);
}
