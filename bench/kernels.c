#include "bench/bench.h"

#include "core/mem.h"
#include "core/rng.h"
#include <stdio.h>

enum { MOST = 1 << 14 };                /* floats of each operand: all in L1 or L2 */

struct subject {
    const struct sv_kern *kern;
    size_t n;
    float *y, *x, *a, *b;               /* MOST floats each */
    uint16_t *h;
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
static void run_pack(void *p) { struct subject *s = p; s->kern->pack(s->y, s->kern->mr, s->x, s->n, s->kern->mr, s->n); }
static void run_peak(void *p) { struct subject *s = p; s->kern->peak(s->y, 0.99f, 0.01f, s->n); }

enum { EXP = 22 };                      /* operations of one exponential */
static struct work work_dot(const struct sv_kern *k) { (void)k; return (struct work){ 768, 2 * 768, 8 * 768 }; }
static struct work work_axpy(const struct sv_kern *k) { (void)k; return (struct work){ 768, 2 * 768, 12 * 768 }; }
static struct work work_norm(const struct sv_kern *k) { (void)k; return (struct work){ 768, 10 * 768, 16 * 768 }; }
static struct work work_softmax(const struct sv_kern *k) { (void)k; return (struct work){ 197, (EXP + 5) * 197, 8 * 197 }; }
static struct work work_quick(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (EXP + 3) * 3072, 8 * 3072 }; }
static struct work work_gelu(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (EXP + 25) * 3072, 8 * 3072 }; }
static struct work work_dquick(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (EXP + 7) * 3072, 20 * 3072 }; }
static struct work work_dgelu(const struct sv_kern *k) { (void)k; return (struct work){ 3072, (EXP + 28) * 3072, 20 * 3072 }; }
static struct work work_dnorm(const struct sv_kern *k) { (void)k; return (struct work){ 768, 21 * 768, 20 * 768 }; }
static struct work work_half(const struct sv_kern *k) { (void)k; return (struct work){ 4096, 0, 6 * 4096 }; }
static struct work work_bhalf(const struct sv_kern *k) { (void)k; return (struct work){ 4096, 0, 6 * 4096 }; }
static struct work work_tile(const struct sv_kern *k) {
    return (struct work){ k->kc, 2 * (double)(k->kc * k->mr * k->nr), 4 * (double)(k->kc * (k->mr + k->nr) + 2 * k->mr * k->nr) };
}
static struct work work_pack(const struct sv_kern *k) { return (struct work){ 768, 0, 8 * 768 * (double)k->mr }; }
static struct work work_peak(const struct sv_kern *k) {
    return (struct work){ 4096, 2 * 4096 * (double)(k->mr * k->nr), 8 * (double)(k->mr * k->nr) };
}

static const struct { const char *name; void (*run)(void *); struct work (*work)(const struct sv_kern *); } rows[] = {
#define X(ret, name, args) { #name, run_##name, work_##name },
    SV_KERN_OPS(X)
#undef X
};

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
        cpu[n] = (struct sv_cpu){ *k, NULL };
        p[n] = (struct sv_probe){ { .type = "f32", .flops = w.flops, .bytes = w.bytes, .bandwidth = sv_roof_of(&roof[n][0], w.bytes, 1) },
                                  &cpu[n], rows[r].run, &s[n] };
        snprintf(p[n].row.name, sizeof p[n].row.name, "%s", rows[r].name);
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
    for (size_t i = 0; i < MOST; i++) s.h[i] = (uint16_t)sv_rng(&state);
    int rc = sv_bench_roofs(c, o, out, roof, e);
    for (size_t r = 0; !rc && r < SV_LEN(rows); r++)
        if (sv_bench_wants(o, rows[r].name)) rc = bench_kernel(r, &s, o, roof, out, e);
    sv_free(all);
    return rc ? rc : sv_bench_products(c, o, roof, out, e);
}
