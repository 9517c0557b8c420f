/* score.c - svad score: how unusual every frame and object of a video is, by a scene, and after texts redefined it. */
#include "io/container.h"
#include "io/json.h"
#include "io/scores.h"
#include "kmeans/score.h"
#include "kmeans/steady.h"
#include "tools/alarm.h"
#include "tools/annotate.h"
#include "tools/guidance.h"
#include "tools/judge.h"
#include "tools/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WHY = 3 };                       /* actions that explain an object, each way */

struct job {
    int argc; char **argv;
    const struct sv_tube_opts *opts;
    struct sv_tubes t;
    struct sv_common common;
    struct sv_scene scene;
    struct sv_judge judge;
    struct sv_guidance_opts texts;
    struct sv_guidance guidance;
    struct sv_alarm_opts alarm;
    struct sv_levels levels;
    const char *out, *scene_path;
    bool frame_level, dry_run;
    struct sv_out scores, objects;
    struct sv_run_out run;
    struct sv_annotate annotate;
    size_t written;                     /* clips whose objects are on disk */
    size_t tubes, frames, changed;      /* changed: frames whose score the texts moved */
    size_t alarms;
    double hours;
};

/* One clip being scored; all arrays are owned. */
struct work {
    struct sv_clip_tubes c;
    float *response;                    /* [n, N] */
    float *sim;                         /* [n, guides] */
    double *original, *final;           /* [n] scores of objects */
    double *before, *after, *scratch;   /* [frames] */
    size_t *frame, *action, *nearest;   /* [n] */
    int64_t *track;                     /* [n] */
    int32_t *over, *under;              /* [n, WHY]: the actions that stand out most from the nearest centre, both ways */
    float *similarity;                  /* [n]: the response to the action */
    struct sv_figure *figure;           /* [n], where the scene has figures */
    struct sv_verdict v;                /* of the arrays above, and what its own heads need */
};

static void work_free(struct work *w) {
    sv_clip_tubes_free(&w->c);
    sv_free(w->response), sv_free(w->sim), sv_free(w->original), sv_free(w->final), sv_free(w->before), sv_free(w->after);
    sv_free(w->scratch), sv_free(w->frame), sv_free(w->action), sv_free(w->similarity), sv_free(w->nearest), sv_free(w->over), sv_free(w->under);
    sv_free(w->figure), sv_free(w->track), sv_verdict_free(&w->v);
}

/* ---- scores ---- */

static int make_room(struct work *w, const struct job *j, struct sv_err *e) {
    const size_t n = w->c.n, t = w->c.frames;
    w->response = sv_alloc(n, j->scene.texts * sizeof *w->response, e);
    w->sim = sv_alloc(n, (j->guidance.n + 1) * sizeof *w->sim, e);
    w->original = sv_alloc(n, sizeof *w->original, e), w->final = sv_alloc(n, sizeof *w->final, e);
    w->before = sv_alloc(t, sizeof *w->before, e), w->after = sv_alloc(t, sizeof *w->after, e);
    w->scratch = sv_alloc(t, sizeof *w->scratch, e);
    w->frame = sv_alloc(n, sizeof *w->frame, e), w->action = sv_alloc(n, sizeof *w->action, e);
    w->similarity = sv_alloc(n, sizeof *w->similarity, e);
    w->nearest = sv_alloc(n, sizeof *w->nearest, e), w->track = sv_alloc(n, sizeof *w->track, e);
    w->over = sv_alloc(n, WHY * sizeof *w->over, e), w->under = sv_alloc(n, WHY * sizeof *w->under, e);
    if (j->scene.figures.n && !(w->figure = sv_alloc(n, sizeof *w->figure, e))) return SV_ENOMEM;
    w->v = (struct sv_verdict){ w->response, w->final, w->nearest, w->action, w->similarity, w->figure, { NULL } };
    if (sv_verdict_room(&w->v, &j->scene, n, e)) return SV_ENOMEM;
    return w->response && w->sim && w->original && w->final && w->before && w->after && w->scratch && w->frame && w->action &&
           w->similarity && w->nearest && w->track && w->over && w->under ? 0 : SV_ENOMEM;
}

/* With tubes on every E-th frame only, a frame between takes the score of the nearest that has them (the earlier of two). */
static void spread(double *score, size_t frames, size_t every) {
    for (size_t t = 0; t < frames; t++) {
        const size_t low = t / every * every, high = low + every;
        if (t != low) score[t] = score[high < frames && high - t < t - low ? high : low];
    }
}

static void explain(const struct sv_scene *s, struct work *w) {
    const size_t k = sv_min(WHY, s->texts);
    size_t a[WHY], b[WHY];
    for (size_t i = 0; i < w->c.n; i++) {
        const double *centre = s->centre + w->nearest[i] * s->texts;
        sv_explain(a, k, w->response + i * s->texts, centre, s->texts, 1);
        sv_explain(b, k, w->response + i * s->texts, centre, s->texts, -1);
        for (size_t x = 0; x < k; x++) w->over[i * k + x] = (int32_t)a[x], w->under[i * k + x] = (int32_t)b[x];
    }
}

/* Frames get their scores, and objects where they have tracks those along them. */
static int settle(const struct job *j, const struct work *w, double *score, double *of_frame /* [frames] */, struct sv_err *e) {
    const struct sv_tracked r = { w->frame, w->track, w->c.n, 0, w->c.frames };
    if (j->scene.steady) return sv_steady(score, score, &r, j->scene.steady, of_frame, 0, w->c.frames, e);
    sv_frame_scores(of_frame, w->c.frames, score, w->frame, w->c.n);
    return 0;
}

/* Texts act on what an object scores by itself, which is steadied then: a glance that a text does not know is no more than a glance. */
static int score_clip(struct job *j, struct work *w, struct sv_err *e) {
    const struct sv_guidance *g = &j->guidance;
    const size_t n = w->c.n;
    int rc = w->figure ? sv_tubes_figures(w->c.name, w->c.fps, w->c.object, n, j->scene.seconds, w->figure, e) : 0;
    if (rc) return rc;
    sv_judge_run(&j->judge, w->c.video, n, &w->v);
    explain(&j->scene, w);
    for (size_t i = 0; i < n; i++) w->frame[i] = w->c.object[i].frame, w->track[i] = w->c.object[i].track;
    memcpy(w->original, w->final, n * sizeof *w->original);
    if ((rc = settle(j, w, w->original, w->before, e))) return rc;
    memcpy(w->after, w->before, w->c.frames * sizeof *w->after);
    if (!g->n) return memcpy(w->final, w->original, n * sizeof *w->final), 0;
    double lo, hi;
    sv_response_run(&j->guidance.response, &j->t.cpu, w->sim, w->c.video, n);
    sv_frame_range(&lo, &hi, w->before, w->frame, n);
    if (!j->frame_level) sv_redefine(w->final, w->final, w->sim, n, g->guide, g->n, lo, hi);
    if ((rc = settle(j, w, w->final, w->after, e))) return rc;
    if (j->frame_level) sv_redefine_frames(w->after, w->before, w->c.frames, w->sim, w->frame, n, g->guide, g->n, lo, hi, w->scratch);
    return sv_guidance_note(&j->guidance, &w->c, w->sim, w->original, w->frame, w->before, lo, hi, e);
}

static void count(struct job *j, const struct work *w) {
    for (size_t t = 0; t < w->c.frames; t++) j->changed += fabs(w->after[t] - w->before[t]) > 0;
    j->tubes += w->c.n, j->frames += w->c.frames;
}

/* ---- output ---- */

static int object_path(const struct job *j, size_t source, char *out, size_t size, struct sv_err *e) {
    const int n = snprintf(out, size, "%s/%s.svad", j->out, j->t.sources.item[source].name);
    return n < 0 || (size_t)n >= size ? sv_fail(e, SV_EUSAGE, "-o: the path is too long") : 0;
}

/* What a later run scores again without a video: F_video, and the scores before any text.  What a report says: why. */
static int put_stored(const struct job *j, const struct work *w, size_t source, struct sv_err *e) {
    char path[4096];
    struct sv_store st = {0};
    const size_t n = w->c.n, embed = j->t.model.cfg.embed, why = sv_min(WHY, j->scene.texts);
    const int64_t frames = (int64_t)w->c.frames;
    struct sv_rule rule = j->t.rule;
    rule.every = w->c.every;
    int rc = object_path(j, source, path, sizeof path, e);
    if (!rc) rc = sv_store_init(&st, path, e);
    if (!rc) rc = sv_store_set_text(&st, "model", j->t.id, e);
    if (!rc) rc = sv_stored_put(&st, &rule, w->c.name, w->c.w, w->c.h, w->c.fps, w->c.object, n, e);
    if (!rc) rc = sv_store_add(&st, "frames", SV_I64, 1, (size_t[]){ 1 }, &frames, 8, e);
    if (!rc) rc = sv_store_add(&st, "video", SV_F32, 2, (size_t[]){ n, embed }, w->c.video, n * embed * sizeof(float), e);
    if (!rc) rc = sv_store_add(&st, "original", SV_F64, 1, &n, w->original, n * sizeof(double), e);
    if (!rc) rc = sv_actions_put(&j->scene.actions, &st, e);
    if (!rc) rc = sv_store_add(&st, "over", SV_I32, 2, (size_t[]){ n, why }, w->over, n * why * sizeof *w->over, e);
    if (!rc) rc = sv_store_add(&st, "under", SV_I32, 2, (size_t[]){ n, why }, w->under, n * why * sizeof *w->under, e);
    if (!rc) rc = sv_container_write(path, "objects", &st, e);
    sv_store_free(&st);
    return rc;
}

static int put_rows(struct job *j, const struct work *w, struct sv_err *e) {
    const size_t n = w->c.n;
    struct sv_object_row *row = sv_alloc(n, sizeof *row, e);
    if (!row) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct sv_object *o = &w->c.object[i];
        row[i] = (struct sv_object_row){ o->frame, o->box[0], o->box[1], o->box[2], o->box[3], o->track, w->final[i],
                                         j->scene.actions.name[w->action[i]], w->similarity[i] };
    }
    int rc = sv_objects_put(&j->objects, w->c.name, row, n, e);
    if (!rc) rc = sv_scores_put(&j->scores, w->c.name, w->after, w->c.frames, e);
    sv_free(row);
    return rc;
}

/* Alarms of a clip; SIZE_MAX where there is no threshold or no frame rate. */
static size_t alarms_of(struct job *j, const struct work *w) {
    const double fps = w->c.fps > 0 ? w->c.fps : j->levels.per_second * (double)j->scene.rule.every;
    if (isnan(j->levels.threshold) || !(fps > 0)) return SIZE_MAX;
    const int32_t block = (int32_t)w->c.frames;
    const struct sv_footage f = { w->after, w->c.frames, &block, 1, fps };
    const struct sv_alarm_rule r = sv_alarm_rule_at(&j->alarm, fps);
    const size_t alarms = sv_alarms(&f, &r, j->levels.threshold);
    j->alarms += alarms, j->hours += (double)w->c.frames / fps / 3600;
    return alarms;
}

/* A clip's line of the summary on stdout. */
static int say_clip(struct job *j, const struct work *w, struct sv_err *e) {
    size_t top = 0;
    for (size_t t = 1; t < w->c.frames; t++)
        if (w->after[t] > w->after[top]) top = t;
    const size_t alarms = alarms_of(j, w);
    const double p = sv_levels_frame(&j->levels, w->after[top]);
    if (!j->common.json) {
        printf("%s: %zu frames, %zu objects, highest score %.6g at frame %zu", w->c.name, w->c.frames, w->c.n, w->after[top], top);
        if (!isnan(p)) printf(", p-value %.3g", p);
        if (alarms < SIZE_MAX) printf(", %zu alarm%s", alarms, alarms == 1 ? "" : "s");
        putchar('\n');
        return 0;
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, "clip", w->c.name);
    sv_json_put_int(&o, "frames", (int64_t)w->c.frames);
    sv_json_put_int(&o, "objects", (int64_t)w->c.n);
    sv_json_put_real(&o, "highest", w->after[top]);
    sv_json_put_int(&o, "at", (int64_t)top);
    if (!isnan(p)) sv_json_put_real(&o, "p_value", p);
    if (alarms < SIZE_MAX) {
        sv_json_put_real(&o, "threshold", j->levels.threshold);
        sv_json_put_int(&o, "alarms", (int64_t)alarms);
    }
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int annotate(struct job *j, size_t source, const struct work *w, struct sv_err *e) {
    char room[SV_RUN_PATH];
    const struct sv_scored s = { .clip = w->c.name, .video = sv_run_video(&j->run, &j->t.sources.item[source], room), .fps = w->c.fps, .frame = w->after, .frames = w->c.frames,
                                 .object = w->c.object, .score = w->final, .action = w->action, .name = j->scene.actions.name, .n = w->c.n };
    return j->annotate.dir ? j->run.json.rc ? j->run.json.rc : sv_annotate(&j->annotate, &s, e) : 0;
}

static int clip(struct job *j, size_t source, struct sv_progress *p, struct sv_err *e) {
    struct work w = {0};
    int rc = sv_tubes_clip(&j->t, source, &w.c, p, j->tubes, e);
    if (!rc && !w.c.n) sv_say(&j->common, "clip %s has no box: all its frames score 0", w.c.name);
    if (!rc) rc = make_room(&w, j, e);
    if (!rc) rc = score_clip(j, &w, e);
    if (!rc) {
        spread(w.before, w.c.frames, w.c.every), spread(w.after, w.c.frames, w.c.every);
        count(j, &w);
    }
    if (!rc && !j->dry_run) {
        rc = put_rows(j, &w, e);
        if (!rc) rc = put_stored(j, &w, source, e);
        if (!rc) j->written = source + 1;
        if (!rc) sv_run_clip(&j->run, &j->t.sources.item[source], &w.c), rc = j->run.json.rc;
        if (!rc) rc = annotate(j, source, &w, e);
    }
    if (!rc) rc = say_clip(j, &w, e);
    work_free(&w);
    return rc;
}

/* Stored features in the way of the objects of a clip would be lost, and they are dear. */
static int check_out(const struct job *j, struct sv_err *e) {
    for (size_t i = 0; i < j->t.sources.n; i++) {
        char path[4096], kind[16] = "";
        struct sv_file f;
        int rc = object_path(j, i, path, sizeof path, e);
        if (rc) return rc;
        if (access(path, F_OK)) continue;
        if ((rc = sv_file_map(&f, path, e))) return rc;
        if (f.size >= 64 && sv_container_is(&f)) sv_container_kind(&f, kind);
        sv_file_close(&f);
        if (strcmp(kind, "objects"))
            return sv_fail(e, SV_EUSAGE, "%s: is there already and no file of svad score; give another folder", path);
    }
    return 0;
}

/* After a failure nothing of this run stays. */
static void drop(struct job *j, bool fresh) {
    char path[4096];
    sv_out_drop(&j->scores), sv_out_drop(&j->objects), sv_run_drop(&j->run), sv_annotate_close(&j->annotate, true);
    for (size_t i = 0; i < j->written; i++)
        if (!object_path(j, i, path, sizeof path, NULL)) unlink(path);
    if (fresh) rmdir(j->out);
}

static int score_all(struct job *j, struct sv_err *e) {
    struct sv_progress p;
    int rc = 0;
    sv_progress_start(&p, &j->common, "score", "tubes", sv_tubes_total(&j->t));
    for (size_t i = 0; !rc && i < j->t.sources.n; i++) rc = clip(j, i, &p, e);
    sv_progress_end(&p);
    for (size_t k = 0; !rc && k < j->guidance.n; k++) rc = sv_guidance_say(&j->guidance, k, j->dry_run, j->common.json, e);
    if (!rc && j->hours > 0)
        sv_say(&j->common, "alarms at or above %.6g: %zu in %.3g hours", j->levels.threshold, j->alarms, j->hours);
    if (!rc && j->guidance.n) sv_say(&j->common, "the texts changed the score of %zu of %zu frames", j->changed, j->frames);
    return rc;
}

static int commit(struct job *j, struct sv_err *e) {
    sv_run_ended(&j->run);
    for (size_t k = 0; k < j->guidance.n; k++) sv_guidance_put(&j->run.json, &j->guidance, k, false);
    int rc = j->run.json.rc ? j->run.json.rc : sv_out_commit(&j->objects, e);
    if (!rc) rc = sv_run_commit(&j->run, e);
    return rc ? rc : sv_out_commit(&j->scores, e);
}

static int write_all(struct job *j, struct sv_err *e) {
    char path[4096];
    const bool fresh = !sv_is_dir(j->out);
    int rc = strlen(j->out) > 4000 ? sv_fail(e, SV_EUSAGE, "-o: the path is too long") : check_out(j, e);
    if (!rc) rc = sv_mkdirs(j->out, e);
    if (rc) return rc;
    snprintf(path, sizeof path, "%s/scores.csv", j->out);
    rc = sv_scores_open(&j->scores, path, e);
    snprintf(path, sizeof path, "%s/objects.csv", j->out);
    if (!rc) rc = sv_objects_open(&j->objects, path, e);
    if (!rc) rc = sv_run_open(&j->run, j->out, &(struct sv_run_facts){ j->argc, j->argv, &j->common, &j->t, j->opts->model, j->scene_path, j->opts->boxes,
                                                                       &j->scene, j->levels.threshold, isnan(j->alarm.score) ? j->alarm.per_hour : (double)NAN }, e);
    if (!rc) rc = score_all(j, e);
    if (!rc) rc = commit(j, e);
    if (rc) drop(j, fresh);
    return rc;
}

static int run(struct job *j, const struct sv_tube_opts *o, const struct sv_list *videos, struct sv_err *e) {
    if (!j->out && !j->dry_run) return sv_fail(e, SV_EUSAGE, "score: no folder given: -o DIR (or --dry-run)");
    if (j->annotate.dir && j->dry_run) return sv_fail(e, SV_EUSAGE, "score: --annotate with --dry-run: nothing is written then");
    for (size_t i = 0; j->annotate.dir && i < videos->n; i++)
        if (!strcmp(videos->item[i], "-")) return sv_fail(e, SV_EUSAGE, "score: --annotate reads the video a second time, which stdin does not give");
    int rc = sv_scene_load(&j->scene, j->scene_path, e);
    if (!rc) rc = sv_tubes_open(&j->t, o, &j->common, videos, &j->scene.rule, false, e);
    if (!rc) rc = sv_scene_fits(&j->scene, j->scene_path, j->t.id, o->model, j->t.model.cfg.embed, e);
    if (!rc) rc = sv_judge_open(&j->judge, &j->scene, &j->t.cpu, e);
    if (!rc) rc = sv_levels_open(&j->levels, &j->scene, &j->alarm, o->fps, false, &j->common, e);
    if (!rc) rc = sv_guidance_open(&j->guidance, &j->texts, &j->t, &j->scene, e);
    j->annotate.line = isnan(j->levels.threshold) ? j->scene.frame_q[998] : j->levels.threshold;
    return rc ? rc : j->dry_run ? score_all(j, e) : write_all(j, e);
}

int sv_tool_score(int argc, char **argv, struct sv_err *e) {
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    struct job j = { .argc = argc, .argv = argv, .opts = &o, .texts = SV_GUIDANCE_OPTS_INIT, .alarm = SV_ALARM_OPTS_INIT, .scores = { .fd = -1 },
                     .objects = { .fd = -1 }, .run = { .file.fd = -1 } };
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        SV_TUBE_OPTS(&o),
        { "s", SV_OPT_TEXT, &j.scene_path, "SCENE", "the scene, made by svad fit", 0, 0 },
        SV_GUIDANCE_OPTS(&j.texts),
        SV_ALARM_OPTS(&j.alarm),
        { "frame-level", SV_OPT_FLAG, &j.frame_level, NULL, "texts act on frames, not on objects", 0, 0 },
        { "annotate", SV_OPT_TEXT, &j.annotate.dir, "DIR", "write the frames with boxes and scores drawn in: DIR/CLIP/000000.png ...", 0, 0 },
        { "y4m", SV_OPT_FLAG, &j.annotate.y4m, NULL, "--annotate writes DIR/CLIP.y4m instead", 0, 0 },
        { "dry-run", SV_OPT_FLAG, &j.dry_run, NULL, "only say what would come out", 0, 0 },
        { "o", SV_OPT_TEXT, &j.out, "DIR", "folder of scores.csv, objects.csv, run.json and CLIP.svad", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "score", .line = "-m MODEL -s SCENE VIDEO... [--boxes FILE] -o DIR", .min_args = 1,
        .about = "Scores every frame and object.  DIR, given in place of VIDEO, is scored again with other texts without\n"
                 "decoding or encoding anything.",
        .example = "svad score -m clip.svad -s ped2.scene ped2/testing --boxes boxes.txt -o scores/\n"
                   "  svad score -m clip.svad -s ped2.scene scores/ --normal \"riding a bicycle\" -o bicycles/",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, &o, &args, e);
    else if (rc > 0) rc = 0;
    sv_judge_close(&j.judge), sv_levels_close(&j.levels), sv_guidance_close(&j.guidance);
    sv_list_free(&j.texts.normal), sv_list_free(&j.texts.abnormal), sv_list_free(&args);
    sv_annotate_close(&j.annotate, false);
    sv_scene_free(&j.scene);
    sv_tubes_close(&j.t);
    return rc;
}
