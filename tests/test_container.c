#include "core/hash.h"
#include "io/container.h"
#include "tests/util.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const float weight[6] = { 1, -2.5f, 0x1p-149f, 3e38f, -0.f, 0.1f };
static const uint16_t half[5] = { 0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000 };
static const int8_t code[4] = { -128, 127, 0, 5 };
static const float scale[2] = { 0.5f, 2 };
static const uint8_t full[64] = "exactly 64 bytes: no padding follows this tensor in the file ..";
static const int64_t wide[1] = { INT64_MIN };

#define DIM(...) ((const size_t[]){ __VA_ARGS__ })

/* Every type of value and most of tensor.  tests/golden/v1.svad is this store as version 1 wrote it. */
static void small_store(struct sv_store *s) {
    cr_assert_eq(sv_store_init(s, "small", NULL), 0);
    sv_store_set_int(s, "a.int", -7, NULL);
    sv_store_set_real(s, "a.real", 4.605170185988092, NULL);
    sv_store_set_text(s, "a.text", "caf\xc3\xa9\n", NULL);
    sv_store_set_text(s, "a.empty", "", NULL);
    sv_store_set_reals(s, "a.reals", (const double[]){ 0.48145466, 0.4578275, 0.40821073 }, 3, NULL);
    sv_store_set_reals(s, "a.none", NULL, 0, NULL);
    int rc = sv_store_add(s, "w.f32", SV_F32, 2, DIM(2, 3), weight, sizeof weight, NULL);
    rc |= sv_store_add(s, "w.f16", SV_F16, 1, DIM(5), half, sizeof half, NULL);
    rc |= sv_store_add(s, "w.zero", SV_BF16, 2, DIM(0, 7), half, 0, NULL);
    rc |= sv_store_add(s, "w.scalar", SV_F32, 0, NULL, scale, 4, NULL);
    rc |= sv_store_add(s, "w.i8", SV_I8, 2, DIM(2, 2), code, sizeof code, NULL);
    rc |= sv_store_add(s, "w.i8.scale", SV_F32, 1, DIM(2), scale, sizeof scale, NULL);
    rc |= sv_store_add(s, "w.u8", SV_U8, 1, DIM(64), full, sizeof full, NULL);
    rc |= sv_store_add(s, "w.i64", SV_I64, 1, DIM(1), wide, sizeof wide, NULL);
    cr_assert_eq(rc, 0);
}

static struct sv_store small;
static struct sv_file file;
static uint8_t bytes[4096];             /* a copy that tests may damage */
static struct sv_file bad;
static const char *dir;

static void setup(void) {
    char path[512];
    dir = temp_dir();
    snprintf(path, sizeof path, "%s/small.svad", dir);
    small_store(&small);
    struct sv_err e = { 0 };
    cr_assert_eq(sv_container_write(path, "model", &small, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_file_map(&file, path, &e), 0, "%s", e.msg);
    cr_assert_leq(file.size, sizeof bytes);
    memcpy(bytes, file.data, file.size);
    bad = (struct sv_file){ .data = bytes, .size = file.size, .name = (char *)"bad.svad" };
}

static void teardown(void) {
    sv_file_close(&file);
    sv_store_free(&small);
}

static void same_view(const struct sv_view *a, const struct sv_view *b) {
    cr_assert_not_null(b, "%s", a->name);
    cr_assert(a->dtype == b->dtype && a->rank == b->rank && a->bytes == b->bytes, "%s", a->name);
    for (size_t i = 0; i < a->rank; i++) cr_assert_eq(a->dim[i], b->dim[i], "%s", a->name);
    cr_assert_arr_eq(a->data, b->data, a->bytes, "%s", a->name);
}

static void same_store(const struct sv_store *a, const struct sv_store *b) {
    cr_assert_eq(a->values, b->values);
    cr_assert_eq(a->views, b->views);
    for (size_t i = 0; i < a->values; i++) {
        const struct sv_value *v = &a->value[i], *w = sv_store_value(b, v->name);
        cr_assert(w && w->type == v->type && w->n == v->n && w->i == v->i, "%s", v->name);
        cr_assert_arr_eq(&w->r, &v->r, sizeof v->r);
        if (v->type == SV_TEXT) cr_assert_str_eq(w->text, v->text);
        if (v->n) cr_assert_arr_eq(w->reals, v->reals, v->n * sizeof *v->reals);
    }
    for (size_t i = 0; i < a->views; i++) same_view(&a->view[i], sv_store_find(b, a->view[i].name));
}

/* Reads f and expects refusal with a message that holds text; NULL expects success. */
static void expect(const struct sv_file *f, const char *text) {
    struct sv_store s;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_store_init(&s, f->name, NULL), 0);
    const int rc = sv_container_read(f, NULL, &s, &e);
    sv_store_free(&s);
    cr_assert_eq(rc, text ? SV_EINPUT : 0, "wanted %s, got %d %s", text ? text : "success", rc, e.msg);
    if (text) cr_assert_not_null(strstr(e.msg, text), "wanted %s, got %s", text, e.msg);
}

static void put(size_t at, uint64_t v, size_t n) {
    for (; n--; v >>= 8) bytes[at++] = (uint8_t)v;
}

static size_t get(size_t at) {
    uint64_t v;
    memcpy(&v, bytes + at, 8);
    return (size_t)v;
}

/* Checksums that fit again, so that the check behind them is reached. */
static void seal(void) {
    const size_t index = get(40);
    put(60, sv_crc32c(0, bytes, 60), 4);
    if (index < bad.size - 4) put(bad.size - 4, sv_crc32c(0, bytes + index, bad.size - 4 - index), 4);
}

/* Where the name stands in the index. */
static size_t name_at(const char *name) {
    const size_t n = strlen(name);
    for (size_t i = get(40); i + n < bad.size; i++)
        if (!memcmp(bytes + i, name, n) && bytes[i - 1] < 0x20) return i;
    cr_assert_fail("no %s in the index", name);
    return 0;
}

static void restore(void) {
    memcpy(bytes, file.data, file.size);
    bad.size = file.size;
}

/* One number changed, checksums made to fit. */
static void change(size_t at, uint64_t v, size_t n, const char *text) {
    put(at, v, n);
    seal();
    expect(&bad, text);
    restore();
}

TestSuite(container, .init = setup, .fini = teardown);

Test(container, round_trip) {
    struct sv_store s;
    struct sv_err e = { 0 };
    char kind[16];
    cr_assert_eq(sv_store_init(&s, file.name, NULL), 0);
    cr_assert_eq(sv_container_read(&file, "model", &s, &e), 0, "%s", e.msg);
    same_store(&small, &s);
    for (size_t i = 0; i < s.views; i++) {
        const uint8_t *p = s.view[i].data;
        cr_assert(p >= file.data && p + s.view[i].bytes <= file.data + file.size && (size_t)(p - file.data) % 64 == 0);
    }
    cr_assert_eq(sv_container_verify(&file, &e), 0, "%s", e.msg);
    sv_container_kind(&file, kind);
    cr_assert_str_eq(kind, "model");
    sv_store_free(&s);

    cr_assert_eq(sv_store_init(&s, file.name, NULL), 0);
    cr_assert_eq(sv_container_read(&file, "scene", &s, &e), SV_EINPUT);
    cr_assert_not_null(strstr(e.msg, "is a model file, expected a scene file"), "%s", e.msg);
    sv_store_free(&s);
}

Test(container, version_1_stays_readable) {
    struct sv_file f;
    struct sv_store s;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_file_map(&f, "tests/golden/v1.svad", &e), 0, "%s", e.msg);
    cr_assert_eq(sv_store_init(&s, f.name, NULL), 0);
    cr_assert_eq(sv_container_verify(&f, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_container_read(&f, "model", &s, &e), 0, "%s", e.msg);
    same_store(&small, &s);
    cr_assert_eq(f.size, file.size);
    cr_assert_arr_eq(f.data, file.data, f.size, "the writer's bytes changed: that is a new version");
    sv_store_free(&s);
    sv_file_close(&f);
}

Test(container, every_flipped_bit_is_found) {
    for (size_t i = 0; i < 8 * file.size; i++) {
        struct sv_err e = { 0 };
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        cr_assert_eq(sv_container_verify(&bad, &e), SV_EINPUT, "bit %zu of byte %zu", i % 8, i / 8);
        cr_assert_gt(strlen(e.msg), 10);
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    cr_assert_eq(sv_container_verify(&bad, NULL), 0);
}

Test(container, every_truncation_is_refused) {
    for (bad.size = 0; bad.size < file.size; bad.size++) {
        uint8_t *exact = sv_alloc(bad.size, 1, NULL);      /* a sanitizer sees a read past the end */
        memcpy(exact, bytes, bad.size);
        struct sv_file f = { .data = exact, .size = bad.size, .name = bad.name };
        cr_assert_eq(sv_container_verify(&f, NULL), SV_EINPUT, "%zu bytes", bad.size);
        sv_free(exact);
    }
    bad.size = file.size + 1;
    expect(&bad, "its header says");
}

Test(container, header_is_checked) {
    change(8, 2, 4, "format version 2, this program reads 1");
    change(12, 0x04030201, 4, "byte order");
    change(56, 1, 4, "reserved");
    change(16, 0, 1, "kind");
    change(30, 'x', 1, "kind");
    change(32, file.size + 1, 8, "its header says");
    change(40, 0, 8, "does not fit");
    change(40, UINT64_MAX, 8, "does not fit");
    change(40, get(40) + 64, 8, "does not fit");
    change(40, get(40) + 1, 8, "does not fit");
    change(48, get(48) - 1, 8, "does not fit");
    change(48, UINT64_MAX, 8, "does not fit");
}

Test(container, values_are_checked) {
    const size_t index = get(40), i = name_at("a.int"), t = name_at("a.text"), r = name_at("a.reals");
    change(index, 7, 4, "name of 5 bytes");                      /* a tensor entry is no value */
    change(index, 5, 4, "tensor");       /* and a value no tensor */
    change(index, UINT32_MAX, 4, "at most 4096");
    change(index + 4, UINT32_MAX, 4, "at most");
    change(index + 4, 7, 4, "behind its last entry");
    change(index + 4, 9, 4, "does not fit");
    change(i - 8, 3, 4, "does not fit");
    change(i - 8, UINT32_MAX, 4, "does not fit");
    change(i - 8, 16, 4, "do not fit its type");
    change(i - 4, 2, 2, NULL);                            /* any 8 bytes are a real */
    change(i - 4, 77, 2, NULL);                           /* a type of the future is skipped by its length */
    change(i - 2, 0, 2, "name of 0 bytes");
    change(i - 2, 300, 2, "leaves the entry");
    change(i, 0xff, 1, "not 1 .. 255 bytes of text");
    change(i, 0x1b, 1, "not 1 .. 255 bytes of text");
    change(t + 6, 0, 1, "do not fit its type");
    change(t + 6, 0xc0, 1, "do not fit its type");
    change(r - 4, 1, 2, "do not fit its type");
    change(r - 4, 3, 2, "do not fit its type");
    memcpy(bytes + name_at("a.none"), "a.text", 6);
    change(0, bytes[0], 1, "two values named a.text");
}

Test(container, tensors_are_checked) {
    const size_t w = name_at("w.f32") - 48, s = name_at("w.scalar") - 32, i8 = name_at("w.i8.scale");
    change(w + 4, 99, 2, "unknown to this program");
    change(w + 4, 1, 2, "24 bytes of data, expected 12");
    change(w + 8, 9, 4, "rank 9");
    change(w + 8, UINT32_MAX, 4, "rank");
    change(w + 16, 128, 8, "expected to begin at 64");
    change(w + 24, 25, 8, "25");
    change(w + 24, 24 + 64, 8, "88 bytes of data");
    change(w + 24, UINT64_MAX, 8, "expected to begin at 64");
    change(w + 32, 3, 8, "expected 36");
    change(w + 32, UINT64_MAX, 8, "overflow");
    change(w + 32, (uint64_t)1 << 62, 8, "overflow");
    change(s + 8, 1, 4, "rank 1");
    change(i8, 'v', 1, "no tensor w.i8.scale");
    change(64 + 24, 1, 1, "padding at byte 88");
    memcpy(bytes + name_at("w.f16"), "w.f32", 5);
    change(0, bytes[0], 1, "two tensors named w.f32");
}

Test(container, no_room_for_anything_else) {
    const size_t index = get(40);
    memmove(bytes + index + 64, bytes + index, bad.size - index);
    memset(bytes + index, 0, 64);
    bad.size += 64;
    put(32, bad.size, 8);
    put(40, index + 64, 8);
    seal();
    expect(&bad, "the tensors end at");
}

Test(container, data_is_read_by_verify_alone) {
    bytes[64] ^= 1;
    expect(&bad, NULL);
    struct sv_err e = { 0 };
    cr_assert_eq(sv_container_verify(&bad, &e), SV_EINPUT);
    cr_assert_not_null(strstr(e.msg, "tensor w.f32: checksum differs"), "%s", e.msg);
}

static int count_up(void *arg, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e) {
    float *p = out;
    size_t *next = arg;
    if (first != *next) return sv_fail(e, SV_EINPUT, "%s: piece at %zu, expected %zu", v->name, first, *next);
    for (size_t i = 0; i < n; i++) p[i] = (float)(first + i);
    *next += n;
    return first > 70000 ? sv_fail(e, SV_EINPUT, "made to fail") : 0;
}

Test(container, data_made_on_the_way) {
    struct sv_store s, back;
    struct sv_file f;
    struct sv_err e = { 0 };
    size_t next = 0;
    char path[512];
    snprintf(path, sizeof path, "%s/made.svad", dir);
    cr_assert_eq(sv_store_init(&s, "made", NULL), 0);
    cr_assert_eq(sv_store_add(&s, "up", SV_F32, 2, DIM(50, 1234), NULL, 4 * 61700, NULL), 0);
    cr_assert_eq(sv_container_write(path, "model", &s, &e), SV_EINPUT);
    e.code = 0;
    const struct sv_filler fill = { count_up, &next };
    cr_assert_eq(sv_container_stream(path, "model", &s, &fill, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_file_map(&f, path, &e), 0);
    cr_assert_eq(sv_container_verify(&f, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_store_init(&back, path, NULL), 0);
    cr_assert_eq(sv_container_read(&f, "model", &back, &e), 0);
    const float *p = back.view[0].data;
    for (size_t i = 0; i < 61700; i++) cr_assert_eq(p[i], (float)i);
    sv_store_free(&back);
    sv_file_close(&f);

    cr_assert_eq(sv_store_add(&s, "up2", SV_F32, 1, DIM(80000), NULL, 320000, NULL), 0);
    next = 0;
    /* The second tensor begins at 0 again. */
    cr_assert_eq(sv_container_stream(path, "model", &s, &fill, &e), SV_EINPUT);
    cr_assert_eq(sv_file_map(&f, path, NULL), 0);
    cr_assert_eq(sv_container_verify(&f, NULL), 0, "a failed write must leave the file as it was");
    sv_file_close(&f);
    sv_store_free(&s);
    struct sv_dir d;
    cr_assert_eq(sv_dir_list(&d, dir, NULL), 0);
    cr_assert_eq(d.n, 2, "a failed write must leave nothing behind");
    sv_dir_free(&d);
}

Test(container, writer_refuses_what_the_reader_would) {
    struct sv_err e = { 0 };
    char path[512];
    snprintf(path, sizeof path, "%s/never", dir);
    cr_assert_eq(sv_container_write(path, "", &small, &e), SV_EINPUT);
    e.code = 0;
    cr_assert_eq(sv_container_write(path, "sixteen bytes ..", &small, &e), SV_EINPUT);
    e.code = 0;
    cr_assert_eq(sv_store_set_text(&small, "latin", "caf\xe9", NULL), 0);
    cr_assert_eq(sv_container_write(path, "model", &small, &e), SV_EINPUT);
    cr_assert_not_null(strstr(e.msg, "value latin"), "%s", e.msg);
    struct sv_file f;
    cr_assert_neq(sv_file_map(&f, path, NULL), 0);
}
