/* watch_out.h - what svad watch says: a JSON object a line (NOTES.md has the schema), and pictures of events. */
#ifndef TOOLS_WATCH_OUT_H
#define TOOLS_WATCH_OUT_H

#include "tools/alarm.h"
#include "tools/event.h"
#include "tools/judge.h"
#include "tools/pass.h"

enum { SV_WATCH_ACTIONS = 3 };          /* told over and under the centre */

struct sv_watch_out {
    const char *clip, *snapshots;       /* folder, or NULL */
    double fps;
    size_t w, h;
    const struct sv_levels *levels;
    const struct sv_scene *scene;
    const struct sv_common *common;
    const char *reason;                 /* why events end: "quiet", "end", "stopped", "error" */
    /* of the frame that events are about: */
    const struct sv_pass_out *now;
    const struct sv_verdict *verdict;
    const size_t *index;                /* objects of the event machine in those of the frame */
    double of_tracks;                   /* its score by tracks, those without a box in it too (kmeans/steady.h); 0 where scores are not steadied */
};

struct sv_watch_sum { size_t frames, dropped, scored, objects, events, alarms; };

int sv_watch_event(void *out, enum sv_event_kind kind, const struct sv_event *v, size_t object, struct sv_err *e);
int sv_watch_frame(const struct sv_watch_out *o, struct sv_err *e);
int sv_watch_dropped(const struct sv_watch_out *o, size_t frame, size_t dropped, struct sv_err *e);
int sv_watch_summary(const struct sv_watch_out *o, const struct sv_watch_sum *s, struct sv_err *e);

#endif
