/* bench.c - svad bench: the machine's roofs, the kernels and the models, measured in interleaved rounds; what two runs differ in. */
#include "bench/bench.h"
#include "bench/compare.h"
#include "bench/roofline.h"
#include "tools/model.h"

#include <stdio.h>

struct job {
    struct sv_common common;
    struct sv_bench_options o;
    const char *part, *arg[2];          /* the words behind bench */
    const char *svg, *model;            /* files */
    double tolerance;                   /* percent */
    struct sv_cpu cpu;
    struct sv_rows rows;                /* measured, or read */
};

/* Everything that measures needs a pool; what was asked for by name is the only table then. */
static int open_cpu(struct job *j, struct sv_err *e) {
    const int rc = sv_cpu_open(&j->cpu, &j->common, e);
    const struct sv_kern *const one[2] = { j->cpu.kern, NULL }, *const *k = sv_isa_asked(&j->common) ? one : sv_kern_usable();
    for (size_t i = 0; !rc && i < SV_TABLES && k[i]; i++) j->o.table[i] = k[i];
    j->rows.print = true, j->rows.json = j->common.json;
    return rc;
}

static int measure(struct job *j, int (*part)(const struct sv_cpu *, const struct sv_bench_options *, struct sv_rows *, struct sv_err *), struct sv_err *e) {
    const int rc = j->cpu.pool ? 0 : open_cpu(j, e);
    j->o.filter = j->arg[0];
    return rc ? rc : part(&j->cpu, &j->o, &j->rows, e);
}

static int peak(struct job *j, struct sv_err *e) { return measure(j, sv_bench_peak, e); }
static int kernels(struct job *j, struct sv_err *e) { return measure(j, sv_bench_kernels, e); }

static int tune(struct job *j, struct sv_err *e) {
    const int rc = open_cpu(j, e);
    return rc ? rc : sv_bench_tune(&j->cpu, &j->o, j->arg[0] ? j->arg[0] : "-", e);
}

static int model(struct job *j, struct sv_err *e) {
    struct sv_model m = {0};
    int rc = j->model ? sv_model_open(&m, j->model, e) : 0;
    if (j->model) j->o.model = &m.store;
    if (!rc) rc = measure(j, sv_bench_model, e);
    sv_model_close(&m);
    return rc;
}

static int roofline(struct job *j, struct sv_err *e) {
    const char *file = j->arg[0] ? j->arg[0] : "bench", *isa = sv_isa_asked(&j->common);
    struct sv_roofline l;
    int rc = j->arg[0] ? sv_rows_read(&j->rows, j->arg[0], e) : measure(j, sv_bench_kernels, e);
    if (!rc && j->svg && !(rc = sv_roofline_open(&l, &j->rows, isa, file, e))) {
        rc = sv_roofline_svg(&l, j->svg, e);
        sv_roofline_close(&l);
    }
    for (size_t i = 0; !isa && i < j->rows.n; i++) isa = j->rows.row[j->rows.n - 1 - i].isa;        /* in letters, one table: the last */
    if (rc || j->common.json || (rc = sv_roofline_open(&l, &j->rows, isa, file, e))) return rc;
    sv_roofline_text(&l);
    sv_roofline_close(&l);
    return 0;
}

static int compare(struct job *j, struct sv_err *e) {
    struct sv_rows now = {0};
    size_t count[SV_CHANGES];
    if (!j->arg[1]) return sv_fail(e, SV_EUSAGE, "bench: compare expects two files of svad bench --json");
    int rc = sv_rows_read(&j->rows, j->arg[0], e);
    if (!rc) rc = sv_rows_read(&now, j->arg[1], e);
    if (!rc) rc = sv_rows_compare(&j->rows, &now, j->tolerance / 100, j->common.json, count, e);
    if (!rc && count[SV_SLOWER]) rc = sv_fail(e, SV_ECHECK, "bench: slower than before: %zu of %zu rows", count[SV_SLOWER],
                                                 count[SV_SLOWER] + count[SV_FASTER] + count[SV_SAME]);
    sv_rows_free(&now);
    return rc;
}

static const struct { const char *name; int (*run)(struct job *, struct sv_err *); size_t args; } parts[] = {
    { "kernels", kernels, 1 }, { "model", model, 1 }, { "peak", peak, 0 }, { "roofline", roofline, 1 }, { "compare", compare, 2 },
    { "tune", tune, 1 },
};

static int run(struct job *j, struct sv_err *e) {
    for (size_t i = 0; i < SV_LEN(parts); i++) {
        if (!j->part || strcmp(j->part, parts[i].name)) continue;
        if (parts[i].args < 2 && j->arg[parts[i].args]) return sv_fail(e, SV_EUSAGE, "bench: %s takes no \"%s\"", j->part, j->arg[parts[i].args]);
        return parts[i].run(j, e);
    }
    if (j->part) return sv_fail(e, SV_EUSAGE, "bench: no part %s; expected kernels, model, peak, roofline, compare or tune", j->part);
    const int rc = kernels(j, e);
    return rc ? rc : model(j, e);
}

int sv_tool_bench(int argc, char **argv, struct sv_err *e) {
    struct job j = { .tolerance = 2 };
    const struct sv_opt opt[] = {
        { "batch", SV_OPT_SIZE, &j.o.batch, "N", "model: rows of this batch only", 1, 4096 },
        { "m", SV_OPT_TEXT, &j.model, "MODEL", "model: of this file", 0, 0 },
        { "size", SV_OPT_TEXT, &j.o.size, "SIZE", "model: random, of this size, as B/16 or B/16,layers=2,text.width=256", 0, 0 },
        { "svg", SV_OPT_TEXT, &j.svg, "FILE", "roofline: the chart as SVG, too", 0, 0 },
        { "tolerance", SV_OPT_REAL, &j.tolerance, "P", "compare: changes up to this many percent are none (2)", 0, 1000 },
        { "quick", SV_OPT_FLAG, &j.o.quick, NULL, "one short round: does it run?", 0, 0 }, SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        "bench", "[options] [kernels [PART] | model [PART] | peak | roofline [FILE] | compare OLD NEW | tune [FILE]]",
        "Measures in interleaved rounds: the machine's roofs, the kernels of every table (--isa: of one), random models; PART: only rows whose name "
        "has it.  Rates are of the best call; noise is how far the median lies above it.  peak%: of what registers alone did in the same rounds; "
        "roof%: of the least of that and what memory lets through.  roofline draws the kernels, of FILE or measured.  compare says what got slower "
        "between two files of --json (exit code 3): what is now at best above the median of before.  tune searches the block sizes of matrix "
        "products that are fastest here, of every table but scalar, and writes them: SVAD_TUNE=FILE loads them.  Only times depend on them.",
        "svad bench kernels --json > now.json; svad bench compare before.json now.json", 0, 3,
    };
    struct sv_list args = {0};
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (args.n > 0) j.part = args.item[0];
    for (size_t i = 1; i < args.n && i <= 2; i++) j.arg[i - 1] = args.item[i];
    sv_list_free(&args);
    if (!rc) rc = run(&j, e);
    sv_rows_free(&j.rows), sv_cpu_close(&j.cpu);
    return rc > 0 ? 0 : rc;
}
