/* muon.h - steps of equal size in every direction, for the matrices of hidden layers (Jordan et al. 2024, "Muon").
 *
 *     m = beta m + g;  x = g + beta m;  w = w (1 - lr decay) - lr 0.2 sqrt(max(rows, cols)) orthogonal(x)
 *
 * orthogonal(x) has x's singular vectors and singular values near 1, by five steps of Newton and Schulz; the factor gives the step the
 * size of an element that AdamW's has (Liu et al. 2025), so that both share learning rate and decay. */
#ifndef NN_MUON_H
#define NN_MUON_H

#include "core/cpu.h"

struct sv_muon { double beta, decay; };

/* Floats of scratch for a matrix [rows, cols], 64-byte aligned. */
size_t sv_muon_floats(const struct sv_cpu *c, size_t rows, size_t cols);
/* One step on w [rows, cols] with momentum m, zero before the first, and gradient g.  The same bits for any number of threads. */
void sv_muon_step(const struct sv_cpu *c, const struct sv_muon *o, double lr, float *w, float *m, const float *g, size_t rows, size_t cols,
                  float *scratch);

#endif
