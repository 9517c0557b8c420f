/* zone.h - polygons of the picture that count, or do not. */
#ifndef TOOLS_ZONE_H
#define TOOLS_ZONE_H

#include "tools/tool.h"

struct sv_zone { bool exclude; double *x, *y; size_t n; };
struct sv_zones { struct sv_zone *zone; size_t n; };

/* From texts "x,y x,y x,y ...", pixels, at least three corners; one that begins with ! is left out of the others. */
int sv_zones_parse(struct sv_zones *z, const struct sv_list *texts, struct sv_err *e);
void sv_zones_free(struct sv_zones *z);             /* {0} is fine; leaves {0} */

/* Does a box count?  The middle of its lower edge must lie in a zone (in the picture, where all zones are to be left out),
 * and in none to be left out. */
bool sv_zones_count(const struct sv_zones *z, const double box[4]);

#endif
