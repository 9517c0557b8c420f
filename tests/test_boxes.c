#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/boxes.h"
#include "io/csv.h"
#include "io/scores.h"
#include "tests/util.h"

static int parse(struct sv_boxes *b, const char *text, double min, struct sv_err *e) {
    *e = (struct sv_err){ 0 };
    return sv_boxes_parse(b, "b.txt", text, strlen(text), min, e);
}

static void refused(const char *text, const char *word) {
    struct sv_boxes b;
    struct sv_err e;
    cr_assert_eq(parse(&b, text, 0.5, &e), SV_EINPUT, "accepted: %s", text);
    cr_assert(strstr(e.msg, "b.txt") && strstr(e.msg, word), "\"%s\" says: %s", text, e.msg);
    cr_assert(!b.box && !b.first && !b.clip.name);
}

Test(boxes, reads_blanks_tabs_and_commas) {
    struct sv_boxes b;
    struct sv_err e;
    cr_assert_eq(parse(&b, "\xef\xbb\xbf# clip frame ...\n\n01 3 1.5 2 10.25 20 0.9 person 7\r\n"
                           "02\t0\t-4\t0\t5\t1e1\t0.75\n  # more\n  two words , 7 , 0,0,1,1 , 1\n"
                           "01 0 0 0 4 4 0.5", 0.5, &e), 0, "%s", e.msg);
    cr_assert(b.scored && b.n == 4 && b.clip.n == 3 && !b.dropped);
    size_t n;
    const struct sv_box *x = sv_boxes_of(&b, "01", &n);
    cr_assert(n == 2 && x[0].frame == 0 && x[0].x2 == 4 && x[1].frame == 3);
    cr_assert(x[1].x1 == 1.5 && x[1].y1 == 2 && x[1].x2 == 10.25 && x[1].y2 == 20 && x[1].score == 0.9);
    x = sv_boxes_of(&b, "02", &n);
    cr_assert(n == 1 && x->x1 == -4 && x->y2 == 10 && x->score == 0.75);
    x = sv_boxes_of(&b, "two words", &n);
    cr_assert(n == 1 && x->frame == 7);
    cr_assert(!sv_boxes_of(&b, "0", &n) && n == 0);
    cr_assert(!sv_boxes_of(&b, "011", &n) && n == 0);
    sv_boxes_free(&b);
}

Test(boxes, tracks) {
    struct sv_boxes b;
    struct sv_err e;
    cr_assert_eq(parse(&b, "a 0 0 0 4 4 0.9 t17\na 1 0 0 4 4 0.9 3\na 2 0 0 4 4 0.8 t\na 3 0 0 4 4 1 t-2\n", 0.5, &e), 0, "%s", e.msg);
    cr_assert(b.scored && b.box[0].track == 17 && b.box[1].track == -1 && b.box[2].track == -1 && b.box[3].track == -1);
    sv_boxes_free(&b);
    cr_assert_eq(parse(&b, "a 0 0 0 4 4 t0\na 1 0 0 4 4\n", 0.5, &e), 0, "%s", e.msg);
    cr_assert(!b.scored && b.box[0].track == 0 && b.box[0].score == 1 && b.box[1].track == -1);
    sv_boxes_free(&b);
}

Test(boxes, keeps_file_order_within_a_frame) {
    char text[4096] = "";
    for (int i = 0; i < 60; i++) snprintf(text + strlen(text), 64, "%c %d %d 0 100 1\n", "ab"[i % 2], 5 - i / 2 % 3, i);
    struct sv_boxes b;
    struct sv_err e;
    cr_assert_eq(parse(&b, text, 0.5, &e), 0, "%s", e.msg);
    cr_assert(!b.scored && b.n == 60);
    for (size_t c = 0; c < 2; c++) {
        size_t n;
        const struct sv_box *x = sv_boxes_of(&b, c ? "b" : "a", &n);
        cr_assert_eq(n, 30);
        for (size_t i = 1; i < n; i++)
            cr_assert(x[i].frame > x[i - 1].frame || (x[i].frame == x[i - 1].frame && x[i].x1 > x[i - 1].x1));
        for (size_t i = 0; i < n; i++) cr_assert((size_t)x[i].x1 % 2 == c && x[i].frame == 5 - (size_t)x[i].x1 / 2 % 3);
    }
    sv_boxes_free(&b);
}

Test(boxes, min_score) {
    struct sv_boxes b;
    struct sv_err e;
    const char *text = "a 0 0 0 1 1 0.5\na 0 0 0 2 2 0.49999\nb 0 0 0 1 1 0.1\n";
    cr_assert_eq(parse(&b, text, 0.5, &e), 0, "%s", e.msg);
    cr_assert(b.n == 1 && b.dropped == 2 && b.clip.n == 2 && b.box[0].x2 == 1);
    size_t n;
    cr_assert(!sv_boxes_of(&b, "b", &n) && n == 0);
    sv_boxes_free(&b);
    cr_assert_eq(parse(&b, text, -1, &e), 0);
    cr_assert_eq(b.n, 3);
    sv_boxes_free(&b);
    cr_assert_eq(parse(&b, "a 0 0 0 1 1\n", 0.5, &e), 0);       /* no scores: nothing to filter by */
    cr_assert(b.n == 1 && !b.scored && b.box[0].score == 1);
    sv_boxes_free(&b);
}

Test(boxes, refuses) {
    refused("", "no boxes");
    refused("# only\n\n", "no boxes");
    refused("a 0 1 1 2\n", "line 1: 5 columns");
    refused("a 0 0 0 1 1\na 1 0 0 nan 1\n", "line 2: x2");
    refused("a 0 0 0 inf 1\n", "x2");
    refused("a 0 0 0 0x10 1\n", "x2");
    refused("a 0 0 0 1 1 high\n", "score");
    refused("a 0 0 0 1 1,\n", "column 2 is empty");         /* a comma makes it comma-separated */
    refused("a,0,0,0,1,1,\n", "score");
    refused("a,,0,0,1,1\n", "column 2 is empty");
    refused(",0,0,0,1,1\n", "column 1 is empty");
    refused("a -1 0 0 1 1\n", "frame");
    refused("a 1.5 0 0 1 1\n", "frame");
    refused("a 100000001 0 0 1 1\n", "frame");
    refused("a 99999999999999999999 0 0 1 1\n", "frame");
    refused("a 7 5 0 5 1\n", "clip a frame 7");
    refused("a 7 0 5 1 4\n", "empty");
    refused("a 0 -2000000 0 1 1\n", "x1");
    refused("a 0 0 0 1 1 0.5\na 0 0 0 1 1\n", "line 2: lacks a score");
    refused("a 0 0 0 1 1\na 0 0 0 1 1 0.5\n", "line 2: has a score");
    char wide[512] = "a 0 0 0 1 1 1";
    for (int i = 0; i < 60; i++) strcat(wide, " 1");
    refused(wide, "more than 64 columns");
    char longname[400];
    memset(longname, 'n', 300);
    strcpy(longname + 300, " 0 0 0 1 1\n");
    refused(longname, "clip name");
    struct sv_boxes b;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_boxes_parse(&b, "b.txt", "a\0b 0 0 0 1 1", 13, 0.5, &e), SV_EINPUT);
    cr_assert_eq(sv_boxes_read(&b, "/nonexistent/b.txt", 0.5, NULL), SV_EINPUT);
}

Test(boxes, every_truncation_and_byte) {
    const char *const good = "01 3 1.5 2 10.25 20 0.9\n01,0,0,0,4,4,0.5\n";
    const size_t n = strlen(good);
    struct sv_boxes b;
    for (size_t cut = 0; cut <= n; cut++) {
        char *p = malloc(cut + 1);      /* exactly sized, for the sanitizers */
        memcpy(p, good, cut);
        if (!sv_boxes_parse(&b, "f", p, cut, 0.5, NULL)) sv_boxes_free(&b);
        for (int c = 0; cut && c < 256; c++) {
            p[cut - 1] = (char)c;
            if (!sv_boxes_parse(&b, "f", p, cut, 0.5, NULL)) sv_boxes_free(&b);
        }
        free(p);
    }
}

Test(boxes, ped2) {
    static const struct { const char *file; size_t clips, kept, all; bool scored; } want[] = {
        { "boxes_yolov3_testing.txt", 12, 0, 39834, true }, { "boxes_maskrcnn_training.txt", 16, 29970, 29970, false },
    };
    for (size_t i = 0; i < SV_LEN(want); i++) {
        char rel[64];
        struct sv_boxes b;
        struct sv_err e = { 0 };
        snprintf(rel, sizeof rel, "data/ped2/%s", want[i].file);
        const char *path = shared_path(rel);
        if (!path) cr_skip_test("no ../shared");
        cr_assert_eq(sv_boxes_read(&b, path, 0.5, &e), 0, "%s", e.msg);
        cr_assert(b.clip.n == want[i].clips && b.scored == want[i].scored && b.n + b.dropped == want[i].all);
        if (want[i].kept) cr_assert_eq(b.n, want[i].kept);
        for (size_t c = 0; c < b.clip.n; c++)
            for (size_t k = b.first[c] + 1; k < b.first[c + 1]; k++) cr_assert_geq(b.box[k].frame, b.box[k - 1].frame);
        sv_boxes_free(&b);
    }
}

/* The rows as Python's json.dumps(rows, ensure_ascii=False) has them, hashed: what the corpus states. */
static void csv_row(const struct corpus_row *row, void *arg) {
    (void)arg;
    if (strcmp(row->col[0] + strlen(row->col[0]) - 4, ".csv")) return;
    struct sv_file f;
    struct sv_csv c;
    struct sv_err e = { 0 };
    char text[8192] = "[", hex[65];
    size_t rows = 0, len;
    cr_assert_eq(sv_file_read(&f, row->path, 1 << 20, &e), 0, "%s", e.msg);
    sv_csv_open(&c, row->path, f.data, f.size);
    int rc;
    while ((rc = sv_csv_row(&c, &e)) > 0) {
        strcat(text, rows++ ? ", [" : "[");
        cr_assert_eq(c.fields, (size_t)atoi(row->col[3]), "%s", row->col[0]);
        for (size_t i = 0; i < c.fields; i++) {
            char *to = text + strlen(text);
            to += sprintf(to, "%s\"", i ? ", " : "");
            for (const char *s = sv_csv_field(&c, i, &len); *s; s++) {
                if (*s == '"' || *s == '\n') *to++ = '\\';
                *to++ = *s == '\n' ? 'n' : *s;
            }
            strcpy(to, "\"");
        }
        strcat(text, "]");
    }
    strcat(text, "]");
    cr_assert_eq(rc, 0, "%s", e.msg);
    cr_assert_eq(rows, (size_t)atoi(row->col[2]), "%s: %zu rows", row->col[0], rows);
    hex_sha256(text, strlen(text), hex);
    cr_assert_str_eq(hex, row->col[4], "%s: %s", row->col[0], text);
    sv_csv_close(&c);
    sv_file_close(&f);
}

Test(boxes, csv_corpus) {
    if (!corpus_each("csv", csv_row, NULL)) cr_skip_test("no ../shared");
}

static void csv_refused(const char *text, size_t n, const char *word) {
    struct sv_csv c;
    struct sv_err e = { 0 };
    int rc;
    sv_csv_open(&c, "c.csv", text, n);
    while ((rc = sv_csv_row(&c, &e)) > 0) {}
    cr_assert_eq(rc, SV_EINPUT, "accepted: %s", text);
    cr_assert(strstr(e.msg, word), "%s", e.msg);
    sv_csv_close(&c);
}

Test(boxes, csv_refuses) {
    csv_refused("a\n\"b", 4, "line 2: a quote is never closed");
    csv_refused("\"a\"b\n", 5, "behind the closing quote");
    csv_refused("a,\0\n", 4, "NUL");
    csv_refused("\"\0\"", 3, "NUL");
    static char wide[400];
    memset(wide, ',', 300);
    csv_refused(wide, 300, "more than 256 fields");
    static char big[SV_CSV_ROW + 8];
    memset(big, 'x', sizeof big);
    csv_refused(big, sizeof big, "more than 1048576 bytes");
}

static struct sv_object_row object(size_t frame, const char *action) {
    return (struct sv_object_row){ frame, 0.1, -3, 1.0 / 3, 1e-7, frame % 2 ? -1 : 12, 0.0123456789012345678, action, 0.1f };
}

Test(boxes, objects_read_back) {
    char path[1200];
    snprintf(path, sizeof path, "%s/objects.csv", temp_dir());
    struct sv_out o;
    struct sv_err e = { 0 };
    const struct sv_object_row x[3] = { object(0, "walking"), object(0, "saying \"hi, you\""), object(5, "riding,\nslowly") };
    cr_assert_eq(sv_objects_open(&o, path, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_objects_put(&o, "a,b", x, 3, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_objects_put(&o, "02", x, 1, &e), 0);
    cr_assert_eq(sv_out_commit(&o, &e), 0);
    struct sv_objects s;
    cr_assert_eq(sv_objects_read(&s, path, &e), 0, "%s", e.msg);
    cr_assert(s.n == 4 && s.clip.n == 2 && s.first[1] == 3 && s.first[2] == 4 && !strcmp(s.clip.name[0], "a,b"));
    for (size_t i = 0; i < 4; i++) {
        const struct sv_object_row *a = &s.object[i], *b = &x[i % 3];
        cr_assert(a->frame == b->frame && a->x1 == b->x1 && a->y1 == b->y1 && a->x2 == b->x2 && a->y2 == b->y2);
        cr_assert(a->track == b->track && a->score == b->score && a->similarity == b->similarity);
        cr_assert(!strcmp(a->action, b->action));
    }
    sv_objects_free(&s);
    struct sv_object_row bad = x[0];
    bad.score = NAN;
    cr_assert_eq(sv_objects_open(&o, path, &e), 0);
    cr_assert_eq(sv_objects_put(&o, "02", &bad, 1, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "clip 02 frame 0"), "%s", e.msg);
    sv_out_drop(&o);
}

#define HEAD "clip,frame,x1,y1,x2,y2,track,score,action,similarity\n"

Test(boxes, objects_refused) {
    static const char *const bad[][2] = {
        { "", "is empty" }, { "clip,frame,x1\n", "column 4" }, { "a,0,0,0,1,1,-1,0.1,walk,0.2\n", "column 1" },
        { HEAD "a,0,0,0,1,1,-1,0.1,walk\n", "9 columns" }, { HEAD "a,0,0,0,1,1,-1,0.1,walk,0.2,3\n", "11 columns" },
        { HEAD "a,0,0,0,1,1,-2,0.1,walk,0.2\n", "track" }, { HEAD "a,0,0,0,1,1,0,nan,walk,0.2\n", "score" },
        { HEAD "a,0,0,0,1,1,0,1,walk,1e99\n", "similarity" }, { HEAD "a,x,0,0,1,1,0,1,walk,1\n", "frame" },
        { HEAD "a,1,0,0,1,1,0,1,w,1\na,0,0,0,1,1,0,1,w,1\n", "line 3: clip a frame 0: out of order" },
        { HEAD "a,1,0,0,1,1,0,1,w,1\nb,0,0,0,1,1,0,1,w,1\na,2,0,0,1,1,0,1,w,1\n", "line 4" },
        { HEAD ",1,0,0,1,1,0,1,w,1\n", "clip" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        struct sv_objects s;
        struct sv_err e = { 0 };
        cr_assert_eq(sv_objects_parse(&s, "o.csv", bad[i][0], strlen(bad[i][0]), &e), SV_EINPUT, "accepted: %s", bad[i][0]);
        cr_assert(strstr(e.msg, bad[i][1]), "%zu: %s", i, e.msg);
    }
    struct sv_objects s;
    cr_assert_eq(sv_objects_parse(&s, "o.csv", HEAD, strlen(HEAD), NULL), 0);       /* no frame had a box */
    cr_assert(s.n == 0 && s.first[0] == 0);
    sv_objects_free(&s);
}
