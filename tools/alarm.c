#include "tools/alarm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sv_alarm_rule sv_alarm_rule_at(const struct sv_alarm_opts *o, double per_second) {
    const double length = ceil(o->length * per_second - 1e-9), gap = floor(o->cooldown * per_second + 1e-9);
    return (struct sv_alarm_rule){ length < 1 ? 1 : (size_t)length, (size_t)gap };
}

double sv_levels_frame(const struct sv_levels *l, double score) { return l->known ? sv_p_value(&l->frame, score) : NAN; }
double sv_levels_object(const struct sv_levels *l, double score) { return l->known ? sv_p_value(&l->object, score) : NAN; }

double sv_levels_low(const struct sv_levels *l, double times) {
    if (!l->known) return 0.9 * l->threshold;
    const double p = fmin(times * sv_p_value(&l->frame, l->threshold), 0.5);
    double low = 0, high = l->threshold;
    for (int i = 0; i < 100; i++) {     /* p falls with the score */
        const double mid = (low + high) / 2;
        if (sv_p_value(&l->frame, mid) > p) low = mid;
        else high = mid;
    }
    return high;
}

void sv_levels_close(struct sv_levels *l) {
    sv_free(l->sorted);
    *l = (struct sv_levels){0};
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int distributions(struct sv_levels *l, const struct sv_held *d, struct sv_err *e) {
    if (!(l->sorted = sv_alloc(d->frames, sizeof *l->sorted, e))) return SV_ENOMEM;
    memcpy(l->sorted, d->frame, d->frames * sizeof *l->sorted);
    qsort(l->sorted, d->frames, sizeof *l->sorted, by_value);
    int rc = sv_normal_init(&l->frame, l->sorted, d->frames, e);
    if (!rc) rc = sv_normal_init(&l->object, d->object, d->objects, e);
    l->known = !rc;
    return rc;
}

static int by_rate(struct sv_levels *l, const struct sv_held *d, const struct sv_alarm_opts *o, const struct sv_common *common, struct sv_err *e) {
    const struct sv_footage f = { d->frame, d->frames, d->block, d->blocks, l->per_second };
    const struct sv_alarm_rule r = sv_alarm_rule_at(o, l->per_second);
    const int rc = sv_alarm_threshold(&l->found, &f, &r, o->per_hour, e);
    if (rc) return rc;
    l->threshold = l->found.score;
    if (l->found.beyond)
        sv_say(common, "--alarms-per-hour %g: rarer than the %.3g minutes of held-out footage can show; the threshold %.6g is extrapolated",
               o->per_hour, l->minutes, l->threshold);
    return 0;
}

int sv_levels_open(struct sv_levels *l, const struct sv_scene *s, const struct sv_alarm_opts *o, double fps, bool need,
                   const struct sv_common *common, struct sv_err *e) {
    const struct sv_held *d = &s->held;
    *l = (struct sv_levels){ .threshold = o->score };
    int rc = d->frames ? distributions(l, d, e) : 0;
    l->per_second = d->per_second > 0 ? d->per_second : fps / (double)s->rule.every;
    if (l->per_second > 0) l->minutes = (double)d->frames / l->per_second / 60;
    if (rc || !isnan(o->score)) return rc;
    if (l->minutes > 0) rc = by_rate(l, d, o, common, e);
    else if (need)
        rc = sv_fail(e, SV_EUSAGE, d->frames ? "the frame rate of the scene's footage is not known: alarms an hour need --fps F (or give --alarm-score)"
                                             : "the scene has no held-out footage to set a threshold by: fit it on more, or give --alarm-score");
    return rc;
}
