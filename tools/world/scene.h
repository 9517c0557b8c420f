/* scene.h - a place: its ground, walls and trees, its camera and light, and what people do there on a normal day. */
#ifndef TOOLS_WORLD_SCENE_H
#define TOOLS_WORLD_SCENE_H

#include "tools/world/canvas.h"
#include "tools/world/prop.h"
#include "tools/world/sensor.h"

enum sv_ground { SV_PAVEMENT, SV_ROAD, SV_GRASS, SV_PLATFORM, SV_FLOOR, SV_STAIRS, SV_PATH, SV_BRICKS, SV_GROUNDS };

/* The ground is cut into strips along s; q goes across. */
struct sv_strip { float to; enum sv_ground ground; struct sv_ink ink; float tile; };
/* Something that stands at a place and is used there: a bench, a railing, a fence, a ladder. */
struct sv_spot { enum sv_prop kind; float s, q, turn; };

enum { SV_STRIPS = 5, SV_SPOTS = 4 };

struct sv_scene {
    const char *name;                   /* of its kind; NULL: drawn */
    struct sv_strip strip[SV_STRIPS]; size_t strips;
    float cos, sin, away;               /* of the strips' direction; where s = q = 0 lies on the y axis */
    float wall, side, roof;             /* distance of a wall across the view, of walls left and right, height of a ceiling; 0: none */
    float wall_high; struct sv_ink wall_ink;
    float dusk;                         /* q above which a building's shadow lies; 1e9: nowhere */
    int trees, lamps, parked;
    struct sv_spot spot[SV_SPOTS]; size_t spots;
    float weight[SV_ACTIONS];           /* the normal day */
    double crowd;
    bool night;
};

size_t sv_scene_kinds(const char *const **name);
/* Finds the kind of a name like "street" or "street-2" and the number behind; false: no such. */
bool sv_scene_find(const char *name, size_t *kind, uint64_t *number);
/* Fills scene, camera, light and sensor.  kind SIZE_MAX: drawn.  height: pixels of a person in the middle, 0 drawn; never above most. */
void sv_scene_make(struct sv_scene *s, struct sv_canvas *c, struct sv_sensor *sensor, size_t kind, uint64_t seed, double height, double most);
/* Draws what does not move into c->rgb and c->z. */
void sv_scene_paint(const struct sv_scene *s, struct sv_canvas *c, uint64_t seed);
/* Strip coordinates to the ground and back. */
struct sv_vec sv_scene_point(const struct sv_scene *s, float along, float across);
void sv_scene_strip(const struct sv_scene *s, struct sv_vec at, float *along, float *across);
const struct sv_strip *sv_strip_at(const struct sv_scene *s, float across);

#endif
