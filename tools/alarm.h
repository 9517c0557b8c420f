/* alarm.h - what score and watch make of a scene's held-out footage: p-values, and the threshold for a rate of alarms. */
#ifndef TOOLS_ALARM_H
#define TOOLS_ALARM_H

#include "kmeans/calibrate.h"
#include "tools/scene.h"
#include "tools/tool.h"

struct sv_alarm_opts { double per_hour, length, cooldown, score; };     /* seconds; score NAN: by per_hour */
#define SV_ALARM_OPTS_INIT { .per_hour = 1, .length = 0.2, .cooldown = 10, .score = NAN }
#define SV_ALARM_OPTS(o) \
    { "alarms-per-hour", SV_OPT_REAL, &(o)->per_hour, "X", "alarms that normal footage may give, sets the threshold (1)", 1e-6, 1e6 }, \
    { "alarm-score", SV_OPT_REAL, &(o)->score, "S", "the threshold itself, in place of a rate", 1e-12, 1e12 }, \
    { "min-length", SV_OPT_REAL, &(o)->length, "T", "seconds that a score must stay at the threshold (0.2)", 0, 3600 }, \
    { "cooldown", SV_OPT_REAL, &(o)->cooldown, "T", "seconds after an alarm that the next one still belongs to it (10)", 0, 86400 }

struct sv_levels {
    bool known;                         /* the scene has held-out footage: p-values are there */
    double *sorted;                     /* [frames] */
    struct sv_normal frame, object;
    double per_second, minutes;         /* of the held-out footage: samples, length; 0: not known */
    double threshold;                   /* of frame scores; NAN: none */
    struct sv_threshold found;          /* where it came from a rate */
};

/* fps: of footage that does not tell, 0: not given.  Says what is unusual: no held-out footage, no frame rate, extrapolation.
 * need: without a threshold it is an error. */
int sv_levels_open(struct sv_levels *l, const struct sv_scene *s, const struct sv_alarm_opts *o, double fps, bool need,
                   const struct sv_common *common, struct sv_err *e);
void sv_levels_close(struct sv_levels *l);          /* {0} is fine; leaves {0} */
double sv_levels_frame(const struct sv_levels *l, double score);    /* p-values; NAN where nothing is known */
double sv_levels_object(const struct sv_levels *l, double score);
/* The score below the threshold that is `times` as frequent among normal frames; nine tenths of it where nothing is known. */
double sv_levels_low(const struct sv_levels *l, double times);

/* Seconds as samples of a rate; length is at least one. */
struct sv_alarm_rule sv_alarm_rule_at(const struct sv_alarm_opts *o, double per_second);

#endif
