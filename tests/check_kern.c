/* check_kern.c - every kernel of every usable table against double precision, on all small sizes and random larger ones, with
 * unmapped pages on both sides of each buffer.  A plain program, so that an emulator, valgrind or a board can run it.
 *   check_kern [--isa NAME] [--only PART] [--seed N] */
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

static const struct sv_kern *K;         /* table under test */
static const char *row = "";            /* kernel under test, for the crash message */
static long failures, checks;
static uint64_t seed = 1, rng_state;

static float frand(void) { return (float)(2 * sv_rng_unit(&rng_state) - 1); }
static size_t pick(size_t lo, size_t hi) { return lo + sv_rng_below(&rng_state, hi - lo + 1); }

/* Sizes 0 .. 79 in order, then random ones. */
enum { TRIES = 240 };
static size_t size_of(size_t try) { return try < 80 ? try : pick(80, 3000); }

/* bytes that end exactly at an unmapped page, or begin at one if head. */
struct buf { char *map; size_t len; void *p; };
static struct buf bytes(size_t need, bool head) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (need + page - 1) / page * page + page;
    struct buf b = { NULL, body + 2 * page, NULL };
    b.map = mmap(NULL, b.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b.map == MAP_FAILED || mprotect(b.map + page, body, PROT_READ | PROT_WRITE)) abort();
    b.p = head ? b.map + page : b.map + page + body - need;
    return b;
}
static void unbuf(struct buf b) { munmap(b.map, b.len); }

struct fbuf { struct buf b; float *p; };
static struct fbuf floats(size_t n, bool head) {
    struct fbuf f = { bytes(n * sizeof(float), head), NULL };
    f.p = f.b.p;
    for (size_t i = 0; i < n; i++) f.p[i] = frand();
    return f;
}

/* The rest, printf-style, names the case; it is formatted only on failure. */
static void within(double got, double want, double bound, const char *fmt, ...) SV_PRINTF(4, 5);
static void within(double got, double want, double bound, const char *fmt, ...) {
    checks++;
    if (fabs(got - want) <= bound || (isnan(got) && isnan(want)) || (isinf(want) && got == want)) return;
    if (failures++ > 20) return;
    fprintf(stderr, "FAIL %s %s: got %.9g, want %.9g, bound %.3g, seed %llu: ", K->isa, row, got, want, bound, (unsigned long long)seed);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

/* What any order of summing n products of total size mag may lose (Higham 2002, 3.1), with or without fma. */
static double sum_bound(size_t n, double mag) { return ((double)n + 4) * (FLT_EPSILON / 2) * mag * 1.01 + FLT_MIN; }

static void check_dot(void) {
    for (size_t t = 0; t < TRIES; t++) {
        const size_t n = size_of(t);
        struct fbuf a = floats(n, t & 1), b = floats(n, t & 2);
        double want = 0, mag = 0;
        for (size_t i = 0; i < n; i++) want += (double)a.p[i] * b.p[i], mag += fabs((double)a.p[i] * b.p[i]);
        within(K->dot(a.p, b.p, n), want, sum_bound(n, mag), "n=%zu", n);
        unbuf(a.b), unbuf(b.b);
    }
}

static void check_axpy(void) {
    for (size_t t = 0; t < TRIES; t++) {
        const size_t n = size_of(t);
        struct fbuf x = floats(n, t & 1), y = floats(n, t & 2), y0 = floats(n, 0);
        memcpy(y0.p, y.p, n * sizeof *y.p);
        const float s = frand();
        K->axpy(y.p, s, x.p, n);
        for (size_t i = 0; i < n; i++) {
            const double p = (double)s * x.p[i];
            within(y.p[i], y0.p[i] + p, sum_bound(1, fabs(p) + fabs((double)y0.p[i])), "n=%zu i=%zu", n, i);
        }
        unbuf(x.b), unbuf(y.b), unbuf(y0.b);
    }
}

/* Rows of mean up to 4 and sd near 1: the f32 sums lose n eps of |x|, which the gain carries over. */
static void check_norm(void) {
    for (size_t t = 1; t < TRIES; t++) {
        const size_t n = size_of(t);
        struct fbuf x = floats(n, t & 1), g = floats(n, t & 2), b = floats(n, t & 1), y = floats(n, t & 2);
        const float shift = 4 * frand(), eps = t % 3 ? 1e-5f : 1e-12f;
        double mean = 0, var = 0, top = 0;
        for (size_t i = 0; i < n; i++) x.p[i] = 1.7f * x.p[i] + shift, mean += x.p[i], top = fmax(top, fabs((double)x.p[i]));
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) var += (x.p[i] - mean) * (x.p[i] - mean);
        const double scale = 1 / sqrt(var / (double)n + (double)eps);
        const bool in_place = t % 5 == 0;
        struct fbuf x0 = floats(n, 0);
        memcpy(x0.p, x.p, n * sizeof *x.p);
        K->norm(in_place ? x.p : y.p, x.p, g.p, b.p, n, eps);
        /* One element, or equal ones: var is 0 and scale is huge; then only finite is asked for. */
        const double loss = sum_bound(n, 1) + 8 * FLT_EPSILON;
        for (size_t i = 0; i < n && n > 1; i++) {
            const double d = (x0.p[i] - mean) * scale;
            within((in_place ? x.p : y.p)[i], d * g.p[i] + b.p[i], loss * (fabs(d) + top * scale + 1), "n=%zu i=%zu", n, i);
        }
        for (size_t i = 0; i < n; i++) within(isfinite((in_place ? x.p : y.p)[i]), 1, 0, "finite, n=%zu i=%zu", n, i);
        x0.p[n / 2] = NAN;
        K->norm(y.p, x0.p, g.p, b.p, n, eps);
        for (size_t i = 0; i < n; i++) within(y.p[i], NAN, 0, "NaN in the row, n=%zu i=%zu", n, i);
        unbuf(x.b), unbuf(g.b), unbuf(b.b), unbuf(y.b), unbuf(x0.b);
    }
}

/* Each share is exp (4 ulp with its argument's rounding, whose size is |scale x|) over a sum of n positive numbers. */
static void check_softmax(void) {
    for (size_t t = 1; t < TRIES; t++) {
        const size_t n = size_of(t);
        struct fbuf x = floats(n, t & 1), x0 = floats(n, 0);
        const float scale = t % 4 ? 0.125f : 1.0f, size = t % 3 ? 8.0f : 60.0f;
        double sum = 0, top = -INFINITY;
        for (size_t i = 0; i < n; i++) x.p[i] *= size, x0.p[i] = x.p[i], top = fmax(top, x.p[i]);
        for (size_t i = 0; i < n; i++) sum += exp(scale * (x0.p[i] - top));
        K->softmax(x.p, n, scale);
        for (size_t i = 0; i < n; i++) {
            const double want = exp(scale * (x0.p[i] - top)) / sum;
            within(x.p[i], want, want * (sum_bound(n, 1) + FLT_EPSILON * (6 + 2 * scale * (double)size)) + 1e-37, "n=%zu i=%zu", n, i);
        }
        memcpy(x.p, x0.p, n * sizeof *x.p);
        x.p[n / 2] = NAN;
        K->softmax(x.p, n, scale);
        for (size_t i = 0; i < n; i++) within(x.p[i], NAN, 0, "NaN in the row, n=%zu i=%zu", n, i);
        unbuf(x.b), unbuf(x0.b);
    }
}

static double quick_of(double x) { return x / (1 + exp(-1.702 * x)); }
static double gelu_of(double x) { return 0.5 * x * (1 + erf(x * 0.70710678118654752)); }

/* f(x) within rel of |x| (far left the true value vanishes, and so does what matters) on sizes, extremes and NaN. */
static void check_map(void (*f)(float *, const float *, size_t), double (*want)(double), double rel) {
    static const float extreme[] = { 0, -0.0f, 1e-30f, -1e-30f, 1, -1, 4.2f, -4.2f, 30, -30, 88, -88, 1000, -1000, 1e30f, -1e30f, INFINITY, NAN };
    for (size_t t = 0; t < TRIES; t++) {
        const size_t n = size_of(t);
        struct fbuf x = floats(n, t & 1), y = floats(n, t & 2);
        for (size_t i = 0; i < n; i++) x.p[i] *= 12;
        if (n == 18) memcpy(x.p, extreme, sizeof extreme);
        f(y.p, x.p, n);
        for (size_t i = 0; i < n; i++)
            within(y.p[i], want(x.p[i]), rel * fmin(fabs((double)x.p[i]), 1e30), "n=%zu i=%zu x=%.9g", n, i, (double)x.p[i]);
        f(x.p, x.p, n);
        within(memcmp(x.p, y.p, n * sizeof *x.p), 0, 0, "in place, n=%zu", n);
        unbuf(x.b), unbuf(y.b);
    }
}

static void check_quick(void) { check_map(K->quick, quick_of, 6e-7); }
static void check_gelu(void) { check_map(K->gelu, gelu_of, 3e-7); }

/* All 65536 patterns at once, then every small size at both ends of a page: bit exact, but for the payload of a NaN. */
static void check_widen(void (*f)(float *, const uint16_t *, size_t), float (*want)(uint16_t)) {
    for (size_t t = 0; t < 81; t++) {
        const size_t n = t < 80 ? t : 65536;
        struct buf x = bytes(n * 2, t & 1);
        uint16_t *p = x.p;
        struct fbuf y = floats(n, t & 2);
        for (size_t i = 0; i < n; i++) p[i] = t < 80 ? (uint16_t)sv_rng(&rng_state) : (uint16_t)i;
        f(y.p, p, n);
        for (size_t i = 0; i < n; i++) {
            const float w = want(p[i]);
            within(isnan(w) ? isnan(y.p[i]) : sv_f32_bits(y.p[i]) == sv_f32_bits(w), 1, 0, "n=%zu i=%zu bits %04x", n, i, p[i]);
        }
        unbuf(x), unbuf(y.b);
    }
}

static void check_half(void) { check_widen(K->half, sv_f16_f32); }
static void check_bhalf(void) { check_widen(K->bhalf, sv_bf16_f32); }

static void check_tile(void) {
    for (size_t m = 1; m <= K->mr; m++)
        for (size_t n = 1; n <= K->nr; n++)
            for (int add = 0; add < 2; add++) {
                const size_t k = pick(0, 40), ldc = n + pick(0, 3);
                struct fbuf a = floats(k * K->mr, add), b = floats(k * K->nr, !add), c = floats((m - 1) * ldc + n, add), c0 = floats(m * ldc, 0);
                memcpy(c0.p, c.p, ((m - 1) * ldc + n) * sizeof *c.p);
                K->tile(c.p, ldc, m, n, k, a.p, b.p, add);
                for (size_t i = 0; i < m; i++)
                    for (size_t j = 0; j < ldc && i * ldc + j < (m - 1) * ldc + n; j++) {
                        const double old = c0.p[i * ldc + j];
                        double want = add || j >= n ? old : 0, mag = fabs(want);
                        for (size_t p = 0; j < n && p < k; p++) {
                            const double ab = (double)a.p[p * K->mr + i] * b.p[p * K->nr + j];
                            want += ab, mag += fabs(ab);
                        }
                        within(c.p[i * ldc + j], want, j < n ? sum_bound(k, mag) : 0, "m=%zu n=%zu k=%zu add=%d (%zu, %zu)", m, n, k, add, i, j);
                    }
                unbuf(a.b), unbuf(b.b), unbuf(c.b), unbuf(c0.b);
            }
}

/* One row a kernel: the compiler refuses a kernel that has none. */
static const struct { const char *name; void (*check)(void); } rows[] = {
#define X(ret, name, args) { #name, check_##name },
    SV_KERN_OPS(X)
#undef X
};

static void crashed(int sig) {
    char text[160];
    const int n = snprintf(text, sizeof text, "CRASH signal %d in %s %s, seed %llu\n", sig, K->isa, row, (unsigned long long)seed);
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0) _exit(4);
    _exit(3);
}

int main(int argc, char **argv) {
    const char *isa = NULL, *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && !strcmp(argv[i], "--isa")) isa = argv[++i];
        else if (i + 1 < argc && !strcmp(argv[i], "--only")) only = argv[++i];
        else if (i + 1 < argc && !strcmp(argv[i], "--seed")) seed = strtoull(argv[++i], NULL, 10);
        else return fprintf(stderr, "usage: check_kern [--isa NAME] [--only PART] [--seed N]\n"), 1;
    }
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    for (size_t i = 0; i < SV_LEN(fatal); i++) sigaction(fatal[i], &(struct sigaction){ .sa_handler = crashed }, NULL);
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        if (isa && strcmp(isa, (*k)->isa)) continue;
        K = *k;
        for (size_t r = 0; r < SV_LEN(rows); r++) {
            if (only && !strstr(rows[r].name, only)) continue;
            rng_state = seed;           /* a row alone repeats a row of a full run */
            row = rows[r].name;
            rows[r].check();
        }
        printf("%s: checked\n", K->isa);
    }
    printf("%ld checks, %ld failures, seed %llu\n", checks, failures, (unsigned long long)seed);
    return failures || !checks ? 3 : 0;
}
