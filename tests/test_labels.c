#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/labels.h"
#include "io/npy.h"
#include "tests/matfile.h"
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
    cr_assert(strstr(e.msg, "no .npy or .mat files"), "%s", e.msg);
}

static void put(const char *dir, const char *name, const void *p, size_t n) {
    char path[4300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(p, 1, n, f) == n && !fclose(f));
}

/* The clip's labels as text. */
static const char *shown(const struct sv_labels *l, const char *clip) {
    static char out[64];
    const struct sv_label *x = sv_labels_of(l, clip);
    size_t n = 0;
    for (; x && n < x->n && n < 63; n++) out[n] = (char)('0' + x->frame[n]);
    out[n] = 0;
    return x ? out : "none";
}

static void fit(struct sv_labels *l, const char *const *name, const size_t *frames, size_t n, int want, struct sv_err *e) {
    struct sv_names clips = { 0 };
    size_t at;
    for (size_t i = 0; i < n; i++) cr_assert_eq(sv_names_add(&clips, name[i], strlen(name[i]), &at, NULL), 0);
    cr_expect_eq(sv_labels_fit(l, "l", &clips, frames, e), want, "%s", e->msg);
    sv_names_free(&clips);
}

/* Clips are given in another order than their names have. */
Test(labels, ucsd_script) {
    static const char text[] = "% ground truth\r\nTestVideoFile = {};\n\nTestVideoFile{end+1}.gt_frame = [2:3];\r\n"
                               "TestVideoFile{2}.gt_frame=[1:2, 5 6:6];  % two\nTestVideoFile{end+1}.gt_frame = [];\n";
    struct sv_labels l;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_labels_parse(&l, "x.m", text, sizeof text - 1, &e), 0, "%s", e.msg);
    cr_expect(l.clip.n == 3 && l.numbered && l.label[0].open);
    fit(&l, (const char *[]){ "Test002", "Test001", "Test003" }, (const size_t[]){ 7, 4, 2 }, 3, 0, &e);
    cr_expect_str_eq(shown(&l, "Test001"), "0110");
    cr_expect_str_eq(shown(&l, "Test002"), "1100110");
    cr_expect_str_eq(shown(&l, "Test003"), "00");
    sv_labels_free(&l);
    cr_assert_eq(sv_labels_parse(&l, "x.m", text, sizeof text - 1, &e), 0, "%s", e.msg);
    fit(&l, (const char *[]){ "a", "b" }, (const size_t[]){ 7, 4 }, 2, SV_EINPUT, memset(&e, 0, sizeof e));
    cr_expect(strstr(e.msg, "3 clips by number, for 2"), "%s", e.msg);
    fit(&l, (const char *[]){ "a", "b", "c" }, (const size_t[]){ 4, 5, 9 }, 3, SV_EINPUT, memset(&e, 0, sizeof e));
    cr_expect(strstr(e.msg, "clip b is abnormal up to frame 6, but has 5"), "%s", e.msg);
    sv_labels_free(&l);
    refused("T{end+1}.gt_frame = [5:4];", "frames 5 to 4");
    refused("T{end+1}.gt_frame = [0:4];", "frames 0 to 4");
    refused("T{end+1}.gt_frame = [1:100000001];", "frames 1 to");
    refused("T{end+1}.gt_frame = [1:3", "line 1");
    refused("T{end+1}.gt_frame = [1:2:9];", "line 1");
    refused("T = {};\nT{2}.gt_frame = [1];", "line 2: expected clips in order");
    refused("T{end+1}.gt_frame = [1]; x", "line 1");
    refused("T{end+1}.gt_frame = [1e3];", "line 1");
    refused("T = {};\n% .gt_frame", "no labels");
}

Test(labels, mat_intervals) {
    static const double two[4] = { 2, 3, 5, 5 }, one[2] = { 1, 1 }, bad[2] = { 1.5, 2 };
    static struct matfile f;
    struct sv_labels l;
    struct sv_err e = { 0 };
    for (int how = 0; how < 4; how++) {
        mat_begin(&f, how & 1);
        const size_t cell = mat_array(&f, "gt", 1, 1, 3);
        mat_doubles(&f, "", 2, 2, two), mat_doubles(&f, "", 0, 0, NULL), mat_doubles(&f, "", 2, 1, one);
        mat_end(&f, cell);
        if (how & 2) mat_deflate(&f, 128);
        cr_assert_eq(sv_labels_parse(&l, "ped2.mat", f.p, f.n, &e), 0, "%s", e.msg);
        fit(&l, (const char *[]){ "01", "02", "03" }, (const size_t[]){ 6, 2, 3 }, 3, 0, &e);
        cr_expect_str_eq(shown(&l, "01"), "011010");
        cr_expect_str_eq(shown(&l, "02"), "00");
        cr_expect_str_eq(shown(&l, "03"), "100");
        sv_labels_free(&l);
    }
    mat_begin(&f, false);
    const size_t cell = mat_array(&f, "gt", 1, 1, 1);
    mat_doubles(&f, "", 2, 1, bad), mat_end(&f, cell);
    cr_expect_eq(sv_labels_parse(&l, "ped2.mat", f.p, f.n, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "ped2.mat: clip 1: frames 1.5 to 2"), "%s", e.msg);
}

/* Avenue: a file a clip, whose numbers have no leading zeros. */
Test(labels, mat_masks) {
    static struct matfile f;
    static const uint8_t mask[3][12] = { { 0 }, { [11] = 1 }, { 0 } };
    const char *dir = temp_dir();
    struct sv_labels l;
    struct sv_err e = { 0 };
    char name[32];
    for (size_t clip = 1; clip <= 11; clip++) {
        mat_begin(&f, false);
        const size_t cell = mat_array(&f, "volLabel", 1, 1, 3);
        for (size_t i = 0; i < 3; i++) mat_bytes(&f, "", 4, 3, mask[clip == 2 ? (i + 1) % 3 : i]);
        mat_end(&f, cell);
        snprintf(name, sizeof name, "%zu_label.mat", clip), put(dir, name, f.p, f.n);
    }
    cr_assert_eq(sv_labels_read(&l, dir, &e), 0, "%s", e.msg);
    cr_assert(l.clip.n == 11 && l.numbered && !strcmp(l.clip.name[1], "2") && !strcmp(l.clip.name[10], "11"));
    const char *names[11];
    char text[11][4];
    size_t frames[11];
    for (size_t i = 0; i < 11; i++) snprintf(text[i], 4, "%02zu", i + 1), names[i] = text[i], frames[i] = 3;
    fit(&l, names, frames, 11, 0, &e);
    cr_expect_str_eq(shown(&l, "02"), "100");
    cr_expect_str_eq(shown(&l, "10"), "010");
    sv_labels_free(&l);
    mat_begin(&f, false);
    const size_t cell = mat_array(&f, "volLabel", 1, 1, 2);
    mat_bytes(&f, "", 4, 3, mask[0]), mat_bytes(&f, "", 3, 3, mask[0]), mat_end(&f, cell);
    cr_expect_eq(sv_labels_parse(&l, "3_label.mat", f.p, f.n, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "cell 2 of \"volLabel\""), "%s", e.msg);
}

Test(labels, mat_rows) {
    static struct matfile f;
    struct sv_labels l;
    struct sv_err e = { 0 };
    static const double x[3] = { 0, 1, 1 }, half[1] = { 0.5 };
    mat_begin(&f, false);
    mat_bytes(&f, "01", 1, 4, (const uint8_t *)"\0\1\1\0"), mat_doubles(&f, "02", 3, 1, x);
    cr_assert_eq(sv_labels_parse(&l, "a.mat", f.p, f.n, &e), 0, "%s", e.msg);
    cr_expect(!l.numbered && !l.label[0].open && l.clip.n == 2);
    cr_expect_str_eq(shown(&l, "01"), "0110");
    cr_expect_str_eq(shown(&l, "02"), "011");
    sv_labels_free(&l);
    mat_doubles(&f, "03", 1, 1, half);
    cr_expect(sv_labels_parse(&l, "a.mat", f.p, f.n, &e) == SV_EINPUT && strstr(e.msg, "label 0 of 03 is 0.5"), "%s", e.msg);
    mat_begin(&f, false), mat_bytes(&f, "m", 2, 2, (const uint8_t *)"\0\0\0\0");
    cr_expect(sv_labels_parse(&l, "a.mat", f.p, f.n, memset(&e, 0, sizeof e)) == SV_EINPUT && strstr(e.msg, "\"m\""), "%s", e.msg);
    mat_begin(&f, false);
    cr_expect_eq(sv_labels_parse(&l, "a.mat", f.p, f.n, NULL), SV_EINPUT);
}

/* Real files: the two that the field uses for Avenue agree where both have labels. */
Test(labels, avenue) {
    const char *rows = shared_path("corpora/mat/vad-avenue/ai-vad_avenue.mat"), *cells = shared_path("corpora/mat/anomalyruler/anomalyruler_avenue.mat");
    if (!rows || !cells) cr_skip_test("no corpora");
    struct sv_labels a, b;
    struct sv_err e = { 0 };
    size_t n = 0, abnormal = 0, frames[32] = { 0 };
    cr_assert(!sv_labels_read(&a, rows, &e) && !sv_labels_read(&b, cells, &e), "%s", e.msg);
    cr_assert(a.clip.n == 21 && b.clip.n == 21 && b.numbered);
    for (size_t i = 0; i < 21; i++)
        for (size_t t = 0; t < a.label[i].n; t++, n++) abnormal += a.label[i].frame[t], frames[i]++;
    cr_expect(n == 15324 && abnormal == 3712, "%zu %zu", n, abnormal);
    cr_expect_eq(sv_labels_fit(&b, cells, &a.clip, frames, &e), 0, "%s", e.msg);
    for (size_t i = 0; i < 21; i++) cr_expect_eq(sv_labels_of(&b, a.clip.name[i])->n, frames[i]);
    sv_labels_free(&a), sv_labels_free(&b);
}

Test(labels, npy_masks) {
    static const uint8_t masks[4 * 2 * 3] = { [6] = 1, [23] = 255 };
    const char *dir = temp_dir();
    char path[4300];
    struct sv_labels l;
    struct sv_err e = { 0 };
    snprintf(path, sizeof path, "%s/01_0014.npy", dir);
    cr_assert_eq(sv_npy_write(path, SV_U8, 3, (size_t[]){ 4, 2, 3 }, masks, &e), 0);
    cr_assert_eq(sv_labels_read(&l, dir, &e), 0, "%s", e.msg);
    cr_expect_str_eq(shown(&l, "01_0014"), "0101");
    sv_labels_free(&l);
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
