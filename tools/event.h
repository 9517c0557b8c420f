/* event.h - from scores of objects, frame by frame, to events: one for each thing that is unusual, with a beginning and an end.
 *
 * An event begins when a track scores at the threshold for `length` scored frames in a row, goes on while it reaches `low`, and ends
 * when it has not for `quiet` frames.  For `gap` frames after its last one at low the same thing gives no new event.  A track that is lost and taken up under another number, near the box where it was seen
 * last, is the same thing.  Events of any tracks with at most `gap` frames between them carry one alarm number: what
 * kmeans/calibrate.h counts. */
#ifndef TOOLS_EVENT_H
#define TOOLS_EVENT_H

#include "core/mem.h"

struct sv_event_rule {
    double threshold, low;
    size_t length;                      /* scored frames */
    size_t quiet, gap, update;          /* frames; update: between two updates, 0: none */
};

struct sv_event {
    size_t id, alarm;                   /* from 1 */
    int64_t track;                      /* the latest; -1: none */
    size_t begin, last;                 /* first frame at the threshold, last one at low */
    double box[4], score;               /* as seen last */
    double peak_box[4], peak; size_t peak_at;
    size_t told;                        /* frame of the last start or update */
};

struct sv_event_object { double box[4], score; int64_t track; };

enum sv_event_kind { SV_EVENT_START, SV_EVENT_UPDATE, SV_EVENT_END };

/* object: index in the step's list where the event's thing is seen in this frame, else SIZE_MAX.  Not 0 ends the step. */
typedef int sv_event_fn(void *arg, enum sv_event_kind kind, const struct sv_event *v, size_t object, struct sv_err *e);

struct sv_body;
struct sv_events {
    struct sv_event_rule rule;
    struct sv_body *body; size_t n, cap;
    size_t *of, of_cap;                 /* [objects of the frame] their bodies */
    size_t events, alarms, high;        /* so far; high: 1 + the last frame that counts to an alarm */
};

/* The objects of scored frame t; frames must grow. */
int sv_events_step(struct sv_events *v, size_t t, const struct sv_event_object *o, size_t n, sv_event_fn *fn, void *arg, struct sv_err *e);
/* Ends the events that are open. */
int sv_events_close(struct sv_events *v, sv_event_fn *fn, void *arg, struct sv_err *e);
void sv_events_free(struct sv_events *v);           /* {0} is fine; leaves {0} */

#endif
