/* selftest.h - how a stage of the self-test judges its numbers.  A stage is the worst of its comparisons. */
#ifndef TOOLS_SELFTEST_H
#define TOOLS_SELFTEST_H

#include "core/cpu.h"

/* The comparison that comes closest to its bound, or goes farthest past it; {0} before the first. */
struct sv_check { const char *what; double worst, bound; size_t n; bool failed; };

/* what is static text.  A deviation that is NaN fails, as does one above its bound. */
void sv_check_one(struct sv_check *c, const char *what, double deviation, double bound);
/* The largest |got - want|. */
void sv_check_f64(struct sv_check *c, const char *what, const double *got, const double *want, size_t n, double bound);
/* The largest |got - want| of each row of n, as a share of the norm of want's row. */
void sv_check_rows(struct sv_check *c, const char *what, const float *got, const float *want, size_t rows, size_t n, double bound);
/* Must hold: deviation 0 or 1 with bound 0. */
void sv_check_true(struct sv_check *c, const char *what, bool ok);

/* The stages that depend on the kernel table. */
int sv_selftest_kernels(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e);
int sv_selftest_gemm(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e);
int sv_selftest_image_tower(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e);
int sv_selftest_text_tower(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e);
int sv_selftest_fusion(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e);
int sv_selftest_responses(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e);

#endif
