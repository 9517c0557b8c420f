/* bench.h - timing: what runs is measured in interleaved rounds, so that what disturbs the machine disturbs all of it.
 *
 *     struct sv_probe p[2] = { { .row = { .name = "old" }, .cpu = &c, .run = run_old, .arg = &x }, { ... } };
 *     sv_measure(p, 2, &options, &rows, e);
 *     ... rows.row[1].min / rows.row[0].min ...
 *
 * The minimum is the machine's best, the median what a caller meets; a ratio of minima of one call is comparable. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "bench/row.h"
#include "core/cpu.h"
#include "core/tensor.h"

enum { SV_BENCH_ROUNDS = 31, SV_BENCH_FEWEST = 3 };

struct sv_bench {
    void (*run)(void *arg);
    void *arg;
    double min, median;                 /* seconds a call */
    size_t calls, samples;              /* calls of a sample, so that it is long against the clock */
    double sample[SV_BENCH_ROUNDS];
};

/* At most SV_BENCH_ROUNDS rounds.  sample: seconds that one sample takes at least; budget: seconds after which one leaves the
 * rounds, though not before SV_BENCH_FEWEST of them. */
struct sv_pace { double sample, budget; size_t rounds; };
void sv_bench_run(struct sv_bench *b, size_t n, const struct sv_pace *p);

/* Multiply-adds on registers: the peak of a kernel table on the threads of a pool, in one type: f32, bf16 or i8.  arg of sv_peak_run. */
struct sv_peak { const struct sv_cpu *cpu; const char *type; };
void sv_peak_run(void *peak);
double sv_peak_flops(const struct sv_peak *p);      /* of one call of sv_peak_run */

enum { SV_TABLES = 16 };

/* What svad bench was asked for. */
struct sv_bench_options {
    const struct sv_kern *table[SV_TABLES + 1];         /* kernel tables to measure; NULL-terminated */
    bool quick;                         /* one short round: does it run? */
    const char *filter;                 /* rows whose name has it; NULL: all */
    const struct sv_store *model;       /* model rows of these weights only */
    const char *size;                   /* or of random ones of this size, see size.h */
    size_t batch;                       /* model rows of this batch only; 0: the usual ones */
};
static inline bool sv_bench_wants(const struct sv_bench_options *o, const char *name) { return !o->filter || strstr(name, o->filter); }

/* Something to measure: its row without the times, isa and threads, which come from cpu. */
struct sv_probe {
    struct sv_row row;
    const struct sv_cpu *cpu;
    void (*run)(void *arg);
    void *arg;
};

/* Measures each beside the peak of its table, all in one set of interleaved rounds, and puts the rows. */
int sv_measure(const struct sv_probe *p, size_t n, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e);

/* Bytes a second that a kernel table moves to and from each level of memory, on all threads of a pool. */
enum { SV_LEVELS = 4 };
extern const char *const sv_level_name[SV_LEVELS];      /* "L1", "L2", "L3", "memory" */
struct sv_roof { double bandwidth[SV_LEVELS]; };

/* Measures and puts the roofs, rows "roof registers", "roof L1", ...: every table on 1 and all threads.  roof: [tables, 2], 1 thread first; or NULL. */
int sv_bench_roofs(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_roof roof[SV_TABLES][2], struct sv_err *e);
/* The level that operands of so many bytes live in, and its bandwidth. */
double sv_roof_of(const struct sv_roof *r, double bytes, size_t threads);

/* The parts of svad bench that measure. */
int sv_bench_peak(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e);
int sv_bench_kernels(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e);
int sv_bench_products(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_roof roof[SV_TABLES][2], struct sv_rows *out, struct sv_err *e);
int sv_bench_steps(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e);     /* of trainings; model has it too */
int sv_bench_model(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e);
/* Searches block sizes of gemm for the tables of o and writes them to a file that SVAD_TUNE may name ("-": stdout). */
int sv_bench_tune(const struct sv_cpu *c, const struct sv_bench_options *o, const char *path, struct sv_err *e);

#endif
