/* activation.h - QuickGELU and GELU over many elements, where they are not a product's epilogue, and the way back. */
#ifndef NN_ACTIVATION_H
#define NN_ACTIVATION_H

#include "core/gemm.h"

/* y = act(x) over n elements. */
void sv_act(const struct sv_cpu *c, enum sv_act act, float *y, const float *x, size_t n);

/* dy becomes dx = dy act'(x): x is what went into the activation. */
void sv_act_back(const struct sv_cpu *c, enum sv_act act, float *dy, const float *x, size_t n);

#endif
