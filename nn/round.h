/* round.h - matrices as bytes for the inputs they will see: what one weight loses by rounding, the next ones of its row make up for.
 *
 * A row w of a matrix becomes bytes q in steps s, with e = w - s q and inputs x of which H = sum of x x^T is known.  What is lost is
 * e^T H e = sum over j of d[j] (e[j] + sum over i < j of M[j, i] e[i])^2, where H = M^T D M with M unit lower triangular.  So weights are
 * rounded in order, each at w[j] + sum of M[j, i] e[i] in place of w[j] (Frantar et al., GPTQ, arXiv 2210.17323, in the form of Babai's
 * nearest plane).  Nearest bytes are the case M = 1. */
#ifndef NN_ROUND_H
#define NN_ROUND_H

#include "core/cpu.h"

/* Floats of scratch for sv_moment_add. */
size_t sv_moment_floats(const struct sv_cpu *c, size_t rows, size_t k);

/* moment [k, k] += x^T x.  scratch is 64-byte aligned. */
void sv_moment_add(const struct sv_cpu *c, float *moment, const float *x /* [rows, k] */, size_t rows, size_t k, float *scratch);

/* M in place of the moment, of which the lower triangle is read, after a hundredth of its mean diagonal was added to that.  A moment
 * that is not finite gives M = 1. */
void sv_moment_factor(const struct sv_cpu *c, float *moment, size_t k);

/* Bytes and a factor a row (core/quant.h) of w.  errors: [n, k] floats of scratch. */
void sv_round_rows(const struct sv_cpu *c, int8_t *q /* [n, k] */, float *scale /* [n] */, const float *w /* [n, k] */, size_t n, size_t k,
                   const float *factor /* [k, k] */, float *errors);

#endif
