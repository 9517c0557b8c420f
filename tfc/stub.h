#ifndef TFC_STUB_H
#define TFC_STUB_H
#include "tfc/temporal.h"
#include "nn/flat.h"
struct sv_tfc_train;
struct sv_tfc_train *sv_tfc_train_open(const struct sv_tfc_config *g, const struct sv_flat *f, const struct sv_cpu *c, size_t max, struct sv_err *e);
void sv_tfc_train_free(struct sv_tfc_train *t);
void sv_tfc_train_reload(struct sv_tfc_train *t);
void sv_tfc_train_forward(struct sv_tfc_train *t, const float *feats, size_t batch, float *video);
void sv_tfc_train_back(struct sv_tfc_train *t, const float *dvideo);
#endif
