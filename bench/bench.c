#include "bench/bench.h"

#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double time_calls(const struct sv_bench *b) {
    const double start = now();
    for (size_t i = 0; i < b->calls; i++) b->run(b->arg);
    return now() - start;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sv_bench_run(struct sv_bench *b, size_t n, double sample, size_t rounds) {
    rounds = sv_max(1, sv_min(rounds, SV_BENCH_ROUNDS));
    for (size_t i = 0; i < n; i++) {
        b[i].calls = 1;
        for (double t; (t = time_calls(&b[i])) < sample;)
            b[i].calls = t > sample / 64 ? (size_t)((double)b[i].calls * sample / t * 1.1) + 1 : b[i].calls * 8;
    }
    for (size_t r = 0; r < rounds; r++)
        for (size_t i = 0; i < n; i++) b[i].sample[r] = time_calls(&b[i]) / (double)b[i].calls;
    for (size_t i = 0; i < n; i++) {
        qsort(b[i].sample, rounds, sizeof *b[i].sample, ascending);
        b[i].min = b[i].sample[0], b[i].median = b[i].sample[rounds / 2];
    }
}
