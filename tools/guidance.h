/* guidance.h - the texts of svad score that say what is normal or abnormal after all, and what they did. */
#ifndef TOOLS_GUIDANCE_H
#define TOOLS_GUIDANCE_H

#include "io/json.h"
#include "kmeans/redefine.h"
#include "kmeans/response.h"
#include "tools/scene.h"
#include "tools/tubes.h"

struct sv_guidance_opts {
    struct sv_list normal, abnormal;
    double theta, gamma, threshold, z;  /* NAN: auto */
};
#define SV_GUIDANCE_OPTS_INIT { .theta = NAN, .gamma = NAN, .threshold = NAN, .z = NAN }
#define SV_GUIDANCE_OPTS(o) \
    { "normal", SV_OPT_LIST, &(o)->normal, "TEXT", "what looks like this is normal after all (repeatable)", 0, 0 }, \
    { "abnormal", SV_OPT_LIST, &(o)->abnormal, "TEXT", "what looks like this is abnormal (repeatable)", 0, 0 }, \
    { "threshold", SV_OPT_REAL, &(o)->threshold, "X", "similarity above which a text acts (by --threshold-z)", -1, 1 }, \
    { "threshold-z", SV_OPT_REAL, &(o)->z, "Z", "the same, in standard deviations above the mean of training objects (2)", -10, 100 }, \
    { "theta", SV_OPT_REAL, &(o)->theta, "X", "strength of --abnormal (auto)", 0, 1e9 }, \
    { "gamma", SV_OPT_REAL, &(o)->gamma, "X", "strength of --normal (auto)", 0, 1e9 }

enum { SV_GUIDANCE_TOP = 5 };
struct sv_like { double sim; const char *clip; size_t frame; double box[4], before, after; };   /* after: by this text alone */

/* What one text did. */
struct sv_effect {
    size_t above, frames;               /* objects above its threshold; frames whose score it changes by itself */
    double highest;                     /* similarity */
    struct sv_like top[SV_GUIDANCE_TOP]; size_t tops;           /* the most similar objects */
};

struct sv_guidance {
    size_t n;                           /* texts: normal ones first */
    const char **text;
    struct sv_guide *guide;
    struct sv_effect *effect;           /* [n] */
    struct sv_response response;
    size_t objects;                     /* seen */
};

int sv_guidance_open(struct sv_guidance *g, const struct sv_guidance_opts *o, struct sv_tubes *t, const struct sv_scene *s, struct sv_err *e);
void sv_guidance_close(struct sv_guidance *g);      /* {0} is fine; leaves {0} */

/* Notes what each text does by itself to the objects of a clip.  score [c->n] and before [c->frames] are those without texts,
 * lo and hi as sv_frame_range gives them; frame [c->n]; sim [c->n, n].  Clip names must outlive g. */
int sv_guidance_note(struct sv_guidance *g, const struct sv_clip_tubes *c, const float *sim, const double *score, const size_t *frame,
                     const double *before, double lo, double hi, struct sv_err *e);
/* Text k as an object; details: the objects most similar to it. */
void sv_guidance_put(struct sv_json_out *o, const struct sv_guidance *g, size_t k, bool details);
/* Prints text k, with details what it would change and the objects most similar to it. */
int sv_guidance_say(const struct sv_guidance *g, size_t k, bool details, bool json, struct sv_err *e);

#endif
