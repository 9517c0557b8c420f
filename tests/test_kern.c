#include "core/gemm.h"
#include "core/half.h"
#include "core/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sv_err err;

Test(kern, every_table_against_double) {
    const char *build = getenv("SVAD_BUILD");
    char line[512];
    for (int seed = 1; seed <= 2; seed++) {
        snprintf(line, sizeof line, "%s/check_kern --seed %d >/dev/null", build ? build : "build/release", seed);
        cr_assert_eq(system(line), 0, "%s", line);
    }
}

Test(kern, tables_are_found_by_name) {
    cr_assert_str_eq(sv_kern_usable()[0]->isa, "scalar");
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) cr_assert_eq(sv_kern_named((*k)->isa), *k);
    cr_assert_eq(sv_kern_named("abacus"), NULL);
}

Test(half, every_f16_comes_back_and_ties_go_to_even) {
    for (uint32_t h = 0; h < 65536; h++) {
        const float f = sv_f16_f32((uint16_t)h), b = sv_bf16_f32((uint16_t)h);
        if (isnan(f)) cr_assert(isnan(sv_f16_f32(sv_f32_f16(f))));
        else cr_assert_eq(sv_f32_f16(f), h);
        if (isnan(b)) cr_assert(isnan(sv_bf16_f32(sv_f32_bf16(b))));
        else cr_assert_eq(sv_f32_bf16(b), h);
        /* Halfway to the next value above goes to the even one, a little further up, a little less down. */
        if ((h & 0x7fff) >= 0x7bff) continue;
        const double next = sv_f16_f32((uint16_t)(h + 1)), half = (f + next) / 2;
        cr_assert_eq(sv_f32_f16((float)half), h + (h & 1), "%04x", h);
        cr_assert_eq(sv_f32_f16(nextafterf((float)half, (float)next)), h + 1, "%04x", h);
        cr_assert_eq(sv_f32_f16(nextafterf((float)half, f)), h, "%04x", h);
    }
    cr_assert_eq(sv_f32_f16(65519.99f), 0x7bff);
    cr_assert_eq(sv_f32_f16(65520), 0x7c00);
    cr_assert_eq(sv_f32_f16(-1e30f), 0xfc00);
    cr_assert_eq(sv_f32_bf16(sv_bits_f32(0x3f808000)), 0x3f80);
    cr_assert_eq(sv_f32_bf16(sv_bits_f32(0x3f818000)), 0x3f82);
}

struct count { int hits[4096]; size_t ranges[64]; };

static void hit(void *arg, size_t begin, size_t end, size_t thread) {
    struct count *c = arg;
    c->ranges[thread]++;
    for (size_t i = begin; i < end; i++) c->hits[i]++;
}

Test(pool, covers_every_item_once) {
    static const size_t sizes[] = { 0, 1, 2, 3, 5, 63, 64, 65, 1000, 4096 };
    for (size_t threads = 1; threads <= 64; threads = threads < 8 ? threads + 1 : threads * 2) {
        struct sv_pool *p = sv_pool_new(threads, &err);
        cr_assert(p, "%s", err.msg);
        for (size_t round = 0; round < 20; round++)
            for (size_t s = 0; s < SV_LEN(sizes); s++) {
                static struct count c;
                memset(&c, 0, sizeof c);
                sv_pool_for(p, sizes[s], hit, &c);
                for (size_t i = 0; i < 4096; i++) cr_assert_eq(c.hits[i], i < sizes[s]);
                for (size_t t = 0; t < 64; t++) cr_assert(c.ranges[t] <= 1);
            }
        sv_pool_free(p);
    }
    static struct count c;
    sv_pool_for(NULL, 7, hit, &c);
    cr_assert_eq(c.hits[6], 1);
}

struct shape { size_t m, n, k; };
static const struct shape shapes[] = { { 1, 1, 1 }, { 1, 17, 5 }, { 5, 1, 3 }, { 6, 16, 384 }, { 7, 17, 385 }, { 13, 33, 800 }, { 200, 70, 31 }, { 3, 600, 40 }, { 15, 34, 2100 } };

static float *noise(size_t n, uint64_t *rng) {
    float *v = sv_alloc(n, sizeof *v, &err);
    for (size_t i = 0; i < n; i++) v[i] = (float)(2 * sv_rng_unit(rng) - 1);
    return v;
}

static double act_of(enum sv_act act, double x) {
    return act == SV_ACT_QUICK ? x / (1 + exp(-1.702 * x)) : act == SV_ACT_GELU ? 0.5 * x * (1 + erf(x * sqrt(0.5))) : x;
}

static void check_gemm(const struct sv_cpu *c, struct shape s, struct sv_epilogue ep, uint64_t *rng) {
    const size_t ldx = s.k + 3, ldy = s.n + 2;
    float *x = noise(s.m * ldx, rng), *w = noise(s.n * s.k, rng), *bias = noise(s.n, rng), *y = noise(s.m * ldy, rng);
    float *y0 = sv_alloc(s.m * ldy, sizeof *y0, &err), *panel = sv_alloc(sv_pack_floats(c->kern, s.n, s.k), sizeof *panel, &err);
    float *scratch = sv_alloc(sv_gemm_floats(c, s.m, s.k), sizeof *scratch, &err);
    memcpy(y0, y, s.m * ldy * sizeof *y);
    const struct sv_packed packed = sv_pack_f32(c, panel, w, s.n, s.k);
    if (ep.bias) ep.bias = bias;
    sv_gemm(c, y, ldy, x, ldx, s.m, &packed, &ep, scratch);
    for (size_t i = 0; i < s.m; i++)
        for (size_t j = 0; j < ldy; j++) {
            double sum = ep.add || j >= s.n ? y0[i * ldy + j] : 0, mag = fabs(sum);
            for (size_t p = 0; j < s.n && p < s.k; p++) {
                const double ab = (double)x[i * ldx + p] * w[j * s.k + p];
                sum += ab, mag += fabs(ab);
            }
            if (j < s.n && ep.bias) sum += bias[j], mag += fabs((double)bias[j]);
            const double bound = j < s.n ? ((double)s.k + 10) * 6e-8 * (mag + 1) * 1.2 : 0, want = j < s.n ? act_of(ep.act, sum) : sum;
            cr_assert(fabs(y[i * ldy + j] - want) <= bound, "%s %zu x %zu x %zu at (%zu, %zu): %g, want %g", c->kern->isa, s.m, s.n, s.k, i, j,
                      (double)y[i * ldy + j], want);
        }
    sv_free(x), sv_free(w), sv_free(bias), sv_free(y), sv_free(y0), sv_free(panel), sv_free(scratch);
}

Test(gemm, against_double) {
    uint64_t rng = 1;
    static const float some;
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t threads = 1; threads <= 3; threads += 2) {
            struct sv_cpu c = { *k, sv_pool_new(threads, &err) };
            for (size_t i = 0; i < SV_LEN(shapes); i++) {
                check_gemm(&c, shapes[i], (struct sv_epilogue){0}, &rng);
                check_gemm(&c, shapes[i], (struct sv_epilogue){ .bias = &some, .act = SV_ACT_QUICK }, &rng);
                check_gemm(&c, shapes[i], (struct sv_epilogue){ .bias = &some, .act = SV_ACT_GELU }, &rng);
                check_gemm(&c, shapes[i], (struct sv_epilogue){ .bias = &some, .add = true }, &rng);
            }
            sv_pool_free(c.pool);
        }
}

/* Rows a batch at a time, on any number of threads: the bits of all rows at once on one. */
Test(gemm, same_bits_for_any_split) {
    enum { M = 61, N = 150, KK = 1100 };
    uint64_t rng = 2;
    float *x = noise(M * KK, &rng), *w = noise(N * KK, &rng), *y = noise(M * N, &rng), *z = noise(M * N, &rng);
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        struct sv_cpu one = { *k, NULL };
        float *panel = sv_alloc(sv_pack_floats(*k, N, KK), sizeof *panel, &err), *scratch = sv_alloc(sv_gemm_floats(&one, M, KK), sizeof *scratch, &err);
        const struct sv_packed p = sv_pack_f32(&one, panel, w, N, KK);
        sv_gemm(&one, y, N, x, KK, M, &p, NULL, scratch);
        for (size_t threads = 1; threads <= 64; threads += threads < 4 ? 1 : 20) {
            struct sv_cpu c = { *k, sv_pool_new(threads, &err) };
            float *shared = sv_alloc(sv_gemm_floats(&c, M, KK), sizeof *shared, &err);
            for (size_t step = 1; step <= M; step += 1 + step / 2) {
                memset(z, 0, M * N * sizeof *z);
                for (size_t at = 0; at < M; at += step) sv_gemm(&c, z + at * N, N, x + at * KK, KK, sv_min(step, M - at), &p, NULL, shared);
                cr_assert(!memcmp(y, z, M * N * sizeof *z), "%s, %zu threads, %zu rows at a time", (*k)->isa, threads, step);
            }
            sv_pool_free(c.pool), sv_free(shared);
        }
        sv_free(panel), sv_free(scratch);
    }
    sv_free(x), sv_free(w), sv_free(y), sv_free(z);
}

/* x and w given turned: the same panels and the same bits. */
Test(gemm, turned_operands_are_the_same_product) {
    uint64_t rng = 4;
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t i = 0; i < SV_LEN(shapes); i++) {
            const size_t m = shapes[i].m, n = shapes[i].n, kk = shapes[i].k, ldx = m + 3, ldw = n + 1, packed = sv_pack_floats(*k, n, kk);
            struct sv_cpu c = { *k, sv_pool_new(1 + i % 4, &err) };
            float *x = noise(m * kk, &rng), *w = noise(n * kk, &rng), *xt = noise(kk * ldx, &rng), *wt = noise(kk * ldw, &rng);
            float *a = noise(packed, &rng), *b = noise(packed, &rng), *y = noise(m * n, &rng), *z = noise(m * n, &rng);
            float *scratch = sv_alloc(sv_gemm_floats(&c, m, kk), sizeof *scratch, &err);
            memcpy(z, y, m * n * sizeof *z);
            for (size_t p = 0; p < kk; p++) {
                for (size_t r = 0; r < m; r++) xt[p * ldx + r] = x[r * kk + p];
                for (size_t r = 0; r < n; r++) wt[p * ldw + r] = w[r * kk + p];
            }
            const struct sv_packed straight = sv_pack_f32(&c, a, w, n, kk), turned = sv_pack_turned(&c, b, wt, ldw, n, kk);
            cr_assert(!memcmp(a, b, packed * sizeof *a), "%s: panels of %zu x %zu", (*k)->isa, n, kk);
            const size_t floats = sv_pack_floats(*k, kk, n);
            float *back = noise(floats, &rng), *again = noise(floats, &rng);
            sv_turn(&c, back, &straight), sv_pack_turned(&c, again, w, kk, kk, n);
            cr_assert(!memcmp(back, again, floats * sizeof *back), "%s: panels of %zu x %zu turned", (*k)->isa, n, kk);
            const struct sv_epilogue add = { .add = true };
            sv_gemm(&c, y, n, x, kk, m, &straight, &add, scratch);
            sv_gemm_turned(&c, z, n, xt, ldx, m, &turned, &add, scratch);
            cr_assert(!memcmp(y, z, m * n * sizeof *y), "%s: %zu x %zu x %zu", (*k)->isa, m, n, kk);
            sv_free(x), sv_free(w), sv_free(xt), sv_free(wt), sv_free(a), sv_free(b), sv_free(y), sv_free(z), sv_free(scratch), sv_pool_free(c.pool);
            sv_free(back), sv_free(again);
        }
}

Test(gemm, packs_halves_of_any_alignment) {
    enum { N = 37, KK = 131 };
    uint64_t rng = 3;
    float *w = noise(N * KK, &rng);
    unsigned char raw[N * KK * 2 + 1];
    for (int bf = 0; bf < 2; bf++) {
        for (size_t i = 0; i < N * KK; i++) {
            const uint16_t h = bf ? sv_f32_bf16(w[i]) : sv_f32_f16(w[i]);
            memcpy(raw + 1 + 2 * i, &h, 2);
            w[i] = bf ? sv_bf16_f32(h) : sv_f16_f32(h);
        }
        const struct sv_view v = { .name = "w", .dtype = bf ? SV_BF16 : SV_F16, .rank = 2, .dim = { N, KK }, .count = N * KK, .bytes = N * KK * 2, .data = raw + 1 };
        const struct sv_cpu c = { sv_kern_best(), NULL };
        const size_t n = sv_pack_floats(c.kern, N, KK);
        float *a = sv_alloc(n, sizeof *a, &err), *b = sv_alloc(n, sizeof *b, &err);
        sv_pack(&c, a, &v), sv_pack_f32(&c, b, w, N, KK);
        cr_assert(!memcmp(a, b, n * sizeof *a));
        sv_free(a), sv_free(b);
    }
    sv_free(w);
}
