#include "core/half.h"
#include "io/file.h"
#include "io/npy.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static double number(const struct sv_view *v, size_t i) {
    const uint8_t *p = (const uint8_t *)v->data + i * sv_dtype_size(v->dtype);
    int64_t l; int32_t n; int16_t h; uint16_t u; float f; double d;
    switch (v->dtype) {
    case SV_F64: return memcpy(&d, p, 8), d;
    case SV_F32: return memcpy(&f, p, 4), (double)f;
    case SV_F16: return memcpy(&u, p, 2), (double)sv_f16_f32(u);
    case SV_I64: return memcpy(&l, p, 8), (double)l;
    case SV_I32: return memcpy(&n, p, 4), n;
    case SV_I16: return memcpy(&h, p, 2), h;
    case SV_I8:  return (int8_t)*p;
    default:     return *p;
    }
}

/* Numbers are compared as float64, strings and complex numbers as the bytes they are. */
static void compare(const struct corpus_row *r, const struct sv_view *v) {
    char hex[65];
    const bool raw = strchr(r->col[2], 'c') || strchr(r->col[2], 'S');
    if (raw) {
        hex_sha256(v->data, v->bytes, hex);
    } else {
        double *d = sv_alloc(v->count, sizeof *d, NULL);
        for (size_t i = 0; i < v->count; i++) d[i] = number(v, i);
        hex_sha256(d, v->count * sizeof *d, hex);
        sv_free(d);
    }
    cr_expect_str_eq(hex, r->col[raw ? 5 : 4], "%s", r->path);
    char shape[128] = "scalar";
    for (size_t i = 0, at = 0; i < v->rank - raw; i++)
        at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%zu", i ? "x" : "", v->dim[i]);
    cr_expect_str_eq(shape, r->col[3], "%s", r->path);
}

static void row(const struct corpus_row *r, void *arg) {
    struct sv_file f;
    struct sv_store s;
    struct sv_err e = { 0 };
    cr_assert(!sv_file_map(&f, r->path, NULL) && !sv_store_init(&s, r->path, NULL));
    const int rc = sv_npy_read(f.data, f.size, &s, &e);
    size_t *n = arg;
    const bool structure = !strcmp(r->col[2], "struct");
    if (!strcmp(r->status, "ok")) cr_expect(structure ? rc == SV_EINPUT : !rc, "%s", e.msg);
    if (!strcmp(r->status, "reject")) cr_expect(rc == SV_EINPUT, "%s was read", r->path);
    if (!rc && !strcmp(r->status, "ok")) compare(r, s.view), n[1]++;
    sv_store_free(&s);
    sv_file_close(&f);
    n[0]++;
}

Test(npy, corpus) {
    size_t n[2] = { 0 };
    if (!corpus_each("npy", row, n)) cr_skip_test("no ../shared/corpora/npy");
    cr_expect(n[0] > 100 && n[1] > 80, "%zu of %zu", n[1], n[0]);
}

static bool accepted(int version, const char *header, size_t n, size_t data, const uint8_t *bytes, struct sv_store *keep) {
    uint8_t p[4096] = { 0x93, 'N', 'U', 'M', 'P', 'Y', (uint8_t)version, 0 };
    struct sv_store s;
    struct sv_err e = { 0 };
    const size_t at = version == 1 ? 10 : 12;
    p[8] = (uint8_t)n, p[9] = (uint8_t)(n >> 8);
    memcpy(p + at, header, n);
    if (bytes) memcpy(p + at + n, bytes, data);
    uint8_t *exact = sv_alloc(at + n + data, 1, NULL);
    memcpy(exact, p, at + n + data);
    cr_assert(!sv_store_init(&s, "f", NULL));
    const int rc = sv_npy_read(exact, at + n + data, &s, &e);
    cr_assert(rc ? e.code == rc && !strncmp(e.msg, "f: ", 3) : s.views == 1, "%s", header);
    if (keep) *keep = s;                            /* only what the store owns may be looked at */
    else sv_store_free(&s);
    sv_free(exact);
    return !rc;
}

static bool text(const char *header, size_t data) { return accepted(1, header, strlen(header), data, NULL, NULL); }

Test(npy, headers) {
    cr_expect(text("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12));
    cr_expect(text("{\"shape\":(3),\"descr\":\"|u1\",\"fortran_order\":True}", 3) == false);
    cr_expect(text("{\"shape\":(3,),\"descr\":\"|u1\",\"fortran_order\":True}  \n", 3));
    cr_expect(text("{'shape': (3L, 2L), 'descr': '<i2', 'fortran_order': False}", 12));
    cr_expect(text("{'shape': (), 'descr': '<i8', 'fortran_order': False}", 8));
    cr_expect(text("{'shape': (0, 4), 'descr': '<i8', 'fortran_order': True}", 0));
    cr_expect(accepted(2, "{'shape': (), 'descr': '<i8', 'fortran_order': False}", 53, 8, NULL, NULL));
    static const char *const bad[] = {
        "", "{", "{}", "[]", "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'shape': (1,)}",
            "{'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
                "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f3', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f48', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f+4', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': '|S0', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '|V4', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': '<i0', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<', 'fortran_order': False, 'shape': (1,)}", "{'descr': '', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4\\'', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '|S99999999', 'fortran_order': False, 'shape': (1,)}",
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) cr_expect(!text(bad[i], 16), "%s", bad[i]);
    cr_expect(!text("{'descr': '|S1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1)}", 16));
    cr_expect(!text("{'shape': (), 'descr': '<i8', 'fortran_order': False}", 7));
    cr_expect(!accepted(4, "{'shape': (), 'descr': '<i8', 'fortran_order': False}", 53, 8, NULL, NULL));
    cr_expect(!accepted(0, "{'shape': (), 'descr': '<i8', 'fortran_order': False}", 53, 8, NULL, NULL));
}

Test(npy, widened) {
    struct sv_store s;
    const uint8_t be[] = { 0x01, 0x02, 0xff, 0xfe, 0, 1 }, big[8] = { 0, 0, 0, 0, 0, 0, 0, 0x80 };
    cr_assert(accepted(1, "{'descr': '>u2', 'fortran_order': False, 'shape': (3,)}", 55, 6, be, &s));
    cr_expect(s.view->dtype == SV_I32 && number(s.view, 0) == 258 && number(s.view, 1) == 65534 && number(s.view, 2) == 1);
    sv_store_free(&s);
    cr_expect(!accepted(1, "{'descr': '<u8', 'fortran_order': False, 'shape': (1,)}", 55, 8, big, NULL));
    const uint8_t six[] = { 1, 2, 3, 4, 5, 6 };
    cr_assert(accepted(1, "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3)}", 56, 6, six, &s));
    cr_expect(!memcmp(s.view->data, "\1\3\5\2\4\6", 6));
    sv_store_free(&s);
}

Test(npy, truncated) {
    char path[1200];
    snprintf(path, sizeof path, "%s/t.npy", temp_dir());
    const float v[6] = { 1, 2, 3, 4, 5, 6 };
    struct sv_file f;
    cr_assert(!sv_npy_write(path, SV_F32, 2, (size_t[]){ 2, 3 }, v, NULL) && !sv_file_map(&f, path, NULL));
    for (size_t n = 0; n <= f.size; n++) {
        struct sv_store s;
        uint8_t *p = sv_alloc(n, 1, NULL);
        memcpy(p, f.data, n);
        cr_assert(!sv_store_init(&s, path, NULL));
        const int rc = sv_npy_read(p, n, &s, NULL);
        cr_expect(n < f.size ? rc == SV_EINPUT : !rc, "%zu", n);
        sv_store_free(&s);
        sv_free(p);
    }
    sv_file_close(&f);
}

Test(npy, written) {
    static const size_t dims[][SV_MAX_RANK] = { { 0 }, { 3 }, { 0, 5 }, { 2, 3 }, { 1, 2, 1, 3, 1, 1, 1, 1 } };
    static const size_t ranks[] = { 0, 1, 2, 2, 8 }, counts[] = { 1, 3, 0, 6, 6 };
    const uint64_t data[6] = { 1, 2, 3, 4, 5, UINT64_MAX };
    char path[1200];
    snprintf(path, sizeof path, "%s/t.npy", temp_dir());
    for (size_t i = 0; i < SV_LEN(ranks); i++)
        for (int t = 0; t < SV_DTYPES; t++) {
            struct sv_file f;
            struct sv_store s;
            struct sv_err e = { 0 };
            const int rc = sv_npy_write(path, (enum sv_dtype)t, ranks[i], dims[i], data, &e);
            cr_assert(t == SV_BF16 ? rc == SV_EINPUT : !rc);
            if (rc) continue;
            cr_assert(!sv_file_map(&f, path, NULL) && !sv_store_init(&s, path, NULL)
                      && !sv_npy_read(f.data, f.size, &s, NULL));
            const struct sv_view *v = s.view;
            cr_expect((int)v->dtype == t && v->rank == ranks[i] && v->count == counts[i]
                      && !memcmp(v->dim, dims[i], ranks[i] * sizeof *dims[i]));
            cr_expect(!memcmp(v->data, data, v->bytes) && (size_t)((const uint8_t *)v->data - f.data) % 64 == 0);
            sv_store_free(&s);
            sv_file_close(&f);
        }
}
