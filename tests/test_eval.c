#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/scores.h"
#include "tests/util.h"

static struct sv_err e;

/* UCSD Ped2's test clips: frames, first and last abnormal one (from 1). */
static const unsigned short ped2[12][3] = {
    { 180, 61, 180 }, { 180, 95, 180 }, { 150, 1, 146 }, { 180, 31, 180 }, { 150, 1, 129 }, { 180, 1, 159 },
    { 180, 46, 180 }, { 180, 1, 180 }, { 120, 1, 120 }, { 150, 1, 150 }, { 180, 1, 180 }, { 180, 88, 180 },
};

static const char *write_text(const char *dir, const char *name, const char *text) {
    static char path[1400];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* scores.csv of the hash fixture and labels.txt, in a fresh folder. */
static const char *ped2_folder(void) {
    const char *dir = temp_dir();
    char path[1400], line[256];
    static char labels[4096];
    struct sv_out o;
    uint32_t n = 0;
    labels[0] = 0;
    snprintf(path, sizeof path, "%s/scores.csv", dir);
    cr_assert_eq(sv_scores_open(&o, path, &e), 0, "%s", e.msg);
    for (unsigned i = 0; i < 12; i++) {
        double score[180];
        char clip[8], *to = line;
        for (unsigned t = 0; t < ped2[i][0]; t++, n++) {
            score[t] = (double)(n * 2654435761u) / 4294967296.0;
            *to++ = t + 1 >= ped2[i][1] && t + 1 <= ped2[i][2] ? '1' : '0';
        }
        *to = 0;
        snprintf(clip, sizeof clip, "%02u", i + 1);
        snprintf(labels + strlen(labels), 300, "%s %u %s\n", clip, (unsigned)ped2[i][0], line);
        cr_assert_eq(sv_scores_put(&o, clip, score, ped2[i][0], &e), 0, "%s", e.msg);
    }
    cr_assert_eq(sv_out_commit(&o, &e), 0, "%s", e.msg);
    write_text(dir, "labels.txt", labels);
    return dir;
}

Test(eval, ped2_fixture) {
    static struct ran r;
    const char *dir = ped2_folder();
    cr_assert_eq(run_svad(&r, dir, "eval . --labels labels.txt"), 0, "%s", r.err);
    cr_assert(strstr(r.out, "micro              0.500996"), "%s", r.out);
    cr_assert(strstr(r.out, "macro-sentinel     0.676859"), "%s", r.out);
    cr_assert(strstr(r.out, "macro-skip         0.483636"), "%s", r.out);
    cr_assert(strstr(r.out, "4 of 12 clips have one class") && strstr(r.out, "sigma 3"), "%s", r.out);
    cr_assert_eq(run_svad(&r, dir, "eval scores.csv --labels labels.txt -v --smooth 0"), 0, "%s", r.err);
    cr_assert(strstr(r.out, "micro              0.500996   0.500996"), "%s", r.out);
    cr_assert(strstr(r.out, "08                    180      180          -          -"), "%s", r.out);
    cr_assert_eq(run_svad(&r, dir, "eval . --labels labels.txt --json --per-clip --smooth 7"), 0, "%s", r.err);
    size_t lines = 0;
    for (const char *s = r.out; (s = strchr(s, '\n')); s++) lines++;
    cr_assert_eq(lines, 14);
    cr_assert(strstr(r.out,
                     "{\"clip\": \"08\", \"frames\": 180, \"abnormal\": 180, \"auc\": null, \"auc_smooth\": null}\n"), "%s", r.out);
    const char *raw = strstr(r.out, "{\"smooth\": 0, \"micro\": "), *smooth = strstr(r.out, "{\"smooth\": 7, \"micro\": ");
    cr_assert(raw && smooth, "%s", r.out);
    cr_assert(fabs(atof(raw + 23) - 0.500996) < 1e-6 && strstr(raw, "\"clips\": 12, \"skipped\": 4}"));
    cr_assert_eq(run_svad(&r, dir, "eval -h"), 0);
    cr_assert(strstr(r.out, "example"));
}

static void refused(const char *scores, const char *labels, int code, const char *word) {
    static struct ran r;
    static const char *dir;
    if (!dir) dir = temp_dir();
    write_text(dir, "scores.csv", scores);
    write_text(dir, "labels.txt", labels);
    cr_assert_eq(run_svad(&r, dir, "eval . --labels labels.txt"), code, "%s%s", r.out, r.err);
    cr_assert(strstr(r.err, word) && !r.out[0] && strchr(r.err, '\n') == r.err + strlen(r.err) - 1, "%s%s", r.out, r.err);
}

#define HEAD "clip,frame,score\n"

Test(eval, refuses) {
    refused(HEAD "a,0,1\na,1,2\n", "a 3 001\n", 2, "clip a has 3 labels in labels.txt, but 2 frames in ./scores.csv");
    refused(HEAD "a,0,1\n", "b 1 0\n", 2, "clip a has scores in ./scores.csv, but no labels");
    refused(HEAD "a,0,1\n", "a 1 0\nb 1 0\n", 2, "clip b has labels in labels.txt, but no scores");
    refused(HEAD "a,0,1\na,1,2\n", "a 2 11\n", 2, "all frames are abnormal");
    refused(HEAD "a,0,1\na,1,2\n", "a 2 00\n", 2, "all frames are normal");
    refused(HEAD "a,0,nan\n", "a 1 1\n", 2, "line 2: score is \"nan\"");
    refused(HEAD "a,0,1\na,2,1\n", "a 2 01\n", 2, "line 3: clip a: frame 2, expected 1");
    refused(HEAD "a,0,1\na,0,1\n", "a 2 01\n", 2, "frame 0, expected 1");
    refused(HEAD "a,1,1\n", "a 1 0\n", 2, "frame 1, expected 0");
    refused(HEAD "a,0,1,2\n", "a 1 0\n", 2, "4 columns, expected 3");
    refused(HEAD, "a 1 0\n", 2, "no scores");
    refused("a,0,1\n", "a 1 0\n", 2, "column 1 is \"a\", expected \"clip\"");
    refused("", "a 1 0\n", 2, "empty");
    static struct ran r;
    const char *dir = ped2_folder();
    cr_assert_eq(run_svad(&r, dir, "eval ."), 1);
    cr_assert(strstr(r.err, "--labels"), "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "eval --labels labels.txt"), 1);
    cr_assert_eq(run_svad(&r, dir, "eval . --labels labels.txt --smooth -1"), 1);
    cr_assert_eq(run_svad(&r, dir, "eval . --labels none.txt"), 2);
    cr_assert_eq(run_svad(&r, dir, "eval none --labels labels.txt"), 2);
}

Test(eval, scores_read_back) {
    char path[1400];
    snprintf(path, sizeof path, "%s/s.csv", temp_dir());
    const double a[5] = { 0, 1.0 / 3, 5e-324, 1.7976931348623157e308, 0.1 }, bad[2] = { 1, NAN };
    struct sv_out o;
    struct sv_scores s;
    cr_assert_eq(sv_scores_open(&o, path, &e), 0);
    cr_assert_eq(sv_scores_put(&o, "a \"x\", y", a, 5, &e), 0);
    cr_assert_eq(sv_scores_put(&o, "b", a + 1, 1, &e), 0);
    cr_assert_eq(sv_out_commit(&o, &e), 0);
    cr_assert_eq(sv_scores_read(&s, path, &e), 0, "%s", e.msg);
    const struct sv_frames *f = sv_scores_of(&s, "a \"x\", y");
    cr_assert(s.clip.n == 2 && f && f->n == 5 && !memcmp(f->score, a, sizeof a) && sv_scores_of(&s, "b")->score[0] == a[1]);
    sv_scores_free(&s);
    cr_assert_eq(sv_scores_open(&o, path, &e), 0);
    cr_assert_eq(sv_scores_put(&o, "07", bad, 2, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "clip 07 frame 1"), "%s", e.msg);
    sv_out_drop(&o);
    cr_assert_eq(sv_scores_read(&s, path, NULL), 0);            /* a dropped file leaves the one before */
    sv_scores_free(&s);
}
