/* fit.c - svad fit: what is normal, learned from normal video: prompts around the action texts, responses to them, their k-means, calibration. */
#include "core/rng.h"
#include "io/container.h"
#include "kmeans/kmeans.h"
#include "kmeans/knn.h"
#include "kmeans/redefine.h"
#include "kmeans/response.h"
#include "kmeans/score.h"
#include "kmeans/steady.h"
#include "tools/fit_prompt.h"
#include "tools/holdout.h"
#include "tools/scene.h"
#include "tools/tubes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct sv_tubes t;
    struct sv_common common;
    struct sv_scene scene;
    const char *out, *actions, *patterns;
    size_t clusters, seed;
    struct sv_prompt_opts prompts;
    struct sv_fit_prompt prompt;
    bool center;
    float *video; size_t n, cap;        /* [n, E]: F_video of every tube to learn from, those held out behind them; cap in rows */
    struct sv_holdout hold;
    size_t *frame, frames;              /* [n]: number of the tube's frame among the frames of those tubes; of hold */
    struct sv_kmeans km;
};

/* Room for `more` rows; doubling, so that appending stays linear. */
static int room(struct job *j, size_t more, struct sv_err *e) {
    const size_t embed = j->t.model.cfg.embed, want = j->n + more;
    if (want <= j->cap) return 0;
    const size_t cap = sv_max(want, 2 * j->cap);
    float *video = sv_alloc(cap, embed * sizeof *video, e);
    if (!video) return SV_ENOMEM;
    if (j->n) memcpy(video, j->video, j->n * embed * sizeof *video);
    sv_free(j->video);
    j->video = video, j->cap = cap;
    return 0;
}

static int collect(struct job *j, struct sv_err *e) {
    const size_t embed = j->t.model.cfg.embed;
    struct sv_progress p;
    int rc = 0;
    sv_progress_start(&p, &j->common, "fit", "tubes", sv_tubes_total(&j->t));
    for (size_t i = 0; !rc && i < j->t.sources.n; i++) {
        struct sv_clip_tubes c;
        if ((rc = sv_tubes_clip(&j->t, i, &c, &p, j->n, e))) break;
        if (!c.n) sv_say(&j->common, "clip %s has no box", c.name);
        if (!(rc = room(j, c.n, e)) && !(rc = sv_holdout_add(&j->hold, &c, &j->t.rule, e)) && c.n) {
            memcpy(j->video + j->n * embed, c.video, c.n * embed * sizeof *c.video);
            j->n += c.n;
        }
        sv_clip_tubes_free(&c);
    }
    sv_progress_end(&p);
    if (!rc && !j->n) rc = sv_fail(e, SV_EINPUT, "fit: no tube in %zu clips: nothing to learn from; give --boxes of a detector, or footage in which something moves", j->t.sources.n);
    if (!rc) rc = sv_holdout_split(&j->hold, j->video, embed, e);
    j->n = j->hold.fitted, j->frame = j->hold.frame, j->frames = j->hold.frames;
    return rc;
}

/* Plain text features; whatever is wrong with prompts around the texts is told now, before the first frame. */
static int texts(struct job *j, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    int rc = sv_actions_choose(&s->actions, j->actions, &j->t.model.store, e);
    if (!rc && s->actions.n < 2)
        rc = sv_fail(e, SV_EINPUT, "%s: one action text: every response to it points the same way, so nothing could stand out; expected at least two",
                     j->actions ? j->actions : j->t.model.store.file);
    j->prompts.seed = j->seed;
    if (!rc) rc = sv_fit_prompt_plan(&j->prompt, &j->prompts, &j->t.model, &j->t.cpu, &s->actions, e);
    if (rc) return rc;
    s->texts = s->actions.n, s->embed = j->t.model.cfg.embed;
    if (!(s->text = sv_alloc(s->texts, s->embed * sizeof *s->text, e))) return SV_ENOMEM;
    struct sv_clip *clip = sv_clip_open(&j->t.model.store, &j->t.cpu, SV_CLIP_TEXT, 16, e);
    if (!clip) return e && e->code ? e->code : SV_ENOMEM;
    rc = sv_model_texts(&j->t.model, clip, s->actions.name, s->texts, NULL, s->text, e);
    sv_clip_free(clip);
    return rc;
}

/* F_hat in place of plain text features. */
static int prompts(struct job *j, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    struct sv_fit_prompt *p = &j->prompt;
    const int rc = sv_fit_prompt_learn(p, &j->common, j->video, j->n, s->text, e);
    if (rc || !p->context) return rc;
    s->context = p->context, p->context = NULL;
    s->context_dim[0] = p->cfg.per_class ? s->texts : 1, s->context_dim[1] = p->cfg.k, s->context_dim[2] = j->t.model.cfg.text.width;
    snprintf(s->place, sizeof s->place, "%s", sv_place_name(p->cfg.place));
    return 0;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quantiles(double *x, size_t n, double *out) {
    qsort(x, n, sizeof *x, by_value);
    for (size_t i = 0; i < SV_SCENE_QUANTILES; i++) out[i] = sv_quantile(x, n, (double)(i + 1) / 1000);
}

/* Scores of the training tubes and frames against the centres, as quantiles. */
static int calibrate(struct job *j, const float *response, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    double *score = sv_alloc(j->n, sizeof *score, e), *frame = sv_alloc(j->frames, sizeof *frame, e);
    int rc = score && frame ? 0 : SV_ENOMEM;
    if (!rc) {
        sv_score(j->t.cpu.pool, score, NULL, response, j->n, s->texts, s->centre, s->centres);
        sv_frame_scores(frame, j->frames, score, j->frame, j->n);
        quantiles(score, j->n, s->object_q);
        quantiles(frame, j->frames, s->frame_q);
    }
    sv_free(score), sv_free(frame);
    return rc;
}

/* A sample without repetition, the same for the same seed, its rows in order. */
static int sample(struct job *j, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    const size_t want = sv_min(j->n, SV_SCENE_SAMPLE);
    uint64_t rng = j->seed ^ 0x5a3d1e;
    if (!(s->sample = sv_alloc(want, s->embed * sizeof *s->sample, e))) return SV_ENOMEM;
    for (size_t i = 0; s->samples < want; i++) {
        if (sv_rng_keep(&rng, j->n - i, want - s->samples)) sv_scene_row(s->sample + s->samples++ * s->embed, j->video + i * s->embed, s->embed);
    }
    return 0;
}

/* What stands beside centres: neighbours, figures.  Their training scores would be those of rows that know themselves, so the
 * quantiles are of what was held out. */
static int heads(struct job *j, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    struct sv_held *d = &s->held;
    int rc = j->hold.figures ? sv_figures_fit(&s->figures, j->hold.figure, NULL, j->n, j->seed, e) : 0;
    s->seconds = j->hold.seconds;
    if (!rc) rc = sv_holdout_score(&j->hold, j->video + j->n * s->embed, s, &j->t.cpu, e);
    if (rc || (s->patterns == SV_KMEANS && !s->figures.n && !(s->steady && d->frames))) return rc;
    if (!d->frames) return sv_fail(e, SV_EINPUT, "fit: too little footage to hold some out, which --patterns knn and --with motion need");
    double *frame = sv_alloc(d->frames, sizeof *frame, e);
    if (!frame) return SV_ENOMEM;
    memcpy(frame, d->frame, d->frames * sizeof *frame);
    quantiles(frame, d->frames, s->frame_q);
    quantiles(d->object, d->objects, s->object_q);
    sv_free(frame);
    return 0;
}

static int choose_patterns(struct job *j, bool with, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    while (j->patterns && s->patterns < SV_PATTERNS && strcmp(j->patterns, sv_patterns_name[s->patterns])) s->patterns++;
    if (s->patterns == SV_PATTERNS)
        return sv_fail(e, SV_EUSAGE, "--patterns %s: expected kmeans, knn, knn-video, knn-both or none", j->patterns);
    if (s->patterns == SV_NO_LOOKS && !with) return sv_fail(e, SV_EUSAGE, "--patterns none: nothing is left to look at; expected --with motion beside it");
    if ((s->patterns != SV_KMEANS || with) && !(j->hold.share > 0))
        return sv_fail(e, SV_EUSAGE, "--hold-out 0: --patterns %s%s must know what held-out footage scores", sv_patterns_name[s->patterns], with ? " --with motion" : "");
    return 0;
}

static int learn(struct job *j, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    struct sv_response r = {0};
    float *response = NULL;
    int rc = sv_response_init(&r, &j->t.cpu, s->text, s->texts, s->embed, e);
    if (!rc && !(response = sv_alloc(j->n, s->texts * sizeof *response, e))) rc = SV_ENOMEM;
    if (!rc) sv_response_run(&r, &j->t.cpu, response, j->video, j->n);
    if (!rc && j->center) {
        if (!(s->mean = sv_alloc(s->texts, sizeof *s->mean, e))) rc = SV_ENOMEM;
        else sv_response_mean(s->mean, response, j->n, s->texts), sv_response_center(response, s->mean, j->n, s->texts);
    }
    if (!rc) rc = sv_kmeans_fit(&j->km, j->t.cpu.pool, response, j->n, s->texts, j->clusters, j->seed, e);
    if (!rc) {
        s->centres = j->km.m;
        s->centre = j->km.centre, j->km.centre = NULL;
        rc = calibrate(j, response, e);
    }
    sv_response_free(&r);
    sv_free(response);
    return rc;
}

/* Of what was held out; 0 where the frame rate is not known. */
static double minutes(const struct sv_scene *s) { return s->held.per_second > 0 ? (double)s->held.frames / s->held.per_second / 60 : 0; }

static int report_json(const struct job *j, struct sv_err *e) {
    const struct sv_scene *s = &j->scene;
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_int(&o, "clips", (int64_t)s->clips);
    sv_json_put_int(&o, "objects", (int64_t)s->objects);
    sv_json_put_int(&o, "frames", (int64_t)j->frames);
    sv_json_put_int(&o, "texts", (int64_t)s->texts);
    sv_fit_prompt_put(&j->prompt, &o);
    sv_json_put_int(&o, "clusters", (int64_t)s->centres);
    sv_json_put_real(&o, "objective", j->km.objective);
    sv_json_put_int(&o, "rounds", (int64_t)j->km.rounds);
    sv_json_put_int(&o, "held_blocks", (int64_t)j->hold.blocks);
    sv_json_put_int(&o, "held_frames", (int64_t)s->held.frames);
    sv_json_put_real(&o, "held_minutes", minutes(s));
    sv_json_put_int(&o, "held_objects", (int64_t)j->hold.held);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static void report(const struct job *j) {
    const struct sv_scene *s = &j->scene;
    const double per = j->km.objective / (double)j->n;
    const struct sv_holdout *h = &j->hold;
    printf("%zu clips, %zu tubes in %zu frames, %zu action texts\n", s->clips, s->objects, j->frames, s->texts);
    if (h->held) {
        printf("held out: %zu tubes in %zu frames, %zu blocks", h->held, s->held.frames, h->blocks);
        if (minutes(s) > 0) printf(", %.3g minutes", minutes(s));
        printf("; %zu tubes beside them left out\n", h->beside);
    }
    sv_fit_prompt_print(&j->prompt);
    printf("%zu clusters after %zu rounds, objective %.6g (%.3g a tube)\n", s->centres, j->km.rounds, j->km.objective, per);
    for (size_t m = 0; m < s->centres; m++) {
        size_t tubes = 0, best[3];
        const size_t k = sv_min(3, s->texts);
        for (size_t i = 0; i < j->n; i++) tubes += j->km.label[i] == m;
        printf("%4zu: %6zu tubes, nearest to ", m, tubes);
        /* The three largest entries of a centre are the actions its tubes respond to most. */
        for (size_t a = 0; a < k; a++) {
            size_t top = SIZE_MAX;
            for (size_t x = 0; x < s->texts; x++) {
                bool used = false;
                for (size_t b = 0; b < a; b++) used = used || best[b] == x;
                if (!used && (top == SIZE_MAX || s->centre[m * s->texts + x] > s->centre[m * s->texts + top])) top = x;
            }
            best[a] = top;
            printf("%s\"%s\"", a ? ", " : "", s->actions.name[top]);
        }
        putchar('\n');
    }
    if (sv_patterns_near(s->patterns))
        printf("looks are compared with the %zu nearest of %zu tubes, by %s\n", s->neighbours, s->samples,
               s->patterns == SV_KNN ? "responses" : s->patterns == SV_KNN_VIDEO ? "F_video" : "responses and by F_video");
    if (s->figures.n)
        printf("size and speed: bodies %.3g + %.3g * row pixels tall; middle width %.3g, height %.3g, speed %.3g heights a %s\n", s->figures.line[0],
               s->figures.line[1], s->figures.middle[0], s->figures.middle[1], s->figures.middle[2], s->seconds ? "second" : "frame");
    printf("scores of %s tubes: median %.6g, 99 %% %.6g; of frames: median %.6g, 99 %% %.6g\n",
           s->patterns != SV_KMEANS || s->figures.n || (s->steady && s->held.frames) ? "held-out" : "training", s->object_q[499],
           s->object_q[989], s->frame_q[499], s->frame_q[989]);
}

static int run(struct job *j, const struct sv_tube_opts *o, const struct sv_list *videos, struct sv_err *e) {
    if (!j->out) return sv_fail(e, SV_EUSAGE, "fit: no scene given: -o SCENE");
    int rc = choose_patterns(j, o->with, e);
    if (!rc) rc = sv_tubes_open(&j->t, o, &j->common, videos, NULL, false, e);
    if (!rc && j->scene.steady && !j->t.rule.track) rc = sv_fail(e, SV_EUSAGE, "fit: --steady %zu: tubes without tracks; expected --tubes track", j->scene.steady);
    if (!rc) rc = sv_out_try(j->out, e);
    if (!rc) rc = texts(j, e);
    if (!rc) rc = collect(j, e);
    sv_crops_close(&j->t.crops);        /* the image tower has done its work */
    if (!rc) rc = prompts(j, e);
    if (!rc) rc = learn(j, e);
    if (!rc) rc = sample(j, e);
    if (!rc) rc = heads(j, e);
    if (rc) return rc;
    struct sv_scene *s = &j->scene;
    memcpy(s->model, j->t.id, sizeof s->model);
    s->rule = j->t.rule;
    s->objects = j->n, s->clips = j->t.sources.n, s->seed = j->seed;
    if ((rc = sv_scene_save(s, j->out, e))) return rc;
    if (!j->hold.held && j->hold.share > 0) sv_say(&j->common, "too little footage to hold any out: the scene gives no p-values and no thresholds");
    else if (j->hold.held && !(s->held.per_second > 0))
        sv_say(&j->common, "the frame rate of the footage is not known: for alarms an hour give --fps, here or later");
    if (j->common.json) return report_json(j, e);
    report(j);
    return 0;
}

int sv_tool_fit(int argc, char **argv, struct sv_err *e) {
    struct job j = { .clusters = 10, .prompts = SV_PROMPT_OPTS_INIT, .hold.share = 0.2, .scene.neighbours = 8 };
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        SV_TUBE_OPTS(&o),
        { "actions", SV_OPT_TEXT, &j.actions, "FILE", "action texts, one a line (those of the model, or built-in phrases)", 0, 0 },
        { "clusters", SV_OPT_SIZE, &j.clusters, "M", "normal patterns (10)", 1, SV_SCENE_MAX_CENTRES },
        { "patterns", SV_OPT_TEXT, &j.patterns, "RULE", "kmeans; knn, knn-video, knn-both: neighbours by responses, by F_video, by each; none (kmeans)", 0, 0 },
        { "neighbours", SV_OPT_SIZE, &j.scene.neighbours, "K", "of --patterns knn (8)", 1, SV_KNN_MOST },
        SV_WITH_OPT(&o),
        { "steady", SV_OPT_SIZE, &j.scene.steady, "N", "score a track by its median over +-N frames (0: off)", 0, SV_STEADY_MOST },
        { "hold-out", SV_OPT_REAL, &j.hold.share, "SHARE", "of the footage: not learned from, sets thresholds (0.2)", 0, 0.5 },
        SV_PROMPT_OPTS(&j.prompts),
        { "center", SV_OPT_FLAG, &j.center, NULL, "subtract the mean training response", 0, 0 },
        { "seed", SV_OPT_SIZE, &j.seed, "S", "of prompts, k-means and the sample (0)", 0, 1e15 },
        { "o", SV_OPT_TEXT, &j.out, "SCENE", "the scene file", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "fit", .line = "-m MODEL VIDEO... [--boxes FILE] -o SCENE", .min_args = 1,
        .about = "Learns what is normal from normal video.  VIDEO: a folder of frames, a .y4m file, - (y4m on\n"
                 "stdin), a folder of those, or what svad extract made.",
        .example = "svad fit -m clip.svad ped2/training --boxes boxes.txt -o ped2.scene",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, &o, &args, e);
    else if (rc > 0) rc = 0;
    sv_free(j.video);
    sv_holdout_free(&j.hold);
    sv_kmeans_free(&j.km);
    sv_fit_prompt_free(&j.prompt);
    sv_scene_free(&j.scene);
    sv_tubes_close(&j.t);
    sv_list_free(&args);
    return rc;
}
