#include "core/kern.h"
#include "tests/util.h"
#include "tools/selftest.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct ran r;

static size_t count(const char *text, const char *part) {
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++) n++;
    return n;
}

Test(selftest, passes_for_every_table) {
    size_t tables = 0;
    cr_assert_eq(run_svad(&r, NULL, "selftest"), 0, "%s%s", r.out, r.err);
    const size_t lines = count(r.out, "\n");
    cr_assert_str_eq(r.err, "");
    cr_assert_eq(count(r.out, "FAIL"), 0);
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++, tables++) {
        char column[32], last[64];
        snprintf(column, sizeof column, " %s ", (*k)->isa);
        cr_expect_geq(count(r.out, column), 6, "%s", (*k)->isa);
        snprintf(last, sizeof last, "selftest: %zu stages, 0 failed\n", lines - 1);
        cr_expect(strstr(r.out, last), "%s", r.out);
    }
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        struct ran one;
        cr_assert_eq(run_svad(&one, NULL, "selftest --threads 3 --isa %s", (*k)->isa), 0, "%s%s", one.out, one.err);
        cr_expect_eq(count(one.out, "\n"), lines - (tables - 1) * 6, "%s", one.out);
    }
}

Test(selftest, json_lines_and_bad_arguments) {
    cr_assert_eq(run_svad(&r, NULL, "selftest --json --isa scalar"), 0, "%s", r.err);
    cr_expect_eq(count(r.out, "{\"stage\": "), count(r.out, "\n") - 1);
    cr_expect_eq(count(r.out, "\"ok\": true"), count(r.out, "\n") - 1);
    cr_expect(strstr(r.out, ", \"failed\": 0}\n"), "%s", r.out);
    cr_expect_eq(run_svad(&r, NULL, "selftest --isa abacus"), 1);
    cr_expect_eq(run_svad(&r, NULL, "selftest file"), 1);
}

Test(selftest, the_worst_comparison_is_kept) {
    struct sv_check c = {0};
    sv_check_one(&c, "a", 1, 10);
    cr_assert(!strcmp(c.what, "a") && !c.failed);
    sv_check_one(&c, "b", 0.5, 1);
    sv_check_one(&c, "c", 2, 10);
    cr_assert(!strcmp(c.what, "b") && c.worst == 0.5 && c.bound == 1 && c.n == 3);
    sv_check_true(&c, "d", true);
    cr_assert(!c.failed && !strcmp(c.what, "b"));
    sv_check_one(&c, "e", 10.5, 10);
    cr_assert(c.failed && !strcmp(c.what, "e"));
    sv_check_true(&c, "f", false);
    cr_assert_str_eq(c.what, "e", "the first failure is the one that is shown");
}

/* One wrong number among right ones, wherever it stands, fails; so do NaN and infinity. */
Test(selftest, a_wrong_number_fails) {
    double want[5] = { 1, 2, 3, 4, 5 }, got[5];
    float rows[6] = { 3, 4, 0, 0, 0, 2 }, bad[6];
    for (size_t i = 0; i < 6; i++) {
        static const double wrong[3] = { 1e-3, (double)NAN, (double)INFINITY };
        for (size_t k = 0; k < 3; k++) {
            struct sv_check c = {0}, f = {0};
            memcpy(got, want, sizeof got), memcpy(bad, rows, sizeof bad);
            sv_check_f64(&c, "f64", got, want, 5, 1e-4), sv_check_rows(&f, "rows", bad, rows, 3, 2, 1e-4);
            cr_assert(!c.failed && c.n == 1 && !f.failed && f.n == 3);
            got[i % 5] += wrong[k], bad[i] += (float)wrong[k];
            sv_check_f64(&c, "f64", got, want, 5, 1e-4), sv_check_rows(&f, "rows", bad, rows, 3, 2, 1e-4);
            cr_expect(c.failed, "f64 %zu: %g", i, wrong[k]);
            cr_expect(f.failed, "row value %zu: %g", i, wrong[k]);
        }
    }
    struct sv_check exact = {0};
    sv_check_f64(&exact, "exact", (const double[]){ 1 }, (const double[]){ nextafter(1, 2) }, 1, 0);
    cr_expect(exact.failed);
}

static const struct sv_kern *good;
static float wrong_dot(const float *a, const float *b, size_t n) { return good->dot(a, b, n) * 1.001f; }
static void wrong_gelu(float *y, const float *x, size_t n) { good->gelu(y, x, n), y[n - 1] += 1e-4f; }
static void wrong_tile(float *c, size_t ldc, size_t m, size_t n, size_t k, const float *a, const float *b, bool add) {
    good->tile(c, ldc, m, n, k, a, b, add), c[0] += 1e-3f;
}
static void wrong_product(void *y, size_t ldy, size_t m, size_t n, size_t k, const float *a, const float *b, const float *bias, enum sv_act act,
                          enum sv_put put) {
    good->product(y, ldy, m, n, k, a, b, bias, act, put), *(float *)y += 1e-3f;
}

/* A table with one wrong kernel (the last: two, of long sums and of short ones) does not pass the stages that use it. */
Test(selftest, a_wrong_kernel_fails) {
    good = sv_kern_best();
    struct sv_kern k[3] = { *good, *good, *good };
    k[0].dot = wrong_dot, k[1].gelu = wrong_gelu, k[2].tile = wrong_tile, k[2].product = wrong_product;
    for (size_t i = 0; i < 3; i++) {
        const struct sv_cpu cpu = { .kern = &k[i], .pool = NULL };
        struct sv_check c = {0};
        cr_assert_eq(sv_selftest_kernels(&cpu, &c, NULL), 0);
        cr_expect(c.failed && !strcmp(c.what, i ? i == 1 ? "gelu" : "tile" : "dot"), "%s", c.what);
    }
    const struct sv_cpu cpu = { .kern = &k[2], .pool = NULL };
    int (*const stage[])(const struct sv_cpu *, struct sv_check *, struct sv_err *) = {
        sv_selftest_gemm, sv_selftest_image_tower, sv_selftest_text_tower, sv_selftest_fusion, sv_selftest_responses,
    };
    for (size_t i = 0; i < SV_LEN(stage); i++) {
        struct sv_check c = {0};
        struct sv_err e = {0};
        cr_assert_eq(stage[i](&cpu, &c, &e), 0, "%s", e.msg);
        cr_expect(c.failed, "stage %zu", i);
    }
}
