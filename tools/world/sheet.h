/* sheet.h - a picture of every action, to be looked at. */
#ifndef TOOLS_WORLD_SHEET_H
#define TOOLS_WORLD_SHEET_H

#include "core/err.h"

/* A PNG: actions in the order of the list, six to a row, each by three moments a quarter of a second apart. */
int sv_world_sheet(const char *path, uint64_t seed, struct sv_err *e);

#endif
