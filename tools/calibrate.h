/* calibrate.h - bytes of an image tower rounded for given pictures, while a checkpoint is converted. */
#ifndef TOOLS_CALIBRATE_H
#define TOOLS_CALIBRATE_H

#include "io/convert.h"
#include "tools/tool.h"

/* Adds to out (which is initialised here) the tensors that sv_clip_round makes of the checkpoint s for frames of these videos, of which
 * each may be a folder.  o: of the conversion that follows. */
int sv_calibrate(struct sv_store *out, const struct sv_store *s, const struct sv_convert_options *o, const struct sv_list *videos,
                 const struct sv_common *common, struct sv_err *e);

#endif
