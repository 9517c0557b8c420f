#include "core/base.h"

const char *sv_version(void) { return SV_VERSION; }
