/* chart.h - rows of a bench with round numbers, as JSON lines. */
#ifndef TESTS_CHART_H
#define TESTS_CHART_H

#define ROW(name, ns, median, more) \
    "{\"row\": \"" name "\", \"isa\": \"avx2\", \"type\": \"f32\", \"threads\": 1, \"ns\": " #ns ", \"median\": " #median more "}\n"

/* 100 GFLOP/s under 200, 100, 50 and 25 GB/s; a product at half its roof, a sum at its roof, and what only moves. */
static const char chart[] =
    ROW("roof registers", 10, 10, ", \"flop\": 1000") ROW("roof L1", 10, 10, ", \"bytes\": 2000") ROW("roof L2", 10, 10, ", \"bytes\": 1000")
    ROW("roof L3", 10, 10, ", \"bytes\": 500") ROW("roof memory", 10, 10, ", \"bytes\": 250")
    ROW("gemm 1x2x3", 40, 41, ", \"flop\": 2000, \"bytes\": 100, \"peak\": 1e11, \"bandwidth\": 5e10")
    ROW("dot", 10, 11, ", \"flop\": 500, \"bytes\": 2000, \"peak\": 1e11, \"bandwidth\": 2e11") ROW("half", 10, 11, ", \"bytes\": 2000, \"bandwidth\": 2e11");

#endif
