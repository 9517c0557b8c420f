/* world.c - svad world: rendered footage of a scene with everything that fit, score and eval read beside it.
 *
 *     DIR/video/01.y4m ...        the clips
 *     DIR/boxes.txt               what a detector would have found
 *     DIR/labels.txt              1 where somebody does what is no part of the scene's normal day
 *     DIR/objects.csv             everybody in every frame: where, doing what
 *     DIR/captions.txt            a caption of everybody once a second */
#include "core/num.h"
#include "tools/tool.h"
#include "tools/world/against.h"
#include "tools/world/film.h"
#include "tools/world/sheet.h"
#include "tools/world/world.h"

#include "core/rng.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CROWD = 128 };
static const double SEEN = 0.15;        /* share of an actor that must show for what it does to count */

enum { BOXES, LABELS, OBJECTS, CAPTIONS, TEXTS };
static const char *const text_name[TEXTS] = { "boxes.txt", "labels.txt", "objects.csv", "captions.txt" };

struct job {
    struct sv_common common;
    const char *scene, *size, *out, *anomalies, *sheet, *against, *boxes;
    size_t frames, clips, seed, w, h, done;
    double fps, crowd;
    bool list;
    enum sv_action odd[SV_ACTIONS]; size_t odds;        /* what is let happen */
    struct sv_out text[TEXTS];
    struct sv_film *film; size_t films; /* [clips] all are committed together, at the end */
    uint8_t *rgb;
    char *label;
    struct sv_progress progress;
};

/* One clip as it goes on. */
struct clip {
    struct sv_world *world;
    uint64_t rng;
    char name[24];
    size_t quiet;                       /* frames without an anomaly that are still to come before the next begins */
    size_t waiting;                     /* frames since one was begun that has not shown yet */
};

/* "jump-railing" for SV_DO_JUMP_RAILING. */
static void word_of(enum sv_action a, char out[32]) {
    static const char *const name[SV_ACTIONS] = {
#define X(name, phrase, from, to, prop) #name,
        SV_ACTION_LIST(X)
#undef X
    };
    size_t i = 0;
    for (; name[a][i]; i++) out[i] = name[a][i] == '_' ? '-' : (char)tolower((unsigned char)name[a][i]);
    out[i] = 0;
}

/* What a guard would want to know, where it is no part of the normal day. */
static const enum sv_action worth[] = {
    SV_DO_CYCLE, SV_DO_RUN, SV_DO_SKATEBOARD, SV_DO_SCOOTER, SV_DO_DRIVE_CAR, SV_DO_DRIVE_CART, SV_DO_MOTORCYCLE, SV_DO_FIGHT, SV_DO_CHASE, SV_DO_JUMP_RAILING,
    SV_DO_FALL, SV_DO_CRAWL, SV_DO_CLIMB, SV_DO_SHOVE, SV_DO_DRAG, SV_DO_CARTWHEEL,
};

static int choose_odd(struct job *j, const struct sv_world *w, struct sv_err *e) {
    const char *p = j->anomalies;
    if (!p || !strcmp(p, "none")) return 0;
    for (size_t i = 0; !strcmp(p, "all") && i < SV_LEN(worth); i++)
        if (!sv_world_normal(w, worth[i])) j->odd[j->odds++] = worth[i];
    if (j->odds) return 0;
    for (size_t n; *p; p += n + (p[n] == ',')) {
        n = strcspn(p, ",");
        size_t a = 0;
        for (char word[32]; a < SV_ACTIONS; a++) {
            word_of((enum sv_action)a, word);
            if (strlen(word) == n && !memcmp(word, p, n)) break;
        }
        if (a == SV_ACTIONS) return sv_fail(e, SV_EUSAGE, "world: --anomalies: no action \"%.*s\"; --list shows them", (int)sv_min(n, 60), p);
        if (sv_world_normal(w, (enum sv_action)a))
            return sv_fail(e, SV_EUSAGE, "world: --anomalies: \"%.*s\" is part of the normal day of %s", (int)n, p, j->scene);
        if (j->odds == SV_ACTIONS) return sv_fail(e, SV_EUSAGE, "world: --anomalies: more than %d", SV_ACTIONS);
        j->odd[j->odds++] = (enum sv_action)a;
    }
    return j->odds ? 0 : sv_fail(e, SV_EUSAGE, "world: --anomalies expects all, none or actions with commas between, found \"%s\"", j->anomalies);
}

/* Lets the next thing happen once the last is over and a few seconds have passed; the first after two. */
static void stir(const struct job *j, struct clip *c, bool odd_now) {
    const size_t second = (size_t)(j->fps + 0.5);
    if (odd_now) c->waiting = 0, c->quiet = 3 * second + sv_rng_below(&c->rng, 5 * second);
    if (!j->odds || odd_now) return;
    if (c->waiting && c->waiting < 20 * second) { c->waiting++; return; }      /* it is on its way */
    if (c->quiet) { c->quiet--; return; }
    c->waiting = sv_world_begin(c->world, j->odd[sv_rng_below(&c->rng, j->odds)]);
}

static int write_objects(struct job *j, struct clip *c, size_t t, const struct sv_world_object *o, size_t n, bool captions, struct sv_err *e) {
    char word[32], text[160];
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++, o++) {
        word_of(o->action, word);
        rc = sv_out_printf(&j->text[OBJECTS], e, "%s,%zu,%" PRIu64 ",%s,%d,%.2f,%.2f,%.2f,%.2f,%.2f,%.2f,%.2f,%.2f,%.3f,%.3f,%.3f,%.3f\n", c->name, t, o->track, word,
                           !sv_world_normal(c->world, o->action), o->box[0], o->box[1], o->box[2], o->box[3], o->person[0], o->person[1], o->person[2], o->person[3],
                           o->seen, o->speed, o->vx, o->vy);
        if (rc || !captions || o->seen < SEEN) continue;
        sv_world_caption(c->world, o, &c->rng, text);
        rc = sv_out_printf(&j->text[CAPTIONS], e, "%s %zu t%" PRIu64 " %s\n", c->name, t, o->track, text);
    }
    return rc;
}

static int write_boxes(struct job *j, struct clip *c, size_t t, struct sv_err *e) {
    struct sv_world_box b[CROWD];
    const size_t n = sv_world_detect(c->world, &c->rng, b, CROWD);
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++)
        rc = sv_out_printf(&j->text[BOXES], e, "%s %zu %.2f %.2f %.2f %.2f %.3f t%" PRIu64 "\n", c->name, t, b[i].box[0], b[i].box[1], b[i].box[2], b[i].box[3],
                           b[i].score, b[i].track);
    return rc;
}

static int film_frame(struct job *j, struct clip *c, size_t t, struct sv_film *f, struct sv_err *e) {
    struct sv_world_object o[CROWD];
    sv_world_next(c->world, j->rgb);
    const size_t n = sv_min(sv_world_objects(c->world, o, CROWD), CROWD), second = (size_t)(j->fps + 0.5);
    bool odd = false;
    for (size_t i = 0; i < n; i++) odd |= o[i].seen >= SEEN && !sv_world_normal(c->world, o[i].action);
    j->label[t] = odd ? '1' : '0';
    stir(j, c, odd);
    int rc = sv_film_add(f, j->rgb, e);
    if (!rc) rc = write_objects(j, c, t, o, n, t % second == 0, e);
    if (!rc) rc = write_boxes(j, c, t, e);
    sv_progress_at(&j->progress, ++j->done);
    return rc;
}

static int film_clip(struct job *j, size_t number, struct sv_err *e) {
    char path[4200];
    uint64_t mix = j->seed * 1000003 + number;
    const struct sv_world_config g = { .scene = j->scene, .seed = sv_rng(&mix), .w = j->w, .h = j->h, .fps = j->fps, .crowd = j->crowd };
    struct clip c = { .rng = mix, .quiet = (size_t)(2 * j->fps) };
    struct sv_film *f = &j->film[j->films++];
    f->out.fd = -1;
    snprintf(c.name, sizeof c.name, "%02zu", number + 1);
    snprintf(path, sizeof path, "%s/video/%s.y4m", j->out, c.name);
    if (!(c.world = sv_world_open(&g, e))) return e->code;
    int rc = number || j->odds ? 0 : choose_odd(j, c.world, e);
    if (!rc) rc = sv_film_open(f, path, j->w, j->h, j->fps, sv_world_gray(c.world), e);
    for (size_t t = 0; !rc && t < j->frames; t++) rc = film_frame(j, &c, t, f, e);
    j->label[j->frames] = 0;
    if (!rc) rc = sv_out_printf(&j->text[LABELS], e, "%s %zu ", c.name, j->frames);
    if (!rc) rc = sv_out_write(&j->text[LABELS], j->label, j->frames, e);
    if (!rc) rc = sv_out_write(&j->text[LABELS], "\n", 1, e);
    sv_world_free(c.world);
    return rc;
}

/* A clip of another world in the folder would go into the data set unnoticed. */
static int check_folder(const struct job *j, const char *path, struct sv_err *e) {
    struct sv_dir d = {0};
    int rc = sv_dir_list(&d, path, e);
    for (size_t i = 0; !rc && i < d.n; i++) {
        char *end = strstr(d.name[i], ".y4m");
        int64_t number = 0;
        if (!end || end[4] || !sv_num_int(d.name[i], (size_t)(end - d.name[i]), &number) || number < 1 || (size_t)number > j->clips)
            rc = sv_fail(e, SV_EINPUT, "%s: has %s, which is none of the %zu clips to be made; another folder, or remove it", path, d.name[i], j->clips);
    }
    sv_dir_free(&d);
    return rc;
}

static int make(struct job *j, struct sv_err *e) {
    static const char *const head[TEXTS] = { "# clip frame(0-based) x1 y1 x2 y2 score track\n", "",
                                             "clip,frame,track,action,abnormal,x1,y1,x2,y2,person_x1,person_y1,person_x2,person_y2,seen,speed,vx,vy\n", "" };
    char path[4200];
    if (strlen(j->out) > 4000) return sv_fail(e, SV_EUSAGE, "world: the name of the folder is longer than 4000 bytes");
    if (!(j->film = sv_alloc(j->clips, sizeof *j->film, e)) || !(j->rgb = sv_alloc(j->w * j->h, 3, e)) || !(j->label = sv_alloc(j->frames + 1, 1, e))) return SV_ENOMEM;
    snprintf(path, sizeof path, "%s/video", j->out);
    int rc = sv_mkdirs(path, e);
    if (!rc) rc = check_folder(j, path, e);
    for (size_t i = 0; !rc && i < TEXTS; i++) {
        snprintf(path, sizeof path, "%s/%s", j->out, text_name[i]);
        if (!(rc = sv_out_open(&j->text[i], path, e))) rc = sv_out_write(&j->text[i], head[i], strlen(head[i]), e);
    }
    sv_progress_start(&j->progress, &j->common, "world", "frames", j->frames * j->clips);
    for (size_t i = 0; !rc && i < j->clips; i++) rc = film_clip(j, i, e);
    sv_progress_end(&j->progress);
    for (size_t i = 0; !rc && i < j->films; i++) rc = sv_film_commit(&j->film[i], e);
    for (size_t i = 0; !rc && i < TEXTS; i++) rc = sv_out_commit(&j->text[i], e);
    for (size_t i = 0; i < j->films; i++) sv_film_drop(&j->film[i]);
    if (rc) snprintf(path, sizeof path, "%s/video", j->out), rmdir(path);       /* stays where something is in it */
    return rc;
}

static void show_list(void) {
    const char *const *scene;
    const size_t n = sv_world_scenes(&scene);
    printf("scenes (street-2: another of the kind):");
    for (size_t i = 0; i < n; i++) printf(" %s", scene[i]);
    printf("\nactions:\n");
    for (size_t a = 0; a < SV_ACTIONS; a++) {
        char word[32];
        word_of((enum sv_action)a, word);
        printf("  %-16s %s\n", word, sv_action_phrase((enum sv_action)a));
    }
}

static int read_size(struct job *j, struct sv_err *e) {
    const char *x = strchr(j->size, 'x');
    int64_t w = 0, h = 0;
    if (!x || !sv_num_int(j->size, (size_t)(x - j->size), &w) || !sv_num_int(x + 1, strlen(x + 1), &h) || w < 16 || h < 16 || w > 4096 || h > 4096)
        return sv_fail(e, SV_EUSAGE, "world: --size expects WIDTHxHEIGHT with sides of 16 to 4096, found \"%s\"", j->size);
    j->w = (size_t)w, j->h = (size_t)h;
    return 0;
}

static int run(struct job *j, struct sv_err *e) {
    if (j->list) return show_list(), 0;
    if (j->sheet) return sv_world_sheet(j->sheet, j->seed, e);
    if (j->against) return sv_world_against(j->against, j->boxes, j->fps, e);
    if (!j->out) return sv_fail(e, SV_EUSAGE, "world: no folder given: -o DIR");
    if (!(j->fps > 0)) j->fps = 25;
    int rc = read_size(j, e);
    return rc ? rc : make(j, e);
}

int sv_tool_world(int argc, char **argv, struct sv_err *e) {
    struct job j = { .scene = "street", .size = "360x240", .frames = 600, .clips = 1, .seed = 1 };
    struct sv_list args = {0};
    for (size_t i = 0; i < TEXTS; i++) j.text[i].fd = -1;
    const struct sv_opt opt[] = {
        { "o", SV_OPT_TEXT, &j.out, "DIR", "video/*.y4m, boxes.txt, labels.txt, objects.csv, captions.txt", 0, 0 },
        { "scene", SV_OPT_TEXT, &j.scene, "NAME", "a place (street); street-2, street-3, ...: others of its kind", 0, 0 },
        { "seed", SV_OPT_SIZE, &j.seed, "S", "who comes by and when; the place stays (1)", 0, 1e15 },
        { "frames", SV_OPT_SIZE, &j.frames, "N", "frames of a clip (600)", 1, 1e7 },
        { "clips", SV_OPT_SIZE, &j.clips, "N", "clips, each another day (1)", 1, 500 },
        { "size", SV_OPT_TEXT, &j.size, "WxH", "pixels (360x240)", 0, 0 },
        { "fps", SV_OPT_REAL, &j.fps, "F", "frames a second (25)", 1, 1000 },
        { "crowd", SV_OPT_REAL, &j.crowd, "N", "actors in view, about (the scene's own)", 0.5, 48 },
        { "anomalies", SV_OPT_TEXT, &j.anomalies, "LIST", "what else happens, now and then: all, none, or actions with commas between (none)", 0, 0 },
        { "list", SV_OPT_FLAG, &j.list, NULL, "show scenes and actions", 0, 0 },
        { "sheet", SV_OPT_TEXT, &j.sheet, "FILE.png", "instead, a picture of every action", 0, 0 },
        { "against", SV_OPT_TEXT, &j.against, "VIDEO", "instead, how this footage and rendered worlds compare (with --boxes, --fps)", 0, 0 },
        { "boxes", SV_OPT_TEXT, &j.boxes, "FILE", "boxes of people in that footage", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "world", .line = "[options] -o DIR", .min_args = 0,
        .about = "Renders surveillance footage of a street that never was, with boxes, tracks, labels and captions.  The same seed gives the same bytes.",
        .example = "svad world --scene campus --clips 4 -o days\n"
                   "  svad world --scene campus --seed 2 --anomalies cycle,run,fight -o test\n"
                   "  svad fit -m street.svad days/video --boxes days/boxes.txt -o campus.scene",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc && args.n) rc = sv_fail(e, SV_EUSAGE, "world: \"%s\": only options are expected", args.item[0]);
    if (!rc) rc = run(&j, e);
    else if (rc > 0) rc = 0;
    for (size_t i = 0; i < TEXTS; i++) sv_out_drop(&j.text[i]);
    sv_free(j.film), sv_free(j.rgb), sv_free(j.label);
    sv_list_free(&args);
    return rc;
}
