/* svad watch: its scores are those of svad score, its lines are as NOTES.md says, and nothing that a stream does ends it badly. */
#define _XOPEN_SOURCE 700
#include "clip/clip.h"
#include "io/container.h"
#include "io/image.h"
#include "io/json.h"
#include "io/scores.h"
#include "tests/util.h"
#include "tools/queue.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { W = 96, H = 72, FRAMES = 60 };

struct path { char s[1200]; };
static struct path in(const char *root, const char *name) {
    struct path p;
    snprintf(p.s, sizeof p.s, "%s/%s", root, name);
    return p;
}

static FILE *create(const char *path) {
    FILE *f = fopen(path, "wb");
    cr_assert(f, "%s", path);
    return f;
}

/* ---- a street: textured ground, people who walk, and in one clip somebody of another kind ---- */

static void person(uint8_t px[H][W], int x, int y, int w, int h, int shade) {
    for (int i = 0; i < h; i++)
        for (int k = 0; k < w; k++)
            if (y + i >= 0 && y + i < H && x + k >= 0 && x + k < W) px[y + i][x + k] = (uint8_t)(shade + (i / 4 % 2 ? 40 : 0) + k);
}

static void picture(uint8_t px[H][W], int t, bool odd) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) px[y][x] = (uint8_t)(100 + (x * 7 + y * 13) % 17 + (x * y) % 5);
    person(px, t * 2 - 8, 20, 8, 24, 20);
    person(px, 110 - t * 2, 40, 8, 24, 180);
    if (odd && t > 20) person(px, (t - 20) * 4, 8, 24, 12, 220);
}

static void y4m_begin(FILE *f, int w, int h) { fprintf(f, "YUV4MPEG2 W%d H%d F10:1 Cmono\n", w, h); }
static void y4m_frame(FILE *f, uint8_t px[H][W]) {
    fputs("FRAME\n", f);
    fwrite(px, W * H, 1, f);
}

static void street(const char *path, bool odd) {
    static uint8_t px[H][W];
    FILE *f = create(path);
    y4m_begin(f, W, H);
    for (int t = 0; t < FRAMES; t++) picture(px, t, odd), y4m_frame(f, px);
    fclose(f);
}

static void boxes(const char *path, const char *clip) {
    FILE *f = create(path);
    for (int t = 4; t < FRAMES; t++) {
        if (t % 9 != 5 && t < 50) fprintf(f, "%s %d %d 20 %d 44 0.9\n", clip, t, t * 2 - 8, t * 2);
        if (t < 50) fprintf(f, "%s %d %d.5 40 %d 64 0.8\n", clip, t, 110 - t * 2 > 90 ? 90 : 110 - t * 2, 118 - t * 2);
    }
    fclose(f);
}

static void model(const char *path) {
    static const char merges[] = "i n\nin g</w>\n";
    struct sv_clip_config g;
    struct sv_store s;
    struct sv_err e = {0};
    cr_assert(sv_clip_family(&g, "tiny"));
    g.visual.layers = g.text.layers = 1, g.vocab = 512 + 2 + 2;
    cr_assert_eq(sv_store_init(&s, "test", &e), 0);
    cr_assert_eq(sv_clip_random(&s, &g, 1, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_store_add(&s, "clip.merges", SV_U8, 1, (size_t[]){ sizeof merges - 1 }, merges, sizeof merges - 1, &e), 0);
    cr_assert_eq(sv_container_write(path, "model", &s, &e), 0, "%s", e.msg);
    sv_store_free(&s);
}

static struct ran r;
#define RUN(want, ...) do { \
    run_svad(&r, root, __VA_ARGS__); \
    cr_assert_eq(r.code, want, "%s: %d, expected %d: %s", #__VA_ARGS__, r.code, want, r.err); } while (0)

/* m.svad, a.y4m (normal), stdin.y4m (odd), stdin.txt (boxes), w.scene fitted on motion boxes with held-out footage. */
static const char *world(void) {
    const char *root = temp_dir();
    FILE *f = create(in(root, "actions.txt").s);
    fputs("walking\nrunning\nriding a bicycle\nstanding\ndriving\n", f);
    fclose(f);
    model(in(root, "m.svad").s);
    street(in(root, "a.y4m").s, false), street(in(root, "stdin.y4m").s, true);
    boxes(in(root, "stdin.txt").s, "stdin"), boxes(in(root, "a.txt").s, "a");
    RUN(0, "fit -m m.svad a.y4m --actions actions.txt --clusters 3 --frames 5 -o w.scene --quiet");
    return root;
}

/* ---- lines ---- */

struct lines { struct sv_file file; size_t n, starts, updates, ends, frames, dropped, open, alarm, last_start; bool summary; char reason[16]; };

static bool known_key(const char *type, const char *key) {
    static const char *const common[] = { "type", "clip", "frame", "time", NULL };
    static const char *const told[] = { "event", "alarm", "begin", "track", "box", "score", "p_value", "p_object", "threshold", NULL };
    static const char *const now[] = { "peak", "seen", "over", "under", "snapshot", NULL }, *const end[] = { "peak_time", "reason", NULL };
    static const char *const frame[] = { "score", "p_value", "objects", NULL }, *const dropped[] = { "frames", NULL };
    static const char *const summary[] = { "dropped", "scored", "objects", "events", "alarms", "threshold", "reason", NULL };
    const bool start = !strcmp(type, "start") || !strcmp(type, "update");
    const char *const *const list[3] = { common, !strcmp(type, "frame") ? frame : !strcmp(type, "dropped") ? dropped : !strcmp(type, "summary") ? summary : told,
                                         start ? now : !strcmp(type, "end") ? end : common };
    for (size_t i = 0; i < 3; i++)
        for (const char *const *k = list[i]; *k; k++)
            if (!strcmp(*k, key)) return true;
    return false;
}

/* Members that a line of its type has, and no others. */
static void check_keys(const struct sv_json_node *o, const char *type, const char *line) {
    static const char *const events[] = { "clip", "frame", "time", "event", "alarm", "begin", "track", "box", "score", "p_value", "p_object", "threshold" };
    for (const struct sv_json_node *n = o->child; n; n = n->next) cr_assert(known_key(type, n->key), "%s in %s", n->key, line);
    const bool event = !strcmp(type, "start") || !strcmp(type, "update") || !strcmp(type, "end");
    for (size_t i = 0; event && i < SV_LEN(events); i++) cr_assert(sv_json_get(o, events[i]), "no %s in %s", events[i], line);
    if (!strcmp(type, "start")) cr_assert(sv_json_get(o, "over") && sv_json_get(o, "under") && sv_json_get(o, "peak"));
    if (!strcmp(type, "end") || !strcmp(type, "summary")) cr_assert(sv_json_text(sv_json_get(o, "reason")), "%s", line);
}

static void take_line(struct lines *l, const struct sv_json_node *o, const char *line) {
    static bool open[10000];
    const char *type = sv_json_text(sv_json_get(o, "type"));
    int64_t event = 0, alarm = 0;
    double time = -1;
    cr_assert(type && !l->summary, "%s", line);
    check_keys(o, type, line);
    cr_assert(sv_json_real(sv_json_get(o, "time"), &time) && time >= 0, "%s", line);
    if (!l->n++) memset(open, 0, sizeof open);
    l->summary = !strcmp(type, "summary");
    if (l->summary) snprintf(l->reason, sizeof l->reason, "%s", sv_json_text(sv_json_get(o, "reason")));
    l->frames += !strcmp(type, "frame"), l->dropped += !strcmp(type, "dropped");
    if (!sv_json_int(sv_json_get(o, "event"), &event)) return;
    cr_assert(event > 0 && event < 10000 && sv_json_int(sv_json_get(o, "alarm"), &alarm) && alarm > 0);
    l->alarm = sv_max(l->alarm, (size_t)alarm);
    const bool start = !strcmp(type, "start");
    cr_assert(open[event] != start, "begun twice, or not at all: %s", line);
    if (start) {
        int64_t frame = 0;
        cr_assert(sv_json_int(sv_json_get(o, "frame"), &frame));
        open[event] = true, l->open++, l->starts++, l->last_start = (size_t)frame;
    }
    if (!strcmp(type, "end")) open[event] = false, l->open--, l->ends++;
    l->updates += !strcmp(type, "update");
}

/* Reads a file of lines and holds each against the schema. */
static void lines_of(struct lines *l, const char *root, const char *name) {
    struct sv_err e = {0};
    *l = (struct lines){0};
    cr_assert_eq(sv_file_read(&l->file, in(root, name).s, 1 << 28, &e), 0, "%s", e.msg);
    for (size_t at = 0; at < l->file.size; ) {
        const char *p = (const char *)l->file.data + at, *end = memchr(p, '\n', l->file.size - at);
        struct sv_json j;
        char line[2048];
        cr_assert(end, "a line without an end");
        snprintf(line, sizeof line, "%.*s", (int)(end - p), p);
        cr_assert_eq(sv_json_parse(&j, p, (size_t)(end - p), "line", &e), 0, "%s: %s", e.msg, line);
        take_line(l, j.root, line);
        sv_json_free(&j);
        at += (size_t)(end - p) + 1;
    }
    cr_expect(l->open == 0, "%zu events never end", l->open);
    sv_file_close(&l->file);
}

/* ---- the same bits ---- */

static size_t objects_in(const struct sv_json_node *frame, const struct sv_object_row *row, size_t rows, bool tracks) {
    size_t n = 0;
    int64_t t, track;
    cr_assert(sv_json_int(sv_json_get(frame, "frame"), &t));
    for (const struct sv_json_node *o = sv_json_get(frame, "objects")->child; o; o = o->next, n++) {
        double box[4], score;
        size_t i = 0;
        cr_assert(n < rows, "more objects than svad score has");
        for (const struct sv_json_node *b = sv_json_get(o, "box")->child; b; b = b->next) sv_json_real(b, &box[i++]);
        cr_assert(sv_json_real(sv_json_get(o, "score"), &score) && sv_json_int(sv_json_get(o, "track"), &track));
        cr_assert(row[n].frame == (size_t)t && !memcmp(box, &row[n].x1, sizeof box), "frame %lld: another box", (long long)t);
        cr_assert(!memcmp(&score, &row[n].score, 8), "frame %lld: score %.17g, expected %.17g", (long long)t, score, row[n].score);
        cr_assert(!tracks || track == row[n].track, "frame %lld: track %lld, expected %lld", (long long)t, (long long)track, (long long)row[n].track);
        cr_assert_str_eq(sv_json_text(sv_json_get(o, "action")), row[n].action);
    }
    return n;
}

/* The frame lines of a file against scores.csv and objects.csv of a folder. */
static void same_scores(const char *root, const char *name, const char *dir, size_t every, bool tracks) {
    struct sv_scores s = {0};
    struct sv_objects x = {0};
    struct sv_file f;
    struct sv_err e = {0};
    size_t frames = 0, objects = 0;
    char path[64];
    snprintf(path, sizeof path, "%s/scores.csv", dir);
    cr_assert_eq(sv_scores_read(&s, in(root, path).s, &e), 0, "%s", e.msg);
    snprintf(path, sizeof path, "%s/objects.csv", dir);
    cr_assert_eq(sv_objects_read(&x, in(root, path).s, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_file_read(&f, in(root, name).s, 1 << 28, &e), 0, "%s", e.msg);
    for (const char *p = (const char *)f.data, *end; (end = memchr(p, '\n', f.size - (size_t)(p - (const char *)f.data))); p = end + 1) {
        struct sv_json j;
        double score;
        cr_assert_eq(sv_json_parse(&j, p, (size_t)(end - p), "line", &e), 0);
        if (!strcmp(sv_json_text(sv_json_get(j.root, "type")), "frame")) {
            objects += objects_in(j.root, x.object + objects, x.n - objects, tracks);
            cr_assert(sv_json_real(sv_json_get(j.root, "score"), &score));
            cr_assert(!memcmp(&score, &s.frames[0].score[frames * every], 8), "frame %zu", frames * every);
            frames++;
        }
        sv_json_free(&j);
        if (end + 1 == (const char *)f.data + f.size) break;
    }
    cr_expect(objects == x.n && objects > 20, "%zu objects, expected %zu", objects, x.n);
    cr_expect_eq(frames, (s.frames[0].n + every - 1) / every, "%zu frames", frames);
    sv_file_close(&f);
    sv_scores_free(&s), sv_objects_free(&x);
}

Test(watch, scores_are_those_of_score) {
    const char *root = world();
    static const struct { const char *fit, *score, *boxes; size_t every; bool tracks; } rule[] = {
        { "--frames 5", "", "", 1, true },
        { "--frames 5 --tubes track", "", "", 1, true },
        { "--frames 5", "", "--boxes stdin.txt", 1, false },
        { "--frames 3 --step 4 --tubes track", "", "--boxes stdin.txt", 1, true },
        { "--frames 3 --tube-seconds 0.3 --crop square", "--every 3", "--boxes stdin.txt --add-motion", 3, true },
        { "--frames 1", "--every 2", "", 2, true },
        { "--frames 3 --with motion --patterns knn", "", "", 1, true },
        { "--frames 3 --patterns knn-both", "", "--boxes stdin.txt", 1, false },
        { "--frames 3 --with motion --tubes track", "", "--boxes stdin.txt", 1, true },
        { "--frames 3 --with motion", "", "--boxes stdin.txt", 1, true },
        { "--frames 1 --with motion", "--every 3", "--boxes stdin.txt --add-motion", 3, true },
        { "--frames 3 --tubes track --steady 4", "", "", 1, true },
        { "--frames 3 --tubes track --steady 64 --patterns knn", "", "--boxes stdin.txt", 1, true },
        { "--frames 3 --tubes track --steady 1 --with motion", "", "", 1, true },
    };
    for (size_t i = 0; i < SV_LEN(rule); i++) {
        char boxes_fit[32] = "";
        if (*rule[i].boxes) snprintf(boxes_fit, sizeof boxes_fit, "--boxes a.txt");
        RUN(0, "fit -m m.svad a.y4m --actions actions.txt --clusters 3 %s %s -o s.scene --quiet", rule[i].fit, boxes_fit);
        RUN(0, "score -m m.svad -s s.scene stdin.y4m %s %s -o s%zu --quiet", rule[i].score, rule[i].boxes, i);
        RUN(0, "watch -m m.svad -s s.scene - %s %s --all --alarm-score 1 --threads 1 < stdin.y4m > w1.jsonl", rule[i].score, rule[i].boxes);
        RUN(0, "watch -m m.svad -s s.scene stdin.y4m %s %s --all --alarm-score 1 --threads 3 --queue 2 --batch 5 --quiet > w3.jsonl", rule[i].score, rule[i].boxes);
        char dir[8];
        snprintf(dir, sizeof dir, "s%zu", i);
        same_scores(root, "w1.jsonl", dir, rule[i].every, rule[i].tracks);
        same_scores(root, "w3.jsonl", dir, rule[i].every, rule[i].tracks);
        /* score itself, from a stream that is read once */
        RUN(0, "score -m m.svad -s s.scene - %s %s -o once --quiet < stdin.y4m", rule[i].score, rule[i].boxes);
        same_scores(root, "w1.jsonl", "once", rule[i].every, rule[i].tracks);
    }
}

/* ---- events ---- */

Test(watch, lines_are_as_written_down) {
    const char *root = world();
    struct lines l;
    RUN(0, "watch -m m.svad -s w.scene stdin.y4m --alarms-per-hour 20000 --min-length 0.2 --cooldown 0.5 --update 0.3 --all --snapshots shots/of > a.jsonl");
    lines_of(&l, root, "a.jsonl");
    cr_expect(l.starts && l.starts == l.ends && l.updates && l.frames == FRAMES && l.summary && !strcmp(l.reason, "end"),
              "%zu starts, %zu updates, %zu ends, %zu frames", l.starts, l.updates, l.ends, l.frames);
    struct sv_image im;
    struct sv_err e = {0};
    cr_assert_eq(sv_image_load(in(root, "shots/of/stdin-event000001.png").s, &im, &e), 0, "%s", e.msg);
    cr_expect(im.w == W && im.h == H && im.mode == SV_RGB);
    sv_image_free(&im);

    /* Steadied scores are told later, with the picture of their own frame. */
    RUN(0, "fit -m m.svad a.y4m --actions actions.txt --clusters 3 --frames 5 --tubes track --steady 3 -o steady.scene --quiet");
    RUN(0, "watch -m m.svad -s steady.scene stdin.y4m --alarm-score 1e-12 --min-length 0 --all --snapshots later/of > later.jsonl");
    lines_of(&l, root, "later.jsonl");
    cr_expect(l.starts && l.starts == l.ends && l.frames == FRAMES && l.summary, "%zu starts, %zu ends, %zu frames", l.starts, l.ends, l.frames);
    cr_assert_eq(sv_image_load(in(root, "later/of/stdin-event000001.png").s, &im, &e), 0, "%s", e.msg);
    cr_expect(im.w == W && im.h == H);
    sv_image_free(&im);

    /* A threshold that nothing reaches; one that all reach: one event a thing. */
    RUN(0, "watch -m m.svad -s w.scene stdin.y4m --alarm-score 1 > b.jsonl");
    lines_of(&l, root, "b.jsonl");
    cr_expect(l.n == 1 && l.summary);
    RUN(0, "watch -m m.svad -s w.scene stdin.y4m --alarm-score 1e-12 > c.jsonl");
    lines_of(&l, root, "c.jsonl");
    cr_expect(l.starts >= 3 && l.starts < 12 && l.alarm == 1, "%zu events, %zu alarms", l.starts, l.alarm);
    /* The upper half does not count; nothing counts. */
    const size_t all = l.starts;
    RUN(0, "watch -m m.svad -s w.scene stdin.y4m --alarm-score 1e-12 --zone '0,50 96,50 96,72 0,72' > d.jsonl");
    lines_of(&l, root, "d.jsonl");
    cr_expect(l.starts && l.starts < all, "%zu of %zu events in the zone", l.starts, all);
    RUN(0, "watch -m m.svad -s w.scene stdin.y4m --alarm-score 1e-12 --zone '!-5,-5 200,-5 200,200 -5,200' > e.jsonl");
    lines_of(&l, root, "e.jsonl");
    cr_expect_eq(l.starts, 0);
    RUN(0, "watch -m m.svad -s w.scene stdin.y4m --max-objects 1 --alarm-score 1 --all > f.jsonl");
    lines_of(&l, root, "f.jsonl");
}

/* A process that was asked to stop ends its events. */
Test(watch, stops_when_asked) {
    const char *root = world();
    struct lines l;
    int status = 0, to[2];
    char build[4096], cwd[2048];
    cr_assert(getcwd(cwd, sizeof cwd) && !pipe(to));
    snprintf(build, sizeof build, "%s/%s/svad", *getenv("SVAD_BUILD") == '/' ? "" : cwd, getenv("SVAD_BUILD"));
    const pid_t pid = fork();
    if (!pid) {
        close(to[1]);
        if (chdir(root) || dup2(to[0], 0) < 0 || !freopen("out.jsonl", "w", stdout)) _exit(99);
        execl(build, "svad", "watch", "-m", "m.svad", "-s", "w.scene", "-", "--alarm-score", "1e-12", "--quiet", (char *)NULL);
        _exit(98);
    }
    close(to[0]);
    /* All frames but no end: it waits for more when the signal comes. */
    struct sv_file f;
    struct sv_err e = {0};
    cr_assert_eq(sv_file_read(&f, in(root, "stdin.y4m").s, 1 << 28, &e), 0, "%s", e.msg);
    size_t at = 0;
    for (ssize_t n; at < f.size && (n = write(to[1], f.data + at, f.size - at)) > 0; at += (size_t)n) {}
    cr_assert_eq(at, f.size);
    const struct timespec moment = { .tv_nsec = 20000000 };
    bool begun = false;
    for (int i = 0; i < 3000 && !begun; i++) {
        struct sv_file out;
        nanosleep(&moment, NULL);
        if (sv_file_read(&out, in(root, "out.jsonl").s, 1 << 24, NULL)) continue;
        begun = out.size && strstr((const char *)out.data, "\"start\"");
        sv_file_close(&out);
    }
    cr_assert(begun, "no event began");
    kill(pid, SIGINT);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    close(to[1]);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 130, "status %d", status);
    lines_of(&l, root, "out.jsonl");
    cr_expect(l.summary && !strcmp(l.reason, "stopped") && l.starts && l.starts == l.ends, "%s", l.reason);
    sv_file_close(&f);
}

/* ---- streams that are not well ---- */

static void corpus_row(const struct corpus_row *row, void *arg) {
    const char *root = arg;
    struct lines l;
    run_svad(&r, root, "watch -m m.svad -s w.scene - --alarm-score 1e-12 --quiet --fps 10 < '%s' > c.jsonl", row->path);
    if (!strcmp(row->status, "ok")) cr_expect_eq(r.code, 0, "%s: %d %s", row->path, r.code, r.err);
    if (!strcmp(row->status, "reject")) {
        cr_expect_eq(r.code, 2, "%s: %d %s", row->path, r.code, r.err);
        cr_expect(strstr(r.err, "svad: ") == r.err && strchr(r.err, '\n') == r.err + strlen(r.err) - 1, "one line: %s", r.err);
    }
    lines_of(&l, root, "c.jsonl");
}

Test(watch, corpora) {
    const char *root = world();
    if (!corpus_each("y4m", corpus_row, (void *)root)) cr_skip_test("no corpora");
    corpus_each("avi", corpus_row, (void *)root);
}

Test(watch, cut_streams_end_in_a_message_and_closed_events) {
    const char *root = world();
    struct lines l;
    RUN(2, "watch -m m.svad -s w.scene - --alarm-score 1e-12 --quiet < a.txt > a.jsonl");
    struct sv_file f;
    struct sv_err e = {0};
    cr_assert_eq(sv_file_read(&f, in(root, "stdin.y4m").s, 1 << 28, &e), 0);
    static const size_t cut[] = { 10, 60, W * H * 20, W * H * 33 + 5, W * H * 40 };
    for (size_t i = 0; i < SV_LEN(cut); i++) {
        FILE *out = create(in(root, "cut.y4m").s);
        fwrite(f.data, cut[i], 1, out);
        fclose(out);
        RUN(2, "watch -m m.svad -s w.scene - --alarm-score 1e-12 --quiet < cut.y4m > cut.jsonl");
        lines_of(&l, root, "cut.jsonl");
        if (i > 1) cr_expect(l.summary && !strcmp(l.reason, "error") && l.starts && l.starts == l.ends, "cut at %zu: %zu starts", cut[i], l.starts);
    }
    sv_file_close(&f);
    /* The size changes: a second stream behind the first. */
    static uint8_t px[H][W];
    FILE *out = create(in(root, "two.y4m").s);
    y4m_begin(out, W, H);
    for (int t = 0; t < 40; t++) picture(px, t, false), y4m_frame(out, px);
    y4m_begin(out, W / 2, H / 2);
    for (int t = 0; t < 40; t++) y4m_frame(out, px);
    fclose(out);
    RUN(2, "watch -m m.svad -s w.scene - --alarm-score 1e-12 --quiet < two.y4m > two.jsonl");
    lines_of(&l, root, "two.jsonl");
    cr_expect(l.summary && !strcmp(l.reason, "error") && l.starts && l.starts == l.ends);
}

/* What happens to cameras gives no storm, even at a threshold that everything reaches: a picture that stays gives no event after
 * a moment, a light that is switched hardly more than the street without it. */
Test(watch, no_storms) {
    const char *root = world();
    enum { PLAIN, FROZEN, BLACK, LIGHT, KINDS };
    size_t plain = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        static uint8_t px[H][W];
        struct lines l;
        FILE *f = create(in(root, "hard.y4m").s);
        y4m_begin(f, W, H);
        for (int t = 0; t < 400; t++) {
            if (kind == FROZEN) picture(px, t < 30 ? t : 30, false);
            else if (kind == BLACK && t >= 30) memset(px, 0, sizeof px);
            else picture(px, t % 60, false);
            for (int i = 0; kind == LIGHT && t / 100 % 2 && i < W * H; i++) px[i / W][i % W] = (uint8_t)(px[i / W][i % W] / 3 + 120);
            y4m_frame(f, px);
        }
        fclose(f);
        RUN(0, "watch -m m.svad -s w.scene - --every 4 --alarm-score 1e-12 --quiet < hard.y4m > hard.jsonl");
        lines_of(&l, root, "hard.jsonl");
        if (kind == PLAIN) plain = l.starts;
        if (kind == FROZEN || kind == BLACK) cr_expect(l.starts < 10 && l.last_start <= 60, "%d: %zu events, the last at %zu", kind, l.starts, l.last_start);
        if (kind == LIGHT) cr_expect(l.starts <= plain + 3 * 6 && l.alarm <= 2, "%zu events, %zu alarms; %zu events without", l.starts, l.alarm, plain);
    }
}

/* ---- falling behind ---- */

Test(watch, frames_are_dropped_and_counted) {
    const char *root = world();
    const struct sv_video *video;
    struct sv_queue *q;
    struct sv_err e = {0};
    static uint8_t px[3 * W * H];
    const struct timespec moment = { .tv_nsec = 5000000 };
    cr_assert_eq(sv_queue_open(&q, in(root, "a.y4m").s, 3, true, &video, &e), 0, "%s", e.msg);
    cr_expect(video->w == W && video->h == H);
    for (int i = 0; i < 4000 && sv_queue_dropped(q) < FRAMES - 3; i++) nanosleep(&moment, NULL);
    cr_expect_eq(sv_queue_dropped(q), FRAMES - 3);
    for (size_t i = 0; i < 3; i++) {
        size_t number = 99;
        cr_assert_eq(sv_queue_next(q, px, &number, &e), 1);
        cr_expect_eq(number, i);
    }
    cr_expect_eq(sv_queue_next(q, px, &(size_t){ 0 }, &e), 0);
    sv_queue_close(q);
    /* A queue that waits drops nothing, and may be closed at any time. */
    cr_assert_eq(sv_queue_open(&q, in(root, "a.y4m").s, 2, false, &video, &e), 0);
    for (size_t i = 0; i < 10; i++) {
        size_t number = 99;
        cr_assert(sv_queue_next(q, px, &number, &e) == 1 && number == i);
    }
    cr_expect_eq(sv_queue_dropped(q), 0);
    sv_queue_close(q);

    struct lines l;
    RUN(0, "watch -m m.svad -s w.scene - --alarm-score 1e-12 --live --queue 1 --all --quiet < stdin.y4m > live.jsonl");
    lines_of(&l, root, "live.jsonl");
    struct sv_file f;
    cr_assert_eq(sv_file_read(&f, in(root, "live.jsonl").s, 1 << 24, &e), 0);
    const char *p = strstr((const char *)f.data, "\"dropped\": ");
    cr_assert(p);
    size_t dropped = 0, scored = 0;
    p = strstr(strstr((const char *)f.data, "\"summary\""), "\"dropped\": ");
    cr_assert_eq(sscanf(p, "\"dropped\": %zu, \"scored\": %zu", &dropped, &scored), 2);
    cr_expect(scored + dropped == FRAMES && l.frames == scored, "%zu scored, %zu dropped", scored, dropped);
    sv_file_close(&f);
}

Test(watch, refuses) {
    const char *root = world();
#define SAYS(text) cr_expect(strstr(r.err, text), "expected \"%s\" in: %s", text, r.err)
    RUN(1, "watch -m m.svad -s w.scene a.y4m stdin.y4m");
    RUN(1, "watch -m m.svad a.y4m");
    SAYS("no scene given");
    RUN(1, "watch -m m.svad -s w.scene a.y4m --zone 1,2");
    SAYS("expected three corners");
    RUN(0, "fit -m m.svad a.y4m --actions actions.txt --hold-out 0 --frames 5 -o none.scene --quiet");
    RUN(1, "watch -m m.svad -s none.scene a.y4m");
    SAYS("no held-out footage");
    RUN(0, "watch -m m.svad -s none.scene a.y4m --alarm-score 1 --quiet");
    RUN(0, "score -m m.svad -s w.scene a.y4m -o stored --quiet");
    RUN(2, "watch -m m.svad -s w.scene stored --quiet");
    SAYS("stored features, expected a video");
    RUN(2, "watch -m m.svad -s w.scene nothing.y4m --quiet");
    RUN(2, "watch -m m.svad -s w.scene a.y4m --boxes stdin.txt --quiet");
    RUN(0, "watch -h");
    cr_expect(strstr(r.out, "--alarms-per-hour"), "%s", r.out);
}
