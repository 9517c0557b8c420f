#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/labels.h"
#include "io/npy.h"
#include "tests/util.h"

static void refused(const char *text, const char *word) {
    struct sv_labels l;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_labels_parse(&l, "l.txt", text, strlen(text), &e), SV_EINPUT, "accepted: %s", text);
    cr_assert(strstr(e.msg, "l.txt") && strstr(e.msg, word), "\"%s\" says: %s", text, e.msg);
}

Test(labels, reads) {
    const char *text = "# clip n labels\n\n01 5 00110\r\n\tb 4 1 0\t1 1";
    struct sv_labels l;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_labels_parse(&l, "l.txt", text, strlen(text), &e), 0, "%s", e.msg);
    const struct sv_label *a = sv_labels_of(&l, "01"), *b = sv_labels_of(&l, "b");
    cr_assert(l.clip.n == 2 && a && b && a->n == 5 && b->n == 4 && !sv_labels_of(&l, "c"));
    cr_assert(!memcmp(a->frame, "\0\0\1\1\0", 5) && !memcmp(b->frame, "\1\0\1\1", 4));
    sv_labels_free(&l);
}

Test(labels, refuses) {
    refused("", "no labels");
    refused("# none\n", "no labels");
    refused("01 5 0011\n", "line 1: clip 01 has 4 labels, expected 5");
    refused("a 1 0\n01 3 0011\n", "line 2: clip 01 has 4 labels, expected 3");
    refused("01 4 0012\n", "label 3 is '2'");
    refused("01 4 00,11\n", "','");
    refused("01 0\n", "number of frames is \"0\"");
    refused("01 -3 000\n", "number of frames");
    refused("01 0011\n", "labels, expected 11");
    refused("01\n", "number of frames is \"\"");
    refused("01 3.0 001\n", "number of frames");
    refused("01 999999999999999999999 001\n", "number of frames");
    refused("01 2 01\n02 1 1\n01 2 01\n", "clip 01 comes twice");
    struct sv_labels l;
    cr_assert_eq(sv_labels_read(&l, "/nonexistent/l.txt", NULL), SV_EINPUT);
    char name[400];
    memset(name, 'n', 300);
    strcpy(name + 300, " 1 1\n");
    refused(name, "clip name");
}

Test(labels, npy_folder) {
    const char *dir = temp_dir();
    static const double f8[4] = { 0, 1, 1, 0 };
    static const int64_t i8[3] = { 1, 0, 1 };
    static const uint8_t u1[5] = { 0, 0, 0, 1, 1 };
    static const float f4[2] = { 1, 0 };
    const struct { const char *name; enum sv_dtype t; size_t rank, dim[2]; const void *data; } file[] = {
        { "d", SV_F64, 1, { 4, 0 }, f8 }, { "i", SV_I64, 2, { 3, 1 }, i8 }, { "u", SV_U8, 1, { 5, 0 }, u1 },
        { "b", SV_BOOL, 2, { 1, 5 }, u1 }, { "f", SV_F32, 1, { 2, 0 }, f4 }, { "s", SV_I8, 1, { 5, 0 }, u1 },
    };
    struct sv_err e = { 0 };
    char path[1200];
    for (size_t i = 0; i < SV_LEN(file); i++) {
        snprintf(path, sizeof path, "%s/%s.npy", dir, file[i].name);
        cr_assert_eq(sv_npy_write(path, file[i].t, file[i].rank, file[i].dim, file[i].data, &e), 0, "%s", e.msg);
    }
    snprintf(path, sizeof path, "%s/readme.txt", dir);
    FILE *f = fopen(path, "w");
    fclose(f);
    struct sv_labels l;
    cr_assert_eq(sv_labels_read(&l, dir, &e), 0, "%s", e.msg);
    cr_assert_eq(l.clip.n, 6);
    cr_assert(!memcmp(sv_labels_of(&l, "d")->frame, "\0\1\1\0", 4) && sv_labels_of(&l, "d")->n == 4);
    cr_assert(!memcmp(sv_labels_of(&l, "i")->frame, "\1\0\1", 3) && sv_labels_of(&l, "i")->n == 3);
    cr_assert(!memcmp(sv_labels_of(&l, "f")->frame, "\1\0", 2));
    for (size_t i = 0; i < 3; i++) {
        const struct sv_label *u = sv_labels_of(&l, (const char *[]){ "u", "b", "s" }[i]);
        cr_assert(u->n == 5 && !memcmp(u->frame, u1, 5));
    }
    sv_labels_free(&l);
}

static void npy_refused(enum sv_dtype t, size_t rank, const size_t *dim, const void *data, const char *word) {
    char path[1200];
    snprintf(path, sizeof path, "%s/x.npy", temp_dir());
    struct sv_err e = { 0 };
    struct sv_labels l;
    char *dir = strrchr(path, '/');
    cr_assert_eq(sv_npy_write(path, t, rank, dim, data, &e), 0, "%s", e.msg);
    *dir = 0;
    cr_assert_eq(sv_labels_read(&l, path, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, word) && strstr(e.msg, "x.npy"), "%s", e.msg);
}

Test(labels, npy_refused) {
    static const uint8_t two[4] = { 0, 1, 2, 0 };
    static const double half[2] = { 0, 0.5 };
    static const int64_t big[2] = { 1, 256 };
    npy_refused(SV_U8, 1, (size_t[]){ 4 }, two, "label 2 is neither 0 nor 1");
    npy_refused(SV_F64, 1, (size_t[]){ 2 }, half, "label 1");
    npy_refused(SV_I64, 1, (size_t[]){ 2 }, big, "label 1");
    npy_refused(SV_U8, 2, (size_t[]){ 2, 2 }, two, "2 dimensions");
    npy_refused(SV_U8, 0, NULL, two, "0 dimensions");
    npy_refused(SV_U8, 1, (size_t[]){ 0 }, two, "no frames");
    struct sv_labels l;
    struct sv_err e = { 0 };
    const char *empty = temp_dir();
    cr_assert_eq(sv_labels_read(&l, empty, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "no .npy files"), "%s", e.msg);
}

Test(labels, ped2) {
    const char *path = shared_path("data/ped2/labels.txt");
    if (!path) cr_skip_test("no ../shared");
    struct sv_labels l;
    struct sv_err e = { 0 };
    size_t n = 0, abnormal = 0;
    cr_assert_eq(sv_labels_read(&l, path, &e), 0, "%s", e.msg);
    for (size_t i = 0; i < l.clip.n; i++)
        for (size_t t = 0; t < l.label[i].n; t++, n++) abnormal += l.label[i].frame[t];
    cr_assert(l.clip.n == 12 && n == 2010 && abnormal == 1648);
    sv_labels_free(&l);
}
