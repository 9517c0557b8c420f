/* products.c - the matrix products of the towers, in every table, on one thread and on all. */
#include "bench/bench.h"

#include "core/gemm.h"
#include "core/mem.h"
#include "core/rng.h"
#include <stdio.h>

/* ViT-B/16 (qkv, out, fc1, fc2) of one image and of nine, B/32, L/14, a text (qkv, out, fc1, fc2), single rows. */
static const struct { size_t m, n, k; enum sv_act act; } shapes[] = {
    { 197, 2304, 768, SV_ACT_NONE }, { 197, 768, 768, SV_ACT_NONE }, { 197, 3072, 768, SV_ACT_QUICK }, { 197, 768, 3072, SV_ACT_NONE },
    { 1773, 2304, 768, SV_ACT_NONE }, { 1773, 768, 768, SV_ACT_NONE }, { 1773, 3072, 768, SV_ACT_QUICK }, { 1773, 768, 3072, SV_ACT_NONE },
    { 50, 3072, 768, SV_ACT_QUICK }, { 257, 4096, 1024, SV_ACT_GELU }, { 257, 1024, 4096, SV_ACT_NONE },
    { 77, 1536, 512, SV_ACT_NONE }, { 77, 512, 512, SV_ACT_NONE }, { 77, 2048, 512, SV_ACT_QUICK }, { 77, 512, 2048, SV_ACT_NONE },
    { 1, 512, 768, SV_ACT_NONE }, { 1, 3072, 768, SV_ACT_NONE },
};

/* The weights of one table in one type, and what multiplies them on one thread or all. */
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

struct operands { float *w, *x, *y, *bias; size_t m, n, k; enum sv_dtype type; enum sv_act act; };     /* [n, k], [m, k], [m, n], [n] */

/* Fills p[0 .. kinds) for one table: its packed weights are shared, scratch fits all threads.  Counts while a has no base. */
static void place(struct product *p, size_t kinds, const struct sv_cpu *c, const struct sv_kern *kern, const struct operands *x, struct sv_arena *a) {
    const struct sv_cpu all = { .kern = kern, .pool = c->pool, .block = c->block };
    const struct sv_view v = { .dtype = SV_F32, .rank = 2, .dim = { x->n, x->k }, .count = x->n * x->k, .bytes = x->n * x->k * sizeof(float), .data = x->w };
    float *panel = SV_TAKE(a, float, sv_pack_floats(kern, x->type, x->n, x->k)), *scratch = SV_TAKE(a, float, sv_gemm_floats(&all, x->m, x->k));
    if (!scratch) return;
    const struct sv_packed w = sv_pack(&all, panel, x->type, &v, NULL);
    for (size_t t = 0; t < kinds; t++)
        p[t] = (struct product){ { .kern = kern, .pool = t ? c->pool : NULL, .block = c->block }, w, { .bias = x->bias, .act = x->act }, x->y, x->x, scratch, x->m };
}

/* bf16 where it is emulated is no row. */
static bool has(const struct sv_kern *k, enum sv_dtype type) { return type != SV_BF16 || k->bf16; }

static int bench_product(const struct sv_cpu *c, const struct operands *shape, const char *name, const struct sv_bench_options *o,
                         struct sv_roof roof[SV_TABLES][2], struct sv_rows *out, struct sv_err *e) {
    struct operands x = *shape;
    const double m = (double)x.m, n = (double)x.n, k = (double)x.k, bytes = n * k * (double)sv_dtype_size(x.type) + 4 * m * (n + k);
    const size_t kinds = sv_pool_threads(c->pool) > 1 ? 2 : 1;
    struct product p[2 * SV_TABLES];
    struct sv_probe probe[2 * SV_TABLES];
    struct sv_arena a = { 0 };
    void *mem = NULL;
    size_t probes = 0, table[SV_TABLES];
    for (int pass = 0; pass < 2; pass++) {
        uint64_t state = 1;
        x.w = SV_TAKE(&a, float, x.n * x.k), x.x = SV_TAKE(&a, float, x.m * x.k), x.y = SV_TAKE(&a, float, x.m * x.n), x.bias = SV_TAKE(&a, float, x.n);
        for (size_t i = 0; pass && i < x.n * x.k; i++) x.w[i] = (float)(sv_rng_unit(&state) - 0.5);
        for (size_t i = 0; pass && i < x.m * x.k; i++) x.x[i] = (float)(sv_rng_unit(&state) - 0.5);
        probes = 0;
        for (size_t t = 0; o->table[t]; t++) {
            if (!has(o->table[t], x.type)) continue;
            table[probes / kinds] = t;
            place(&p[probes], kinds, c, o->table[t], &x, &a);
            probes += kinds;
        }
        if (!pass && !(mem = sv_alloc(a.used, 1, e))) return SV_ENOMEM;
        if (!pass) a = (struct sv_arena){ .base = mem, .cap = a.used };
    }
    for (size_t i = 0; i < probes; i++) {
        const double bandwidth = sv_roof_of(&roof[table[i / kinds]][i % kinds], bytes, sv_pool_threads(p[i].cpu.pool));
        probe[i] = (struct sv_probe){ { .flops = 2 * m * n * k, .bytes = bytes, .bandwidth = bandwidth }, &p[i].cpu, run_product, &p[i] };
        snprintf(probe[i].row.name, sizeof probe[i].row.name, "%s", name);
        snprintf(probe[i].row.type, sizeof probe[i].row.type, "%s", sv_dtype_name(x.type));
    }
    const int rc = probes ? sv_measure(probe, probes, o, out, e) : 0;
    sv_free(mem);
    return rc;
}

int sv_bench_products(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_roof roof[SV_TABLES][2], struct sv_rows *out, struct sv_err *e) {
    static const char *const act[] = { "", " quick", " gelu" };
    static const enum sv_dtype type[] = { SV_F32, SV_BF16, SV_I8 };
    int rc = 0;
    for (size_t i = 0; !rc && i < SV_LEN(shapes) * SV_LEN(type); i++) {
        const size_t s = i / SV_LEN(type);
        const struct operands x = { .m = shapes[s].m, .n = shapes[s].n, .k = shapes[s].k, .type = type[i % SV_LEN(type)], .act = shapes[s].act };
        char name[64];
        snprintf(name, sizeof name, "gemm %zux%zux%zu%s", x.m, x.n, x.k, act[x.act]);
        if (sv_bench_wants(o, name)) rc = bench_product(c, &x, name, o, roof, out, e);
    }
    return rc;
}
