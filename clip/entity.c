#include "clip/unicode.h"

#include "clip/unicode_tables.h"

enum { NAME_MAX_HTML = 32, NAME_MAX_FTFY = 24 };

static int compare(const char *name, const uint32_t *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = (unsigned char)name[i];
        if (!c || c != s[i]) return c < s[i] ? -1 : 1;
    }
    return name[n] ? 1 : 0;
}

static const struct sv_entity *find(const struct sv_entity *t, size_t n, const uint32_t *s, size_t len) {
    size_t lo = 0;
    while (n) {
        const size_t half = n / 2;
        const int d = compare(t[lo + half].name, s, len);
        if (!d) return &t[lo + half];
        if (d < 0) lo += half + 1, n -= half + 1;
        else n = half;
    }
    return NULL;
}

static int add_all(struct sv_chars *out, const uint32_t *s, size_t n, struct sv_err *e) {
    for (size_t i = 0; i < n; i++)
        if (sv_chars_add(out, s[i], e)) return SV_ENOMEM;
    return 0;
}

static int add_entity(struct sv_chars *out, const struct sv_entity *x, struct sv_err *e) {
    return add_all(out, x->text, x->text[2] ? 3 : x->text[1] ? 2 : 1, e);
}

static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
static bool is_hex(uint32_t c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
static bool is_alnum(uint32_t c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

/* "#39;", "#x27" at s: the number (too large ones stop at 0x110000) and the length used, 0 where there is none. */
static size_t number(const uint32_t *s, size_t n, uint32_t *value) {
    const bool hex = n > 1 && (s[1] | 0x20) == 'x';
    size_t i = hex ? 2 : 1;
    const size_t first = i;
    uint32_t v = 0;
    for (; i < n && (hex ? is_hex(s[i]) : is_digit(s[i])); i++) {
        v = v * (hex ? 16 : 10) + (is_digit(s[i]) ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
        if (v > 0x110000) v = 0x110000;
    }
    *value = v;
    if (i == first) return 0;
    return i < n && s[i] == ';' ? i + 1 : i;
}

/* What a numeric reference stands for (HTML, "numeric character reference end state", as Python applies it). */
static int add_number(struct sv_chars *out, uint32_t v, struct sv_err *e) {
    if (!v || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) v = 0xfffd;
    if (v >= 0x80 && v <= 0x9f) return sv_chars_add(out, sv_uni_cp1252(v), e);
    const bool dropped = v < 9 || v == 0xb || (v >= 0xe && v < 0x20) || v == 0x7f || (v >= 0xfdd0 && v <= 0xfdef) ||
                         (v & 0xfffe) == 0xfffe;
    return dropped ? 0 : sv_chars_add(out, v, e);
}

/* The characters after an '&': html5's [^\t\n\f <&#;]{1,32};?, of which the longest name counts.  *used: how many were
 * replaced, 0 for none. */
static int named_html5(struct sv_chars *out, const uint32_t *s, size_t n, size_t *used, struct sv_err *e) {
    size_t len = 0;
    while (len < n && len < NAME_MAX_HTML && s[len] != '\t' && s[len] != '\n' && s[len] != '\f' && s[len] != ' ' &&
           s[len] != '<' && s[len] != '&' && s[len] != '#' && s[len] != ';') len++;
    if (len && len < n && s[len] == ';') len++;
    for (size_t i = len; i > 1; i--) {
        const struct sv_entity *x = find(sv_entities, sv_entities_n, s, i);
        if (x) return *used = i, add_entity(out, x, e);
    }
    return 0;
}

/* The same for ftfy's #?[0-9A-Za-z]{1,24};, whose whole text must be a name or a number. */
static int strict(struct sv_chars *out, const uint32_t *s, size_t n, size_t *used, struct sv_err *e) {
    const size_t hash = s[0] == '#';
    size_t len = hash;
    while (len < n && len - hash < NAME_MAX_FTFY && is_alnum(s[len])) len++;
    if (len == hash || len == n || s[len++] != ';') return 0;
    if (hash) {
        uint32_t v;
        /* A reference to ';' itself stays, because ftfy takes a semicolon in the result for a part left over. */
        if (number(s, len, &v) != len || v == ';') return 0;
        return *used = len, add_number(out, v, e);
    }
    const struct sv_entity *x = find(sv_entities, sv_entities_n, s, len);
    if (!x) x = find(sv_entities_upper, sv_entities_upper_n, s, len);
    return x ? *used = len, add_entity(out, x, e) : 0;
}

int sv_uni_unescape(struct sv_chars *out, const uint32_t *in, size_t n, bool html5, struct sv_err *e) {
    for (size_t i = 0; i < n;) {
        size_t used = 0;
        if (in[i] == '&' && i + 1 < n) {
            const uint32_t *s = in + i + 1;
            const size_t left = n - i - 1;
            uint32_t v;
            int rc = 0;
            if (!html5) rc = strict(out, s, left, &used, e);
            else if (s[0] != '#') rc = named_html5(out, s, left, &used, e);
            else if ((used = number(s, left, &v))) rc = add_number(out, v, e);
            if (rc) return rc;
        }
        if (used) i += used + 1;
        else if (sv_chars_add(out, in[i++], e)) return SV_ENOMEM;
    }
    return 0;
}
