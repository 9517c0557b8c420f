/* check_kern.c - every kernel of every usable table against double precision, between guard pages.
 *
 *   check_kern [--isa NAME] [--only PATTERN] [--seed N]
 *
 * A plain program, so that it runs under qemu, valgrind and on boards without a test library.  Sums are held to
 * (n + 4) eps / 2 times the sum of magnitudes, which bounds any order of summation, with or without FMA. */
#define _DEFAULT_SOURCE                 /* MAP_ANONYMOUS */
#include "core/half.h"
#include "core/kern.h"
#include "core/rng.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The table of AVX-VNNI with the instruction's other encoding. */
extern const struct sv_kern sv_kern_avxvnni_evex;

static const struct sv_kern *K;         /* table under test */
static const char *row = "";            /* kernel under test, for messages */
static unsigned long checks, failures;
static uint64_t seed = 1, state;

#define EPS ((double)FLT_EPSILON)

static float real(void) { return (float)(2 * sv_rng_unit(&state) - 1); }
static size_t pick(size_t lo, size_t hi) { return lo + sv_rng_below(&state, hi - lo + 1); }
static size_t size_of_round(size_t t) { return t < 80 ? t : pick(0, 3000); }
enum { ROUNDS = 400 };

/* n bytes that end exactly at an unmapped page, or begin at one if head. */
struct buf { char *map; size_t len; void *p; float *f; uint16_t *h; uint32_t *w; int32_t *i; };

static struct buf bytes(size_t n, bool head) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (n + page - 1) / page * page + page;
    struct buf b = { .len = body + 2 * page };
    b.map = mmap(NULL, b.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b.map == MAP_FAILED || mprotect(b.map + page, body, PROT_READ | PROT_WRITE)) {
        perror("mmap");
        exit(2);
    }
    b.p = b.map + page + (head ? 0 : body - n);
    b.f = b.p, b.h = b.p, b.w = b.p, b.i = b.p;
    return b;
}

static struct buf floats(size_t n, bool head) {
    struct buf b = bytes(n * sizeof(float), head);
    for (size_t i = 0; i < n; i++) b.f[i] = real();
    return b;
}

static void drop(struct buf b) { munmap(b.map, b.len); }

static bool verdict(bool good, const char *fmt, ...) SV_PRINTF(2, 3);
static bool verdict(bool good, const char *fmt, ...) {
    checks++;
    if (good || failures++ > 20) return good;
    fprintf(stderr, "FAIL %s %s seed %llu: ", K->isa, row, (unsigned long long)seed);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return good;
}

static void near(double got, double want, double bound, size_t n, size_t i) {
    verdict(fabs(got - want) <= bound, "n=%zu i=%zu got %.9g want %.9g bound %.3g", n, i, got, want, bound);
}

static double sum_bound(size_t terms, double magnitude) { return ((double)terms + 4) * (EPS / 2) * magnitude * 1.01 + FLT_MIN; }

static void check_dot(void) {
    for (size_t t = 0; t < ROUNDS; t++) {
        const size_t n = size_of_round(t);
        struct buf a = floats(n, t & 1), b = floats(n, t & 2);
        double want = 0, mag = 0;
        for (size_t i = 0; i < n; i++) want += (double)a.f[i] * b.f[i], mag += fabs((double)a.f[i] * b.f[i]);
        near(K->dot(a.f, b.f, n), want, sum_bound(n, mag), n, 0);
        drop(a), drop(b);
    }
}

static void check_axpy(void) {
    for (size_t t = 0; t < ROUNDS; t++) {
        const size_t n = size_of_round(t);
        struct buf x = floats(n, t & 1), y = floats(n, t & 2), old = floats(n, 0);
        memcpy(old.p, y.p, n * sizeof(float));
        const float s = real();
        K->axpy(y.f, s, x.f, n);
        for (size_t i = 0; i < n; i++) {
            const double p = (double)s * x.f[i];
            near(y.f[i], old.f[i] + p, sum_bound(1, fabs(p) + fabs((double)old.f[i])), n, i);
        }
        drop(x), drop(y), drop(old);
    }
}

/* The bound's term in |mean| is of second order: a row far from zero keeps its accuracy. */
static void norm_truth(const float *y, const float *x, const float *gain, const float *bias, size_t n, float eps) {
    double mean = 0, var = 0, dev = 0;
    for (size_t i = 0; i < n; i++) mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean), dev += fabs(x[i] - mean);
    const double inv = 1 / sqrt(var / (double)n + eps), m = (double)n;
    for (size_t i = 0; i < n; i++) {
        const double d = x[i] - mean, want = d * inv * gain[i] + bias[i];
        const double bound = (m / 2 + 12) * fabs(d) + (m + 8) * dev / m + 8 * EPS * fabs(mean);
        near(y[i], want, EPS / 2 * (bound * inv * fabs((double)gain[i]) + 2 * fabs(want) + 2 * fabs((double)bias[i])) + FLT_MIN, n, i);
    }
}

static void check_norm(void) {
    static const float shift[] = { 0, 3, 1000 }, wide[] = { 1, 0.01f, 50 };
    for (size_t t = 0; t < ROUNDS; t++) {
        const size_t n = size_of_round(t);
        struct buf x = floats(n, t & 1), y = floats(n, t & 2), gain = floats(n, t & 4), bias = floats(n, t & 8), in = floats(n, 0);
        for (size_t i = 0; i < n; i++) in.f[i] = x.f[i] = x.f[i] * wide[t / 3 % 3] + shift[t % 3];
        if (t % 7 == 0) for (size_t i = 0; i < n; i++) in.f[i] = x.f[i] = 1000 * x.f[0];
        float *out = t % 5 ? y.f : x.f;             /* y may be x */
        const float eps = t % 4 ? 1e-5f : 1e-12f;
        K->norm(out, x.f, gain.f, bias.f, n, eps);
        norm_truth(out, in.f, gain.f, bias.f, n, eps);
        if (n > 2) {
            in.f[pick(0, n - 1)] = NAN;
            K->norm(y.f, in.f, gain.f, bias.f, n, 1e-5f);
            for (size_t i = 0; i < n; i++) verdict(isnan(y.f[i]), "n=%zu i=%zu lost a NaN", n, i);
        }
        drop(x), drop(y), drop(gain), drop(bias), drop(in);
    }
}

static void softmax_truth(const float *y, const float *x, size_t n, float scale) {
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) max = fmax(max, x[i]);
    for (size_t i = 0; i < n; i++) sum += exp(scale * (x[i] - max));
    for (size_t i = 0; i < n; i++) {
        const double arg = scale * (x[i] - max), want = exp(arg) / sum;
        /* The rounded argument, 2 ulp of exp, and a sum of terms that all carry both. */
        const double loss = isfinite(arg) ? 2 * fabs(arg) + 8 + (double)n / 2 : 0;
        near(y[i], want, EPS * loss * want + FLT_MIN, n, i);
    }
}

static void check_softmax(void) {
    static const float wide[] = { 1, 10, 100, 0 };
    for (size_t t = 1; t < ROUNDS; t++) {
        const size_t n = sv_max(size_of_round(t), 1);
        struct buf x = floats(n, t & 1), in = floats(n, 0);
        const float scale = t % 3 ? 0.125f : 1;
        for (size_t i = 0; i < n; i++) x.f[i] *= wide[t % 4];
        if (t % 5 == 0) for (size_t i = n / 2 + 1; i < n; i++) x.f[i] = -INFINITY;   /* a causal mask */
        memcpy(in.p, x.p, n * sizeof(float));
        K->softmax(x.f, n, scale);
        softmax_truth(x.f, in.f, n, scale);
        in.f[pick(0, n - 1)] = t & 1 ? NAN : INFINITY;
        K->softmax(in.f, n, scale);
        for (size_t i = 0; i < n; i++) verdict(isnan(in.f[i]), "n=%zu i=%zu lost a NaN", n, i);
        drop(x), drop(in);
    }
}

static double quick_bound(double x, double want) {
    const double a = 1.702 * fabs(x), share = 1 / (1 + exp(1.702 * x));     /* e / (1 + e) */
    return EPS * fabs(want) * ((a + 3) * share + 2) + 1e-36;                 /* below 1e-36 the denominator is infinite */
}
static double quick_truth(double x) { return x / (1 + exp(-1.702 * x)); }

/* A relative error of the tail Phi(-|x|) that grows with x^2 (the argument of its exponential is rounded). */
static double gelu_bound(double x, double want) {
    const double tail = 0.5 * erfc(fabs(x) * 0.70710678118654752);
    return EPS * (1.5 * fabs(want) + fabs(x) * tail * (6 + x * x)) + 4 * FLT_MIN;
}
static double gelu_truth(double x) { return x * 0.5 * erfc(-x * 0.70710678118654752); }

static void check_map(void (*f)(float *, const float *, size_t), double (*truth)(double), double (*bound)(double, double)) {
    static const float wide[] = { 1, 4, 20, 100 };
    for (size_t t = 0; t < ROUNDS; t++) {
        const size_t n = size_of_round(t);
        struct buf x = floats(n, t & 1), y = floats(n, t & 2), in = floats(n, 0);
        for (size_t i = 0; i < n; i++) in.f[i] = x.f[i] *= wide[t % 4];
        float *out = t % 3 ? y.f : x.f;
        f(out, x.f, n);
        for (size_t i = 0; i < n; i++) {
            const double want = truth(in.f[i]);
            near(out[i], want, bound(in.f[i], want), n, i);
        }
        /* The same bits wherever in a row an element stands. */
        if (n) {
            const size_t i = pick(0, n - 1);
            float one;
            f(&one, in.f + i, 1);
            verdict(sv_f32_bits(one) == sv_f32_bits(out[i]), "n=%zu i=%zu other bits alone: %.9g and %.9g", n, i, one, out[i]);
        }
        drop(x), drop(y), drop(in);
    }
    enum { STEP = 4000 };
    static float sweep[40 * STEP + 1], out[40 * STEP + 1];
    for (size_t i = 0; i < SV_LEN(sweep); i++) sweep[i] = (float)i / STEP - 20;
    f(out, sweep, SV_LEN(sweep));
    for (size_t i = 0; i < SV_LEN(sweep); i++) near(out[i], truth(sweep[i]), bound(sweep[i], truth(sweep[i])), SV_LEN(sweep), i);
    float odd[] = { NAN, INFINITY, -1e30f, 1e30f, 0, -0.0f, 1e-40f, -1e-40f, FLT_MIN };
    f(odd, odd, SV_LEN(odd));
    verdict(isnan(odd[0]), "NaN became %g", odd[0]);
    verdict(isinf(odd[1]) && odd[1] > 0, "infinity became %g", odd[1]);
    verdict(odd[2] == 0 && odd[3] == 1e30f && odd[4] == 0 && odd[5] == 0, "f(-1e30, 1e30, 0, -0) = %g %g %g %g", odd[2], odd[3], odd[4], odd[5]);
    for (size_t i = 6; i < SV_LEN(odd); i++) verdict(fabsf(odd[i]) <= FLT_MIN, "f(tiny) = %g", odd[i]);
}

static void check_quick(void) { check_map(K->quick, quick_truth, quick_bound); }
static void check_gelu(void) { check_map(K->gelu, gelu_truth, gelu_bound); }

static double dquick_truth(double x) {
    const double s = 1 / (1 + exp(-1.702 * x));
    return s * (1 + 1.702 * x * (1 - s));
}
static double dquick_bound(double x) {
    const double a = 1.702 * fabs(x), small = 1 / (1 + exp(a));     /* of s and 1 - s the one that carries the error of exp */
    return EPS * (2 + a / 2 + (a + 5) * (a + 1) * small) + 1e-36;
}
static double dgelu_truth(double x) { return 0.5 * erfc(-x * 0.70710678118654752) + x * 0.39894228040143268 * exp(-0.5 * x * x); }
static double dgelu_bound(double x) {
    const double a = fabs(x), tail = 0.5 * erfc(a * 0.70710678118654752), bell = 0.39894228040143268 * exp(-0.5 * x * x);
    return EPS * (2 + (tail + a * bell) * (6 + a * a)) + 4 * FLT_MIN;
}

static void check_factor(void (*f)(float *, const float *, size_t), double (*truth)(double), double (*bound)(double)) {
    static const float wide[] = { 1, 4, 20 };
    for (size_t t = 0; t < ROUNDS; t++) {
        const size_t n = size_of_round(t);
        struct buf x = floats(n, t & 1), y = floats(n, t & 2), in = floats(n, 0);
        for (size_t i = 0; i < n; i++) x.f[i] *= wide[t % 3];
        memcpy(in.p, y.p, n * sizeof(float));
        f(y.f, x.f, n);
        for (size_t i = 0; i < n; i++) {
            const double s = in.f[i], want = s * truth(x.f[i]);
            near(y.f[i], want, fabs(s) * bound(x.f[i]) + EPS * fabs(want) + FLT_MIN, n, i);
        }
        if (n) {
            const size_t i = pick(0, n - 1);
            float one = in.f[i];
            f(&one, x.f + i, 1);
            verdict(sv_f32_bits(one) == sv_f32_bits(y.f[i]), "n=%zu i=%zu other bits alone: %.9g and %.9g", n, i, (double)one, (double)y.f[i]);
            x.f[i] = NAN;
            f(&one, x.f + i, 1);
            verdict(isnan(one), "NaN became %g", (double)one);
        }
        drop(x), drop(y), drop(in);
    }
}

static void check_dquick(void) { check_factor(K->dquick, dquick_truth, dquick_bound); }
static void check_dgelu(void) { check_factor(K->dgelu, dgelu_truth, dgelu_bound); }

/* Sums of n terms lose (n + 4) eps / 2 of their size; the standard rows in them as much, and what the mean loses far from zero. */
static void dnorm_once(size_t n, float shift, float eps, size_t t) {
    struct buf dx = floats(n, t & 1), dy = floats(n, t & 2), x = floats(n, t & 4), gain = floats(n, t & 8), old = floats(n, 0), in = floats(n, 0);
    for (size_t i = 0; i < n; i++) x.f[i] += shift;
    memcpy(old.p, t % 3 ? dx.p : dy.p, n * sizeof(float)), memcpy(in.p, dy.p, n * sizeof(float));
    double mean = 0, var = 0, sum = 0, slope = 0, size = 0, steep = 0;
    for (size_t i = 0; i < n; i++) mean += x.f[i] / (double)n;
    for (size_t i = 0; i < n; i++) var += (x.f[i] - mean) * (x.f[i] - mean) / (double)n;
    const double inv = 1 / sqrt(var + eps), loss = EPS * ((double)n + 12 + 4 * fabs((double)shift) * inv);
    for (size_t i = 0; i < n; i++) {
        const double g = (double)in.f[i] * gain.f[i] / (double)n, h = (x.f[i] - mean) * inv;
        sum += g, slope += g * h, size += fabs(g), steep += fabs(g) * (fabs(h) + 1);
    }
    float stat[2], *out = t % 3 ? dx.f : dy.f;
    K->dnorm(out, dy.f, x.f, gain.f, n, eps, stat);
    for (size_t i = 0; i < n; i++) {
        const double g = (double)in.f[i] * gain.f[i], h = (x.f[i] - mean) * inv, want = old.f[i] + inv * (g - sum - h * slope);
        near(out[i], want, inv * loss * (fabs(g) + size + (fabs(h) + 1) * steep) + EPS * fabs(want), n, i);
    }
    if (n) near(stat[0], mean, EPS * (fabs(mean) + (double)n), n, 0), near(stat[1], inv, loss * inv, n, 1);
    if (n > 2) {
        in.f[pick(0, n - 1)] = NAN;
        K->dnorm(dx.f, in.f, x.f, gain.f, n, eps, stat);
        for (size_t i = 0; i < n; i++) verdict(isnan(dx.f[i]), "n=%zu i=%zu lost a NaN", n, i);
    }
    drop(dx), drop(dy), drop(x), drop(gain), drop(old), drop(in);
}

static void check_dnorm(void) {
    static const float shift[] = { 0, 3, 100 };
    for (size_t t = 0; t < ROUNDS; t++) dnorm_once(size_of_round(t), shift[t % 3], t % 4 ? 1e-5f : 1e-3f, t);
}

/* All 65536 values, in sizes that put every tail to use. */
static void check_widen(void (*f)(float *, const uint16_t *, size_t), float (*truth)(uint16_t)) {
    size_t t = 0;
    for (uint32_t v = 0; v < 65536; t++) {
        const size_t n = sv_min(t < 80 ? t : pick(0, 300), 65536 - v);
        struct buf x = bytes(2 * n, t & 1), y = floats(n, t & 2);
        for (size_t i = 0; i < n; i++) x.h[i] = (uint16_t)(v + i);
        f(y.f, x.h, n);
        for (size_t i = 0; i < n; i++)
            verdict(sv_f32_bits(y.f[i]) == sv_f32_bits(truth(x.h[i])), "n=%zu %04x became %08x", n, x.h[i], sv_f32_bits(y.f[i]));
        v += (uint32_t)n;
        drop(x), drop(y);
    }
}

/* From the definition of the format; the bits of a NaN are its own. */
static float half_truth(uint16_t h) {
    const int e = h >> 10 & 31, m = h & 1023;
    if (e == 31) return sv_bits_f32((uint32_t)(h & 0x8000) << 16 | 0x7f800000u | (uint32_t)m << 13);
    const double v = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
    return (float)(h & 0x8000 ? -v : v);
}
static float bhalf_truth(uint16_t h) { return sv_bits_f32((uint32_t)h << 16); }

static void check_half(void) { check_widen(K->half, half_truth); }
static void check_bhalf(void) { check_widen(K->bhalf, bhalf_truth); }

static void tile_once(size_t m, size_t n, size_t k, bool add, bool head) {
    const size_t ldc = n + pick(0, 3), mr = K->mr, nr = K->nr, cs = (m - 1) * ldc + n;
    struct buf a = floats(k * mr, !head), b = floats(k * nr, head), c = floats(cs, head), old = floats(cs, 0), full = floats(mr * nr, 0);
    if (!add) for (size_t i = 0; i < cs; i++) if (i % ldc < n) c.f[i] = NAN;      /* c is not read */
    memcpy(old.p, c.p, cs * sizeof(float));
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < n; j++) full.f[i * nr + j] = c.f[i * ldc + j];
    K->tile(c.f, ldc, m, n, k, a.f, b.f, add);
    K->tile(full.f, nr, mr, nr, k, a.f, b.f, add);
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < ldc && i * ldc + j < cs; j++) {
        const float got = c.f[i * ldc + j], was = old.f[i * ldc + j];
        if (j >= n) {
            verdict(sv_f32_bits(got) == sv_f32_bits(was), "m=%zu n=%zu k=%zu wrote the gap at (%zu, %zu)", m, n, k, i, j);
            continue;
        }
        double want = add ? was : 0, mag = fabs(want);
        for (size_t p = 0; p < k; p++) {
            const double ab = (double)a.f[p * mr + i] * b.f[p * nr + j];
            want += ab, mag += fabs(ab);
        }
        verdict(fabs(got - want) <= sum_bound(k, mag), "m=%zu n=%zu k=%zu add=%d (%zu, %zu) got %.9g want %.9g", m, n, k, add, i, j, got, want);
        verdict(sv_f32_bits(got) == sv_f32_bits(full.f[i * nr + j]), "m=%zu n=%zu k=%zu (%zu, %zu) other bits in a full tile", m, n, k, i, j);
    }
    drop(a), drop(b), drop(c), drop(old), drop(full);
}

/* step: what k is a multiple of. */
static void tiles(void (*once)(size_t m, size_t n, size_t k, bool add, bool head), size_t mr, size_t step) {
    for (size_t m = 1; m <= mr; m++)
        for (size_t n = 1; n <= K->nr; n++)
            for (size_t t = 0; t < 4; t++) once(m, n, pick(0, 40 / step) * step, t & 1, t & 2);
    for (size_t t = 0; t < 40; t++) once(pick(1, mr), pick(1, K->nr), pick(0, 1000 / step) * step, t & 1, t & 2);
}

static void check_tile(void) {
    tiles(tile_once, K->mr, 1);
}

/* A y [m, n] to put values into; what is not to be read is NaN. */
static struct buf y_of(size_t m, size_t n, size_t ldy, enum sv_put put, bool head) {
    const size_t ys = (m - 1) * ldy + n;
    struct buf y = bytes(ys * sv_put_size(put), head);
    for (size_t i = 0; i < ys; i++)
        if (put == SV_ROUND) y.h[i] = i % ldy < n ? 0x7fc1 : (uint16_t)i;
        else y.f[i] = i % ldy < n && put == SV_SET ? NAN : real();
    return y;
}

static struct buf copy_of(const struct buf *b, size_t size) {
    struct buf c = bytes(size, false);
    memcpy(c.p, b->p, size);
    return c;
}

/* What rounding to bf16 may make of x: half.h's result, or for a subnormal 0. */
static bool is_bf16(uint32_t got, float x) {
    if (isnan(x)) return isnan(sv_bf16_f32((uint16_t)got));
    return got == sv_f32_bf16(x) || (fabsf(x) < FLT_MIN && !(got & 0x7fff));
}

/* y has taken the values x [m, n], and its gaps are what they were. */
static void taken(const struct buf *y, const struct buf *old, size_t m, size_t n, size_t ldy, const float *x, enum sv_act act, enum sv_put put) {
    const size_t size = sv_put_size(put);
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < ldy && i * ldy + j < (m - 1) * ldy + n; j++) {
        const size_t at = i * ldy + j;
        if (j >= n) {
            verdict(!memcmp((char *)y->p + at * size, (char *)old->p + at * size, size), "m=%zu n=%zu wrote the gap at (%zu, %zu)", m, n, i, j);
            continue;
        }
        const float want = put == SV_ADD ? x[i * n + j] + old->f[at] : x[i * n + j], got = put == SV_ROUND ? sv_bf16_f32(y->h[at]) : y->f[at];
        verdict(put == SV_ROUND ? is_bf16(y->h[at], want) : got == want, "m=%zu n=%zu act=%d put=%d (%zu, %zu) got %.9g want %.9g", m, n, (int)act,
                (int)put, i, j, got, want);
    }
}

static void finish_once(size_t m, size_t n, enum sv_act act, enum sv_put put, bool head) {
    const size_t ldy = n + pick(0, 3), nr = K->nr;
    struct buf y = y_of(m, n, ldy, put, head), old = copy_of(&y, ((m - 1) * ldy + n) * sv_put_size(put)), sums = floats(K->mr * nr, !head);
    struct buf bias = floats(n, head), want = floats(m * n, false);
    const float *b = pick(0, 3) ? bias.f : NULL;
    K->finish(y.p, ldy, sums.f, m, n, b, act, put);
    for (size_t i = 0; i < m * n; i++) {
        const size_t at = i / n * nr + i % n;
        want.f[i] = b ? sums.f[at] + b[i % n] : sums.f[at];
        if (act != SV_ACT_NONE) (act == SV_ACT_QUICK ? K->quick : K->gelu)(&want.f[i], &want.f[i], 1);
    }
    taken(&y, &old, m, n, ldy, want.f, act, put);
    drop(y), drop(old), drop(sums), drop(bias), drop(want);
}

static void finishes(void (*once)(size_t m, size_t n, enum sv_act act, enum sv_put put, bool head), size_t mr) {
    size_t t = 0;
    for (size_t m = 1; m <= mr; m++)
        for (size_t n = 1; n <= K->nr; n++, t++) {
            if (t % 4 == 3) once(m, n, SV_ACT_NONE, SV_ADD, t & 1);
            else once(m, n, (enum sv_act)(t % 4), SV_SET, t & 1), once(m, n, (enum sv_act)(t % 4), SV_ROUND, t & 1);
        }
}

static void check_finish(void) { finishes(finish_once, K->mr); }

static void pack_once(size_t wide, size_t m, size_t k, bool head) {
    const size_t ldx = k + pick(0, 5), xs = m ? (m - 1) * ldx + k : 0;
    struct buf x = floats(xs, !head), out = floats(wide * k, head);
    K->pack(out.f, wide, x.f, ldx, m, k);
    for (size_t p = 0; p < k; p++)
        for (size_t i = 0; i < wide; i++) {
            const float want = i < m ? x.f[i * ldx + p] : 0, got = out.f[p * wide + i];
            verdict(sv_f32_bits(got) == sv_f32_bits(want), "wide=%zu m=%zu k=%zu (%zu, %zu) got %.9g want %.9g", wide, m, k, p, i, got, want);
        }
    drop(x), drop(out);
}

/* A tile and its end in one have the bits of the two in turn. */
static void same_bits(const struct buf *y, const struct buf *want, size_t size, size_t m, size_t n, size_t k) {
    const unsigned char *got = y->p, *due = want->p;
    for (size_t i = 0; i < size; i++) verdict(got[i] == due[i], "m=%zu n=%zu k=%zu other bits at byte %zu", m, n, k, i);
}

/* wk: k is a multiple of it. */
static void products(void (*once)(size_t m, size_t n, size_t k, enum sv_act act, enum sv_put put, bool head), size_t mr, size_t wk) {
    for (size_t m = 1; m <= mr; m++)
        for (size_t n = 1; n <= K->nr; n++)
            for (size_t t = 0; t < 3; t++) {
                once(m, n, pick(0, 40) / wk * wk, (enum sv_act)t, SV_SET, t & 1);
                once(m, n, pick(0, 40) / wk * wk, (enum sv_act)t, SV_ROUND, t & 1);
                once(m, n, t * wk, SV_ACT_NONE, SV_ADD, t & 1);
            }
    for (size_t k = 0; k < 300; k += wk)
        for (enum sv_put put = SV_SET; put <= SV_ROUND; put += SV_ROUND) once(mr, K->nr, k, (enum sv_act)(k / wk % 3), put, k / wk & 1);
}

/* Of words: any number of tiles below each other where a table runs through them. */
static void runs(void (*once)(size_t m, size_t n, size_t k, enum sv_act act, enum sv_put put, bool head)) {
    static const enum sv_put puts[] = { SV_SET, SV_ROUND, SV_ROUND, SV_ADD, SV_SET, SV_SET };
    products(once, K->wmr, K->wk);
    for (size_t t = 0; K->runs && t < 600; t++)
        once(pick(0, 4) * K->wmr + pick(1, K->wmr), t & 1 ? K->nr : pick(1, K->nr), pick(0, t % 8 ? 8 : 70) * K->wk, (enum sv_act)(t % 3), puts[t % 6], t & 4);
}

static void product_once(size_t m, size_t n, size_t k, enum sv_act act, enum sv_put put, bool head) {
    const size_t ldy = n + pick(0, 3), mr = K->mr, nr = K->nr, size = ((m - 1) * ldy + n) * sv_put_size(put);
    struct buf a = floats(k * mr, !head), b = floats(k * nr, head), bias = floats(n, head), s = floats(mr * nr, 0);
    struct buf y = y_of(m, n, ldy, put, head), want = copy_of(&y, size);
    const float *z = pick(0, 3) ? bias.f : NULL;
    K->tile(s.f, nr, m, nr, k, a.f, b.f, false);
    K->finish(want.p, ldy, s.f, m, n, z, act, put);
    K->product(y.p, ldy, m, n, k, a.f, b.f, z, act, put);
    same_bits(&y, &want, size, m, n, k);
    drop(a), drop(b), drop(y), drop(want), drop(bias), drop(s);
}

static void check_product(void) { products(product_once, K->mr, 1); }

/* Left panels of up to mr rows for k < few, then `times` of any width for k <= most. */
static void packs(void (*once)(size_t wide, size_t m, size_t k, bool head), size_t mr, size_t few, size_t times, size_t most) {
    for (size_t m = 0; m <= mr; m++)
        for (size_t k = 0; k < few; k++) once(mr, m, k, k & 1);
    for (size_t t = 0; t < times; t++) {
        const size_t wide = t % 3 ? K->nr : pick(1, 40);
        once(wide, pick(0, wide), pick(0, most), t & 1);
    }
}

static void check_pack(void) { packs(pack_once, K->mr, 40, 300, 100); }

static void lay_once(size_t wide, size_t m, size_t k, bool head) {
    const size_t ldx = m + pick(0, 5), xs = k ? (k - 1) * ldx + m : 0;
    struct buf x = floats(xs, !head), out = floats(wide * k, head);
    K->lay(out.f, wide, x.f, ldx, m, k);
    for (size_t p = 0; p < k; p++)
        for (size_t i = 0; i < wide; i++) {
            const float want = i < m ? x.f[p * ldx + i] : 0, got = out.f[p * wide + i];
            verdict(sv_f32_bits(got) == sv_f32_bits(want), "wide=%zu m=%zu k=%zu (%zu, %zu) got %.9g want %.9g", wide, m, k, p, i, got, want);
        }
    drop(x), drop(out);
}

static void check_lay(void) {
    for (size_t m = 0; m <= K->mr; m++)
        for (size_t k = 0; k < 40; k++) lay_once(K->mr, m, k, k & 1);
    for (size_t t = 0; t < 300; t++) {
        const size_t wide = t % 3 ? K->nr : pick(1, 80);
        lay_once(wide, t % 4 ? wide : pick(0, wide), pick(0, 100), t & 1);
    }
}

static void check_peak(void) {
    const size_t n = K->mr * K->nr;
    for (size_t k = 0; k < 100; k++) {
        struct buf x = floats(n, k & 1), old = floats(n, 0);
        memcpy(old.p, x.p, n * sizeof(float));
        K->peak(x.f, -0.75f, 0.5f, k);
        for (size_t i = 0; i < n; i++) {
            double want = old.f[i];
            for (size_t t = 0; t < k; t++) want = -0.75 * want + 0.5;
            near(x.f[i], want, 8 * EPS, n, i);      /* the factor damps what earlier rounds lost */
        }
        drop(x), drop(old);
    }
}

#include "tests/check_word.h"

/* One row per kernel; the compiler refuses a kernel that has none. */
static const struct { const char *name; void (*check)(void); } rows[] = {
#define X(ret, name, args) { #name, check_##name },
    SV_KERN_OPS(X)
#undef X
};

static void crashed(int sig) {
    dprintf(2, "CRASH signal %d in %s %s, seed %llu\n", sig, K->isa, row, (unsigned long long)seed);
    _exit(3);
}

int main(int argc, char **argv) {
    const char *isa = NULL, *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && !strcmp(argv[i], "--isa")) isa = argv[++i];
        else if (i + 1 < argc && !strcmp(argv[i], "--only")) only = argv[++i];
        else if (i + 1 < argc && !strcmp(argv[i], "--seed")) seed = strtoull(argv[++i], NULL, 10);
        else return fprintf(stderr, "usage: check_kern [--isa NAME] [--only PATTERN] [--seed N]\n"), 2;
    }
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    for (size_t i = 0; i < SV_LEN(fatal); i++) sigaction(fatal[i], &(struct sigaction){ .sa_handler = crashed }, NULL);
    const struct sv_kern *table[32] = { NULL };
    size_t n = 0;
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) table[n++] = *k;
    if (sv_kern_named("avx512vnni")) table[n] = &sv_kern_avxvnni_evex;
    for (const struct sv_kern *const *k = table; *k; k++) {
        if (isa && strcmp(isa, (*k)->isa)) continue;
        K = *k;
        for (size_t r = 0; r < SV_LEN(rows); r++) {
            if (only && !strstr(rows[r].name, only)) continue;
            state = seed;               /* a row alone repeats what it did in a full run */
            row = rows[r].name;
            const unsigned long before = checks;
            rows[r].check();
            printf("%-12s %-8s %8lu checks\n", K->isa, row, checks - before);
        }
    }
    printf("%lu checks, %lu failures, seed %llu\n", checks, failures, (unsigned long long)seed);
    return failures || !checks;
}
