#include "io/file.h"
#include "io/mat.h"
#include "tests/matfile.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* All numbers of an array or of a cell's arrays as doubles, appended; false where one holds something else. */
static bool flatten(const struct sv_mat_array *a, double *out, size_t *n) {
    bool fine = a->class != SV_MAT_OTHER;
    if (a->class == SV_MAT_NUMBERS) for (size_t i = 0; i < a->count; i++) out[(*n)++] = sv_mat_at(a, i);
    else for (size_t i = 0; fine && i < a->count; i++) fine = flatten(&a->cell[i], out, n);
    return fine;
}

static void corpus_row(const struct corpus_row *row, void *arg) {
    static double out[1 << 15];
    (void)arg;
    struct sv_file f;
    struct sv_mat m;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_file_read(&f, row->path, 1 << 28, NULL), 0);
    const int rc = sv_mat_read(&m, f.data, f.size, row->col[0], &e);
    cr_expect(!rc || (rc == SV_EINPUT && e.msg[0] && !m.var));
    if (!strcmp(row->status, "reject") || strstr(row->col[0], "testsparse")) {      /* sparse arrays are not claimed */
        cr_expect_eq(rc, SV_EINPUT, "%s was read", row->path);
    } else if (!strcmp(row->status, "ok")) {
        const struct sv_mat_array *a = NULL;
        cr_expect_eq(rc, 0, "%s", e.msg);
        for (size_t i = 0; i < m.n; i++) if (!strcmp(m.var[i].name, row->col[3])) a = &m.var[i];
        cr_expect(a, "%s: no %s", row->path, row->col[3]);
        size_t n = 0;
        char hex[65];
        if (a && row->cols > 6 && strlen(row->col[6]) == 64) {
            cr_expect(flatten(a, out, &n), "%s: %s", row->path, row->col[3]);
            hex_sha256(out, 8 * n, hex);
            cr_expect_str_eq(hex, row->col[6], "%s: %s", row->path, row->col[3]);
        }
    }
    sv_mat_free(&m);
    sv_file_close(&f);
}

Test(mat, corpus) {
    if (!corpus_each("mat", corpus_row, NULL)) cr_skip_test("no corpora");
}

static int read_copy(struct sv_mat *m, const struct matfile *f, size_t n, struct sv_err *e) {
    uint8_t *copy = sv_alloc(n, 1, NULL);                   /* exactly n bytes, so that a sanitizer sees a read past the end */
    memcpy(copy, f->p, n);
    double sum = 0;
    const int rc = sv_mat_read(m, copy, n, "t.mat", e);
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; m->var[i].class == SV_MAT_NUMBERS && k < m->var[i].count; k++) sum += sv_mat_at(&m->var[i], k);
    cr_expect(!rc ? sum < 1e9 || sum >= 1e9 || sum != sum : rc == SV_EINPUT && (!e || e->msg[0]));
    if (!rc) sv_mat_free(m);
    sv_free(copy);
    return rc;
}

static void sample(struct matfile *f, bool big, bool packed) {
    static const double v[6] = { 1, -2, 3.5, 4, 5e9, 6 };
    mat_begin(f, big);
    mat_doubles(f, "a", 2, 3, v);
    const size_t from = f->n, cell = mat_array(f, "a long name", 1, 1, 3);
    mat_bytes(f, "", 1, 3, (const uint8_t *)"\0\1\2"), mat_doubles(f, "", 2, 1, v + 4), mat_put(f, 14, 4), mat_put(f, 0, 4);
    mat_end(f, cell);
    if (packed) mat_deflate(f, from);
}

Test(mat, numbers_and_cells) {
    static struct matfile f;
    for (int how = 0; how < 4; how++) {
        struct sv_mat m;
        struct sv_err e = { 0 };
        sample(&f, how & 1, how & 2);
        cr_assert_eq(sv_mat_read(&m, f.p, f.n, "t.mat", &e), 0, "%d: %s", how, e.msg);
        cr_assert(m.n == 2 && !strcmp(m.var[0].name, "a") && !strcmp(m.var[1].name, "a long name"));
        const struct sv_mat_array *a = m.var, *c = m.var[1].cell;
        cr_expect(a->class == SV_MAT_NUMBERS && a->rank == 2 && a->dim[0] == 2 && a->dim[1] == 3 && a->count == 6);
        cr_expect(sv_mat_at(a, 1) < -1.9 && sv_mat_at(a, 2) > 3.4 && sv_mat_at(a, 4) > 4.9e9);
        cr_expect(m.var[1].class == SV_MAT_CELL && m.var[1].count == 3 && c[0].count == 3 && c[1].count == 2 && c[2].count == 0);
        cr_expect(sv_mat_at(&c[0], 2) > 1.9 && sv_mat_at(&c[1], 1) > 5.9);
        sv_mat_free(&m);
    }
}

Test(mat, damage) {
    static struct matfile f;
    struct sv_mat m;
    for (int how = 0; how < 4; how++) {
        sample(&f, how & 1, how & 2);
        const size_t first = 128 + 8 + 16 + 16 + 8 + 8 + 48;         /* after the first variable a file is whole */
        for (size_t n = 0; n < f.n; n++) cr_expect_eq(read_copy(&m, &f, n, NULL), n == 128 || n == first ? 0 : SV_EINPUT, "%d: %zu bytes", how, n);
        for (size_t i = 0; i < f.n; i++)
            for (unsigned v = 0; v < 3; v++) {
                struct sv_err e = { 0 };
                const uint8_t was = f.p[i];
                f.p[i] = (uint8_t[]){ 0, 0xff, (uint8_t)(was + 1) }[v];
                read_copy(&m, &f, f.n, &e);
                f.p[i] = was;
            }
    }
}

Test(mat, refused) {
    static struct matfile f;
    struct sv_mat m;
    struct sv_err e = { 0 };
    mat_begin(&f, false), f.p[124] = 0, f.p[125] = 2;
    cr_expect(read_copy(&m, &f, f.n, &e) && strstr(e.msg, "7.3"), "%s", e.msg);
    mat_begin(&f, false), mat_end(&f, mat_array(&f, "s", 5, 3, 3));
    cr_expect(read_copy(&m, &f, f.n, memset(&e, 0, sizeof e)) && strstr(e.msg, "sparse"), "%s", e.msg);
    mat_begin(&f, false), mat_end(&f, mat_array(&f, "c", 1, 0x7fffffff, 0x7fffffff));
    cr_expect(read_copy(&m, &f, f.n, memset(&e, 0, sizeof e)) && strstr(e.msg, "cell"), "%s", e.msg);
    mat_begin(&f, false), mat_end(&f, mat_array(&f, "d", 6, 0x7fffffff, 0x7fffffff));
    cr_expect(read_copy(&m, &f, f.n, memset(&e, 0, sizeof e)), "%s", e.msg);
    size_t at[40];
    mat_begin(&f, false);
    for (size_t i = 0; i < SV_LEN(at); i++) at[i] = mat_array(&f, "n", 1, 1, 1);
    for (size_t i = SV_LEN(at); i--;) mat_end(&f, at[i]);
    cr_expect(read_copy(&m, &f, f.n, memset(&e, 0, sizeof e)) && strstr(e.msg, "deep"), "%s", e.msg);
}
