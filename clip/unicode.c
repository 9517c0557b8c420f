#include "clip/unicode.h"

#include "clip/unicode_tables.h"
#include <string.h>

const char *sv_unicode_version(void) { return sv_uni_version; }

static bool in_ranges(const struct sv_uni_range *r, size_t n, uint32_t c) {
    size_t lo = 0;
    while (n) {                                     /* the last range that starts at or before c */
        const size_t half = n / 2;
        if (r[lo + half].first <= c) lo += half + 1, n -= half + 1;
        else n = half;
    }
    return lo && c <= r[lo - 1].last;
}

static uint32_t in_map(const struct sv_uni_map *m, size_t n, uint32_t c) {
    size_t lo = 0;
    while (n) {
        const size_t half = n / 2;
        if (m[lo + half].first <= c) lo += half + 1, n -= half + 1;
        else n = half;
    }
    return lo && c <= m[lo - 1].last ? m[lo - 1].value : 0;
}

static const struct sv_uni_pair *in_pairs(const struct sv_uni_pair *p, size_t n, uint32_t c) {
    size_t lo = 0;
    while (n) {
        const size_t half = n / 2;
        if (p[lo + half].c <= c) lo += half + 1, n -= half + 1;
        else n = half;
    }
    return lo && p[lo - 1].c == c ? &p[lo - 1] : NULL;
}

bool sv_uni_letter(uint32_t c) {
    if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return in_ranges(sv_uni_l, sv_uni_l_n, c);
}

bool sv_uni_number(uint32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : in_ranges(sv_uni_n, sv_uni_n_n, c); }
bool sv_uni_digit(uint32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : in_ranges(sv_uni_nd, sv_uni_nd_n, c); }

bool sv_uni_space(uint32_t c) {
    if (c < 0x85) return c == ' ' || (c >= 9 && c <= 13);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

void sv_chars_free(struct sv_chars *t) {
    sv_free(t->c);
    memset(t, 0, sizeof *t);
}

int sv_chars_add(struct sv_chars *t, uint32_t c, struct sv_err *e) {
    if (t->n == t->cap && sv_grow(&t->c, &t->cap, t->n, sizeof *t->c, e)) return SV_ENOMEM;
    t->c[t->n++] = c;
    return 0;
}

/* The length of the character at s and its code point; 0 where the bytes are none. */
static size_t utf8_one(const uint8_t *s, size_t n, uint32_t *c) {
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (!len || len > n) return 0;
    uint32_t v = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        v = v << 6 | (s[i] & 0x3f);
    }
    if (v < least[len] || (v >= 0xd800 && v <= 0xdfff) || v > 0x10ffff) return 0;
    *c = v;
    return len;
}

size_t sv_utf8_length(const uint8_t *s, size_t n) {
    uint32_t c;
    return n ? utf8_one(s, n, &c) : 0;
}

int sv_utf8_decode(struct sv_chars *t, const char *s, size_t n, struct sv_err *e) {
    for (size_t i = 0; i < n;) {
        uint32_t c;
        const size_t len = utf8_one((const uint8_t *)s + i, n - i, &c);
        if (!len)
            return sv_fail(e, SV_EINPUT, "text: byte %zu is 0x%02x, expected UTF-8", i, (unsigned)(uint8_t)s[i]);
        if (sv_chars_add(t, c, e)) return SV_ENOMEM;
        i += len;
    }
    return 0;
}

size_t sv_utf8_encode(uint32_t c, uint8_t out[4]) {
    if (c < 0x80) return out[0] = (uint8_t)c, 1;
    const size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; --i; c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(c | (0xf00u >> len & 0xff));
    return len;
}

static uint32_t lower_one(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    size_t lo = 0, n = sv_uni_lower_n;
    while (n) {
        const size_t half = n / 2;
        if (sv_uni_lower[lo + half].first <= c) lo += half + 1, n -= half + 1;
        else n = half;
    }
    if (!lo) return c;
    const struct sv_uni_run *r = &sv_uni_lower[lo - 1];
    return c <= r->last && (c - r->first) % r->step == 0 ? (uint32_t)((int32_t)c + r->delta) : c;
}

/* A sigma is final where a cased letter is before it and none after it, case-ignorable characters aside. */
static bool final_sigma(const uint32_t *c, size_t n, size_t at) {
    uint32_t kind = 0;
    for (size_t i = at; i-- > 0;)
        if ((kind = in_map(sv_uni_sigma, sv_uni_sigma_n, c[i])) != 2) break;
    if (kind != 1) return false;
    for (size_t i = at + 1; i < n; i++)
        if ((kind = in_map(sv_uni_sigma, sv_uni_sigma_n, c[i])) != 2) return kind != 1;
    return true;
}

int sv_uni_lower_text(struct sv_chars *t, struct sv_err *e) {
    struct sv_chars out = {0};
    int rc = 0;
    for (size_t i = 0; i < t->n && !rc; i++) {
        const uint32_t c = t->c[i];
        if (c == 0x3a3) rc = sv_chars_add(&out, final_sigma(t->c, t->n, i) ? 0x3c2 : 0x3c3, e);
        else if (c == 0x130) rc = sv_chars_add(&out, 'i', e) || sv_chars_add(&out, 0x307, e) ? SV_ENOMEM : 0;
        else rc = sv_chars_add(&out, lower_one(c), e);
    }
    if (rc) { sv_chars_free(&out); return rc; }
    sv_chars_free(t);
    *t = out;
    return 0;
}

/* Hangul syllables are arithmetic: S = (L * 21 + V) * 28 + T (The Unicode Standard, section 3.12). */
enum { HANGUL_S = 0xac00, HANGUL_L = 0x1100, HANGUL_V = 0x1161, HANGUL_T = 0x11a7, V_COUNT = 21, T_COUNT = 28,
       L_COUNT = 19, S_COUNT = L_COUNT * V_COUNT * T_COUNT };

static int decompose(struct sv_chars *out, uint32_t c, struct sv_err *e) {
    if (c < 0xc0) return sv_chars_add(out, c, e);
    if (c >= HANGUL_S && c < HANGUL_S + S_COUNT) {
        const uint32_t s = c - HANGUL_S, t = s % T_COUNT;
        int rc = sv_chars_add(out, HANGUL_L + s / (V_COUNT * T_COUNT), e);
        if (!rc) rc = sv_chars_add(out, HANGUL_V + s / T_COUNT % V_COUNT, e);
        return !rc && t ? sv_chars_add(out, HANGUL_T + t, e) : rc;
    }
    const struct sv_uni_pair *p = in_pairs(sv_uni_dec, sv_uni_dec_n, c);
    if (!p) return sv_chars_add(out, c, e);
    const int rc = decompose(out, p->a, e);         /* the longest chain has four steps */
    return rc || !p->b ? rc : decompose(out, p->b, e);
}

static uint32_t compose(uint32_t a, uint32_t b) {   /* 0 where they do not */
    if (a >= HANGUL_L && a < HANGUL_L + L_COUNT && b >= HANGUL_V && b < HANGUL_V + V_COUNT)
        return HANGUL_S + ((a - HANGUL_L) * V_COUNT + (b - HANGUL_V)) * T_COUNT;
    if (a >= HANGUL_S && a < HANGUL_S + S_COUNT && (a - HANGUL_S) % T_COUNT == 0 && b > HANGUL_T && b < HANGUL_T + T_COUNT)
        return a + (b - HANGUL_T);
    size_t lo = 0, n = sv_uni_comp_n;
    while (n) {
        const size_t half = n / 2;
        const struct sv_uni_pair *p = &sv_uni_dec[sv_uni_comp[lo + half]];
        if (p->a < a || (p->a == a && p->b <= b)) lo += half + 1, n -= half + 1;
        else n = half;
    }
    if (!lo) return 0;
    const struct sv_uni_pair *p = &sv_uni_dec[sv_uni_comp[lo - 1]];
    return p->a == a && p->b == b ? p->c : 0;
}

/* Stable sort of the marks c[0 .. n) by class.  Counting, so that a text of nothing but marks stays linear. */
static int sort_marks(uint32_t *c, uint8_t *ccc, size_t n, struct sv_err *e) {
    size_t i = 1, at[257] = {0};
    while (i < n && ccc[i - 1] <= ccc[i]) i++;
    if (i >= n) return 0;
    uint32_t *tmp = sv_alloc(n, sizeof *tmp, e);
    if (!tmp) return SV_ENOMEM;
    for (i = 0; i < n; i++) at[ccc[i] + 1]++;
    for (i = 0; i < 256; i++) at[i + 1] += at[i];
    for (i = 0; i < n; i++) tmp[at[ccc[i]]++] = c[i];
    memcpy(c, tmp, n * sizeof *c);
    for (i = n; i-- > 0;) ccc[i] = (uint8_t)in_map(sv_uni_ccc, sv_uni_ccc_n, c[i]);
    sv_free(tmp);
    return 0;
}

static int order_marks(struct sv_chars *t, uint8_t *ccc, struct sv_err *e) {
    for (size_t i = 0; i < t->n;) {
        size_t end = i;
        while (end < t->n && ccc[end]) end++;
        if (end > i + 1 && sort_marks(t->c + i, ccc + i, end - i, e)) return SV_ENOMEM;
        i = end + 1;
    }
    return 0;
}

/* Composes in place: each character joins the last starter unless a mark of its class or above stands between. */
static void compose_all(struct sv_chars *t, const uint8_t *ccc) {
    size_t out = 0, starter = 0;
    bool has = false;
    uint8_t last = 0;                               /* class of what was kept since the starter */
    for (size_t i = 0; i < t->n; i++) {
        const uint32_t c = t->c[i];
        if (has && (last < ccc[i] || out == starter + 1)) {
            const uint32_t both = compose(t->c[starter], c);
            if (both) { t->c[starter] = both; continue; }
        }
        if (!ccc[i]) starter = out, has = true, last = 0;
        else last = ccc[i];
        t->c[out++] = c;
    }
    t->n = out;
}

int sv_uni_nfc(struct sv_chars *t, struct sv_err *e) {
    size_t plain = 0;                               /* below U+0300 nothing decomposes to stay so, or combines */
    while (plain < t->n && t->c[plain] < 0x300) plain++;
    if (plain == t->n) return 0;
    struct sv_chars out = {0};
    int rc = 0;
    for (size_t i = 0; i < t->n && !rc; i++) rc = decompose(&out, t->c[i], e);
    uint8_t *ccc = rc ? NULL : sv_alloc(out.n, 1, e);
    if (!rc && !ccc) rc = SV_ENOMEM;
    for (size_t i = 0; i < out.n && !rc; i++)
        ccc[i] = out.c[i] < 0x300 ? 0 : (uint8_t)in_map(sv_uni_ccc, sv_uni_ccc_n, out.c[i]);
    if (!rc) rc = order_marks(&out, ccc, e);
    if (rc) { sv_free(ccc); sv_chars_free(&out); return rc; }
    compose_all(&out, ccc);
    sv_free(ccc);
    sv_chars_free(t);
    *t = out;
    return 0;
}

uint32_t sv_uni_cp1252(uint32_t c) {
    static const uint16_t table[32] = {
        0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
        0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
    };
    return c >= 0x80 && c <= 0x9f ? table[c - 0x80] : c;
}

size_t sv_uni_plain_width(uint32_t c, uint32_t out[2]) {
    const struct sv_uni_pair *p = c < 0x3000 ? NULL : in_pairs(sv_uni_width, sv_uni_width_n, c);
    out[0] = p ? p->a : c, out[1] = p ? p->b : 0;
    return p && p->b ? 2 : 1;
}
