/* street_tubes.h - tubes of labelled deeds from the street world, as the file that svad pretrain takes. */
#ifndef TOOLS_STREET_TUBES_H
#define TOOLS_STREET_TUBES_H

#include "tools/tool.h"

/* Films `worlds` worlds of the stream of tubes and writes the features of all their tubes, each one a row, each world a video. */
int sv_street_tubes(const char *path, const char *model, size_t seed, size_t worlds, const struct sv_cpu *c, const struct sv_common *common, struct sv_err *e);

#endif
