#include "core/num.h"
#include "core/rng.h"

#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double real(const char *s) {
    double v = NAN;
    return sv_num_real(s, strlen(s), &v) ? v : NAN;
}

static double of_bits(uint64_t u) {
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

static bool same(double a, double b) { return !memcmp(&a, &b, sizeof a); }

/* Halfway cases and neighbours of the limits; the right side is written in binary. */
Test(num, hard) {
    static const struct { const char *s; double v; } rows[] = {
        { "0", 0 }, { "-0", -0.0 }, { "+1", 1 }, { "0.1", 0x1.999999999999ap-4 }, { "1e23", 0x1.52d02c7e14af6p+76 },
        { "9007199254740993", 0x1p53 }, { "9007199254740993.00000000000000000000000000000000000000000001",
                                          0x1.0000000000001p53 },
        { "9007199254740995", 0x1.0000000000002p53 }, { "2.2250738585072011e-308", 0x0.fffffffffffffp-1022 },
        { "2.2250738585072012e-308", 0x1p-1022 }, { "2.2250738585072014e-308", 0x1p-1022 },
        { "4.9406564584124654e-324", 0x1p-1074 },
        { "2.4703282292062327208e-324", 0 }, { "2.4703282292062328e-324", 0x1p-1074 },
        { "7.4109846876186981626e-324", 0x1p-1074 },
        { "7.41098468761869817e-324", 0x1p-1073 }, { "1e-400", 0 }, { "0e999999999999", 0 },
        { "-1e-99999999999999999999", -0.0 },
        { "1.7976931348623157e308", DBL_MAX }, { "179769313486231580793728971405301e276", DBL_MAX },
        { "1.00000000000000011102230246251565404236316680908203125", 1 },
        { "1.00000000000000011102230246251565404236316680908203124", 1 },
        { "1.00000000000000011102230246251565404236316680908203126", 0x1.0000000000001p0 }, { "8.5e-6", 8.5e-6 },
        { "1.0e+5", 1e5 }, { "1E5", 1e5 }, { "000000000000000000000000000000001", 1 },
        { "0.000000000000000000000000000001e30", 1 },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        const double want = strtod(rows[i].s, NULL);
        cr_expect(same(real(rows[i].s), want), "%s: %a, strtod %a", rows[i].s, real(rows[i].s), want);
        cr_expect(same(want, rows[i].v), "%s: %a, expected %a", rows[i].s, want, rows[i].v);
    }
    /* A digit that only the 1000th place decides. */
    char t[1200] = "1.00000000000000011102230246251565404236316680908203125";
    const size_t n = strlen(t);
    memset(t + n, '0', 1000);
    strcpy(t + n + 1000, "1");
    cr_expect(same(real(t), 0x1.0000000000001p0));
    t[n + 1000] = '0';
    cr_expect(same(real(t), 1));
}

Test(num, refused) {
    static const char *const bad[] = { "", "+", "-", ".", ".5", "5.", "1e", "1e+", "1e-", "e5", "1.e5", "1..2", "1.2.3",
                                       "0x10", " 1", "1 ",
                                       "inf", "nan", "infinity", "1,5", "--1", "+-1", "1e5.0", "1e309", "-1e309",
                                           "1.7976931348623159e308",
                                       "1e99999999999999999999", "1_0" };
    for (size_t i = 0; i < SV_LEN(bad); i++) cr_expect(isnan(real(bad[i])), "%s was read", bad[i]);
    double v;
    cr_expect(!sv_num_real("1\0", 2, &v));
}

Test(num, integers) {
    static const struct { const char *s; bool ok; int64_t v; } rows[] = {
        { "0", true, 0 }, { "-0", true, 0 }, { "+7", true, 7 }, { "9223372036854775807", true, INT64_MAX },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775808", true, INT64_MIN }, { "-9223372036854775809", false, 0 },
        { "18446744073709551616", false, 0 },
        { "18446744073709551626", false, 0 }, { "", false, 0 }, { "-", false, 0 }, { "1.0", false, 0 },
        { "1e3", false, 0 }, { " 1", false, 0 },
        { "007", true, 7 },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        int64_t v = 0;
        const bool ok = sv_num_int(rows[i].s, strlen(rows[i].s), &v);
        cr_expect(ok == rows[i].ok && v == rows[i].v, "%s: %d %lld", rows[i].s, ok, (long long)v);
    }
}

Test(num, text) {
    static const struct { double v; const char *s; } rows[] = {
        { 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -1.5, "-1.5" }, { 0.1, "0.1" }, { 100, "100" }, { 1e6, "1000000" },
        { 1e16, "10000000000000000" },
        { 1e17, "1e17" }, { 1e22, "1e22" }, { 1e-5, "0.00001" }, { 1e-6, "1e-6" }, { 1.25e-7, "1.25e-7" },
        { 0x1p-1074, "5e-324" },
        { 123456.75, "123456.75" }, { DBL_MAX, "1.7976931348623157e308" }, { -DBL_MAX, "-1.7976931348623157e308" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" }, { NAN, "nan" }, { INFINITY, "inf" }, { -INFINITY, "-inf" },
    };
    char t[SV_NUM_TEXT];
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        const size_t n = sv_num_text(rows[i].v, t);
        cr_expect(n == strlen(t) && !strcmp(t, rows[i].s), "%a: %s, expected %s", rows[i].v, t, rows[i].s);
    }
    cr_expect(sv_num_text_f32(0.1f, t) == 3 && !strcmp(t, "0.1"));
    cr_expect(sv_num_text_f32(0x1p-149f, t) == 5 && !strcmp(t, "1e-45"), "%s", t);
    cr_expect(sv_num_text_f32(16777216, t) && !strcmp(t, "16777216"));
    cr_expect(sv_num_text_f32(FLT_MAX, t) && !strcmp(t, "3.4028235e38"), "%s", t);
    cr_expect(sv_num_text_f32(1.0f / 3, t) && !strcmp(t, "0.33333334"), "%s", t);
}

static void round_trip(size_t n, bool against_strtod) {
    uint64_t seed = 7;
    char t[SV_NUM_TEXT], longer[64];
    for (size_t i = 0; i < n; i++) {
        const double v = of_bits(sv_rng(&seed));
        if (!isfinite(v)) continue;
        double back = NAN;
        const size_t len = sv_num_text(v, t);
        cr_assert(len < SV_NUM_TEXT && !strchr(t, ',') && sv_num_real(t, len, &back) && same(v, back),
                  "%a: %s reads as %a", v, t, back);
        if (!against_strtod) continue;
        cr_assert(same(strtod(t, NULL), v), "%s", t);
        /* decimals that are not the double's own */
        snprintf(longer, sizeof longer, "%.*e", (int)sv_rng_below(&seed, 30), v);
        const double want = strtod(longer, NULL);
        cr_assert(isinf(want) ? isnan(real(longer)) : same(real(longer), want), "%s: %a, strtod %a", longer,
                  real(longer), want);
        const float f = (float)(sv_rng_unit(&seed) * 2 - 1);
        cr_assert(sv_num_text_f32(f, t) <= 15 && strtof(t, NULL) == f, "%a: %s", (double)f, t);
    }
}

Test(num, round_trip) { round_trip(100000, true); }

/* The neighbourhood of 2^k and of halfway points between doubles, written out exactly. */
Test(num, halfway) {
    uint64_t seed = 3;
    char t[1200];
    for (int i = 0; i < 3000; i++) {
        const double v = of_bits(sv_rng(&seed) & 0x7fefffffffffffff), up = nextafter(v, INFINITY);
        if (isinf(up) || fabs(v) > 1e300) continue;
        const long double half = ((long double)v + (long double)up) / 2;
        if (half == (long double)v || LDBL_MANT_DIG < 64 || v < 1e-290) continue;
        snprintf(t, sizeof t, "%.1100Lg", half);
        cr_assert(same(real(t), strtod(t, NULL)), "%a: %a", v, real(t));
        const size_t n = strlen(t);
        char *e = strchr(t, 'e');
        if (e || !strchr(t, '.')) continue;
        strcpy(t + n, "1");
        cr_assert(same(real(t), up), "%a", v);
    }
}

Test(num, comma_locale) {
    static const char *const names[] = { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "de_DE.utf8", "nl_NL.UTF-8", "pt_BR.UTF-8" };
    bool found = false;
    for (size_t i = 0; i < SV_LEN(names) && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) && !strcmp(localeconv()->decimal_point, ",");
    if (!found) cr_skip_test("no locale with a decimal comma here");
    round_trip(1000, false);
    cr_expect(same(real("1.5"), 1.5) && isnan(real("1,5")));
    setlocale(LC_NUMERIC, "C");
}
