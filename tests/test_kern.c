#include "core/gemm.h"
#include "core/half.h"
#include "core/rng.h"
#include "tests/util.h"
#include "tools/tool.h"

#include <criterion/criterion.h>
#include <float.h>
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
    float *y0 = sv_alloc(s.m * ldy, sizeof *y0, &err), *panel = sv_alloc(sv_pack_floats(c->kern, SV_F32, s.n, s.k), sizeof *panel, &err);
    float *scratch = sv_alloc(sv_gemm_floats(c, s.m, s.k), sizeof *scratch, &err);
    memcpy(y0, y, s.m * ldy * sizeof *y);
    const struct sv_packed packed = sv_pack_f32(c, panel, w, s.n, s.k);
    if (ep.bias) ep.bias = bias;
    sv_gemm(c, y, ldy, x, ldx, s.m, &packed, &ep, scratch);
    for (size_t i = 0; i < s.m; i++)
        for (size_t j = 0; j < ldy; j++) {
            double sum = ep.put == SV_ADD || j >= s.n ? y0[i * ldy + j] : 0, mag = fabs(sum);
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
            struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(threads, &err) };
            for (size_t i = 0; i < SV_LEN(shapes); i++) {
                check_gemm(&c, shapes[i], (struct sv_epilogue){0}, &rng);
                check_gemm(&c, shapes[i], (struct sv_epilogue){ .bias = &some, .act = SV_ACT_QUICK }, &rng);
                check_gemm(&c, shapes[i], (struct sv_epilogue){ .bias = &some, .act = SV_ACT_GELU }, &rng);
                check_gemm(&c, shapes[i], (struct sv_epilogue){ .bias = &some, .put = SV_ADD }, &rng);
            }
            sv_pool_free(c.pool);
        }
}

static struct sv_packed pack_as(const struct sv_cpu *c, enum sv_dtype type, const float *w, size_t n, size_t k) {
    const struct sv_view v = { .name = "w", .dtype = SV_F32, .rank = 2, .dim = { n, k }, .count = n * k, .bytes = n * k * sizeof *w, .data = w };
    float *panel = sv_alloc(sv_pack_floats(c->kern, type, n, k), sizeof *panel, &err);
    return sv_pack(c, panel, type, &v, NULL);
}

static const enum sv_dtype types[] = { SV_F32, SV_BF16, SV_I8 };

/* Rows a batch at a time, on any number of threads: the bits of all rows at once on one. */
static void any_split(const struct sv_kern *k, enum sv_dtype type) {
    enum { M = 61, N = 150, KK = 1100 };
    uint64_t rng = 2;
    float *x = noise(M * KK, &rng), *w = noise(N * KK, &rng), *y = noise(M * N, &rng), *z = noise(M * N, &rng);
    struct sv_cpu one = { .kern = k, .pool = NULL };
    float *scratch = sv_alloc(sv_gemm_floats(&one, M, KK), sizeof *scratch, &err);
    const struct sv_packed p = pack_as(&one, type, w, N, KK);
    sv_gemm(&one, y, N, x, KK, M, &p, NULL, scratch);
    for (size_t threads = 1; threads <= 64; threads += threads < 4 ? 1 : 20) {
        struct sv_cpu c = { .kern = k, .pool = sv_pool_new(threads, &err) };
        float *shared = sv_alloc(sv_gemm_floats(&c, M, KK), sizeof *shared, &err);
        for (size_t step = 1; step <= M; step += 1 + step / 2) {
            memset(z, 0, M * N * sizeof *z);
            for (size_t at = 0; at < M; at += step) sv_gemm(&c, z + at * N, N, x + at * KK, KK, sv_min(step, M - at), &p, NULL, shared);
            cr_assert(!memcmp(y, z, M * N * sizeof *z), "%s %s, %zu threads, %zu rows at a time", k->isa, sv_dtype_name(type), threads, step);
        }
        sv_pool_free(c.pool), sv_free(shared);
    }
    sv_free((void *)p.panel), sv_free(scratch), sv_free(x), sv_free(w), sv_free(y), sv_free(z);
}

Test(gemm, same_bits_for_any_split) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t t = 0; t < SV_LEN(types); t++) any_split(*k, types[t]);
}

/* What a product of fewer bits means, in double: x and w as they were rounded. */
static double rounded_dot(const struct sv_kern *kern, enum sv_dtype type, const float *x, const float *w, size_t k, double *mag) {
    double s = 0, lo = k ? x[0] : 0, hi = lo;
    float factor = 0;
    for (size_t p = 0; p < k; p++) lo = fmin(lo, x[p]), hi = fmax(hi, x[p]), factor = fmaxf(factor, fabsf(w[p]) / 127);
    for (size_t p = 1; p < k; p += 2) factor = fmaxf(factor, fabsf(w[p - 1] / 2 + w[p] / 2) / ((float)(kern->ipair - 1) / 2));
    const float most = (float)kern->imost, step = ((float)hi - (float)lo) / most, inv = step > 0 ? most / ((float)hi - (float)lo) : 0;
    *mag = 0;
    for (size_t p = 0; p < k; p++) {
        const double a = type == SV_BF16 ? sv_bf16_f32(sv_f32_bf16(x[p])) : (double)lrintf((x[p] - (float)lo) * inv) * (double)step + lo;
        const double b = type == SV_BF16 ? sv_bf16_f32(sv_f32_bf16(w[p])) : factor > 0 ? (double)lrintf(w[p] / factor) * (double)factor : 0;
        s += a * b, *mag += fabs(a * b) + (type == SV_I8 ? fabs(b) * fmax(fabs(lo), fabs(hi)) : 0);
    }
    return s;
}

static void check_rounded(const struct sv_cpu *c, enum sv_dtype type, struct shape s, uint64_t *rng) {
    float *x = noise(s.m * s.k, rng), *w = noise(s.n * s.k, rng), *bias = noise(s.n, rng), *y = noise(s.m * s.n, rng), *old = noise(s.m * s.n, rng);
    float *scratch = sv_alloc(sv_gemm_floats(c, s.m, s.k), sizeof *scratch, &err);
    for (size_t p = 0; p < s.k; p++) x[p] = 3, w[(s.n - 1) * s.k + p] = 0;       /* a row without width, an output of zeros */
    const struct sv_packed packed = pack_as(c, type, w, s.n, s.k);
    const struct sv_epilogue ep = { .bias = bias, .put = SV_ADD };
    memcpy(old, y, s.m * s.n * sizeof *y);
    sv_gemm(c, y, s.n, x, s.k, s.m, &packed, &ep, scratch);
    for (size_t i = 0; i < s.m; i++)
        for (size_t j = 0; j < s.n; j++) {
            double mag, want = rounded_dot(c->kern, type, x + i * s.k, w + j * s.k, s.k, &mag) + (double)bias[j] + (double)old[i * s.n + j];
            cr_assert(fabs(y[i * s.n + j] - want) <= ((double)s.k + 40) * 1.2e-7 * (mag + 2), "%s %s %zu x %zu x %zu at (%zu, %zu): %g, want %g", c->kern->isa,
                      sv_dtype_name(type), s.m, s.n, s.k, i, j, (double)y[i * s.n + j], want);
        }
    sv_free(x), sv_free(w), sv_free(bias), sv_free(y), sv_free(old), sv_free(scratch), sv_free((void *)packed.panel);
}

Test(gemm, fewer_bits_against_double) {
    uint64_t rng = 7;
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(2, &err) };
        for (size_t t = 1; t < SV_LEN(types); t++)
            for (size_t i = 0; i < SV_LEN(shapes); i++) check_rounded(&c, types[t], shapes[i], &rng);
        sv_pool_free(c.pool);
    }
}

/* A row that is not finite gives NaN, and harms no other; the largest products of either sign do not saturate. */
Test(gemm, bytes_keep_nan_and_do_not_saturate) {
    enum { M = 3, N = 2, KK = 3000 };
    static float x[M * KK], w[N * KK], y[M * N];
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        const struct sv_cpu c = { .kern = *k };
        for (size_t p = 0; p < KK; p++) w[p] = 1, w[KK + p] = p % 2 ? 1 : -1, x[p] = 1, x[KK + p] = p % 2 ? 5 : -5, x[2 * KK + p] = 2;
        x[0] = -1, x[2 * KK + 7] = INFINITY;
        const struct sv_packed p = pack_as(&c, SV_I8, w, N, KK);
        float *scratch = sv_alloc(sv_gemm_floats(&c, M, KK), sizeof *scratch, &err);
        sv_gemm(&c, y, N, x, KK, M, &p, NULL, scratch);
        double mag, ones = rounded_dot(*k, SV_I8, x, w, KK, &mag);
        if ((*k)->ipair == SV_ANY_PAIR) ones = KK - 2;                       /* 127 of 127 is not rounded, 95.5 of 191 is */
        cr_assert(fabs(y[0] - ones) < 0.02 && fabsf(y[3] - 5 * KK) < 0.1f, "%s: %g %g", (*k)->isa, (double)y[0], (double)y[3]);
        cr_assert(isnan(y[4]) && isnan(y[5]), "%s", (*k)->isa);
        sv_free(scratch), sv_free((void *)p.panel);
    }
}

/* Rows made on the way are those that lie in memory. */
static void copy_row(const void *arg, size_t i, float *out) { memcpy(out, (const float *)arg + i * 700, 700 * sizeof *out); }

Test(gemm, rows_made_while_they_are_packed) {
    enum { M = 300, N = 40, KK = 700 };
    uint64_t rng = 9;
    float *x = noise(M * KK, &rng), *w = noise(N * KK, &rng), *y = noise(M * N, &rng), *z = noise(M * N, &rng);
    for (size_t t = 0; t < SV_LEN(types); t++)
        for (size_t rows = 0; rows < 80; rows += 40) {
            struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(3, &err), .block = { .rows = rows } };
            float *scratch = sv_alloc(sv_gemm_from_floats(&c, M, KK), sizeof *scratch, &err);
            const struct sv_packed p = pack_as(&c, types[t], w, N, KK);
            sv_gemm(&c, y, N, x, KK, M, &p, NULL, scratch);
            sv_gemm_from(&c, z, N, &(struct sv_maker){ copy_row, x }, M, &p, NULL, scratch);
            cr_assert(!memcmp(y, z, M * N * sizeof *y), "%s", sv_dtype_name(types[t]));
            sv_free(scratch), sv_free((void *)p.panel), sv_pool_free(c.pool);
        }
    sv_free(x), sv_free(w), sv_free(y), sv_free(z);
}

/* x of bf16 gives the bits of the same numbers as floats, and y of bf16 is y rounded: of every table, with ends of panels and of blocks. */
Test(gemm, halves_in_and_out) {
    enum { M = 77, LDX = 702, LDY = 73 };
    static const size_t depth[] = { 1, 31, 64, 700 }, width[] = { 1, 32, 70 };
    uint64_t rng = 11;
    float *x = noise(M * LDX, &rng), *w = noise(70 * LDX, &rng), *bias = noise(LDY, &rng), *y = noise(M * LDY, &rng);
    uint16_t *hx = sv_alloc(M * LDX, sizeof *hx, &err), *hy = sv_alloc(M * LDY, sizeof *hy, &err);
    for (size_t i = 0; i < M * LDX; i++) hx[i] = sv_f32_bf16(x[i]), x[i] = sv_bf16_f32(hx[i]);
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t t = 0; t < SV_LEN(types) * SV_LEN(depth) * SV_LEN(width); t++) {
            const size_t kk = depth[t / SV_LEN(types) % SV_LEN(depth)], n = width[t / SV_LEN(types) / SV_LEN(depth)];
            struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(1 + t % 3, &err), .block = { .rows = t % 2 * 20 } };
            float *scratch = sv_alloc(sv_gemm_from_floats(&c, M, kk), sizeof *scratch, &err);
            const struct sv_packed p = pack_as(&c, types[t % SV_LEN(types)], w, n, kk);
            struct sv_epilogue ep = { .bias = bias, .act = SV_ACT_QUICK };
            sv_gemm(&c, y, LDY, x, LDX, M, &p, &ep, scratch);
            ep.put = SV_ROUND;
            memset(hy, 0x55, M * LDY * sizeof *hy);
            sv_gemm_half(&c, hy, LDY, hx, LDX, M, &p, &ep, scratch);
            for (size_t i = 0; i < M * LDY; i++) {
                const uint16_t want = i % LDY < n ? sv_f32_bf16(y[i]) : 0x5555;
                cr_assert_eq(hy[i], want, "%s %s n=%zu k=%zu at %zu: %04x, want %04x", (*k)->isa, sv_dtype_name(p.type), n, kk, i, hy[i], want);
            }
            sv_free(scratch), sv_free((void *)p.panel), sv_pool_free(c.pool);
        }
    sv_free(x), sv_free(w), sv_free(bias), sv_free(y), sv_free(hx), sv_free(hy);
}

/* Bytes with their factors are the panels of what they stand for, and f32 panels hold the products. */
Test(gemm, packs_bytes_with_factors) {
    enum { N = 37, KK = 131 };
    static int8_t q[N * KK];
    static float factor[N], w[N * KK];
    uint64_t rng = 5;
    for (size_t i = 0; i < N; i++) factor[i] = (float)(i + 1) / 512;
    for (size_t i = 0; i < N * KK; i++) q[i] = (int8_t)((int)sv_rng_below(&rng, 255) - 127);
    for (size_t i = 0; i < N; i++) q[i * KK] = 127;
    for (size_t i = 0; i < N * KK; i++) w[i] = factor[i / KK] * (float)q[i];
    const struct sv_view v = { .name = "q", .dtype = SV_I8, .rank = 2, .dim = { N, KK }, .count = N * KK, .bytes = sizeof q, .data = q };
    const struct sv_view f = { .name = "f", .dtype = SV_F32, .rank = 1, .dim = { N }, .count = N, .bytes = sizeof factor, .data = factor };
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t t = 0; t < SV_LEN(types); t++) {
            const struct sv_cpu c = { .kern = *k };
            const size_t n = sv_pack_floats(*k, types[t], N, KK);
            float *a = sv_alloc(n, sizeof *a, &err);
            sv_pack(&c, a, types[t], &v, &f);
            const struct sv_packed b = pack_as(&c, types[t], w, N, KK);
            cr_assert(!memcmp(a, b.panel, n * sizeof *a), "%s %s", (*k)->isa, sv_dtype_name(types[t]));
            sv_free(a), sv_free((void *)b.panel);
        }
}

/* Bytes as a table wants them, of floats and of bytes that were made for others: nothing that a pair of them meets leaves 16 bits. */
Test(gemm, pairs_of_bytes_stay_within_the_table) {
    enum { N = 9, KK = 301 };
    static int8_t q[N * KK];
    static float factor[N], w[N * KK];
    uint64_t rng = 6;
    for (size_t i = 0; i < N * KK; i++) {
        const size_t row = i / KK;
        w[i] = row == 0 ? 1 : row == 1 ? -1 : row == 2 ? 0.9f * FLT_MAX : row == 3 ? (i % 2 ? 0.5f : 0.501f) : (float)sv_rng_below(&rng, 2000) - 1000;
        q[i] = (int8_t)(row == 0 ? 127 : row == 1 ? -127 : row == 2 ? -128 : (int)sv_rng_below(&rng, 256) - 128);
        factor[row] = 0.25f;
    }
    const struct sv_view f32 = { .name = "w", .dtype = SV_F32, .rank = 2, .dim = { N, KK }, .count = N * KK, .bytes = sizeof w, .data = w };
    const struct sv_view v = { .name = "q", .dtype = SV_I8, .rank = 2, .dim = { N, KK }, .count = N * KK, .bytes = sizeof q, .data = q };
    const struct sv_view f = { .name = "f", .dtype = SV_F32, .rank = 1, .dim = { N }, .count = N, .bytes = sizeof factor, .data = factor };
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t t = 0; t < 2; t++) {
            const struct sv_cpu c = { .kern = *k };
            float *a = sv_alloc(sv_pack_floats(*k, SV_I8, N, KK), sizeof *a, &err);
            const struct sv_packed p = sv_pack(&c, a, SV_I8, t ? &v : &f32, t ? &f : NULL);
            const int8_t *b = (const int8_t *)a;
            for (size_t word = 0; word < (size_t)(p.scale - a); word++)
                for (size_t i = 4 * word; i < 4 * word + 4; i += 2)
                    cr_assert(abs(b[i] + b[i + 1]) <= (*k)->ipair, "%s: %d and %d", (*k)->isa, b[i], b[i + 1]);
            for (size_t row = 0; row < N; row++) {
                const float first = p.scale[row] * (float)b[4 * (row / (*k)->nr * (*k)->nr * sv_panel_words(*k, SV_I8, KK) + row % (*k)->nr)];
                const float want = t ? factor[row] * (float)q[row * KK] : w[row * KK];
                cr_assert(fabsf(first - want) <= 0.51f * p.scale[row], "%s: row %zu begins with %g, want %g", (*k)->isa, row, (double)first, (double)want);
            }
            sv_free(a);
        }
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) cr_expect((*k)->ipair == SV_ANY_PAIR || (*k)->imost * (*k)->ipair < 1 << 15);
}

/* x and w given turned: the same panels and the same bits. */
Test(gemm, turned_operands_are_the_same_product) {
    uint64_t rng = 4;
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t i = 0; i < SV_LEN(shapes); i++) {
            const size_t m = shapes[i].m, n = shapes[i].n, kk = shapes[i].k, ldx = m + 3, ldw = n + 1, packed = sv_pack_floats(*k, SV_F32, n, kk);
            struct sv_cpu c = { .kern = *k, .pool = sv_pool_new(1 + i % 4, &err) };
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
            const size_t floats = sv_pack_floats(*k, SV_F32, kk, n);
            float *back = noise(floats, &rng), *again = noise(floats, &rng);
            sv_turn(&c, back, &straight), sv_pack_turned(&c, again, w, kk, kk, n);
            cr_assert(!memcmp(back, again, floats * sizeof *back), "%s: panels of %zu x %zu turned", (*k)->isa, n, kk);
            const struct sv_epilogue add = { .put = SV_ADD };
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
        const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
        const size_t n = sv_pack_floats(c.kern, SV_F32, N, KK);
        float *a = sv_alloc(n, sizeof *a, &err), *b = sv_alloc(n, sizeof *b, &err);
        sv_pack(&c, a, SV_F32, &v, NULL), sv_pack_f32(&c, b, w, N, KK);
        cr_assert(!memcmp(a, b, n * sizeof *a));
        sv_free(a), sv_free(b);
    }
    sv_free(w);
}

/* Blocks of any size give the same bits; what the file says reaches the sizes. */
Test(gemm, block_sizes_move_no_bits) {
    enum { M = 83, N = 130, KK = 1200 };
    uint64_t rng = 4;
    float *x = noise(M * KK, &rng), *w = noise(N * KK, &rng), *y = noise(M * N, &rng), *z = noise(M * N, &rng);
    struct sv_cpu c = { .kern = sv_kern_best(), .pool = sv_pool_new(2, &err) };
    for (size_t t = 0; t < 12 * SV_LEN(types); t++) {
        const struct sv_packed p = pack_as(&c, types[t / 12], w, N, KK);
        c.block = (struct sv_block_sizes){ t % 4 * 20, t % 12 / 4 * 40 };
        float *scratch = sv_alloc(sv_gemm_floats(&c, M, KK), sizeof *scratch, &err);
        sv_gemm(&c, t % 12 ? z : y, N, x, KK, M, &p, NULL, scratch);
        cr_assert(t % 12 == 0 || !memcmp(y, z, M * N * sizeof *z), "%s rows %zu cols %zu", sv_dtype_name(types[t / 12]), c.block.rows, c.block.cols);
        sv_free(scratch), sv_free((void *)p.panel);
    }
    sv_pool_free(c.pool);
    sv_free(x), sv_free(w), sv_free(y), sv_free(z);
}

Test(gemm, tuned_sizes_are_read) {
    static const struct { const char *text; int rc; size_t rows, cols; } row[] = {
        { "avx2 120 32\n", 0, 120, 32 },          { "# best of 40\n\nneon 8 12\navx2\t64 16\r\n", 0, 64, 16 },
        { "neon 8 12", 0, 7, 7 },                 { "", 0, 7, 7 },
        { "avx2 0 32\n", SV_EINPUT, 7, 7 },       { "avx2 32\n", SV_EINPUT, 7, 7 },
        { "avx2 32 32 32\n", SV_EINPUT, 7, 7 },   { "neon 32 x\n", SV_EINPUT, 7, 7 },
    };
    char path[256];
    snprintf(path, sizeof path, "%s/tune", temp_dir());
    for (size_t i = 0; i < SV_LEN(row); i++) {
        struct sv_block_sizes b = { 7, 7 };
        FILE *f = fopen(path, "w");
        cr_assert(f && fputs(row[i].text, f) >= 0 && !fclose(f));
        cr_assert_eq(sv_tune_read(&b, "avx2", path, &err), row[i].rc, "row %zu: %s", i, err.msg);
        cr_assert(b.rows == row[i].rows && b.cols == row[i].cols, "row %zu: %zu %zu", i, b.rows, b.cols);
    }
    cr_assert_eq(sv_tune_read(&(struct sv_block_sizes){ 0 }, "avx2", "/nowhere/tune", &err), SV_EINPUT);
}
