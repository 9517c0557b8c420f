#include <criterion/criterion.h>

#include "clip/token.h"
#include "io/file.h"
#include "tests/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 'a' is byte 97, the 65th that prints: id 64; 'a' at the end of a word 320; the merges follow from 512 on. */
static const char merges[] = "a b\nab c</w>\nb c</w>\nc d\nab cd\n\xc3\xa0 \xc2\xa4\n' s</w>\n";

static struct sv_token *small(void) {
    struct sv_token *t = sv_token_new((const uint8_t *)merges, sizeof merges - 1, NULL);
    cr_assert(t);
    return t;
}

/* The ids of a text as "1 2 3", without start and end. */
static void ids_of(const struct sv_token *t, const char *text, size_t n, const struct sv_token_opts *o, char *out, size_t cap) {
    static int32_t ids[1 << 16];
    struct sv_token_opts opts = *o;
    struct sv_err e = {0};
    size_t len, at = 0;
    opts.context = SV_LEN(ids);
    cr_assert_eq(sv_token_bare(t, text, n, &opts, ids, &len, &e), 0, "%s", e.msg);
    out[0] = 0;
    for (size_t i = 0; i < len; i++) at += (size_t)snprintf(out + at, cap - at, "%s%d", i ? " " : "", (int)ids[i]);
}

struct row { const char *text, *ids; };

static void expect_rows(const struct row *row, size_t n, const struct sv_token_opts *o) {
    struct sv_token *t = small();
    for (size_t i = 0; i < n; i++) {
        char got[512];
        ids_of(t, row[i].text, strlen(row[i].text), o, got, sizeof got);
        cr_expect_str_eq(got, row[i].ids, "row %zu: %s", i, row[i].text);
    }
    sv_token_free(t);
}

Test(token, merges) {
    static const struct row rows[] = {
        { "", "" }, { "a", "320" }, { "ab", "64 321" }, { "abc", "513" }, { "bc", "514" }, { "ABC  abc", "513 513" },
        { "abab", "512 64 321" }, { "abcd", "512 66 323" }, { "abcda", "516 320" }, { "cdcdc", "515 515 322" },
        { "\xe0\xa4\x95", "517 243" }, { "a1b22", "320 272 321 273 273" }, { "a's", "320 518" }, { "a'sab", "320 518 64 321" },
        { "!'s", "0 262 338" }, { "?!", "30 256" },
    };
    struct row *r = (struct row *)rows;
    char mark[16];                                  /* U+0915 is e0 a4 95: two that merge, and byte 95 at the end of the word */
    struct sv_token *t = small();
    ids_of(t, "\xe0\xa4\x95", 3, &SV_TOKEN_OPTS, mark, sizeof mark);
    cr_expect(!strncmp(mark, "517 ", 4) && atoi(mark + 4) > 256 + 188, "%s", mark);
    sv_token_free(t);
    const struct sv_token_opts o = SV_TOKEN_OPTS;
    expect_rows(r, 10, &o);
    expect_rows(r + 11, SV_LEN(rows) - 11, &o);
}

Test(token, frame) {
    struct sv_token *t = small();
    int32_t ids[SV_TOKEN_CONTEXT];
    size_t len;
    struct sv_err e = {0};
    cr_expect_eq(sv_token_vocab(t), 512u + 7 + 2);
    cr_expect_eq(sv_token_sot(t), 519);
    cr_expect_eq(sv_token_eot(t), 520);
    memset(ids, -1, sizeof ids);
    cr_assert_eq(sv_token_encode(t, "abc", 3, NULL, ids, &len, &e), 0);
    cr_expect(len == 3 && ids[0] == 519 && ids[1] == 513 && ids[2] == 520 && !ids[3] && !ids[76]);
    char many[76];
    memset(many, '1', sizeof many);                 /* every digit is a token */
    cr_expect_eq(sv_token_encode(t, many, 75, NULL, ids, &len, &e), 0);
    cr_expect(len == 77 && ids[75] == 272 && ids[76] == 520);
    cr_expect_eq(sv_token_encode(t, many, 76, NULL, ids, &len, &e), SV_EINPUT);
    cr_expect_str_eq(e.msg, "the text \"111111111111111111111111111111111111111111111111111111111111...\" has 78 tokens, expected at most 77");
    struct sv_token_opts o = SV_TOKEN_OPTS;
    o.truncate = true;
    cr_expect_eq(sv_token_encode(t, many, 76, &o, ids, &len, NULL), 0);
    cr_expect(len == 77 && ids[75] == 272 && ids[76] == 520);
    o.context = 4;
    cr_expect_eq(sv_token_bare(t, many, 76, &o, ids, &len, NULL), 0);
    cr_expect(len == 4 && ids[3] == 272);
    o.context = 1;
    cr_expect_eq(sv_token_encode(t, many, 76, &o, ids, &len, NULL), SV_EINPUT);
    sv_token_free(t);
}

Test(token, special) {
    static const struct row on[] = { { "<|endoftext|>", "520" }, { "a<|StartOfText|>b", "320 519 321" }, { "!<|endoftext|>", "0 27 347 68 77 67 78 69 83 68 87 339 91 285" } };
    static const struct row off[] = { { "<|endoftext|>", "27 347 68 77 67 78 69 83 68 87 339 91 285" } };
    struct sv_token_opts o = SV_TOKEN_OPTS;
    expect_rows(on, SV_LEN(on), &o);
    o.special = false;
    expect_rows(off, SV_LEN(off), &o);
    static const struct row hf[] = { { "A <|endoftext|>b", "320 520 321" }, { "<|Endoftext|>", "27 347 68 77 67 78 69 83 68 87 339 91 285" } };
    o.special = true, o.clean = SV_CLEAN_HF;
    expect_rows(hf, SV_LEN(hf), &o);
}

Test(token, nul_and_utf8) {
    struct sv_token *t = small();
    struct sv_token_opts o = SV_TOKEN_OPTS;
    char got[64];
    ids_of(t, "a\0b", 3, &o, got, sizeof got);
    cr_expect_str_eq(got, "64 321");
    o.clean = SV_CLEAN_NONE;
    ids_of(t, "A\0b", 3, &o, got, sizeof got);
    cr_expect_str_eq(got, "288 444 321");
    int32_t ids[77];
    size_t len;
    struct sv_err e = {0};
    cr_expect_eq(sv_token_encode(t, "ab\xed\xa0\x80", 5, NULL, ids, &len, &e), SV_EINPUT);
    cr_expect_str_eq(e.msg, "text: byte 2 is 0xed, expected UTF-8");
    sv_token_free(t);
}

Test(token, refused_merges) {
    static const struct { const char *s; const char *why; } rows[] = {
        { "a b\nab\n", "line 2" }, { "a b\n\nb c\n", "line 2" }, { "a  b\n", "line 1" }, { "a b \n", "line 1" }, { " a b\n", "line 1" },
        { "a bc\n", "no line before" }, { "a b\na b\n", "same token" }, { "a b\nb c\nab c\na bc\n", "line 4" }, { "a</w> b\n", "ends a word" },
        { "a </w>\n", "line 1" }, { "a \x01\n", "line 1" }, { "a \xc5\x84\n", "line 1" }, { "a \xc3\n", "line 1" }, { "a \xe2\x82\xac\n", "line 1" },
        { "\n", "line 1" }, { "#version: 0.2\na b\n", "line 1" }, { "a b c\n", "line 1" }, { "a\tb\n", "line 1" },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        struct sv_err e = {0};
        struct sv_token *t = sv_token_new((const uint8_t *)rows[i].s, strlen(rows[i].s), &e);
        cr_expect(!t && e.code == SV_EINPUT && strstr(e.msg, rows[i].why), "row %zu: %s", i, e.msg);
        sv_token_free(t);
    }
    struct sv_token *t = sv_token_new(NULL, 0, NULL);       /* no merges: bytes */
    cr_assert(t);
    cr_expect_eq(sv_token_vocab(t), 514u);
    sv_token_free(t);
    t = sv_token_new((const uint8_t *)"a b\r\nab c", 9, NULL);      /* CR LF, no last newline */
    cr_assert(t);
    cr_expect_eq(sv_token_vocab(t), 516u);
    sv_token_free(t);
}

Test(token, text) {
    struct sv_token *t = small();
    static const struct { int32_t id; const char *text; bool end; } rows[] = {
        { 64, "a", false }, { 320, "a", true }, { 513, "abc", true }, { 516, "abcd", false }, { 517, "\\xe0\\xa4", false }, { 519, "<|startoftext|>", true },
        { 520, "<|endoftext|>", true }, { 188, "\\x00", false }, { 0, "!", false },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        char out[32];
        bool end;
        cr_expect_eq(sv_token_text(t, rows[i].id, out, sizeof out, &end), strlen(rows[i].text));
        cr_expect_str_eq(out, rows[i].text);
        cr_expect_eq(end, rows[i].end, "row %zu", i);
    }
    char cut[4];
    cr_expect_eq(sv_token_text(t, 519, cut, sizeof cut, NULL), 15u);
    cr_expect_str_eq(cut, "<|s");
    sv_token_free(t);
}

static void clean(const char *in, enum sv_clean how, char *out, size_t cap) {
    struct sv_chars t = {0};
    struct sv_err e = {0};
    size_t n = 0;
    cr_assert_eq(sv_utf8_decode(&t, in, strlen(in), NULL), 0);
    cr_assert_eq(sv_clean_text(&t, how, &e), 0, "%s", e.msg);
    for (size_t i = 0; i < t.n; i++) {
        cr_assert_lt(n + 5, cap);
        n += sv_utf8_encode(t.c[i], (uint8_t *)out + n);
    }
    out[n] = 0;
    sv_chars_free(&t);
}

Test(token, clean) {
    static const struct { const char *in, *openai, *hf; } rows[] = {
        { " A\t b\n", "a b", " a b " }, { "\xe2\x80\x9cq\xe2\x80\x9d \xe2\x80\x98s\xe2\x80\x99", "\"q\" 's'", "\xe2\x80\x9cq\xe2\x80\x9d \xe2\x80\x98s\xe2\x80\x99" },
        { "\xef\xac\x81n \xef\xac\x83", "fin ffi", "\xef\xac\x81n \xef\xac\x83" }, { "\xc5\x89", "'n", "\xc5\x89" },
        { "\xef\xbc\xa6\xef\xbc\xb5\xe3\x80\x80\xef\xbd\xb6\xef\xbe\x9e", "fu \xe3\x82\xac", "\xef\xbd\x86\xef\xbd\x95 \xef\xbd\xb6\xef\xbe\x9e" },
        { "\xc2\x85\xc2\x93", "\xe2\x80\xa6\"", " \xc2\x93" }, { "a\r\nb\rc\xe2\x80\xa8" "d", "a b c d", "a b c d" },
        { "\x1b[1;31mred\x1b[0m \x1b[x", "red", "\x1b[1;31mred\x1b[0m \x1b[x" }, { "a\x01\x7f\xef\xbb\xbf\xef\xbf\xbc" "b", "ab", "a\x01\x7f\xef\xbb\xbf\xef\xbf\xbc" "b" },
        { "&lt;&AMP;", "<&", "&lt;&amp;" }, { "&ampamp;lt", "&lt", "&ampamp;lt" }, { "< &amp;amp;amp;", "< &amp;", "< &amp;amp;amp;" },
        { "&EACUTE;<", "&eacute;<", "&eacute;<" }, { "&EACUTE;\n<", "\xc3\xa9 <", "&eacute; <" }, { "<\n&EACUTE;", "< &eacute;", "< &eacute;" },
        { "\xce\x9f\xce\xa3 \xce\xa3 \xce\x91\xce\xa3.", "\xce\xbf\xcf\x82 \xcf\x83 \xce\xb1\xcf\x82.", "\xce\xbf\xcf\x82 \xcf\x83 \xce\xb1\xcf\x82." },
        { "\xc4\xb0", "i\xcc\x87", "i\xcc\x87" }, { "e\xcc\x81", "\xc3\xa9", "\xc3\xa9" }, { "\xe2\x84\xaa", "k", "k" },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        char out[128];
        clean(rows[i].in, SV_CLEAN_OPENAI, out, sizeof out);
        cr_expect_str_eq(out, rows[i].openai, "row %zu", i);
        clean(rows[i].in, SV_CLEAN_HF, out, sizeof out);
        cr_expect_str_eq(out, rows[i].hf, "row %zu, hf", i);
        clean(rows[i].in, SV_CLEAN_NONE, out, sizeof out);
        cr_expect_str_eq(out, rows[i].in, "row %zu, none", i);
    }
    enum sv_clean how;
    cr_expect(sv_clean_named("hf", &how) && how == SV_CLEAN_HF);
    cr_expect(!sv_clean_named("HF", &how));
}

/* The algorithm as it is published, over strings of ids: take the pair of the lowest rank, merge all of it. */
static size_t naive(uint32_t (*pair)[2], size_t merges_n, uint32_t *id, size_t n) {
    for (;;) {
        size_t best = merges_n;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t k = 0; k < best; k++)
                if (pair[k][0] == id[i] && pair[k][1] == id[i + 1]) best = k;
        if (best == merges_n) return n;
        size_t out = 0;
        for (size_t i = 0; i < n; i++) {
            const bool both = i + 1 < n && id[i] == pair[best][0] && id[i + 1] == pair[best][1];
            id[out++] = both ? 512 + (uint32_t)best : id[i];
            i += both;
        }
        n = out;
    }
}

/* Random merges over three letters, random words: the heap gives what the published loop gives. */
Test(token, against_naive) {
    uint32_t seed = 1;
    for (int round = 0; round < 200; round++) {
        char text[1 << 14] = "", name[6 + 40][64] = { "a", "b", "c", "a</w>", "b</w>", "c</w>" };
        uint32_t id[6 + 40] = { 64, 65, 66, 320, 321, 322 }, pair[40][2];
        size_t n = 0, at = 0;
        for (int tries = 0; tries < 200 && n < 40; tries++) {
            seed = seed * 1664525 + 1013904223;
            const size_t a = (seed >> 8) % (6 + n), b = (seed >> 20) % (6 + n);
            char both[128];
            snprintf(both, sizeof both, "%s%s", name[a], name[b]);
            bool ok = !strstr(name[a], "</w>") && strlen(both) < 14;
            for (size_t i = 0; i < 6 + n && ok; i++) ok = strcmp(name[i], both);
            if (!ok) continue;
            memcpy(name[6 + n], both, strlen(both) + 1);
            pair[n][0] = id[a], pair[n][1] = id[b], id[6 + n] = 512 + (uint32_t)n, n++;
            at += (size_t)snprintf(text + at, sizeof text - at, "%s %s\n", name[a], name[b]);
        }
        struct sv_token *t = sv_token_new((const uint8_t *)text, at, NULL);
        cr_assert(t, "%s", text);
        for (int w = 0; w < 20; w++) {
            char word[60];
            uint32_t want[60];
            int32_t got[60];
            size_t len, words = 1 + (seed >> 16) % 59;
            for (size_t i = 0; i < words; i++) {
                seed = seed * 1664525 + 1013904223;
                word[i] = (char)('a' + (seed >> 16) % 3);
                want[i] = 64 + (uint32_t)(word[i] - 'a') + (i + 1 == words ? 256 : 0);
            }
            const size_t expected = naive(pair, n, want, words);
            struct sv_token_opts o = SV_TOKEN_OPTS;
            o.context = SV_LEN(got);
            cr_assert_eq(sv_token_bare(t, word, words, &o, got, &len, NULL), 0);
            cr_assert_eq(len, expected, "%s%.*s", text, (int)words, word);
            for (size_t i = 0; i < len; i++) cr_assert_eq(got[i], (int32_t)want[i]);
        }
        sv_token_free(t);
    }
}

/* Shapes that are quadratic for a simple program: a word, entities inside each other, marks, sigmas, all a megabyte long. */
Test(token, long_texts) {
    struct sv_token *t = small();
    const char *part[] = { "ab", "&amp;", "\xcc\x96\xcc\x81", "\xce\xa3", "\x1b[", "&ltx", "\xce\xa3'" };
    struct sv_token_opts o = SV_TOKEN_OPTS;
    o.truncate = true;
    for (size_t i = 0; i < SV_LEN(part); i++) {
        const size_t len = strlen(part[i]), n = (1 << 20) / len;
        char *text = malloc(n * len);
        int32_t ids[77];
        size_t count;
        for (size_t k = 0; k < n; k++) memcpy(text + k * len, part[i], len);
        cr_expect_eq(sv_token_encode(t, text, n * len, &o, ids, &count, NULL), 0);
        cr_expect_eq(count, 77u);
        free(text);
    }
    const size_t deep = 1000;
    char *text = malloc(1 + 4 * deep);
    struct sv_err e = {0};
    int32_t ids[77];
    size_t count;
    text[0] = '&';
    for (size_t k = 0; k < deep; k++) memcpy(text + 1 + 4 * k, "amp;", 4);
    cr_expect_eq(sv_token_encode(t, text, 1 + 4 * deep, &o, ids, &count, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "inside each other"), "%s", e.msg);
    free(text);
    sv_token_free(t);
}

/* A JSON string (with its quotes) as bytes; the length. */
static size_t unquote(const char *s, char *out) {
    size_t n = 0;
    uint32_t high = 0;
    for (s++; *s && *s != '"'; s++) {
        if (*s != '\\') { out[n++] = *s; continue; }
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *at = strchr(from, *++s);
        if (at) { out[n++] = to[at - from]; continue; }
        char hex[5] = { s[1], s[2], s[3], s[4], 0 };
        uint32_t c = (uint32_t)strtoul(hex, NULL, 16);
        s += 4;
        if (c >= 0xd800 && c < 0xdc00) { high = c; continue; }
        if (c >= 0xdc00 && c < 0xe000) c = 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00);
        n += sv_utf8_encode(c, (uint8_t *)out + n);
    }
    return n;
}

/* What repairing mojibake would change: not done here. */
static bool is_mojibake(const char *json) {
    static const char *const texts[] = { "\"sch\\u00c3\\u00b6n\"" };
    for (size_t i = 0; i < SV_LEN(texts); i++)
        if (!strcmp(json, texts[i])) return true;
    return false;
}

/* Every row of the table made with OpenAI's own tokenizer: column 1 openai, column 3 hf. */
Test(token, openai_rows) {
    const char *tsv = shared_path("data/text/tokens.tsv"), *vocab = shared_path("data/text/merges.txt");
    if (!tsv || !vocab) cr_skip_test("no ../shared");
    struct sv_file f = {0};
    cr_assert_eq(sv_file_read(&f, vocab, 1 << 24, NULL), 0);
    const uint8_t *lines = memchr(f.data, '\n', f.size);
    struct sv_err e = {0};
    struct sv_token *t = sv_token_new(lines + 1, f.size - (size_t)(lines + 1 - f.data), &e);
    cr_assert(t, "%s", e.msg);
    cr_expect_eq(sv_token_vocab(t), 49408u);
    FILE *in = fopen(tsv, "r");
    char line[1 << 16], text[1 << 14], got[1 << 14];
    size_t rows = 0;
    while (in && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] != '"') continue;
        char *col[4] = { line };
        size_t n = 1;
        for (char *s = line; n < 4 && (s = strchr(s, '\t')); n++) *s++ = 0, col[n] = s;
        cr_assert_eq(n, 4u);
        const size_t len = unquote(col[0], text);
        struct sv_token_opts o = SV_TOKEN_OPTS;
        if (!is_mojibake(col[0])) {
            ids_of(t, text, len, &o, got, sizeof got);
            cr_expect_str_eq(got, col[1], "openai: %s", col[0]);
        }
        o.clean = SV_CLEAN_HF;
        ids_of(t, text, len, &o, got, sizeof got);
        cr_expect_str_eq(got, col[3], "hf: %s", col[0]);
        rows++;
    }
    if (in) fclose(in);
    cr_expect_geq(rows, 59u);
    sv_token_free(t);
    sv_file_close(&f);
}
