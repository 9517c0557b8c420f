#include "io/vocab.h"
#include "tests/util.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 49408 };

static struct sv_file text(const char *name, const char *s) {
    return (struct sv_file){ .data = (const uint8_t *)s, .size = strlen(s), .name = (char *)name };
}

/* Reads s as merges; what is wanted is NULL for success or a part of the message. */
static void merges(const char *s, size_t rows, const char *want) {
    struct sv_vocab v;
    struct sv_err e = { 0 };
    const struct sv_file f = text("merges", s);
    const int rc = sv_vocab_read(&v, &f, NULL, NULL, rows, &e);
    cr_assert_eq(rc, want ? SV_EINPUT : 0, "\"%s\": wanted %s, got %s", s, want ? want : "success", e.msg);
    if (want) cr_assert(strstr(e.msg, want) && !v.merges, "\"%s\": wanted %s, got %s", s, want, e.msg);
    sv_vocab_free(&v);
}

Test(vocab, merges_as_text) {
    merges("#version: 0.2\na b\nab c</w>\n", 516, NULL);
    merges("a b\nab c</w>\n", 516, NULL);
    merges("a b\r\nab c</w>\r\n\n", 516, NULL);
    merges("a b\nab c</w>", 0, NULL);
    merges("", 514, NULL);
    merges("\xc4\x80 \xc5\x83</w>\n", 515, NULL);        /* bytes 0 and 173 */
    merges("a b\nab c</w>\n", 515, "2 merges make a vocabulary of 516 tokens, the token table has 515 rows");
    merges("a b\n", 517, "1 merges make");
    merges("a b\n", 513, "expected 514");
    merges("a b\n\nc d\n", 516, "line 2 is empty");
    merges("a b\nab c d\n", 516, "line 2: \"ab c d\" is not two tokens");
    merges("a b\nabc\n", 516, "line 2");
    merges("a b\n b\n", 516, "line 2");
    merges("#version: 0.2\nab c\n", 515, "line 2: merge of \"ab\", which is no token by then");
    merges("a bc\nb c\n", 516, "line 1: merge of \"bc\"");
    merges("a b\na b\n", 516, "line 2: \"a b\" makes a token that is there already");
    merges("a a\naa a\na aa\n", 517, "line 3");
    merges("a \xff\n", 515, "line 1");
    merges("\x1f\x8b\x08 not gzip", 515, "merges");
    merges("{}", 515, "merges");
    merges("{", 515, "merges");
}

/* OpenAI's file has more lines than its model uses, and is the only one that may. */
Test(vocab, surplus_of_the_known_file) {
    const char *const known = "\"bpe_simple_vocab_16e6.txt#version: 0.2\na b\nb c\nx\n";
    struct sv_vocab v;
    struct sv_err e = { 0 };
    const struct sv_file f = text("bpe", known);
    cr_assert_eq(sv_vocab_read(&v, &f, NULL, NULL, 516, &e), 0, "%s", e.msg);
    cr_assert_eq(v.count, 2);
    cr_assert_str_eq(v.merges, "a b\nb c\n");
    cr_assert_eq(v.bytes, strlen(v.merges));
    sv_vocab_free(&v);
    merges("bpe#version: 0.2\na b\nb c\nx y\n", 516, "3 merges make");
}

/* The 514 fixed tokens and one merge as vocab.json, through an edit. */
static void write_ids(char *out, size_t size, const char *from, const char *to) {
    size_t at = (size_t)snprintf(out, size, "{");
    for (size_t i = 0; i < 515; i++) {
        char token[40];
        if (i < 512) {
            const size_t k = i % 256;
            const size_t u = k < 94 ? 33 + k : k < 106 ? 161 + k - 94 : k < 188 ? 174 + k - 106 : 256 + k - 188;
            snprintf(token, sizeof token, "\\u%04zx%s", u, i < 256 ? "" : "</w>");
        } else {
            snprintf(token, sizeof token, "%s", i == 512 ? "ab" : i == 513 ? "<|startoftext|>" : "<|endoftext|>");
        }
        at += (size_t)snprintf(out + at, size - at, "%s\"%s\": %zu", i ? ", " : "", token, i);
    }
    snprintf(out + at, size - at, "}");
    char *hole = from ? strstr(out, from) : NULL;
    cr_assert(!from || (hole && strlen(from) == strlen(to)), "%s", from);
    if (from) memcpy(hole, to, strlen(to));
}

static void ids(const char *from, const char *to, const char *want) {
    static char json[1 << 15];
    struct sv_vocab v;
    struct sv_err e = { 0 };
    write_ids(json, sizeof json, from, to);
    const struct sv_file f = text("merges.txt", "#version: 0.2\na b\n"), j = text("vocab.json", json);
    for (int way = 0; way < 2; way++) {
        e.code = 0;
        const int rc = way ? sv_vocab_read(&v, &f, &j, NULL, 515, &e) : sv_vocab_read(&v, &j, NULL, &f, 515, &e);
        cr_assert_eq(rc, want ? SV_EINPUT : 0, "%s -> %s: %s", from, to, e.msg);
        if (want) cr_assert_not_null(strstr(e.msg, want), "%s -> %s: %s", from, to, e.msg);
        else cr_assert_str_eq(v.merges, "a b\n");
        sv_vocab_free(&v);
    }
}

Test(vocab, ids_must_be_ranks) {
    ids(NULL, NULL, NULL);
    ids("\"ab\": 512", "\"ab\": 513", "token \"ab\" has id 513, expected 512");
    ids("\"ab\": 512", "\"ac\": 512", "token \"ac\" is not made by any merge");
    ids("\"ab\": 512", "\"ab\": -12", "has id -12");
    ids("\"ab\": 512", "\"ab\": 5e2", "has id -1");
    ids("\"ab\": 512", "\"ab\": \"2\"", "has id -1");
    ids("\"\\u0021\": 0, ", "             ", "514 tokens, the merges make 515");
    ids("\"\\u0022\": 1,", "\"\\u0021\": 0,", "is there twice");
}

Test(vocab, vocab_json_needs_merges) {
    static char json[1 << 15];
    struct sv_vocab v;
    struct sv_err e = { 0 };
    write_ids(json, sizeof json, NULL, NULL);
    const struct sv_file j = text("vocab.json", json);
    cr_assert_eq(sv_vocab_read(&v, &j, NULL, NULL, 515, &e), SV_EINPUT);
    cr_assert_not_null(strstr(e.msg, "no merges.txt beside it"), "%s", e.msg);
}

static void tokenizer(const char *model, const char *want) {
    static char json[1 << 16], vocab[1 << 15];
    struct sv_vocab v;
    struct sv_err e = { 0 };
    write_ids(vocab, sizeof vocab, NULL, NULL);
    snprintf(json, sizeof json, "  {\"version\": \"1.0\", \"model\": {%s, \"vocab\": %s}}", model, vocab);
    const struct sv_file f = text("tokenizer.json", json);
    const int rc = sv_vocab_read(&v, &f, NULL, NULL, 515, &e);
    cr_assert_eq(rc, want ? SV_EINPUT : 0, "%s: %s", model, e.msg);
    if (want) cr_assert_not_null(strstr(e.msg, want), "%s: %s", model, e.msg);
    else cr_assert_str_eq(v.merges, "a b\n");
    sv_vocab_free(&v);
}

Test(vocab, tokenizer_json) {
    const char *const end = "\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\", \"merges\": ";
    char model[300];
    const struct { const char *merges, *want; } row[] = {
        { "[\"a b\"]", NULL }, { "[[\"a\", \"b\"]]", NULL }, { "[]", "0 merges make" },
        { "[\"a b\", \"b a\"]", "2 merges make" },
        { "[[\"a\"]]", "model.merges[0]" }, { "[[\"a\", \"b\", \"c\"]]", "model.merges[0]" },
        { "[[\"a\", 1]]", "model.merges[0]" },
        { "[1]", "model.merges[0]" }, { "[\"a\\nb\"]", "model.merges[0]" }, { "[[\"a b\", \"c\"]]", "model.merges[0]" },
        { "[\"b a\"]", "not made by any merge" }, { "{}", "not CLIP's tokenizer" }, { "[null]", "model.merges[0]" },
        { "[[]]", "model.merges[0]" },
    };
    for (size_t i = 0; i < SV_LEN(row); i++) {
        snprintf(model, sizeof model, "%s%s", end, row[i].merges);
        tokenizer(model, row[i].want);
    }
    tokenizer("\"type\": \"BPE\", \"merges\": [\"a b\"]", "not CLIP's tokenizer");
    tokenizer("\"type\": \"Unigram\", \"end_of_word_suffix\": \"</w>\", \"merges\": [\"a b\"]", "not CLIP's tokenizer");
}

Test(vocab, the_real_one_in_all_its_layouts) {
    static const char *const name[] = { "bpe_simple_vocab_16e6.txt.gz", "merges.txt", "vocab.json", "tokenizer.json" };
    struct sv_vocab v[4] = { { 0 } };
    if (!shared_path("data/text/merges.txt")) cr_skip_test("no shared data");
    for (size_t i = 0; i < 4; i++) {
        char rel[64];
        struct sv_err e = { 0 };
        snprintf(rel, sizeof rel, "data/text/%s", name[i]);
        cr_assert_eq(sv_vocab_open(&v[i], shared_path(rel), ROWS, &e), 0, "%s", e.msg);
        cr_assert_eq(v[i].count, 48894);
        cr_assert_eq(v[i].bytes, v[0].bytes, "%s", name[i]);
        cr_assert(!memcmp(v[i].merges, v[0].merges, v[0].bytes), "%s", name[i]);
    }
    cr_assert(!strncmp(v[0].merges, "i n\nt h\n", 8));
    struct sv_vocab found;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_vocab_find(&found, shared_path("data/text"), 0, &e), 0, "%s", e.msg);
    cr_assert_eq(found.count, 48894);
    sv_vocab_free(&found);
    for (size_t i = 0; i < 4; i++) {
        sv_vocab_free(&v[i]);
        char rel[64];
        snprintf(rel, sizeof rel, "data/text/%s", name[i]);
        if (i) cr_assert_eq(sv_vocab_open(&v[i], shared_path(rel), ROWS + 1, NULL), SV_EINPUT);
    }
}

Test(vocab, nothing_to_find) {
    struct sv_vocab v;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_vocab_find(&v, temp_dir(), 0, &e), SV_EINPUT);
    cr_assert_not_null(strstr(e.msg, "--vocab"), "%s", e.msg);
}
