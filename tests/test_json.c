#include "io/json.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int parse(struct sv_json *j, const char *text, struct sv_err *e) { return sv_json_parse(j, text, strlen(text),
    "t", e); }

static bool accepted(const char *text, size_t n) {
    struct sv_json j;
    struct sv_err e = { 0 };
    char *exact = sv_alloc(n, 1, NULL);             /* so that a sanitizer sees a read past the end */
    if (n) memcpy(exact, text, n);
    const int rc = sv_json_parse(&j, exact, n, "t", &e);
    sv_free(exact);
    cr_assert(rc ? e.code == rc && e.msg[0] && !j.root : !e.code && j.root);
    sv_json_free(&j);
    return !rc;
}

static void row(const struct corpus_row *r, void *arg) {
    struct sv_file f;
    cr_assert(!sv_file_read(&f, r->path, 1 << 24, NULL));
    const bool ok = accepted((const char *)f.data, f.size);
    sv_file_close(&f);
    if (!strcmp(r->status, "ok")) cr_expect(ok, "%s was refused", r->path);
    if (!strcmp(r->status, "reject")) cr_expect(!ok, "%s was read", r->path);
    ++*(size_t *)arg;
}

Test(json, corpus) {
    size_t n = 0;
    if (!corpus_each("json", row, &n)) cr_skip_test("no ../shared/corpora/json");
    cr_expect(n > 140, "%zu rows", n);
}

Test(json, tree) {
    struct sv_json j;
    struct sv_err e = { 0 };
    cr_assert(!parse(&j,
                     " {\"a\": [1, -2.5e1, \"x\\u00e9\\ud83d\\ude00\\n\", null, true], \"b\": {\"c\": {}},"
                     " \"a\\u0000b\": false} ", &e));
    const struct sv_json_node *a = sv_json_get(j.root, "a");
    cr_assert(j.root->n == 3 && a && a->type == SV_JSON_ARRAY && a->n == 5);
    int64_t i = 0;
    double r = 0;
    bool yes = false;
    const struct sv_json_node *n = a->child;
    cr_expect(sv_json_int(n, &i) && i == 1 && sv_json_real(n, &r) && r == 1 && !sv_json_text(n) && !n->key);
    n = n->next;
    cr_expect(!sv_json_int(n, &i) && sv_json_real(n, &r) && r == -25);
    n = n->next;
    cr_expect_str_eq(sv_json_text(n), "x\xc3\xa9\xf0\x9f\x98\x80\n");
    n = n->next->next;
    cr_expect(sv_json_bool(n, &yes) && yes && !n->next);
    cr_expect(sv_json_get(sv_json_get(j.root, "b"), "c")->type == SV_JSON_OBJECT);
    cr_expect(!sv_json_get(sv_json_get(sv_json_get(j.root, "no"), "c"), "d") && !sv_json_int(NULL, &i)
              && !sv_json_text(NULL));
    cr_expect(j.root->child->next->next->key_n == 3 && !memcmp(j.root->child->next->next->key, "a\0b", 3));
    sv_json_free(&j);
}

Test(json, refused) {
    static const char *const bad[] = { "", " ", "{", "[", "\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "[1,",
                                       "[1 2]", "{\"a\" 1}", "{1:2}",
        "nul", "truee", "01", "-", "1.", ".1", "1e", "+1", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"",
            "\"\\ud800\\u0041\"", "\"\x01\"",
        "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\xef\xbb\xbf{}", "[1]x", "[1],",
            "{\"a\":1,}", "[,]", "NaN", "'a'" };
    for (size_t i = 0; i < SV_LEN(bad); i++) cr_expect(!accepted(bad[i], strlen(bad[i])), "%s", bad[i]);
    cr_expect(!accepted("\"a\0", 3) && !accepted("1\0", 2));
}

Test(json, depth) {
    char t[2 * SV_JSON_DEPTH + 3];
    memset(t, '[', SV_JSON_DEPTH), memset(t + SV_JSON_DEPTH, ']', SV_JSON_DEPTH);
    cr_expect(accepted(t, 2 * SV_JSON_DEPTH));
    memset(t, '[', SV_JSON_DEPTH + 1), memset(t + SV_JSON_DEPTH + 1, ']', SV_JSON_DEPTH + 1);
    cr_expect(!accepted(t, 2 * SV_JSON_DEPTH + 2));
}

/* Every prefix of a text that needs its last byte is refused. */
Test(json, truncated) {
    const char t[] = "{\"k\\u00e9\": [1.5e3, true, null, {\"x\": \"\xc3\xa9\\ud83d\\ude00\"}], \"z\": -0}";
    for (size_t n = 0; n < sizeof t - 1; n++) cr_expect(!accepted(t, n), "%zu", n);
    cr_expect(accepted(t, sizeof t - 1));
}

Test(json, duplicates) {
    struct sv_json j;
    struct sv_err e = { 0 };
    int64_t v = 0;
    cr_assert(!parse(&j, "{\"a\": 1, \"b\": 2, \"a\": 3, \"aa\": 4}", &e));
    cr_expect(sv_json_int(sv_json_get(j.root, "a"), &v) && v == 3);
    cr_expect(sv_json_unique(j.root, "file", &e) == SV_EINPUT);
    cr_expect_str_eq(e.msg, "file: two members named a");
    sv_json_free(&j);
    cr_assert(!parse(&j, "{\"a\": 1, \"b\": 2, \"\": 3, \"aa\": 4, \"a\\u0000\": 1}", NULL));
    cr_expect(!sv_json_unique(j.root, "file", NULL));
    sv_json_free(&j);
}

Test(json, message) {
    struct sv_json j;
    struct sv_err e = { 0 };
    cr_expect(parse(&j, "{\"a\": tru}", &e) == SV_EINPUT);
    cr_expect_str_eq(e.msg, "t: JSON byte 9 is 0x7d, expected a value");
}

Test(json, writer) {
    struct sv_json_out o = { 0 };
    for (int i = 0; i < 2; i++) {
        sv_json_open(&o, NULL, '{');
        sv_json_put_text(&o, "t", "a\"\\\n\x7f\xc3\xa9\xff");
        sv_json_put_real(&o, "r", 0.1), sv_json_put_real(&o, "n", NAN), sv_json_put_f32(&o, "f", 0.1f);
        sv_json_open(&o, "l", '[');
        sv_json_put_int(&o, NULL, INT64_MIN), sv_json_put_bool(&o, NULL, true), sv_json_put_null(&o, NULL);
        sv_json_open(&o, NULL, '{'), sv_json_close(&o);
        sv_json_close(&o);
        sv_json_put_text(&o, "e", NULL);
        sv_json_close(&o);
    }
    sv_json_put_int(&o, NULL, 7);
    cr_assert(!o.rc);
    const char *line = "{\"t\": \"a\\\"\\\\\\u000a\\u007f\xc3\xa9\xef\xbf\xbd\", \"r\": 0.1, \"n\": null, \"f\": 0.1, "
                       "\"l\": [-9223372036854775808, true, null, {}], \"e\": null}\n";
    char want[1024];
    strcat(strcat(strcpy(want, line), line), "7\n");
    cr_expect_str_eq(o.text, want);
    cr_expect(accepted(line, strlen(line)));
    sv_free(o.text);
}

Test(json, writer_depth) {
    struct sv_json_out o = { 0 };
    for (int i = 0; i <= SV_JSON_DEPTH; i++) sv_json_open(&o, NULL, '[');
    for (int i = 0; i <= SV_JSON_DEPTH + 1; i++) sv_json_close(&o);
    cr_expect(o.rc == SV_EINPUT);
    sv_free(o.text);
}

Test(json, writer_to_file) {
    char path[1200];
    snprintf(path, sizeof path, "%s/a.json", temp_dir());
    struct sv_out f;
    cr_assert(!sv_out_open(&f, path, NULL));
    struct sv_json_out o = { .out = &f };
    sv_json_open(&o, NULL, '['), sv_json_put_int(&o, NULL, -3), sv_json_close(&o);
    cr_assert(!o.rc && !sv_out_commit(&f, NULL));
    struct sv_file in;
    cr_assert(!sv_file_read(&in, path, 100, NULL));
    cr_expect(in.size == 5 && !memcmp(in.data, "[-3]\n", 5));
    sv_file_close(&in);
}
