/* bench.h - timing: rows measured in interleaved rounds, so that what disturbs the machine disturbs all of them.
 *
 *     struct sv_bench b[2] = { { run_old, &x }, { run_new, &y } };
 *     sv_bench_run(b, 2, 0.5, 31);
 *     ... b[1].min / b[0].min ...
 *
 * The minimum is the machine's best, the median what a caller meets; a ratio of minima of one call is comparable. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "core/cpu.h"

enum { SV_BENCH_ROUNDS = 99 };

struct sv_bench {
    void (*run)(void *arg);
    void *arg;
    double min, median;                 /* seconds a call */
    size_t calls;                       /* a sample times this many, so that it is long against the clock */
    double sample[SV_BENCH_ROUNDS];
};

/* rounds: 1 .. SV_BENCH_ROUNDS; sample: seconds that one sample shall take at least. */
void sv_bench_run(struct sv_bench *b, size_t n, double sample, size_t rounds);

/* Multiply-adds on registers: the peak of a kernel table on some of the pool's threads.  arg of run_peak. */
struct sv_peak { const struct sv_cpu *cpu; size_t threads; };
void sv_peak_run(void *peak);
double sv_peak_flops(const struct sv_peak *p);      /* of one call of sv_peak_run */

/* Reads (or copies) an array far larger than the caches, on all threads of the pool. */
struct sv_stream { const struct sv_cpu *cpu; float *from, *to; size_t n; };      /* to NULL: read */
void sv_stream_run(void *stream);

/* svad bench ...: rows on stdout.  filter: part of a row's name, NULL for all. */
struct sv_bench_options { bool json, quick; const char *filter; };
int sv_bench_peak(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_err *e);
int sv_bench_kernels(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_err *e);
int sv_bench_model(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_err *e);

#endif
