#include "clip/clean.h"

#include <string.h>

bool sv_clean_named(const char *name, enum sv_clean *how) {
    static const char *const names[] = { "openai", "hf", "none" };
    for (size_t i = 0; i < SV_LEN(names); i++)
        if (!strcmp(name, names[i])) return *how = (enum sv_clean)i, true;
    return false;
}

/* Latin ligatures and digraphs as ftfy takes them apart.  Its U+02BC for U+0149 is a quote by the end of the same pass. */
static size_t ligature(uint32_t c, uint32_t out[3]) {
    static const struct { uint16_t c; char text[4]; uint16_t last; } table[] = {
        { 0x132, "IJ", 0 }, { 0x133, "ij", 0 }, { 0x149, "'n", 0 }, { 0x1c4, "D", 0x17d }, { 0x1c5, "D", 0x17e },
        { 0x1c6, "d", 0x17e }, { 0x1c7, "LJ", 0 }, { 0x1c8, "Lj", 0 }, { 0x1c9, "lj", 0 }, { 0x1ca, "NJ", 0 },
        { 0x1cb, "Nj", 0 }, { 0x1cc, "nj", 0 }, { 0x1f1, "DZ", 0 }, { 0x1f2, "Dz", 0 }, { 0x1f3, "dz", 0 },
        { 0xfb00, "ff", 0 }, { 0xfb01, "fi", 0 }, { 0xfb02, "fl", 0 }, { 0xfb03, "ffi", 0 }, { 0xfb04, "ffl", 0 },
        { 0xfb05, "", 't' }, { 0xfb06, "st", 0 },
    };
    for (size_t i = 0; c >= 0x132 && i < SV_LEN(table); i++) {
        if (table[i].c != c) continue;
        size_t n = 0;
        if (c == 0xfb05) out[n++] = 0x17f;
        for (const char *s = table[i].text; *s; s++) out[n++] = (unsigned char)*s;
        if (table[i].last) out[n++] = table[i].last;
        return n;
    }
    return 0;
}

/* ftfy's fixers that look at one character: C1 controls, ligatures, widths, quotes, line breaks. */
static size_t fix_char(uint32_t c, uint32_t out[3]) {
    if (c < 0x80) return out[0] = c == '\r' ? '\n' : c, 1;
    size_t n = ligature(c = sv_uni_cp1252(c), out);
    if (!n) n = sv_uni_plain_width(c, out);
    c = out[0];
    if (c == 0x2bc || (c >= 0x2018 && c <= 0x201b)) out[0] = '\'';
    else if (c >= 0x201c && c <= 0x201f) out[0] = '"';
    else if (c == 0x2028 || c == 0x2029) out[0] = '\n';
    return n;
}

/* The length of ESC [ digits and semicolons, letter at s; 0 where there is none. */
static size_t escape(const uint32_t *s, size_t n) {
    if (n < 3 || s[0] != 0x1b || s[1] != '[') return 0;
    size_t i = 2;
    while (i < n && (s[i] == ';' || sv_uni_digit(s[i]))) i++;
    return i < n && s[i] < 0x80 && sv_uni_letter(s[i]) ? i + 1 : 0;
}

static bool is_control(uint32_t c) {
    return c < 9 || c == 0xb || (c >= 0xe && c < 0x20) || c == 0x7f || (c >= 0x206a && c < 0x2070) || c == 0xfeff ||
           (c >= 0xfff9 && c < 0xfffd);
}

/* One round over in: everything but entities into out. */
static int fix_round(struct sv_chars *out, const struct sv_chars *in, struct sv_err *e) {
    for (size_t i = 0; i < in->n; i++) {
        uint32_t to[3];
        if (in->c[i] == '\r' && i + 1 < in->n && in->c[i + 1] == '\n') continue;
        const size_t n = fix_char(in->c[i], to);
        for (size_t k = 0; k < n; k++)
            if (sv_chars_add(out, to[k], e)) return SV_ENOMEM;
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->n;) {
        const size_t skip = escape(out->c + i, out->n - i);
        if (skip) { i += skip; continue; }
        if (!is_control(out->c[i])) out->c[kept++] = out->c[i];
        i++;
    }
    out->n = kept;
    return sv_uni_nfc(out, e);
}

static bool same(const struct sv_chars *a, const struct sv_chars *b) {
    return a->n == b->n && (!a->n || !memcmp(a->c, b->c, a->n * sizeof *a->c));
}

/* ftfy repeats its fixers on a segment until nothing changes. */
static int fix_segment(struct sv_chars *out, const uint32_t *s, size_t n, bool entities, struct sv_err *e) {
    struct sv_chars old = {0}, text = {0}, tmp = {0};
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) rc = sv_chars_add(&text, s[i], e);
    for (size_t round = 0; !rc; round++) {
        if (round == SV_CLEAN_ROUNDS) {
            rc = sv_fail(e, SV_EINPUT, "text: HTML entities inside each other %d deep, expected fewer", SV_CLEAN_ROUNDS);
            break;
        }
        const struct sv_chars spare = old;
        old = text, text = spare, text.n = tmp.n = 0;
        if (entities && (rc = sv_uni_unescape(&tmp, old.c, old.n, false, e))) break;
        if ((rc = fix_round(&text, entities ? &tmp : &old, e)) || same(&text, &old)) break;
    }
    for (size_t i = 0; i < text.n && !rc; i++) rc = sv_chars_add(out, text.c[i], e);
    sv_chars_free(&old), sv_chars_free(&text), sv_chars_free(&tmp);
    return rc;
}

/* ftfy works on lines, and on a million characters of a longer one.  A '<' stops the reading of entities from its line
 * to the end of the text. */
enum { SEGMENT = 1000000 };

static int fix_text(struct sv_chars *t, struct sv_err *e) {
    struct sv_chars out = {0};
    bool entities = true;
    int rc = 0;
    for (size_t i = 0; i < t->n && !rc;) {
        size_t n = 0;
        while (i + n < t->n && n < SEGMENT) {
            const uint32_t c = t->c[i + n++];
            if (c == '<') entities = false;
            if (c == '\n') break;
        }
        rc = fix_segment(&out, t->c + i, n, entities, e);
        i += n;
    }
    if (rc) { sv_chars_free(&out); return rc; }
    sv_chars_free(t);
    *t = out;
    return 0;
}

/* White space runs become one space; none at either end if strip. */
static void collapse(struct sv_chars *t, bool strip) {
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (!sv_uni_space(t->c[i])) t->c[n++] = t->c[i];
        else if (n ? t->c[n - 1] != ' ' : !strip) t->c[n++] = ' ';
    }
    t->n = n && strip && t->c[n - 1] == ' ' ? n - 1 : n;
}

/* Python's str.strip also takes U+001C .. U+001F. */
static bool is_stripped(uint32_t c) { return sv_uni_space(c) || (c >= 0x1c && c <= 0x1f); }

static void strip_ends(struct sv_chars *t) {
    size_t first = 0;
    while (t->n && is_stripped(t->c[t->n - 1])) t->n--;
    while (first < t->n && is_stripped(t->c[first])) first++;
    if (first) memmove(t->c, t->c + first, (t->n -= first) * sizeof *t->c);
}

static int clean_openai(struct sv_chars *t, struct sv_err *e) {
    int rc = fix_text(t, e);
    for (int i = 0; i < 2 && !rc; i++) {
        struct sv_chars out = {0};
        rc = sv_uni_unescape(&out, t->c, t->n, true, e);
        sv_chars_free(t);
        *t = out;
    }
    if (rc) return rc;
    strip_ends(t);
    collapse(t, true);
    return sv_uni_lower_text(t, e);
}

int sv_clean_text(struct sv_chars *t, enum sv_clean how, struct sv_err *e) {
    if (how == SV_CLEAN_NONE) return 0;
    if (how == SV_CLEAN_OPENAI) return clean_openai(t, e);
    const int rc = sv_uni_nfc(t, e);
    if (rc) return rc;
    collapse(t, false);
    return sv_uni_lower_text(t, e);
}
