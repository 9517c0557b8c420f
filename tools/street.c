/* street.c - svad street: a small CLIP from nothing, learned in the street world. */
#include "io/container.h"
#include "io/json.h"
#include "tools/model.h"
#include "tools/stop.h"
#include "tools/street_exam.h"
#include "tools/street_train.h"
#include "tools/street_tubes.h"
#include "tools/tool.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 4096 };

struct job {
    struct sv_common common;
    struct sv_cpu cpu;
    struct sv_street_opts o;
    struct sv_street_train train;
    struct sv_progress progress;
    const char *out, *exam, *tubes, *model, *commit, *log_name;
    char state[PATH];
    size_t worlds, every;
    double save_every;                  /* minutes */
    bool resume;
    FILE *log;
    double begun, saved;
    size_t taken;
};

/* ---- what is told ---- */

static const char *const kind_name[SV_STREET_KINDS] = { "action", "way", "facing", "pace", "place", "who", "top", "ground" };

static void put_exam(struct sv_json_out *o, const char *key, const struct sv_street_exam *x) {
    sv_json_open(o, key, '{');
    sv_json_put_int(o, "crops", (int64_t)x->crops);
    for (size_t k = 0; k < SV_STREET_KINDS; k++) sv_json_put_real(o, kind_name[k], x->kind[k]);
    sv_json_put_int(o, "pairs", (int64_t)x->pairs);
    sv_json_put_real(o, "to_text", x->to_text), sv_json_put_real(o, "to_image", x->to_image);
    if (x->tubes) {
        sv_json_put_int(o, "tubes", (int64_t)x->tubes);
        sv_json_put_real(o, "tube_deed", x->deed), sv_json_put_real(o, "tube_action", x->action);
        sv_json_put_real(o, "tube_way", x->way), sv_json_put_real(o, "tube_pace", x->pace);
    }
    sv_json_close(o);
}

static void print_exam(const char *what, const struct sv_street_exam *x) {
    printf("%s: %zu crops:", what, x->crops);
    for (size_t k = 0; k < SV_STREET_KINDS; k++) printf(" %s %.3f", kind_name[k], x->kind[k]);
    printf("; %zu captions: to text %.3f, to image %.3f\n", x->pairs, x->to_text, x->to_image);
    if (x->tubes)
        printf("%s: %zu tubes: action %.3f, way %.3f, pace %.3f, all three %.3f\n", what, x->tubes, x->action, x->way, x->pace, x->deed);
    fflush(stdout);
}

static int put_line(struct job *j, struct sv_json_out *o, bool out, struct sv_err *e) {
    int rc = o->rc;
    if (!rc && out && j->common.json) fputs(o->text, stdout), fflush(stdout);
    if (!rc && j->log && (fputs(o->text, j->log) < 0 || fflush(j->log))) rc = sv_fail(e, SV_ENOMEM, "%s: cannot write: %s", j->log_name, strerror(errno));
    sv_free(o->text);
    return rc;
}

static double rate(const struct job *j) { return (double)j->taken / fmax(1e-9, sv_now() - j->begun); }

/* The mean of the steps since the last line, and a glance at worlds not seen before. */
static int tell(struct job *j, const struct sv_street_tally *y, struct sv_err *e) {
    const struct sv_street_film f = { j->o.seed, SV_STREET_EXAM, 0, j->worlds, 1 };
    const struct sv_street_train *t = &j->train;
    const double steps = (double)y->steps;
    struct sv_street_exam x;
    struct sv_store st = {0};
    int rc = sv_store_init(&st, j->out, e);
    if (!rc) rc = sv_street_model(t, &st, false, e);
    if (!rc) rc = sv_street_examine(&x, &st, &j->cpu, &f, e);
    sv_store_free(&st);
    if (rc) return rc;
    sv_progress_end(&j->progress);
    if (!j->common.json) {
        printf("step %llu: caption %.3f;", (unsigned long long)t->step, y->caption / steps);
        for (size_t k = 0; k < SV_STREET_KINDS; k++) printf(" %s %.3f", kind_name[k], y->kind[k] / steps);
        printf("; top-1 %.3f; scale %.1f; %.0f crops/s\n", (double)y->top1 / (double)y->of, exp((double)t->scale[0]), rate(j));
        print_exam("  unseen", &x);
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_int(&o, "step", (int64_t)t->step);
    sv_json_put_real(&o, "caption", y->caption / steps);
    for (size_t k = 0; k < SV_STREET_KINDS; k++) sv_json_put_real(&o, kind_name[k], y->kind[k] / steps);
    sv_json_put_real(&o, "scale", exp((double)t->scale[0]));
    sv_json_put_real(&o, "crops_per_s", rate(j));
    put_exam(&o, "unseen", &x);
    sv_json_close(&o);
    return put_line(j, &o, true, e);
}

/* ---- the training ---- */

static int check_options(struct job *j, struct sv_err *e) {
    if (snprintf(j->state, PATH, "%s.state", j->out) >= PATH) return sv_fail(e, SV_EUSAGE, "street: -o: the path is too long");
    const bool there = !access(j->state, F_OK);
    if (there && !j->resume) return sv_fail(e, SV_EINPUT, "%s: the state of an interrupted training; --resume goes on with it, or remove it", j->state);
    if (!there && j->resume) return sv_fail(e, SV_EINPUT, "%s: not there, so there is nothing to resume", j->state);
    if (j->o.width % 32 || j->o.text_width % 32) return sv_fail(e, SV_EUSAGE, "street: widths of %zu and %zu, expected multiples of 32", j->o.width, j->o.text_width);
    struct sv_out probe;                /* a place that cannot be written is told now, not after the training */
    const int rc = sv_out_open(&probe, j->state, e);
    sv_out_drop(&probe);
    return rc;
}

static void add(struct sv_street_tally *sum, const struct sv_street_tally *y) {
    sum->caption += y->caption, sum->n += y->n, sum->steps += y->steps, sum->top1 += y->top1, sum->of += y->of;
    for (size_t k = 0; k < SV_STREET_KINDS; k++) sum->kind[k] += y->kind[k];
}

static int learn(struct job *j, struct sv_err *e) {
    struct sv_street_train *t = &j->train;
    struct sv_street_tally sum = {0}, y;
    int rc = 0;
    j->begun = j->saved = sv_now();
    sv_progress_start(&j->progress, &j->common, "street", "crops", (j->o.steps - t->step) * j->o.batch);
    while (!rc && t->step < j->o.steps) {
        if ((rc = sv_street_step(t, &y, e))) break;
        add(&sum, &y);
        j->taken += y.n;
        sv_progress_at(&j->progress, j->taken);
        if (t->step % j->every == 0 || t->step == j->o.steps) rc = tell(j, &sum, e), sum = (struct sv_street_tally){0};
        if (!rc && sv_now() - j->saved > 60 * j->save_every) rc = sv_street_save(t, j->state, e), j->saved = sv_now();
    }
    sv_progress_end(&j->progress);
    return rc;
}

static int train(struct job *j, struct sv_err *e) {
    struct sv_street_train *t = &j->train;
    int rc = check_options(j, e);
    if (rc) return rc;
    sv_stop_catch();
    if ((rc = sv_street_train_open(t, &j->o, &j->cpu, e))) return rc;
    if (j->resume && (rc = sv_street_load(t, j->state, e))) return rc;
    if (j->log_name && !(j->log = fopen(j->log_name, j->resume ? "a" : "w"))) return sv_fail(e, SV_ENOMEM, "%s: cannot create: %s", j->log_name, strerror(errno));
    sv_say(&j->common, "%zu parameters, %zu tokens, %zu texts of classes", t->flat.n, sv_token_vocab(t->token), t->texts - j->o.batch);
    if (j->resume) sv_say(&j->common, "goes on behind step %llu", (unsigned long long)t->step);
    rc = learn(j, e);
    if (rc == SV_STOPPED) {
        const int saved = sv_street_save(t, j->state, e);
        if (!saved) sv_say(&j->common, "stopped behind step %llu; --resume goes on from %s", (unsigned long long)t->step, j->state);
        return saved ? saved : rc;
    }
    if (!rc) rc = sv_street_export(t, j->out, j->commit, e);
    if (!rc) unlink(j->state);
    return rc;
}

/* ---- exams, tubes ---- */

static int examine(struct job *j, struct sv_err *e) {
    static const struct { enum sv_street_stream stream; const char *name; } of[] = { { SV_STREET_EXAM, "unseen worlds" }, { SV_STREET_SCENES, "named scenes" } };
    struct sv_model m;
    int rc = sv_model_open(&m, j->exam, e);
    for (size_t i = 0; !rc && i < SV_LEN(of); i++) {
        const struct sv_street_film f = { j->o.seed, of[i].stream, 0, j->worlds, SV_STREET_FRAMES };
        struct sv_street_exam x;
        if ((rc = sv_street_examine(&x, &m.store, &j->cpu, &f, e))) break;
        if (!j->common.json) print_exam(of[i].name, &x);
        struct sv_json_out o = { .e = e };
        sv_json_open(&o, NULL, '{');
        put_exam(&o, of[i].name, &x);
        sv_json_close(&o);
        rc = put_line(j, &o, true, e);
    }
    sv_model_close(&m);
    return rc;
}

static int run(struct job *j, struct sv_err *e) {
    const int ways = (j->out != NULL) + (j->exam != NULL) + (j->tubes != NULL);
    if (ways != 1) return sv_fail(e, SV_EUSAGE, "street: expected one of -o MODEL to learn, --exam MODEL, --tubes FILE");
    const int rc = sv_cpu_open(&j->cpu, &j->common, e);
    if (rc) return rc;
    if (j->tubes) return sv_street_tubes(j->tubes, j->model, j->o.seed, j->worlds, &j->cpu, &j->common, e);
    return j->exam ? examine(j, e) : train(j, e);
}

int sv_tool_street(int argc, char **argv, struct sv_err *e) {
    struct job j = { .save_every = 5, .every = 250, .worlds = 400,
                     .o = { .seed = 1, .steps = 12000, .batch = 128, .worlds = 1024, .width = 128, .layers = 4, .text_width = 64, .text_layers = 2, .embed = 128,
                            .merges = 350, .lr = 1e-3, .decay = 0.05, .kinds = 1, .muon = 3, .warm = 100 } };
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "o", SV_OPT_TEXT, &j.out, "MODEL", "learn, and write the model here; MODEL.state is its state on the way", 0, 0 },
        { "exam", SV_OPT_TEXT, &j.exam, "MODEL", "print what a model knows of unseen worlds and of named scenes", 0, 0 },
        { "tubes", SV_OPT_TEXT, &j.tubes, "FILE", "write features of tubes of deeds for svad pretrain; with -m", 0, 0 },
        { "m", SV_OPT_TEXT, &j.model, "MODEL", "the model whose image tower sees the tubes", 0, 0 },
        { "worlds", SV_OPT_SIZE, &j.worlds, "N", "worlds of an exam, of the glances on the way to a model, of tubes (400)", 1, 1e6 },
        { "seed", SV_OPT_SIZE, &j.o.seed, "S", "of worlds, order and weights (1)", 0, 1e9 },
        { "steps", SV_OPT_SIZE, &j.o.steps, "N", "steps of the optimiser (12000)", 1, 1e8 },
        { "batch", SV_OPT_SIZE, &j.o.batch, "N", "crops of a step (128)", 2, 65536 },
        { "round", SV_OPT_SIZE, &j.o.worlds, "N", "worlds that are filmed at a time (1024)", 1, 65536 },
        { "width", SV_OPT_SIZE, &j.o.width, "W", "of the image tower (128)", 32, 4096 },
        { "layers", SV_OPT_SIZE, &j.o.layers, "N", "of the image tower (4)", 1, 64 },
        { "text-width", SV_OPT_SIZE, &j.o.text_width, "W", "of the text tower (64)", 32, 4096 },
        { "text-layers", SV_OPT_SIZE, &j.o.text_layers, "N", "of the text tower (2)", 1, 64 },
        { "embed", SV_OPT_SIZE, &j.o.embed, "E", "joint width (128)", 8, 512 },
        { "merges", SV_OPT_SIZE, &j.o.merges, "N", "tokens learned beside bytes (350)", 0, 1024 },
        { "lr", SV_OPT_REAL, &j.o.lr, "R", "learning rate, falling over the last two fifths (1e-3)", 1e-12, 1e3 },
        { "weight-decay", SV_OPT_REAL, &j.o.decay, "D", "of matrices (0.05)", 0, 1e3 },
        { "warmup", SV_OPT_SIZE, &j.o.warm, "N", "steps in which the rate rises (100)", 0, 1e8 },
        { "kinds", SV_OPT_REAL, &j.o.kinds, "X", "weight of the losses against class phrases (1)", 0, 1e3 },
        { "muon", SV_OPT_REAL, &j.o.muon, "X", "rate of the matrices that Muon steps, in --lr (3)", 0, 1e3 },
        { "every", SV_OPT_SIZE, &j.every, "N", "steps between two lines (250)", 1, 1e8 },
        { "save-every", SV_OPT_REAL, &j.save_every, "MIN", "minutes between two states on disk (5)", 0, 1e6 },
        { "resume", SV_OPT_FLAG, &j.resume, NULL, "go on from MODEL.state", 0, 0 },
        { "log", SV_OPT_TEXT, &j.log_name, "FILE", "a JSON object every so many steps", 0, 0 },
        { "commit", SV_OPT_TEXT, &j.commit, "TEXT", "kept in the model: which state of the program made it", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        "street", "-o MODEL | --exam MODEL | --tubes FILE -m MODEL [options]",
        "Trains the small CLIP in the street world: nothing is needed but time. Then svad street --tubes and svad pretrain give it its temporal fusion. "
        "SIGINT saves the state.",
        "svad street -o street.svad --steps 3000 --log street.log", 0, 0,
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc && args.n) rc = sv_fail(e, SV_EUSAGE, "street: an argument too many: %s", args.item[0]);
    if (!rc) rc = run(&j, e);
    if (j.log && fclose(j.log) && !rc) rc = sv_fail(e, SV_ENOMEM, "%s: cannot write: %s", j.log_name, strerror(errno));
    sv_street_train_close(&j.train);
    sv_cpu_close(&j.cpu);
    sv_list_free(&args);
    return rc == 1 ? 0 : rc;
}
