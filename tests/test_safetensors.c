#include "io/file.h"
#include "io/safetensors.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static int read_file(const char *path, struct sv_file *f, struct sv_store *s, struct sv_err *e) {
    cr_assert(!sv_file_map(f, path, NULL) && !sv_store_init(s, path, NULL));
    return sv_safetensors_read(f->data, f->size, s, e);
}

/* A file in a block of exactly its size: length, header, `data` bytes of 1. */
static bool accepted(uint64_t length, const char *header, size_t n, size_t data, char *msg) {
    uint8_t *p = sv_alloc(8 + n + data, 1, NULL);
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(length >> 8 * i);
    memcpy(p + 8, header, n);
    memset(p + 8 + n, 1, data);
    struct sv_store s;
    struct sv_err e = { 0 };
    cr_assert(!sv_store_init(&s, "f", NULL));
    const int rc = sv_safetensors_read(p, 8 + n + data, &s, &e);
    cr_assert(rc ? rc == e.code && e.msg[0] && !strncmp(e.msg, "f: ", 3) : !e.code, "%s: %s", header, e.msg);
    if (msg) snprintf(msg, sizeof e.msg, "%s", e.msg);
    sv_store_free(&s);
    sv_free(p);
    return !rc;
}

static bool text(const char *header, size_t data) { return accepted(strlen(header), header, strlen(header), data, NULL); }

static void row(const struct corpus_row *r, void *arg) {
    struct sv_file f;
    struct sv_store s;
    struct sv_err e = { 0 };
    const int rc = read_file(r->path, &f, &s, &e);
    if (!strcmp(r->status, "ok")) cr_expect(!rc, "%s", e.msg);
    if (!strcmp(r->status, "reject")) cr_expect(rc == SV_EINPUT, "%s was read", r->path);
    sv_store_free(&s);
    sv_file_close(&f);
    ++*(size_t *)arg;
}

Test(safetensors, corpus) {
    size_t n = 0;
    if (!corpus_each("safetensors", row, &n)) cr_skip_test("no ../shared/corpora/safetensors");
    cr_expect(n > 20, "%zu rows", n);
}

Test(safetensors, real_file) {
    const char *path = shared_path("corpora/safetensors/candle/voices.safetensors");
    if (!path) cr_skip_test("no ../shared/corpora/safetensors");
    struct sv_file f;
    struct sv_store s;
    cr_assert(!read_file(path, &f, &s, NULL));
    const struct sv_view *v = sv_store_find(&s, "mask");
    cr_assert(s.views == 2 && v && v->dtype == SV_U8 && v->rank == 3 && v->dim[1] == 982 && v->dim[2] == 33);
    cr_expect((const uint8_t *)v->data + v->bytes == f.data + f.size);
    sv_store_free(&s);
    sv_file_close(&f);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

Test(safetensors, good) {
    cr_expect(text("{}", 0));
    cr_expect(text("{" A "}", 8));
    cr_expect(text("{" A "}      ", 8));
    cr_expect(text("{\"__metadata__\":{\"format\":\"pt\",\"x\":\"}{\"}," A "}", 8));
    cr_expect(text("{" A ",\"z\":{\"dtype\":\"I64\",\"shape\":[0,5],\"data_offsets\":[8,8]},"
                   "\"s\":{\"shape\":[],\"data_offsets\":[8,9],\"dtype\":\"BOOL\"}}", 9));
    cr_expect(text("{\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[8,10]}," A "}", 10));
}

Test(safetensors, bad_length) {
    for (size_t n = 0; n < 8; n++) {
        struct sv_store s;
        struct sv_err e = { 0 };
        const uint8_t zero[8] = { 0 };
        cr_assert(!sv_store_init(&s, "f", NULL));
        cr_expect(sv_safetensors_read(zero, n, &s, &e) == SV_EINPUT);
        sv_store_free(&s);
    }
    const char *h = "{" A "}";
    cr_expect(!accepted(0, h, strlen(h), 8, NULL));
    cr_expect(!accepted(strlen(h) - 1, h, strlen(h), 8, NULL));
    cr_expect(!accepted(strlen(h) + 9, h, strlen(h), 8, NULL));
    cr_expect(!accepted((uint64_t)1 << 63, h, strlen(h), 8, NULL));
    cr_expect(!accepted(UINT64_MAX, h, strlen(h), 8, NULL));
    cr_expect(!accepted(UINT64_MAX - 7, h, strlen(h), 8, NULL));
    cr_expect(!accepted(100000001, h, strlen(h), 8, NULL));
}

Test(safetensors, bad) {
#define T(body) "{\"a\":{" body "}}"
    static const struct { const char *header; size_t data; } rows[] = {
        { "[", 0 }, { "{", 0 }, { "[]", 0 }, { "1", 0 }, { " {}", 0 }, { "\xef\xbb\xbf{}", 0 }, { "{} x", 0 },
        { "{}\n{}", 0 }, { "{\"a\":1}", 0 },
        { "{\"a\xff\":1}", 0 }, { "{\"\\ud800\":1}", 0 }, { "{\"a\":[]}", 0 }, { "{\"a\":null}", 0 },
        { "{" A "," A "}", 8 },                                                     /* one name twice */
        { "{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8 },      /* overlap */
        { "{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8 },
        { "{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}", 16 },   /* hole */
        { "{" A "}", 9 }, { "{" A "}", 7 }, { "{" A "}", 0 }, { "{}", 1 },           /* trailer, short */
        { T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]"), 8 },          /* does not begin at 0 */
        { T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]"), 4 },
        { T("\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"dtype\":\"F32\",\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":[[[[]]]]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1]"), 4 }, { T("\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F17\",\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"U4\",\"shape\":[8],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\\u0000\",\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"\",\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[18446744073709551617],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]"), 0 },
        { T("\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[9223372036854775807,2],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-0,4]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,18446744073709551615]"), 4 },
        { T("\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]"), 4 },
        { "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4 },
        { "{\"__metadata__\":{\"a\":1}}", 0 }, { "{\"__metadata__\":{\"a\":null}}", 0 },
        { "{\"__metadata__\":{\"a\":{}}}", 0 }, { "{\"__metadata__\":[]}", 0 },
        { "{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}", 0 }, { "{\"__metadata__\":{},\"__metadata__\":{}}", 0 },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) cr_expect(!text(rows[i].header, rows[i].data), "%s", rows[i].header);
}

Test(safetensors, long_name) {
    char h[600] = "{\"", name[300];
    for (size_t n = 255; n < 257; n++) {
        memset(name, 'n', n), name[n] = 0;
        snprintf(h, sizeof h, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", name);
        cr_expect(text(h, 1) == (n == 255));
    }
}

Test(safetensors, truncated) {
    const char *h = "{" A "}";
    for (size_t n = 0; n < strlen(h); n++) {
        cr_expect(!accepted(strlen(h), h, n, 0, NULL));
        cr_expect(!accepted(n, h, n, 0, NULL));
    }
}

Test(safetensors, message) {
    char msg[480];
    const char *h = "{\"w\":{\"dtype\":\"U16\",\"shape\":[1],\"data_offsets\":[0,2]}}";
    cr_expect(!accepted(strlen(h), h, strlen(h), 2, msg));
    cr_expect_str_eq(msg, "f: tensor w has dtype U16, expected F32, F16, BF16, F64, I8, I16, I32, I64, U8 or BOOL");
}
