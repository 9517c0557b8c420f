/* pretrain.c - svad pretrain: the temporal fusion, learned from videos of labelled actions. */
#include "io/container.h"
#include "io/json.h"
#include "tools/stop.h"
#include "tools/train.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 4096, TEXTS = 16 };

struct job {
    struct sv_tubes t;
    struct sv_common common;
    struct sv_train_opts o;
    struct sv_train_list list;
    struct sv_train_set set;
    struct sv_train train;
    struct sv_progress progress;
    const char *out, *backbone, *cache, *dtype_name, *weights, *log_name;
    char set_path[PATH], state_path[PATH];
    double alpha, beta;                 /* NAN: not given */
    double save_every;                  /* minutes */
    bool resume, blend_units;
    float *text;                        /* [N, E] */
    FILE *log;
    bool log_there;                     /* before, or a training has begun it */
    double begun, saved;                /* when */
    size_t taken;                       /* samples since then */
};

/* ---- before the training ---- */

static int check_options(struct job *j, struct sv_err *e) {
    if (!j->out) return sv_fail(e, SV_EUSAGE, "pretrain: no model to write given: -o MODEL");
    if (!strcmp(j->out, "-")) return sv_fail(e, SV_EUSAGE, "pretrain: -o -: expected the name of a file");
    if (!sv_tfc_backbone(&j->o.tfc, j->backbone, 1, 1))
        return sv_fail(e, SV_EUSAGE, "pretrain: --backbone %s: expected prompt-vlm, actionclip, clip4clip or mean", j->backbone);
    enum sv_dtype t;
    if (!sv_dtype_named(j->weights, &t) || !(SV_FLOATS >> t & 1))
        return sv_fail(e, SV_EUSAGE, "pretrain: --weights %s: expected f32, f16 or bf16", j->weights);
    if (!(j->o.val < 1)) return sv_fail(e, SV_EUSAGE, "pretrain: --val %g: expected less than 1, for something must be left to learn from", j->o.val);
    if (snprintf(j->state_path, PATH, "%s.state", j->out) >= PATH ||
        snprintf(j->set_path, PATH, j->cache ? "%s" : "%s.tubes", j->cache ? j->cache : j->out) >= PATH)
        return sv_fail(e, SV_EUSAGE, "pretrain: -o: the path is too long");
    const bool there = !access(j->state_path, F_OK);
    if (there && !j->resume)
        return sv_fail(e, SV_EINPUT, "%s: the state of an interrupted training; --resume goes on with it, or remove it", j->state_path);
    if (!there && j->resume) return sv_fail(e, SV_EINPUT, "%s: not there, so there is nothing to resume", j->state_path);
    struct sv_out probe;                /* a place that cannot be written is told now, not after the training */
    const int rc = sv_out_open(&probe, j->state_path, e);
    sv_out_drop(&probe);
    return rc;
}

/* Before features are made, which may take hours; what an earlier training told stays until this one begins. */
static int open_log(struct job *j, struct sv_err *e) {
    j->log_there = j->log_name && !access(j->log_name, F_OK);
    if (!j->log_name || (j->log = fopen(j->log_name, "a"))) return 0;
    return sv_fail(e, SV_ENOMEM, "%s: cannot create: %s", j->log_name, strerror(errno));
}

static int begin_log(struct job *j, struct sv_err *e) {
    j->log_there = true;
    if (!j->log || j->resume || !ftruncate(fileno(j->log), 0) || errno == EINVAL) return 0;       /* EINVAL: a pipe or device */
    return sv_fail(e, SV_ENOMEM, "%s: cannot empty: %s", j->log_name, strerror(errno));
}

/* A log that never began is not left behind. */
static int close_log(struct job *j, int rc, struct sv_err *e) {
    if (j->log && fclose(j->log) && !rc) rc = sv_fail(e, SV_ENOMEM, "%s: cannot write: %s", j->log_name, strerror(errno));
    if (j->log && !j->log_there) unlink(j->log_name);
    return rc;
}

/* The rule of what was stored before, if anything was: *base is then in *room. */
static int stored_rule(const struct job *j, const char *path, struct sv_rule *room, const struct sv_rule **base, struct sv_err *e) {
    struct sv_train_set set;
    struct sv_stored clip;
    int rc = 0;
    *base = NULL;
    if (!j->list.n) {
        if (!(rc = sv_train_set_open(&set, path, e))) *room = set.rule, *base = room;
        sv_train_set_close(&set);
        return rc;
    }
    for (size_t i = 0; i < j->list.n && !*base && !rc; i++) {
        if (j->list.row[i].source.kind != SV_FEATURES) continue;
        if (!(rc = sv_stored_open(&clip, j->list.row[i].source.path, e))) *room = clip.rule, *base = room;
        sv_stored_close(&clip);
    }
    return rc;
}

/* Whether the cache is what making it again would give. */
static bool fits(const struct job *j, enum sv_dtype dtype, const char *hash) {
    const struct sv_rule *a = &j->t.rule, *b = &j->set.rule;
    return !strcmp(hash, j->set.list) && !sv_rule_match(a, b, "", NULL) && a->every == b->every && !(fabs(a->min_score - b->min_score) > 0) &&
           j->set.embed == j->t.model.cfg.embed && j->set.features->dtype == dtype;
}

/* The features of all tubes: from the cache where it fits, else made. */
static int open_set(struct job *j, size_t crop_batch, struct sv_err *e) {
    enum sv_dtype dtype;
    char hash[SV_TRAIN_LIST_HASH];
    if (!sv_dtype_named(j->dtype_name, &dtype) || !(SV_FLOATS >> dtype & 1))
        return sv_fail(e, SV_EUSAGE, "pretrain: --dtype %s: expected f32, f16 or bf16", j->dtype_name);
    int rc = sv_train_list_hash(&j->list, hash, e);
    if (!rc && !access(j->set_path, F_OK)) {
        bool is;
        if ((rc = sv_train_set_is(j->set_path, &is, e))) return rc;
        if (!is)
            return sv_fail(e, SV_EINPUT, "%s: is there and no file of tubes, so it is not overwritten; give another --cache", j->set_path);
        if ((rc = sv_train_set_open(&j->set, j->set_path, e)) || fits(j, dtype, hash)) return rc;
        sv_say(&j->common, "%s: of another list or other settings; made again", j->set_path);
        sv_train_set_close(&j->set);
    }
    if (!rc) rc = sv_train_set_make(j->set_path, &j->t, &j->list, crop_batch, dtype, &j->common, e);
    return rc ? rc : sv_train_set_open(&j->set, j->set_path, e);
}

static int open_data(struct job *j, struct sv_tube_opts *o, const char *path, struct sv_err *e) {
    static const struct sv_list none = {0};
    struct sv_rule room;
    const struct sv_rule *base;
    const char *boxes = o->boxes;
    bool made;
    int rc = sv_train_set_is(path, &made, e);
    if (!rc && !made) rc = sv_train_list_read(&j->list, path, e);
    if (made && (boxes || j->cache)) return sv_fail(e, SV_EUSAGE, "pretrain: %s holds its tubes already; --boxes and --cache are for lists", path);
    for (size_t i = 0; !rc && boxes && i < j->list.n; i++) {
        struct sv_train_row *row = &j->list.row[i];
        if (!row->boxes && row->source.kind == SV_LIVE && !(row->boxes = sv_strdup(boxes, e))) rc = SV_ENOMEM;
    }
    if (!rc) rc = stored_rule(j, path, &room, &base, e);
    o->boxes = NULL;
    if (!rc) rc = sv_tubes_open(&j->t, o, &j->common, &none, base, true, e);
    if (!rc && j->t.rule.track)
        rc = sv_fail(e, SV_EUSAGE, "pretrain: it learns from tubes of one box: expected --tubes centre, and features extracted so");
    if (!rc && !made) rc = open_set(j, o->batch, e);
    else if (!rc) rc = sv_train_set_open(&j->set, path, e);
    if (!rc && j->set.embed != j->t.model.cfg.embed)
        rc = sv_fail(e, SV_EINPUT, "%s: features of width %zu, expected %zu", path, j->set.embed, j->t.model.cfg.embed);
    return rc;
}

static int texts(struct job *j, struct sv_err *e) {
    const size_t embed = j->set.embed, n = j->set.classes.n;
    int rc = 0;
    if (!(j->text = sv_alloc(n, embed * sizeof *j->text, e))) return SV_ENOMEM;
    struct sv_clip *clip = sv_clip_open(&j->t.model.store, &j->t.cpu, SV_CLIP_TEXT, TEXTS, e);
    if (!clip) return e && e->code ? e->code : SV_ENOMEM;
    for (size_t i = 0; !rc && i < n; i += TEXTS)
        rc = sv_stop_wanted() ? SV_STOPPED : sv_model_texts(&j->t.model, clip, j->set.classes.name + i, sv_min(TEXTS, n - i), NULL,
                                                            j->text + i * embed, e);
    sv_clip_free(clip);
    return rc;
}

/* ---- what is told ---- */

static double part(size_t n, size_t of) { return of ? (double)n / (double)of : NAN; }
static double mean(const struct sv_tally *t) { return t->n ? t->loss / (double)t->n : NAN; }
static double rate(const struct job *j) { return (double)j->taken / fmax(1e-9, sv_now() - j->begun); }

static void put_tally(struct sv_json_out *o, const char *key, const struct sv_tally *t) {
    sv_json_open(o, key, '{');
    sv_json_put_int(o, "samples", (int64_t)t->n);
    sv_json_put_real(o, "loss", mean(t));
    sv_json_put_real(o, "top1", part(t->top1, t->n));
    sv_json_put_real(o, "top5", part(t->top5, t->n));
    sv_json_close(o);
}

/* Lines go out one by one: what a killed run has told stays told. */
static int put_line(struct job *j, struct sv_json_out *o, bool out, struct sv_err *e) {
    int rc = o->rc;
    if (!rc && out && j->common.json) fputs(o->text, stdout), fflush(stdout);
    if (!rc && j->log && (fputs(o->text, j->log) < 0 || fflush(j->log)))
        rc = sv_fail(e, SV_ENOMEM, "%s: cannot write: %s", j->log_name, strerror(errno));
    sv_free(o->text);
    return rc;
}

static int tell_step(struct job *j, const struct sv_tally *batch, struct sv_err *e) {
    const struct sv_train *t = &j->train;
    snprintf(j->progress.note, sizeof j->progress.note, "epoch %zu of %zu, loss %.4f, top-1 %.1f %%", t->epoch + 1, j->o.epochs, mean(&t->tally),
             100 * part(t->tally.top1, t->tally.n));
    sv_progress_at(&j->progress, j->taken);
    if (!j->log) return 0;
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_int(&o, "step", (int64_t)t->step);
    sv_json_put_int(&o, "epoch", (int64_t)t->epoch + 1);
    put_tally(&o, "batch", batch);
    sv_json_put_real(&o, "samples_per_s", rate(j));
    sv_json_close(&o);
    return put_line(j, &o, false, e);
}

static int tell_epoch(struct job *j, const struct sv_tally *learned, const struct sv_tally *held, struct sv_err *e) {
    const struct sv_train *t = &j->train;
    sv_progress_end(&j->progress);
    if (!j->common.json) {
        printf("epoch %3zu:", t->epoch);
        if (learned->n) printf(" loss %.4f, top-1 %5.1f %%, top-5 %5.1f %%;", mean(learned), 100 * part(learned->top1, learned->n), 100 * part(learned->top5, learned->n));
        if (held->n) printf(" held out: loss %.4f, top-1 %5.1f %%, top-5 %5.1f %%", mean(held), 100 * part(held->top1, held->n), 100 * part(held->top5, held->n));
        if (learned->n) printf("; %.0f samples/s", rate(j));
        putchar('\n'), fflush(stdout);
    }
    if (!j->log && !j->common.json) return 0;
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_int(&o, "epoch", (int64_t)t->epoch);
    sv_json_put_int(&o, "step", (int64_t)t->step);
    put_tally(&o, "learned", learned);
    put_tally(&o, "held_out", held);
    sv_json_put_int(&o, "best_epoch", (int64_t)t->best_epoch);
    sv_json_put_real(&o, "samples_per_s", rate(j));
    sv_json_close(&o);
    return put_line(j, &o, true, e);
}

/* ---- the training ---- */

static int save(struct job *j, struct sv_err *e) {
    j->saved = sv_now();
    return sv_train_save(&j->train, j->state_path, e);
}

static int one_epoch(struct job *j, struct sv_err *e) {
    struct sv_train *t = &j->train;
    struct sv_tally batch, held;
    int rc = 0;
    while (!rc && t->at < t->samples && t->flat.n) {
        if ((rc = sv_train_step(t, &batch, e))) break;
        j->taken += batch.n;
        rc = tell_step(j, &batch, e);
        if (!rc && sv_now() - j->saved > 60 * j->save_every) rc = save(j, e);
    }
    const struct sv_tally learned = t->tally;
    if (!rc && !(rc = sv_train_epoch(t, &held, e))) rc = tell_epoch(j, &learned, &held, e);
    return rc;
}

/* MODEL with the fusion in place of the one it had; what else it holds stays as it is. */
static int write_model(struct job *j, struct sv_err *e) {
    const struct sv_store *from = &j->t.model.store;
    struct sv_store st = {0};
    int rc = sv_store_init(&st, j->out, e);
    for (size_t i = 0; !rc && i < from->values; i++) {
        const struct sv_value *v = &from->value[i];
        if (strncmp(v->name, "tfc.", 4)) rc = sv_store_copy_value(&st, v, e);
    }
    for (size_t i = 0; !rc && i < from->views; i++) {
        const struct sv_view *v = &from->view[i];
        if (strncmp(v->name, "tfc.", 4)) rc = sv_store_add(&st, v->name, v->dtype, v->rank, v->dim, v->data, v->bytes, e);
    }
    memcpy(j->train.flat.params, j->train.best, j->train.flat.n * sizeof(float));
    const struct sv_store *fusion = &j->train.flat.store;
    enum sv_dtype t = SV_F32;
    sv_dtype_named(j->weights, &t);
    if (!rc) rc = sv_tfc_config_write(&j->o.tfc, &st, e);
    for (size_t i = 0; !rc && i < fusion->views; i++) {
        const struct sv_view *v = &fusion->view[i];
        void *data = sv_store_alloc(&st, v->count, sv_dtype_size(t), e);
        rc = data ? sv_narrow(data, t, v->data, v->count, e) : SV_ENOMEM;
        if (!rc) rc = sv_store_add(&st, v->name, t, v->rank, v->dim, data, v->count * sv_dtype_size(t), e);
    }
    if (!rc) rc = sv_container_write(j->out, "model", &st, e);
    sv_store_free(&st);
    return rc;
}

static int learn(struct job *j, struct sv_err *e) {
    struct sv_train *t = &j->train;
    int rc = sv_train_open(t, &j->o, &j->set, &j->t.cpu, j->text, &j->t.model.store, e);
    if (!rc && j->resume) rc = sv_train_load(t, j->state_path, e);
    if (rc) return rc;
    sv_say(&j->common, "%zu classes, %zu tubes of %zu frames; %zu videos to learn from, %zu held out; %zu parameters", j->set.classes.n,
           j->set.tubes, j->o.tfc.frames, t->rows, t->helds, t->flat.n);
    if (j->resume) sv_say(&j->common, "goes on in epoch %zu behind step %llu", t->epoch + 1, (unsigned long long)t->step);
    if (!t->flat.n) j->o.epochs = sv_min(j->o.epochs, 1);           /* nothing to learn: judged once */
    j->begun = j->saved = sv_now();
    while (!rc && !sv_train_done(t)) {
        sv_progress_start(&j->progress, &j->common, "pretrain", "samples", j->taken + (j->o.epochs - t->epoch) * t->samples - t->at);
        rc = one_epoch(j, e);
        sv_progress_end(&j->progress);
    }
    if (rc == SV_STOPPED) {
        const int saved = save(j, e);
        if (!saved) sv_say(&j->common, "stopped behind step %llu; --resume goes on from %s", (unsigned long long)t->step, j->state_path);
        return saved ? saved : rc;
    }
    if (!rc) rc = write_model(j, e);
    if (!rc) unlink(j->state_path);
    return rc;
}

static int run(struct job *j, struct sv_tube_opts *o, const char *path, struct sv_err *e) {
    int rc = check_options(j, e);
    if (rc) return rc;
    if ((rc = open_log(j, e))) return rc;
    sv_stop_catch();
    rc = open_data(j, o, path, e);
    if (rc) return rc;
    sv_tfc_backbone(&j->o.tfc, j->backbone, j->set.embed, j->set.rule.tube.n);
    if (!isnan(j->alpha)) j->o.tfc.alpha = (float)j->alpha, j->o.tfc.beta = (float)(1 - j->alpha);
    if (!isnan(j->beta)) j->o.tfc.beta = (float)j->beta;
    j->o.tfc.norm_then_blend |= j->blend_units;
    sv_crops_close(&j->t.crops);        /* the image tower has done its work */
    if (!(rc = texts(j, e))) rc = begin_log(j, e);
    return rc ? rc : learn(j, e);
}

int sv_tool_pretrain(int argc, char **argv, struct sv_err *e) {
    struct job j = { .backbone = "prompt-vlm", .dtype_name = "f32", .weights = "f32", .alpha = NAN, .beta = NAN, .save_every = 5,
                     .o = { .sigma = 0.1, .lr = 7e-4, .decay = 0.01, .val = 0.1, .batch = 512, .epochs = 30, .tubes = 1, .patience = 10 } };
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        SV_RULE_OPTS(&o),
        { "backbone", SV_OPT_TEXT, &j.backbone, "NAME", "prompt-vlm, actionclip, clip4clip or mean (prompt-vlm)", 0, 0 },
        { "alpha", SV_OPT_REAL, &j.alpha, "A", "weight of the fused frames (0.7)", -1e3, 1e3 },
        { "beta", SV_OPT_REAL, &j.beta, "B", "weight of the middle frame (1 - alpha)", -1e3, 1e3 },
        { "norm-then-blend", SV_OPT_FLAG, &j.blend_units, NULL, "bring both to unit length before they are blended", 0, 0 },
        { "sigma", SV_OPT_REAL, &j.o.sigma, "S", "temperature of the loss (0.1)", 1e-4, 1e4 },
        { "lr", SV_OPT_REAL, &j.o.lr, "R", "learning rate of AdamW (7e-4)", 1e-12, 1e6 },
        { "warmup", SV_OPT_SIZE, &j.o.warm, "N", "steps over which it rises (0)", 0, 1e9 },
        { "cosine", SV_OPT_FLAG, &j.o.cosine, NULL, "and falls to 0 as a cosine over all epochs", 0, 0 },
        { "weight-decay", SV_OPT_REAL, &j.o.decay, "D", "of AdamW (0.01)", 0, 1e3 },
        { "clip-norm", SV_OPT_REAL, &j.o.clip, "G", "limit of the gradient's norm (0: none)", 0, 1e9 },
        { "batch", SV_OPT_SIZE, &j.o.batch, "N", "tubes of a step (512)", 1, 1e6 },
        { "epochs", SV_OPT_SIZE, &j.o.epochs, "N", "at most (30)", 1, 1e6 },
        { "patience", SV_OPT_SIZE, &j.o.patience, "N", "stop after N epochs without a lower held-out loss (10; 0: never)", 0, 1e6 },
        { "tubes-per-video", SV_OPT_SIZE, &j.o.tubes, "N", "random tubes of a row in an epoch (1)", 1, 1e4 },
        { "val", SV_OPT_REAL, &j.o.val, "V", "share of the videos that are held out (0.1)", 0, 1 },
        { "seed", SV_OPT_SIZE, &j.o.seed, "S", "of the first weights, the split and the order (0)", 0, 1e15 },
        { "cache", SV_OPT_TEXT, &j.cache, "FILE", "the features of all tubes, made once (MODEL.tubes beside -o)", 0, 0 },
        { "dtype", SV_OPT_TEXT, &j.dtype_name, "T", "f32, f16 or bf16 in it (f32)", 0, 0 },
        { "weights", SV_OPT_TEXT, &j.weights, "T", "f32, f16 or bf16 in the model (f32)", 0, 0 },
        { "log", SV_OPT_TEXT, &j.log_name, "FILE", "a JSON object a line for each step and epoch", 0, 0 },
        { "save-every", SV_OPT_REAL, &j.save_every, "MIN", "minutes between saved states, MODEL.state (5)", 0, 1e6 },
        { "resume", SV_OPT_FLAG, &j.resume, NULL, "go on from the saved state", 0, 0 },
        { "o", SV_OPT_TEXT, &j.out, "MODEL", "the model with the trained fusion", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "pretrain", .line = "-m MODEL LIST -o MODEL", .min_args = 1, .max_args = 1,
        .about = "Trains the temporal fusion on labelled actions.  LIST: a CSV file of rows video,label[,boxes], a folder "
                 "label/video, or the .tubes file of an earlier run.  A video may be what svad extract made; without boxes "
                 "the whole frame is the box.",
        .example = "svad pretrain -m clip.svad kinetics.csv -o trained.svad",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, &o, args.item[0], e);
    else if (rc > 0) rc = 0;
    rc = close_log(&j, rc, e);
    sv_free(j.text);
    sv_train_close(&j.train);
    sv_train_set_close(&j.set);
    sv_train_list_free(&j.list);
    sv_tubes_close(&j.t);
    sv_list_free(&args);
    return rc;
}
