/* The bench but for its clock: what is counted, kept, read back, compared and drawn. */
#include "bench/bench.h"
#include "bench/compare.h"
#include "bench/roofline.h"
#include "bench/size.h"
#include "tests/chart.h"
#include "tests/util.h"
#include "tools/tool.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct ran r;
static struct sv_err e;

static size_t count(const char *text, const char *part) {
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++) n++;
    return n;
}

static const char *folder(void) {
    static const char *dir;
    return dir ? dir : (dir = temp_dir());
}

static const char *write_text(const char *name, const char *text) {
    static char path[4][4200];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder(), name);
    FILE *f = fopen(p, "w");
    cr_assert(f && fputs(text, f) >= 0 && !fclose(f));
    return p;
}

static void one_line(int code, const char *part) {
    const char *end = strchr(r.err, '\n');
    cr_expect_eq(r.code, code, "%d %s", r.code, r.err);
    cr_expect(!strncmp(r.err, "svad: ", 6) && end && !end[1] && strstr(r.err, part), "\"%s\" without \"%s\"", r.err, part);
}

static void counted(void *arg) { ++*(size_t *)arg; }

/* One call to find their number, then rounds; without a budget the fewest, without a sample's length one call a sample. */
Test(bench, rounds_and_budgets) {
    static const struct { struct sv_pace pace; size_t calls; } row[] = {
        { { 0, 0, 1 }, 2 }, { { 0, 0, 9 }, 1 + SV_BENCH_FEWEST }, { { 0, 1e9, 9 }, 10 }, { { 0, 1e9, 1000 }, 1 + SV_BENCH_ROUNDS },
    };
    for (size_t i = 0; i < SV_LEN(row); i++) {
        size_t calls[2] = { 0, 0 };
        struct sv_bench b[2] = { { .run = counted, .arg = &calls[0] }, { .run = counted, .arg = &calls[1] } };
        sv_bench_run(b, 2, &row[i].pace);
        for (size_t k = 0; k < 2; k++) {
            cr_expect_eq(calls[k], row[i].calls, "pace %zu: %zu calls", i, calls[k]);
            cr_expect(b[k].min <= b[k].median && b[k].samples + 1 == calls[k]);
        }
    }
    size_t calls = 0;
    struct sv_bench b = { .run = counted, .arg = &calls };
    sv_bench_run(&b, 1, &(struct sv_pace){ 1e-4, 0, 1 });
    cr_expect_gt(b.calls, 8, "a short call is repeated until a sample is long: %zu", b.calls);
}

static struct sv_row row(const char *name, double min, double median) {
    struct sv_row x = { .isa = "i", .type = "f32", .threads = 1, .min = min, .median = median };
    snprintf(x.name, sizeof x.name, "%s", name);
    return x;
}

Test(bench, roofline_arithmetic) {
    struct sv_row x = row("x", 2, 3);
    cr_expect_float_eq(sv_row_noise(&x), 0.5, 1e-12);
    cr_expect(isnan(sv_row_roof(&x)) && isnan(sv_row_of_peak(&x)) && isnan(sv_row_of_roof(&x)));
    x.flops = 80, x.bytes = 20, x.peak = 100;
    cr_expect_float_eq(sv_row_of_peak(&x), 0.4, 1e-12);
    cr_expect(isnan(sv_row_of_roof(&x)), "no bandwidth, no roof");
    x.bandwidth = 15;                   /* 4 FLOP/byte x 15 bytes/s = 60 FLOP/s, below the peak */
    cr_expect_float_eq(sv_row_roof(&x), 60, 1e-9);
    cr_expect_float_eq(sv_row_of_roof(&x), 40.0 / 60, 1e-12);
    x.bandwidth = 50;
    cr_expect_float_eq(sv_row_roof(&x), 100, 1e-9);
    x.flops = 0;                        /* what only moves is rated by bytes */
    cr_expect_float_eq(sv_row_of_roof(&x), 0.2, 1e-12);
    cr_expect(isnan(sv_row_of_peak(&x)));
}

Test(bench, times_have_three_digits) {
    static const struct { double s; const char *text; } t[] = {
        { 8.12e-10, "0.81 ns" }, { 8.123e-9, "8.12 ns" }, { 99.94e-9, "99.9 ns" }, { 99.96e-9, "100 ns" }, { 999.6e-9, "1.00 us" },
        { 0.0351, "35.1 ms" }, { 1, "1.00 s" }, { 12345, "12345 s" },
    };
    char text[16];
    for (size_t i = 0; i < SV_LEN(t); i++) cr_expect_str_eq(sv_time_text(text, t[i].s), t[i].text);
}

Test(bench, rows_come_back_from_json_lines) {
    struct sv_rows rows = {0};
    const char *path = write_text("a.json", ROW("dot", 10, 11, "") "\n" ROW("axpy", 5, 6, ", \"flop\": 8, \"bytes\": 4, \"peak\": null, \"new\": [1]")
                                  ROW("dot", 8, 12, "") ROW("dot", 9, 9, ""));
    cr_assert_eq(sv_rows_read(&rows, path, &e), 0, "%s", e.msg);
    cr_assert_eq(rows.n, 2);
    cr_expect(!strcmp(rows.row[0].name, "dot") && fabs(rows.row[0].min - 8e-9) < 1e-15 && fabs(rows.row[0].median - 12e-9) < 1e-15);
    cr_expect(rows.row[1].flops == 8 && rows.row[1].bytes == 4 && rows.row[1].peak == 0);
    struct sv_row like = rows.row[1];
    cr_expect_eq(sv_rows_find(&rows, &like), &rows.row[1]);
    like.threads = 2;
    cr_expect_null(sv_rows_find(&rows, &like));
    sv_rows_free(&rows);
}

Test(bench, files_that_are_no_rows) {
    static const struct { const char *text, *part; } bad[] = {
        { "", "no row in it" }, { "\n\n", "no row in it" }, { ROW("a", 1, 1, "") "[1]\n", "line 2: expected a line" }, { "row\n", "line 1" },
        { ROW("a", 0, 1, ""), "line 1: ns is no positive number" }, { ROW("a", 1, null, ""), "median is no positive number" },
        { ROW("a", -1, 1, ""), "ns is no" }, { ROW("a", 1, 1, ", \"flop\": -2"), "flop is no" },
        { "{\"row\": \"a\", \"isa\": \"b\", \"type\": \"c\", \"ns\": 1, \"median\": 1}\n", "expected a line" },
        { "{\"row\": \"a\", \"isa\": \"much too long a name\", \"type\": \"c\", \"threads\": 1, \"ns\": 1, \"median\": 1}\n", "expected a line" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        const char *good = write_text("good.json", ROW("a", 1, 1, "")), *path = write_text("bad.json", bad[i].text);
        run_svad(&r, NULL, "bench compare %s %s", good, path);
        one_line(2, bad[i].part);
        run_svad(&r, NULL, "bench roofline %s", path);
        one_line(2, bad[i].part);
    }
    run_svad(&r, NULL, "bench compare no-such-file no-such-file");
    one_line(2, "no-such-file");
}

/* Slower is what lies above the noise of before and the tolerance; the other way round for faster. */
Test(bench, changes_beyond_the_noise) {
    static const struct { double a, am, b, bm; enum sv_change want; } t[] = {
        { 100, 101, 100, 101, SV_SAME }, { 100, 110, 109, 112, SV_SAME }, { 100, 110, 111, 112, SV_SLOWER }, { 100, 100, 101.9, 102, SV_SAME },
        { 100, 100, 102.1, 103, SV_SLOWER }, { 111, 112, 100, 110, SV_FASTER }, { 109, 112, 100, 110, SV_SAME }, { 101.9, 102, 100, 100, SV_SAME },
        { 100, 300, 150, 160, SV_SAME },
    };
    for (size_t i = 0; i < SV_LEN(t); i++) {
        const struct sv_row a = row("x", t[i].a, t[i].am), b = row("x", t[i].b, t[i].bm);
        cr_expect_eq(sv_row_change(&a, &b, 0.02), t[i].want, "case %zu", i);
    }
}

Test(bench, compare_says_what_changed) {
    const char *a = write_text("a.json", ROW("same", 100, 101, "") ROW("slow", 100, 101, "") ROW("slower", 100, 101, "") ROW("fast", 100, 101, "")
                               ROW("gone", 7, 7, ""));
    const char *b = write_text("b.json", ROW("more", 5, 5, "") ROW("fast", 50, 51, "") ROW("slower", 300, 301, "") ROW("slow", 120, 121, "")
                               ROW("same", 101, 102, ""));
    run_svad(&r, NULL, "bench compare %s %s", a, b);
    one_line(3, "slower than before: 2 of 4 rows");
    const char *order[] = { "slower    slower ", "slower    slow ", "faster    fast ", "missing   gone ", "added     more ", "4 rows: 2 slower, 1 faster" };
    for (size_t i = 0, at = 0; i < SV_LEN(order); i++) {
        const char *p = strstr(r.out + at, order[i]);
        cr_assert(p, "%s is not where it belongs: %s", order[i], r.out);
        at = (size_t)(p - r.out) + 1;
    }
    cr_expect(strstr(r.out, " 100 ns ->  120 ns   +20.0 %\n"), "%s", r.out);
    cr_expect_eq(count(r.out, "\n"), 6);
    cr_expect_eq(run_svad(&r, NULL, "bench compare %s %s --tolerance 250", a, b), 0, "%s", r.err);
    cr_expect_eq(run_svad(&r, NULL, "bench compare %s %s", a, a), 0, "%s", r.err);
    cr_expect_str_eq(r.out, "5 rows: 0 slower, 0 faster, 5 within the noise; 0 missing, 0 added\n");
    cr_expect_eq(run_svad(&r, NULL, "bench compare %s %s --json", a, b), 3);
    cr_expect_eq(count(r.out, "{\"change\": "), 5);
    cr_expect(strstr(r.out, "{\"same\": 1, \"slower\": 2, \"faster\": 1, \"missing\": 1, \"added\": 1}\n"), "%s", r.out);
    run_svad(&r, NULL, "bench compare %s", a);
    one_line(1, "two files");
    run_svad(&r, NULL, "bench comparison");
    one_line(1, "no part comparison");
    run_svad(&r, NULL, "bench peak dot");
    one_line(1, "takes no \"dot\"");
}

/* What a run prints is what a run reads: rates follow from the counts. */
Test(bench, a_run_is_lines_of_json) {
    cr_assert_eq(run_svad(&r, NULL, "bench kernels gelu --quick --json --threads 2 --isa %s", sv_kern_best()->isa), 0, "%s", r.err);
    struct sv_rows rows = {0};
    const char *path = write_text("run.json", r.out);
    cr_assert_eq(sv_rows_read(&rows, path, &e), 0, "%s", e.msg);
    cr_expect_eq(rows.n, count(r.out, "\n"));
    size_t kernels = 0, products = 0;
    for (size_t i = 0; i < rows.n; i++) {
        const struct sv_row *x = &rows.row[i];
        cr_expect_str_eq(x->isa, sv_kern_best()->isa);
        if (strncmp(x->name, "roof ", 5)) cr_expect(sv_row_of_roof(x) > 0 && sv_row_of_peak(x) > 0 && x->bandwidth > 0, "%s", x->name);
        kernels += !strcmp(x->name, "gelu"), products += !strncmp(x->name, "gemm ", 5);
    }
    cr_expect(kernels == 1 && products == (sv_kern_best()->bf16 ? 6 : 4), "%zu kernels, %zu products", kernels, products);
    sv_rows_free(&rows);
    cr_assert_eq(run_svad(&r, NULL, "bench model 'text 2' --size tiny,layers=1 --batch 2 --quick --json --precision f32"), 0, "%s", r.err);
    cr_expect(count(r.out, "\n") == 1 && strstr(r.out, "\"row\": \"tiny,layers=1 text 2\"") && strstr(r.out, "\"items\": 2"), "%s", r.out);
    cr_assert_eq(run_svad(&r, NULL, "bench model step --batch 5 --quick --json"), 0, "%s", r.err);
    cr_expect(count(r.out, "\n") == 2 && strstr(r.out, "\"row\": \"tiny prompt step 5\"") && strstr(r.out, "\"row\": \"tfc step 5\""), "%s", r.out);
}

/* What is written is what SVAD_TUNE reads. */
Test(bench, tuned_sizes) {
    char path[4300];
    struct sv_block_sizes b = { 0, 0 };
    snprintf(path, sizeof path, "%s/tune", folder());
    const char *isa = sv_kern_best()->isa;
    cr_assert_eq(run_svad(&r, NULL, "bench tune %s --quick --threads 2 --isa %s", path, isa), 0, "%s", r.err);
    cr_assert_eq(sv_tune_read(&b, isa, path, &e), 0, "%s", e.msg);
    cr_expect(b.rows >= 48 && b.cols >= 1);
}

Test(bench, the_chart) {
    struct sv_rows rows = {0};
    struct sv_roofline l;
    const char *path = write_text("chart.json", chart);
    cr_assert_eq(sv_rows_read(&rows, path, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_roofline_open(&l, &rows, NULL, path, &e), 0, "%s", e.msg);
    cr_expect(l.points == 2 && l.peaks == 1 && l.left == 0.25 && l.right == 32 && l.low == 32e9 && l.high == 128e9, "%zu %g %g %g %g", l.points, l.left, l.right,
              l.low, l.high);
    cr_expect_float_eq(sv_roofline_at(&l, 0, 0.25), 50e9, 1);       /* 200 GB/s */
    cr_expect_float_eq(sv_roofline_at(&l, 3, 0.25), 6.25e9, 1);
    cr_expect_float_eq(sv_roofline_at(&l, 3, 100), 100e9, 1);
    sv_roofline_close(&l), sv_rows_free(&rows);
    char svg[4300], text[1 << 14] = "";
    snprintf(svg, sizeof svg, "%s/chart.svg", folder());
    cr_assert_eq(run_svad(&r, NULL, "bench roofline %s --svg %s", path, svg), 0, "%s", r.err);
    cr_expect(strstr(r.out, "1 L1 200 GB/s, 2 L2 100 GB/s, 3 L3 50 GB/s, 4 memory 25 GB/s\n- avx2 f32 100.0 GFLOP/s\n"), "%s", r.out);
    cr_expect(strstr(r.out, "a gemm 1x2x3 ") && strstr(r.out, " 50.0 GFLOP/s   50.0 % of the roof\n") && strstr(r.out, "b dot "), "%s", r.out);
    FILE *f = fopen(svg, "r");
    cr_assert(f && fread(text, 1, sizeof text - 1, f) > 1000 && !fclose(f));
    cr_expect(!strncmp(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 40) && !strcmp(text + strlen(text) - 7, "</svg>\n"));
    cr_expect(count(text, "<title>") == 2 && !strstr(text, "script") && !strstr(text, "nan") && !strstr(text, "inf"), "%s", text);
    cr_expect_eq(count(text, "<text"), count(text, "</text>"));
    run_svad(&r, NULL, "bench roofline %s --isa scalar", path);
    one_line(2, "of table scalar in it");
    run_svad(&r, NULL, "bench roofline %s --svg %s/no/such.svg", path, folder());
    one_line(4, "such.svg");
    if (!access("/dev/full", W_OK)) {
        run_svad(&r, NULL, "bench roofline %s --svg /dev/full", path);
        one_line(4, "/dev/full");
    }
    path = write_text("dots.json", ROW("dot", 1, 1, ", \"flop\": 1"));
    run_svad(&r, NULL, "bench roofline %s", path);
    one_line(2, "no roofs");
}

Test(bench, sizes) {
    struct sv_clip_config g;
    cr_assert_eq(sv_clip_sized(&g, "B/16", &e), 0, "%s", e.msg);
    cr_expect(g.visual.width == 768 && g.text.width == 512 && g.image_size == 224);
    cr_assert_eq(sv_clip_sized(&g, "tiny,width=256,text.layers=7,image.mlp=100,image=32,vocab=1000,image.heads=2", &e), 0, "%s", e.msg);
    cr_expect(g.visual.width == 256 && g.text.width == 256 && g.visual.heads == 2 && g.text.heads == 4 && g.visual.mlp == 100 && g.text.mlp == 1024);
    cr_expect(g.visual.layers == 3 && g.text.layers == 7 && g.image_size == 32 && g.vocab == 1000);
    static const char *const bad[] = { "", "C/3", "tiny,", "tiny,layers", "tiny,layers=", "tiny,layers=0", "tiny,layers=99999", "tiny,depth=3", "tiny,width=65,heads=2",
                                       "tiny,patch=15", "tiny,vocab=1", "tiny,text.embed=3", "tiny,,layers=2", "a name that is far too long for a family of models" };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        struct sv_err why = {0};
        cr_expect_eq(sv_clip_sized(&g, bad[i], &why), SV_EUSAGE, "\"%s\"", bad[i]);
        cr_expect(strlen(why.msg) > 10 && strlen(why.msg) < 300, "%s", why.msg);
    }
    run_svad(&r, NULL, "bench model --size C/3");
    one_line(1, "no model family C/3");
}
