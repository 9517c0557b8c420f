/* watch.c - svad watch: scores a stream frame by frame, and tells of events as they begin and end. */
#include "kmeans/steady.h"
#include "tools/event.h"
#include "tools/queue.h"
#include "tools/stop.h"
#include "tools/watch_out.h"
#include "tools/zone.h"

#include <math.h>
#include <string.h>

enum { QUIET_SECONDS = 2, DROP_SECONDS = 10 };

/* A frame judged, object by object.  Where scores are steadied along tracks it waits for those after it, and stays for those. */
struct seen {
    size_t n, cap;
    bool tubes;
    struct sv_object *object;           /* [cap], owned like all of these */
    struct sv_verdict v;                /* [cap] each */
    struct sv_figure *shape;            /* [cap] */
    uint8_t *kept;                      /* [h, w, 3] the picture, where it is wanted and the frame waits */
    const uint8_t *rgb;                 /* the picture, or NULL */
};

struct job {
    struct sv_tubes t;
    struct sv_common common;
    struct sv_scene scene;
    struct sv_judge judge;
    struct sv_alarm_opts alarm;
    struct sv_levels levels;
    struct sv_list zone_texts;
    struct sv_zones zones;
    const char *scene_path, *snapshots;
    size_t most, queue_frames;
    double keep, update;
    bool live, all;

    const struct sv_video *video;
    struct sv_queue *queue;
    struct sv_pass *pass;
    struct sv_events events;
    struct sv_watch_out out;
    struct sv_watch_sum sum;
    size_t told_dropped, told_at;       /* frames dropped when it was said last, and when */
    struct seen *seen;                  /* [2 * steady + 1]: frame t is seen[t % that] */
    size_t judged, told;                /* frames */
    struct sv_event_object *object; size_t *index, cap;         /* [cap] of the frame that is told */
    /* of the frames around it, [window_cap] each */
    double *score, *steady;
    size_t *frame;
    int64_t *track;
    size_t window_cap;
};

/* ---- one frame ---- */

static size_t span(const struct job *j) { return 2 * j->scene.steady + 1; }

static void drop_seen(struct seen *s) {
    sv_free(s->object), sv_free(s->shape), sv_free(s->v.response), sv_free(s->v.score), sv_free(s->v.nearest), sv_free(s->v.action), sv_verdict_free(&s->v);
    s->object = NULL, s->shape = NULL, s->v = (struct sv_verdict){0}, s->cap = 0;
}

static int room_for(const struct job *j, struct seen *s, size_t n, struct sv_err *e) {
    if (n <= s->cap) return 0;
    const size_t cap = sv_max(n, 2 * s->cap);
    drop_seen(s);
    s->v.response = sv_alloc(cap, j->scene.texts * sizeof *s->v.response, e), s->v.score = sv_alloc(cap, sizeof *s->v.score, e);
    s->v.nearest = sv_alloc(cap, sizeof *s->v.nearest, e), s->v.action = sv_alloc(cap, sizeof *s->v.action, e);
    s->v.shape = s->shape = sv_alloc(cap, sizeof *s->shape, e);
    s->object = sv_alloc(cap, sizeof *s->object, e);
    if (!s->v.response || !s->v.score || !s->v.nearest || !s->v.action || !s->shape || !s->object) return SV_ENOMEM;
    if (sv_verdict_room(&s->v, &j->scene, cap, e)) return SV_ENOMEM;
    s->cap = cap;
    return 0;
}

static int keep_picture(const struct job *j, struct seen *s, const uint8_t *rgb, struct sv_err *e) {
    const size_t bytes = j->video->w * j->video->h * 3;
    s->rgb = rgb;
    if (!j->scene.steady || !j->snapshots || !rgb) return 0;
    if (!s->kept && !(s->kept = sv_alloc(bytes, 1, e))) return SV_ENOMEM;
    s->rgb = memcpy(s->kept, rgb, bytes);
    return 0;
}

static int judge(struct job *j, const struct sv_pass_out *p, struct sv_err *e) {
    struct seen *s = &j->seen[p->frame % span(j)];
    s->n = p->n, s->tubes = p->tubes;
    int rc = room_for(j, s, p->n, e);
    if (!rc) rc = keep_picture(j, s, p->rgb, e);
    const double fps = j->scene.seconds ? j->out.fps : 0;
    if (!rc && j->scene.figures.n) rc = sv_tubes_figures(j->out.clip, fps, p->object, p->n, j->scene.seconds, s->shape, e);
    if (rc) return rc;
    if (p->n) memcpy(s->object, p->object, p->n * sizeof *s->object);
    sv_judge_run(&j->judge, p->video, p->n, &s->v);
    j->judged = p->frame + 1;
    return 0;
}

/* What every object around frame t scored by itself; the first row of t is *own.  The clip goes on to `end`, as far as is known. */
static int steady(struct job *j, size_t t, size_t end, size_t *own, struct sv_err *e) {
    const size_t reach = j->scene.steady, first = t - sv_min(t, reach), last = sv_min(t + reach, j->judged - 1);
    size_t n = 0, at = 0;
    for (size_t f = first; f <= last; f++) n += j->seen[f % span(j)].n;
    if (n > j->window_cap) {
        sv_free(j->score), sv_free(j->steady), sv_free(j->frame), sv_free(j->track);
        j->score = sv_alloc(n, sizeof *j->score, e), j->steady = sv_alloc(n, sizeof *j->steady, e);
        j->frame = sv_alloc(n, sizeof *j->frame, e), j->track = sv_alloc(n, sizeof *j->track, e);
        j->window_cap = j->score && j->steady && j->frame && j->track ? n : 0;
        if (!j->window_cap) return SV_ENOMEM;
    }
    for (size_t f = first; f <= last; f++) {
        const struct seen *s = &j->seen[f % span(j)];
        if (f == t) *own = at;
        for (size_t i = 0; i < s->n; i++, at++) j->score[at] = s->v.score[i], j->frame[at] = f, j->track[at] = s->object[i].track;
    }
    return sv_steady(j->steady, j->score, &(struct sv_tracked){ j->frame, j->track, n, 0, end }, reach, &j->out.of_tracks, t, t + 1, e);
}

static int tell(struct job *j, size_t t, size_t end, struct sv_err *e) {
    struct seen *s = &j->seen[t % span(j)];
    struct sv_verdict v = s->v;
    size_t n = 0, own = 0;
    if (!s->tubes) return 0;
    int rc = j->scene.steady ? steady(j, t, end, &own, e) : 0;
    if (rc) return rc;
    if (j->scene.steady) v.score = j->steady + own;
    if (s->n > j->cap) {
        sv_free(j->object), sv_free(j->index);
        j->object = sv_alloc(s->cap, sizeof *j->object, e), j->index = sv_alloc(s->cap, sizeof *j->index, e);
        j->cap = j->object && j->index ? s->cap : 0;
        if (!j->cap) return SV_ENOMEM;
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct sv_object *o = &s->object[i];
        if (!sv_zones_count(&j->zones, o->box)) continue;
        j->object[n] = (struct sv_event_object){ .score = v.score[i], .track = o->track };
        memcpy(j->object[n].box, o->box, sizeof o->box);
        j->index[n++] = i;
    }
    j->sum.scored++, j->sum.objects += s->n;
    const struct sv_pass_out now = { .frame = t, .n = s->n, .tubes = true, .object = s->object, .rgb = s->rgb };
    j->out.now = &now, j->out.verdict = &v, j->out.index = j->index;
    if (j->all) rc = sv_watch_frame(&j->out, e);
    if (!rc) rc = sv_events_step(&j->events, t, j->object, n, sv_watch_event, &j->out, e);
    j->out.now = NULL, j->out.verdict = NULL;
    return rc;
}

static int frames(struct job *j, struct sv_err *e) {
    struct sv_pass_out p;
    int rc = 0;
    while (!rc && sv_pass_take(j->pass, &p)) {
        rc = judge(j, &p, e);
        if (!rc && j->told + j->scene.steady < j->judged) rc = tell(j, j->told++, SIZE_MAX, e);
    }
    return rc;
}

/* The clip has ended: what still waits. */
static int rest(struct job *j, struct sv_err *e) {
    int rc = frames(j, e);
    while (!rc && j->told < j->judged) rc = tell(j, j->told++, j->judged, e);
    return rc;
}

/* ---- the stream ---- */

static int say_dropped(struct job *j, struct sv_err *e) {
    const size_t now = sv_pass_frames(j->pass), n = sv_queue_dropped(j->queue), pause = (size_t)(DROP_SECONDS * j->out.fps);
    if (n == j->told_dropped || (j->told_dropped && now < j->told_at + pause)) return 0;
    if (!j->told_dropped) sv_say(&j->common, "the stream comes faster than it is scored: frames are dropped (--every, --max-objects)");
    j->told_dropped = n, j->told_at = now;
    return sv_watch_dropped(&j->out, now, n, e);
}

/* The room holds frame `number`, but frames before it were dropped: pictures before them stand in, so that tubes and motion
 * keep the time. */
static int fill_gap(struct job *j, size_t number, uint8_t *spare, struct sv_err *e) {
    const size_t bytes = j->video->w * j->video->h * 3;
    int rc = 0;
    if (sv_pass_frames(j->pass) == number) return 0;
    memcpy(spare, sv_pass_room(j->pass), bytes);
    while (!rc && sv_pass_frames(j->pass) < number)
        if (!(rc = sv_pass_repeat(j->pass, e))) rc = frames(j, e);
    if (!rc) memcpy(sv_pass_room(j->pass), spare, bytes);
    return rc ? rc : say_dropped(j, e);
}

/* 0 at the end of the stream, SV_QUEUE_STOPPED, or what went wrong. */
static int watch(struct job *j, uint8_t *spare, struct sv_err *e) {
    size_t number;
    int rc;
    while ((rc = sv_queue_next(j->queue, sv_pass_room(j->pass), &number, e)) == 1) {
        rc = fill_gap(j, number, spare, e);
        if (!rc) rc = sv_pass_push(j->pass, true, e);
        if (!rc) rc = frames(j, e);
        if (rc) return rc;
    }
    return rc;
}

/* After an error the frames before it are still worth something. */
static int finish(struct job *j, int rc, struct sv_err *e) {
    struct sv_err later = {0};
    int end = 0;
    if (rc != SV_QUEUE_STOPPED && rc != SV_ENOMEM) {
        end = sv_pass_push(j->pass, false, &later);
        if (!end) end = rest(j, &later);
    }
    j->out.reason = rc == SV_QUEUE_STOPPED ? "stopped" : rc || end ? "error" : "end";
    j->sum.frames = sv_pass_frames(j->pass), j->sum.dropped = sv_queue_dropped(j->queue);
    int said = sv_events_close(&j->events, sv_watch_event, &j->out, &later);
    j->sum.events = j->events.events, j->sum.alarms = j->events.alarms;
    if (!said) said = sv_watch_summary(&j->out, &j->sum, &later);
    if (!rc && (end || said)) {
        if (e) *e = later;
        return end ? end : said;
    }
    return rc;
}

/* ---- opening ---- */

static int open_rule(struct job *j, struct sv_err *e) {
    double fps = j->video->fps > 0 ? j->video->fps : j->t.crops.fps;
    const double scene = j->levels.per_second * (double)j->scene.rule.every;
    if (!(fps > 0) && scene > 0) {
        fps = scene;
        sv_say(&j->common, "%s: the frame rate is not known; taken for %.6g a second, the scene's", j->out.clip, fps);
    }
    if (!(fps > 0)) return sv_fail(e, SV_EUSAGE, "%s: the frame rate is not known; give --fps", j->out.clip);
    const double every = (double)j->t.rule.every;
    const struct sv_alarm_rule r = sv_alarm_rule_at(&j->alarm, fps / every);
    j->out.fps = fps;
    j->events.rule = (struct sv_event_rule){ .threshold = j->levels.threshold, .low = sv_levels_low(&j->levels, j->keep), .length = r.length,
        .quiet = (size_t)fmax(QUIET_SECONDS * fps, 2 * every), .gap = (size_t)(j->alarm.cooldown * fps), .update = (size_t)ceil(j->update * fps) };
    return 0;
}

static int open_stream(struct job *j, struct sv_err *e) {
    const struct sv_source *s = &j->t.sources.item[0];
    if (j->t.sources.n != 1) return sv_fail(e, SV_EUSAGE, "watch: %zu videos, expected one", j->t.sources.n);
    if (!j->t.live) return sv_fail(e, SV_EINPUT, "%s: stored features, expected a video", s->path);
    size_t boxes;
    const struct sv_box *box = sv_boxes_of(&j->t.boxes, s->name, &boxes);
    int rc = sv_queue_open(&j->queue, s->path, j->queue_frames, j->live, &j->video, e);
    if (rc) return rc;
    j->out.clip = s->name, j->out.w = j->video->w, j->out.h = j->video->h;
    j->out.snapshots = j->snapshots, j->out.levels = &j->levels, j->out.scene = &j->scene, j->out.common = &j->common, j->out.reason = "quiet";
    if ((rc = open_rule(j, e))) return rc;
    const struct sv_pass_opts o = { .most = j->most, .tracks = true, .eager = true };
    return sv_pass_open(&j->pass, &j->t, s->name, j->video->w, j->video->h, j->out.fps, box, boxes, &o, e);
}

static int run(struct job *j, const struct sv_tube_opts *o, const struct sv_list *args, struct sv_err *e) {
    const char *item[1] = { args->n ? args->item[0] : "-" };
    const struct sv_list one = { .item = item, .n = 1 };
    int rc = sv_scene_load(&j->scene, j->scene_path, e);
    if (!rc) rc = sv_zones_parse(&j->zones, &j->zone_texts, e);
    if (!rc) rc = sv_tubes_open(&j->t, o, &j->common, &one, &j->scene.rule, false, e);
    if (!rc) rc = sv_scene_fits(&j->scene, j->scene_path, j->t.id, o->model, j->t.model.cfg.embed, e);
    if (!rc) rc = sv_judge_open(&j->judge, &j->scene, &j->t.cpu, e);
    if (!rc) rc = sv_levels_open(&j->levels, &j->scene, &j->alarm, o->fps, true, &j->common, e);
    if (!rc && j->snapshots) rc = sv_mkdirs(j->snapshots, e);
    if (!rc && !(j->seen = sv_alloc(span(j), sizeof *j->seen, e))) rc = SV_ENOMEM;
    if (rc) return rc;
    sv_stop_catch();
    if ((rc = open_stream(j, e))) return rc;
    const double start = sv_now();
    uint8_t *spare = sv_alloc(j->video->w * j->video->h, 3, e);
    rc = spare ? watch(j, spare, e) : SV_ENOMEM;
    sv_free(spare);
    rc = finish(j, rc, e);
    const double spent = sv_now() - start;
    sv_say(&j->common, "%zu frames in %.1f s (%.1f/s), %zu dropped; %zu objects, %zu events, %zu alarms", j->sum.frames, spent,
           spent > 0 ? (double)j->sum.frames / spent : 0.0, j->sum.dropped, j->sum.objects, j->sum.events, j->sum.alarms);
    return rc == SV_QUEUE_STOPPED ? SV_STOPPED : rc;
}

static void close_job(struct job *j) {
    sv_pass_close(j->pass);
    sv_queue_close(j->queue);
    sv_events_free(&j->events);
    for (size_t i = 0; j->seen && i < span(j); i++) drop_seen(&j->seen[i]), sv_free(j->seen[i].kept);
    sv_free(j->seen), sv_free(j->object), sv_free(j->index), sv_free(j->score), sv_free(j->steady), sv_free(j->frame), sv_free(j->track);
    sv_zones_free(&j->zones), sv_list_free(&j->zone_texts);
    sv_judge_close(&j->judge), sv_levels_close(&j->levels);
    sv_scene_free(&j->scene);
    sv_tubes_close(&j->t);
}

int sv_tool_watch(int argc, char **argv, struct sv_err *e) {
    struct job j = { .alarm = SV_ALARM_OPTS_INIT, .queue_frames = 32, .keep = 4, .update = 1 };
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        SV_TUBE_OPTS(&o),
        { "s", SV_OPT_TEXT, &j.scene_path, "SCENE", "the scene, made by svad fit", 0, 0 },
        SV_ALARM_OPTS(&j.alarm),
        { "keep", SV_OPT_REAL, &j.keep, "X", "an event goes on at scores up to X times as frequent as its threshold (4)", 1, 1e6 },
        { "update", SV_OPT_REAL, &j.update, "T", "seconds between updates of an event (1)", 0, 86400 },
        { "zone", SV_OPT_LIST, &j.zone_texts, "ZONE", "polygon \"x,y x,y x,y\" that a box's foot must lie in; behind a !, must not (repeatable)", 0, 0 },
        { "max-objects", SV_OPT_SIZE, &j.most, "N", "objects scored in a frame, the largest (0: all)", 0, 1e6 },
        { "live", SV_OPT_FLAG, &j.live, NULL, "the stream does not wait: drop frames when it is too fast", 0, 0 },
        { "queue", SV_OPT_SIZE, &j.queue_frames, "N", "frames decoded ahead (32)", 1, 4096 },
        { "snapshots", SV_OPT_TEXT, &j.snapshots, "DIR", "a picture of the beginning of each event", 0, 0 },
        { "all", SV_OPT_FLAG, &j.all, NULL, "a line for each scored frame too", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "watch", .line = "-m MODEL -s SCENE [FILE|-]", .max_args = 1,
        .about = "Scores a video or a live stream (y4m or Motion JPEG on stdin) frame by frame and tells of events, a JSON object\n"
                 "a line: start, update, end, at last a summary.  Scores are those of svad score.",
        .example = "svad watch -m clip.svad -s cam.scene cam.y4m",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, &o, &args, e);
    else if (rc > 0) rc = 0;
    close_job(&j);
    sv_list_free(&args);
    return rc;
}
