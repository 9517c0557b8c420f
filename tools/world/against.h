/* against.h - footage and rendered worlds side by side. */
#ifndef TOOLS_WORLD_AGAINST_H
#define TOOLS_WORLD_AGAINST_H

#include "core/err.h"

/* Prints on stdout, for each of the measures, the 5 %, 50 % and 95 % quantile of the footage (every fourth frame) and of rendered worlds,
 * and whether the first lies inside the second.  fps: of footage that does not say; 0: 25. */
int sv_world_against(const char *video, const char *boxes, double fps, struct sv_err *e);

#endif
