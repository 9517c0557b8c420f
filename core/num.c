#include "core/num.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* More than 767 significant digits cannot move a double further than one more non-zero digit does. */
enum { DIGITS = 800, LIMBS = 128 };

struct big { uint32_t d[LIMBS]; size_t n; };        /* little end first, no leading zero limbs */

static void mul_add(struct big *b, uint32_t mul, uint32_t add) {
    uint64_t carry = add;
    for (size_t i = 0; i < b->n; i++) {
        carry += (uint64_t)b->d[i] * mul;
        b->d[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) b->d[b->n++] = (uint32_t)carry;
}

static void mul_pow10(struct big *b, size_t e) {
    for (; e >= 9; e -= 9) mul_add(b, 1000000000, 0);
    for (; e; e--) mul_add(b, 10, 0);
}

static void shift(struct big *b, size_t bits) {
    const size_t limbs = bits / 32, s = bits % 32;
    if (s) mul_add(b, (uint32_t)1 << s, 0);
    if (!limbs) return;
    memmove(b->d + limbs, b->d, b->n * sizeof *b->d);
    memset(b->d, 0, limbs * sizeof *b->d);
    b->n += limbs;
}

static int compare(const struct big *a, const struct big *b) {
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (size_t i = a->n; i--;)
        if (a->d[i] != b->d[i]) return a->d[i] < b->d[i] ? -1 : 1;
    return 0;
}

static void subtract(struct big *a, const struct big *b) {       /* a >= b */
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->n; i++) {
        const uint64_t v = (uint64_t)a->d[i] - (i < b->n ? b->d[i] : 0) - borrow;
        a->d[i] = (uint32_t)v;
        borrow = v >> 63;
    }
    while (a->n && !a->d[a->n - 1]) a->n--;
}

static int bits_of(const struct big *b) {
    int n = (int)b->n * 32;
    for (uint32_t top = b->d[b->n - 1]; !(top >> 31); top <<= 1) n--;
    return n;
}

/* digits * 10^e10 by long division in binary, one bit of the mantissa at a time; e10 + n is within -330 .. 310. */
static double divide(const uint8_t *digit, size_t n, int e10) {
    struct big a = { .n = 0 }, b = { .d = { 1 }, .n = 1 };
    for (size_t i = 0; i < n; i++) mul_add(&a, 10, digit[i]);
    mul_pow10(e10 < 0 ? &b : &a, (size_t)(e10 < 0 ? -e10 : e10));
    int e2 = bits_of(&a) - bits_of(&b);             /* bring a / b into [1, 2), the value is a / b * 2^e2 */
    shift(e2 < 0 ? &a : &b, (size_t)(e2 < 0 ? -e2 : e2));
    if (compare(&a, &b) < 0) shift(&a, 1), e2--;
    const int keep = e2 >= -1022 ? 53 : 53 + 1022 + e2;
    if (keep < 0) return 0;
    uint64_t m = 0;
    for (int i = 0; i < keep; i++) {
        m <<= 1;
        if (compare(&a, &b) >= 0) subtract(&a, &b), m |= 1;
        shift(&a, 1);
    }
    const int half = compare(&a, &b);               /* a / (2 b) of a last place is left */
    if (half > 0 || (half == 0 && (m & 1))) m++;
    return ldexp((double)m, e2 - keep + 1);
}

static double convert(const uint8_t *digit, size_t n, int e10) {
    static const double ten[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
                                  1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    if (!n || (int)n + e10 < -330) return 0;
    if ((int)n + e10 > 310) return HUGE_VAL;
    /* Both factors exact: one operation, correctly rounded (where the FPU does not keep more bits than a double). */
    if (FLT_EVAL_METHOD == 0 && n <= 15 && e10 >= -22 && e10 <= 22) {
        uint64_t w = 0;
        for (size_t i = 0; i < n; i++) w = w * 10 + digit[i];
        return e10 < 0 ? (double)w / ten[-e10] : (double)w * ten[e10];
    }
    return divide(digit, n, e10);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool sv_num_real(const char *s, size_t n, double *out) {
    enum { FAR = 1 << 28 };                         /* an exponent that no number of digits before it can undo */
    uint8_t digit[DIGITS + 1];
    size_t used = 0, i = 0, seen = 0;
    int64_t e10 = 0;
    bool more = false;
    const bool minus = n && s[0] == '-';
    if (n > FAR / 2) return false;
    if (n && (s[0] == '-' || s[0] == '+')) i++;
    for (bool point = false; i < n && (is_digit(s[i]) || (s[i] == '.' && !point)); i++) {
        if (s[i] == '.') {
            if (!seen) return false;
            point = true, seen = 0;
            continue;
        }
        seen++;
        if (used || s[i] != '0') {
            if (used < DIGITS) digit[used++] = (uint8_t)(s[i] - '0');
            else more |= s[i] != '0', e10++;
        }
        e10 -= point;
    }
    if (!seen) return false;                        /* no digit, or none after the point */
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        int64_t e = 0;
        const bool down = ++i < n && s[i] == '-';
        if (i < n && (s[i] == '-' || s[i] == '+')) i++;
        if (i == n) return false;
        for (; i < n && is_digit(s[i]); i++) e = e < FAR ? e * 10 + (s[i] - '0') : FAR;
        if (i < n) return false;
        e10 += down ? -e : e;
    }
    if (i < n) return false;
    if (more) digit[used++] = 1, e10--;
    while (used && !digit[used - 1]) used--, e10++;
    const double v = convert(digit, used, e10 < -FAR ? -FAR : e10 > FAR ? FAR : (int)e10);
    if (isinf(v)) return false;
    *out = minus ? -v : v;
    return true;
}

bool sv_num_int(const char *s, size_t n, int64_t *out) {
    const bool minus = n && s[0] == '-';
    size_t i = n && (s[0] == '-' || s[0] == '+');
    if (i == n) return false;
    uint64_t v = 0;
    const uint64_t most = (uint64_t)INT64_MAX + minus;
    for (; i < n; i++) {
        if (!is_digit(s[i])) return false;
        const uint64_t d = (uint64_t)(s[i] - '0');
        if (v > (most - d) / 10) return false;
        v = v * 10 + d;
    }
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* v with `digits` significant digits into digit[] without trailing zeros; the number is 0.d1d2d3... * 10^e. */
static size_t digits_of(double v, int digits, char digit[SV_NUM_TEXT], int *e) {
    char t[64];
    snprintf(t, sizeof t, "%.*e", digits - 1, v);
    size_t n = 0;
    const char *p = t;
    for (; *p != 'e'; p++)                          /* whatever the locale puts between the digits is skipped */
        if (is_digit(*p)) digit[n++] = *p;
    *e = 1;
    const bool down = p[1] == '-';
    int x = 0;
    for (p += 2; is_digit(*p); p++) x = x * 10 + (*p - '0');
    *e += down ? -x : x;
    while (n > 1 && digit[n - 1] == '0') n--;
    return n;
}

/* Plain notation where that is short, d.ddde-dd elsewhere. */
static size_t layout(const char *digit, size_t n, int e, bool minus, char *out) {
    char *p = out;
    if (minus) *p++ = '-';
    if (e > -5 && e <= 17) {
        if (e <= 0) {
            *p++ = '0', *p++ = '.';
            for (int i = e; i < 0; i++) *p++ = '0';
        }
        for (size_t i = 0; i < n || (int)i < e; i++) {
            if (i && (int)i == e) *p++ = '.';
            *p++ = i < n ? digit[i] : '0';
        }
        *p = 0;
    } else {
        *p++ = digit[0];
        if (n > 1) *p++ = '.';
        memcpy(p, digit + 1, n - 1);
        p += n - 1;
        p += snprintf(p, 8, "e%d", e - 1);
    }
    return (size_t)(p - out);
}

static size_t text(double v, int first, int last, bool single, char out[SV_NUM_TEXT]) {
    if (isnan(v)) return strcpy(out, "nan"), 3;
    if (isinf(v)) return strcpy(out, v < 0 ? "-inf" : "inf"), strlen(out);
    char digit[SV_NUM_TEXT];
    for (int k = first;; k++) {
        int e;
        const size_t n = digits_of(fabs(v), k, digit, &e), len = layout(digit, n, e, signbit(v), out);
        double back;
        if (k == last || (sv_num_real(out, len, &back) && (single ? (double)(float)back == v : back == v))) return len;
    }
}

/* Every decimal of 15 (float: 6) digits survives the way through a normal number, so shorter ones appear as trailing
 * zeros; subnormal numbers hold fewer. */
size_t sv_num_text(double v, char out[SV_NUM_TEXT]) { return text(v, fabs(v) < DBL_MIN ? 1 : 15, 17, false, out); }
size_t sv_num_text_f32(float v, char out[SV_NUM_TEXT]) { return text((double)v, fabsf(v) < FLT_MIN ? 1 : 6, 9, true, out); }
