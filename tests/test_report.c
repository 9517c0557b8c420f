/* The page: whole and well formed whatever the names are, small whatever the length is, with the numbers that eval prints. */
#include "core/rng.h"
#include "io/scores.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/html.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

static struct ran r;
static struct sv_file page;

static const char *text(void) { return (const char *)page.data; }

static void load(const char *dir, const char *name) {
    char path[4200];
    struct sv_err e = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    sv_file_close(&page);
    cr_assert_eq(sv_file_read(&page, path, 1 << 26, &e), 0, "%s", e.msg);
    /* Read with room behind it: a text. */
    uint8_t *copy = sv_alloc(page.size + 1, 1, NULL);
    memcpy(copy, page.data, page.size);
    const size_t n = page.size;
    sv_file_close(&page);
    page = (struct sv_file){ .data = copy, .size = n };
}

static void write_text(const char *dir, const char *name, const char *s) { cr_assert_eq(tiny_write(dir, name, s, strlen(s)), 0); }

static void has(const char *s, bool want, int line) { cr_expect(!strstr(text(), s) == !want, "line %d: %s \"%s\"", line, want ? "expected" : "found", s); }
#define HAS(s) has(s, true, __LINE__)
#define HAS_NOT(s) has(s, false, __LINE__)

/* ---- a reader of the HTML that the page is made of: every element closed in order, every value quoted, every & an entity ---- */

struct markup { const char *p; char open[64][16]; size_t depth; bool bad; const char *why; };

static void fail(struct markup *m, const char *why) { if (!m->bad) m->bad = true, m->why = why; }

static void entity(struct markup *m) {
    const char *q = m->p + 1;
    if (*q == '#') q++;
    while (isalnum((unsigned char)*q)) q++;
    if (*q != ';' || q == m->p + 1) fail(m, "an & that is no entity");
    m->p++;
}

static size_t attributes(struct markup *m) {
    size_t n = 0;
    for (;;) {
        while (isspace((unsigned char)*m->p)) m->p++;
        if (*m->p == '>' || (*m->p == '/' && m->p[1] == '>')) return n;
        const char *name = m->p;
        while (islower((unsigned char)*m->p) || *m->p == '-' || isupper((unsigned char)*m->p)) m->p++;
        if (m->p == name || m->p[0] != '=' || m->p[1] != '"') { fail(m, "an attribute without name and quoted value"); return n; }
        if (!strncmp(name, "on", 2)) fail(m, "an event handler");
        for (m->p += 2; *m->p != '"';) {
            if (!*m->p || *m->p == '<' || *m->p == '>') { fail(m, "a value that is not closed"); return n; }
            if (*m->p == '&') entity(m);
            else m->p++;
        }
        m->p++, n++;
    }
}

static void tag(struct markup *m) {
    static const char *const empty[] = { "meta", "link", "img", "br" };
    char name[16] = "";
    const bool closing = m->p[1] == '/';
    m->p += 1 + closing;
    for (size_t n = 0; isalnum((unsigned char)*m->p) && n < 15; m->p++) name[n++] = *m->p;
    if (!*name) { fail(m, "a < that begins no tag"); return; }
    if (closing) {
        if (!m->depth || strcmp(m->open[m->depth - 1], name)) fail(m, "an end tag of something else");
        else m->depth--;
    } else {
        attributes(m);
        bool void_one = *m->p == '/';
        for (size_t i = 0; i < SV_LEN(empty); i++) void_one = void_one || !strcmp(name, empty[i]);
        if (!void_one && m->depth == 64) { fail(m, "too deep"); return; }
        if (!void_one) memcpy(m->open[m->depth++], name, 16);
        m->p += *m->p == '/';
    }
    if (*m->p++ != '>') fail(m, "a tag without end");
    if (!closing && !strcmp(name, "script")) fail(m, "a script");
    if (!closing && !strcmp(name, "style")) while (*m->p && strncmp(m->p, "</style>", 8)) m->p++;
}

static void well_formed(void) {
    struct markup m = { .p = text() };
    cr_assert(!strncmp(m.p, "<!DOCTYPE html>\n", 16));
    for (m.p += 16; *m.p && !m.bad;) {
        if (*m.p == '<') tag(&m);
        else if (*m.p == '&') entity(&m);
        else m.p++;
    }
    cr_expect(!m.bad && !m.depth, "%s, before: %.120s", m.bad ? m.why : "not closed", m.p);
    /* Nothing is fetched. */
    for (const char *p = text(); (p = strstr(p, "href=\"")); p += 6) cr_expect(p[6] == '#' || !strncmp(p + 6, "data:", 5), "%.40s", p);
    for (const char *p = text(); (p = strstr(p, "src=\"")); p += 5) cr_expect(!strncmp(p + 5, "data:image/jpeg;base64,", 23), "%.40s", p);
    HAS_NOT("@import");
    for (const char *p = text(); (p = strstr(p, "url(")); p += 4) cr_expect(p[4] == '#', "%.40s", p);
    /* Links lead somewhere. */
    for (const char *p = text(); (p = strstr(p, "href=\"#")); p += 7) {
        char id[64];
        snprintf(id, sizeof id, "id=\"%.*s\"", (int)strcspn(p + 7, "\""), p + 7);
        cr_expect(strstr(text(), id), "no %s", id);
    }
}

/* ---- */

Test(html, text) {
    char path[4200];
    struct sv_html h = {0};
    const char *dir = temp_dir();
    snprintf(path, sizeof path, "%s/t", dir);
    cr_assert_eq(sv_out_open(&h.out, path, NULL), 0);
    sv_html_text(&h, "<b a='1' c=\"2\">&amp;\n\t\x01\x7f \xc3\xa9 \xe2\x80\xae" "x\xff\xe2\x81\xa7 \xc2\x85 \xf0\x9f\x9a\xb2");
    for (size_t n = 0; n < 6; n++) sv_html(&h, "|"), sv_html_base64(&h, (const uint8_t *)"foobar", n + 1);
    char many[3000];
    memset(many, 'm', sizeof many - 1), many[sizeof many - 1] = 0;
    sv_html(&h, "|%s", many);
    cr_assert(!h.rc && !sv_out_commit(&h.out, NULL));
    load(dir, "t");
    char *end = strstr((char *)page.data, "|mmm");
    cr_assert(end && strlen(end) == 3000);
    *end = 0;
    cr_expect_str_eq(text(), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;\n\t\xef\xbf\xbd\xef\xbf\xbd \xc3\xa9 \xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd "
                     "\xf0\x9f\x9a\xb2|Zg==|Zm8=|Zm9v|Zm9vYg==|Zm9vYmE=|Zm9vYmFy");
}

/* Scores, boxes, pictures, reasons, labels, texts, a log: the whole chain. */
Test(report, everything) {
    const char *dir = temp_dir();
    cr_assert(dir && !tiny_folder(dir));
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "fit -m m.svad clip --frames 3 --boxes boxes.txt --actions actions.txt --clusters 2 --seed 31 --prompts 0 -o s.scene --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene clip --boxes boxes.txt -o a --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene a --threshold -1 --abnormal 'run & walk' -o b --quiet"), 0, "%s", r.err);
    write_text(dir, "log", "{\"epoch\": 1, \"step\": 5, \"learned\": {\"loss\": 2.5}, \"held_out\": {\"loss\": 2.75, \"top1\": 0.25}}\n"
               "{\"epoch\": 2, \"step\": 10, \"learned\": {\"loss\": 1.5}, \"held_out\": {\"loss\": 1.75, \"top1\": 0.5}}\n");
    cr_assert_eq(run_svad(&r, dir, "report b -o page.html --labels labels.txt --log log --threshold 1e-4 --title 'A & B' --quiet"), 0, "%s", r.err);
    load(dir, "page.html"), well_formed();
    HAS("<title>A &amp; B</title>"), HAS("class=\"skip\""), HAS("<html lang=\"en\">"), HAS("name=\"viewport\""), HAS("prefers-color-scheme:dark"), HAS("@media print");
    HAS("data:image/jpeg;base64,/9j/"), HAS("most like"), HAS("more than usual</dt><dd>"), HAS("less than usual</dt><dd>"), HAS("the threshold given");
    HAS("labelled abnormal"), HAS("<path class=\"t\" d=\"M1000 0h666v800h-666z\"/>"), HAS("before redefinition"), HAS("class=\"c b\""), HAS("run &amp; walk");
    HAS("is now"), HAS("ROC curve"), HAS("macro-sentinel"), HAS("held_out"), HAS("from 2.5 to 1.5"), HAS("--abnormal &#39;run &amp; walk&#39;"), HAS("<dt>seed</dt><dd>31</dd>");
    HAS("<dt>kernel table</dt>"), HAS("<dt>threads</dt>"), HAS("<dt>identity of the model</dt>"), HAS("6 of 6 frames have another score than before");

    /* The AUCs of eval, in percent. */
    char want[64];
    cr_assert_eq(run_svad(&r, dir, "eval b --labels labels.txt"), 0);
    double raw, smooth;
    cr_assert_eq(sscanf(strstr(r.out, "micro"), "micro %lf %lf", &raw, &smooth), 2);
    snprintf(want, sizeof want, "<td>%.2f</td><td>%.2f</td>", 100 * raw, 100 * smooth);
    HAS(want);

    /* The same bytes again; without the video no pictures, with a video that is another a message. */
    uint8_t *first = sv_alloc(page.size, 1, NULL);
    const size_t size = page.size;
    memcpy(first, page.data, size);
    cr_assert_eq(run_svad(&r, dir, "report b -o page.html --labels labels.txt --log log --threshold 1e-4 --title 'A & B' --threads 1"), 0);
    load(dir, "page.html");
    cr_expect(page.size == size && !memcmp(page.data, first, size));
    sv_free(first);
    cr_assert_eq(run_svad(&r, dir, "report a -o page.html"), 0, "%s", r.err);
    load(dir, "page.html"), well_formed(), HAS_NOT("#texts"), HAS_NOT("#labels"), HAS_NOT("class=\"c b\"");
    cr_assert_eq(run_svad(&r, dir, "report b -o page.html --video clip --before a"), 0, "%s", r.err);
    load(dir, "page.html"), well_formed(), HAS("data:image/jpeg"), HAS("class=\"c b\""), HAS("99.9\xc2\xa0% of the training frames");
    cr_assert_eq(run_svad(&r, dir, "report b -o page.html --video a.y4m"), 2);
    cr_assert_eq(run_svad(&r, dir, "report b -o page.html --video clip/f00.ppm"), 2);
    cr_expect(strstr(r.err, "clip clip is not in --video"), "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "report b -o page.html --boxes 0"), 0);
    load(dir, "page.html"), well_formed(), HAS_NOT("data:image"), HAS_NOT("Highest boxes");
    char from[4200], to[4200];
    for (int k = 0; k < 2; k++) {
        snprintf(from, sizeof from, "%s/%s", dir, k ? "clip" : "a"), snprintf(to, sizeof to, "%s/gone%d", dir, k);
        cr_assert_eq(rename(from, to), 0);
    }
    cr_assert_eq(run_svad(&r, dir, "report b -o page.html"), 0, "%s", r.err);
    cr_expect(strstr(r.err, "no pictures of clip clip"), "%s", r.err);
    load(dir, "page.html"), well_formed(), HAS_NOT("data:image"), HAS("more than usual"), HAS_NOT("class=\"c b\"");
}

/* Names that would be markup, break out of attributes, or turn the text around. */
Test(report, hostile_names) {
    const char *dir = temp_dir();
    static const char *const name[] = { "<script>alert(1)</script>", "\" onload=\"alert(1)", "a&b;'c'</title><!--", ("\xe2\x80\xae" "gpj.exe"), "\xff\xfe broken", "]]>%s%n", "--><svg/onload=x>" };
    char scores[4096] = "clip,frame,score\n", objects[8192] = "clip,frame,x1,y1,x2,y2,track,score,action,similarity\n", labels[4096] = "", run[4096];
    size_t s = strlen(scores), o = strlen(objects);
    for (size_t i = 0; i < SV_LEN(name); i++) {
        char quoted[256], *q = quoted;
        for (const char *p = name[i]; *p; p++) { if (*p == '"') *q++ = '"'; *q++ = *p; }
        *q = 0;
        s += (size_t)sprintf(scores + s, "\"%s\",0,0.5\n\"%s\",1,0.25\n", quoted, quoted);
        o += (size_t)sprintf(objects + o, "\"%s\",0,1,1,9,9,-1,0.5,\"%s\",0.5\n", quoted, quoted);
    }
    const int n = snprintf(run, sizeof run, "{\"command\": [\"svad\", \"<script>\", \"it's\"], \"svad\": \"</dd><script>\", \"isa\": {\"x\": 1}, \"threads\": [], \"model\": 3, \"clips\": "
        "[{\"name\": \"\\\" onload=\\\"alert(1)\", \"fps\": 25, \"video\": \"/no/such/<b>\"}, 7, null], \"redefined\": [{\"normal\": \"</table><script>x\"}, 3], \"from\": \"<gone>\"}");
    cr_assert_gt(n, 0);
    write_text(dir, "scores.csv", scores), write_text(dir, "objects.csv", objects), write_text(dir, "run.json", run), write_text(dir, "labels", labels);
    write_text(dir, "log", "{\"<script>\": 1, \"step\": 1, \"</h3>\": {\"<i>\": 1}}\n{\"<script>\": 2, \"step\": 2, \"</h3>\": {\"<i>\": 2}}\n");
    cr_assert_eq(run_svad(&r, dir, "report . -o page.html --log log --title '</title><script>'"), 0, "%s", r.err);
    load(dir, "page.html"), well_formed();
    HAS_NOT("<script"), HAS_NOT("onload=\"alert"), HAS_NOT("<!--"), HAS_NOT("\xe2\x80\xae"), HAS_NOT("\xff");
    HAS("&lt;script&gt;alert(1)&lt;/script&gt;"), HAS("frame 0 (0:00.0)"), HAS("&#39;it&#39;\\&#39;&#39;s&#39;");
    for (const char *p = text(); (p = strstr(p, "style=\"")); p++)
        for (p += 7; *p != '"'; p++) cr_assert(islower((unsigned char)*p) || isdigit((unsigned char)*p) || strchr(".:;%-", *p), "%.40s", p);
}

/* Where the points of a curve lie. */
Test(report, the_curve_is_the_scores) {
    const char *dir = temp_dir();
    write_text(dir, "scores.csv", "clip,frame,score\na,0,0\na,1,1\na,2,0.5\na,3,0.25\nb,0,0.5\n");
    cr_assert_eq(run_svad(&r, dir, "report scores.csv -o page.html --threshold 0.75 --fps 2"), 0, "%s", r.err);
    load(dir, "page.html"), well_formed();
    HAS("id=\"s0\" d=\"M250 800l500-755 500 378 500 188\"/>");            /* 1.06 high: y = 800 (1.06 - v) / 1.06 */
    HAS("id=\"s1\" d=\"M0 423l2000 0\"/>"), HAS("<rect width=\"2000\" height=\"234\"/>"), HAS("<td>25.0</td>"), HAS("highest 1 at frame 1 (0:00.5)"), HAS("1 at the line or above");
    HAS_NOT("id=\"boxes\""), HAS_NOT("id=\"labels\""), HAS_NOT("id=\"texts\""), HAS("There is no run.json");
}

/* Ten hours at 25 frames a second: below 5 MB, and the one frame that is high is there. */
Test(report, ten_hours) {
    enum { FRAMES = 900000, SPIKE = 654321 };
    const char *dir = temp_dir();
    char path[4200];
    struct sv_out o, x;
    double *score = sv_alloc(FRAMES, sizeof *score, NULL);
    uint64_t rng = 3;
    char *label = sv_alloc(FRAMES + 64, 1, NULL);
    struct sv_object_row *row = sv_alloc(5000, sizeof *row, NULL);
    cr_assert(dir && score && label && row);
    size_t n = (size_t)sprintf(label, "cam %d ", FRAMES);
    for (size_t t = 0; t < FRAMES; t++) score[t] = 0.1 * sv_rng_unit(&rng), label[n++] = sv_rng_unit(&rng) < 0.01 ? '1' : '0';
    score[SPIKE] = 1;
    label[n++] = '\n';
    snprintf(path, sizeof path, "%s/scores.csv", dir);
    cr_assert(!sv_scores_open(&o, path, NULL) && !sv_scores_put(&o, "cam", score, FRAMES, NULL) && !sv_out_commit(&o, NULL));
    snprintf(path, sizeof path, "%s/objects.csv", dir);
    for (size_t i = 0; i < 5000; i++) row[i] = (struct sv_object_row){ i * 170, 1, 2, 30, 40, -1, score[i * 170], "walking", 0.5f };
    cr_assert(!sv_objects_open(&x, path, NULL) && !sv_objects_put(&x, "cam", row, 5000, NULL) && !sv_out_commit(&x, NULL));
    cr_assert_eq(tiny_write(dir, "labels", label, n), 0);
    cr_assert_eq(run_svad(&r, dir, "report . -o page.html --labels labels --fps 25 --boxes 100 --quiet"), 0, "%s", r.err);
    load(dir, "page.html"), well_formed();
    cr_expect_lt(page.size, 800000, "%zu bytes; 100 pictures of at most 24 kB, in base64, are below 5 MB with it", page.size);
    HAS("<small>10.0 h</small>"), HAS("highest 1 at frame 654321 (7:16:12.8)"), HAS("Hour by hour"), HAS("id=\"s0-9\""), HAS_NOT("id=\"s0-10\"");
    const char *p = strstr(text(), "id=\"s0\" d=\"M");
    cr_assert(p);
    int x0 = 0, y0 = 0, top = 800, at = 0, points = 1, dx, dy, used;
    p += 11;
    cr_assert_eq(sscanf(p, "M%d %dl%n", &x0, &y0, &used), 2);
    for (p += used; sscanf(p, "%d%d%n", &dx, &dy, &used) == 2; p += used, points++) {
        x0 += dx, y0 += dy;
        if (y0 < top) top = y0, at = x0;
    }
    cr_expect(*p == '"' && points <= 2000 && points > 1900, "%d points", points);
    cr_expect(top < 60 && abs(at - 2000 * (SPIKE / 1000) / (FRAMES / 1000)) <= 3, "highest at %d, %d", at, top);
    sv_free(score), sv_free(label), sv_free(row);
}

/* Thousands of clips: only the highest have a curve. */
Test(report, many_clips) {
    const char *dir = temp_dir();
    char path[4200], name[32];
    struct sv_out o;
    double score[50];
    snprintf(path, sizeof path, "%s/scores.csv", dir);
    cr_assert(!sv_scores_open(&o, path, NULL));
    for (size_t c = 0; c < 1200; c++) {
        for (size_t t = 0; t < 50; t++) score[t] = (double)(c * 7919 % 1200) / 1200 * (double)(t % 9);
        sprintf(name, "clip %zu", c);
        cr_assert_eq(sv_scores_put(&o, name, score, 50, NULL), 0);
    }
    cr_assert_eq(sv_out_commit(&o, NULL), 0);
    cr_assert_eq(run_svad(&r, dir, "report . -o page.html --quiet"), 0, "%s", r.err);
    load(dir, "page.html");
    size_t curves = 0;
    for (const char *p = text(); (p = strstr(p, "<article")); p++) curves++;
    cr_expect_eq(curves, 200);
    well_formed();
    HAS("of 1200.</p>");
    cr_expect_lt(page.size, 1 << 20);
}

static const char *in_dir(const char *dir, const char *name) {
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void refused(const char *dir, int code, const char *args, const char *says) {
    run_svad(&r, dir, "report %s", args);
    cr_expect_eq(r.code, code, "%s: %d %s", args, r.code, r.err);
    cr_expect(strstr(r.err, says) && strchr(r.err, '\n') && !strchr(r.err, '\n')[1], "%s: \"%s\", expected \"%s\"", args, r.err, says);
    cr_expect(access(in_dir(dir, "page.html"), F_OK), "%s", args);
}

Test(report, refuses) {
    const char *dir = temp_dir();
    write_text(dir, "scores.csv", "clip,frame,score\na,0,0\na,1,1\n"), write_text(dir, "other.csv", "clip,frame,score\na,0,0\n");
    write_text(dir, "labels", "b 2 01\n"), write_text(dir, "log", "{\"loss\": 1}\n{\"loss\": \n"), write_text(dir, "flat", "[1]\n"), write_text(dir, "none", "{\"a\": \"b\"}\n");
    refused(dir, 1, ". ", "-o FILE.html");
    refused(dir, 1, "-o page.html", "an argument is missing");
    refused(dir, 2, "no/such -o page.html", "no/such");
    refused(dir, 2, ". -o page.html --labels labels", "clip a has scores in");
    refused(dir, 2, ". -o page.html --before other.csv", "clip a has 1 frames in other.csv, but 2");
    refused(dir, 2, ". -o page.html --before nowhere", "nowhere");
    write_text(dir, "objects.csv", "clip,frame,x1,y1,x2,y2,track,score,action,similarity\n");
    refused(dir, 2, ". -o page.html --log log", "log: line 2");
    refused(dir, 2, ". -o page.html --log flat", "flat: line 1: expected a JSON object");
    refused(dir, 2, ". -o page.html --log none", "nothing to draw");
    write_text(dir, "objects.csv", "clip,frame,x1,y1,x2,y2,track,score,action,similarity\nz,0,1,2,3,4,-1,1,x,0\n");
    refused(dir, 2, ". -o page.html", "clip z is not in");
    write_text(dir, "objects.csv", "clip,frame,x1,y1,x2,y2,track,score,action,similarity\na,2,1,2,3,4,-1,1,x,0\n");
    refused(dir, 2, ". -o page.html", "an object in frame 2");
    unlink(in_dir(dir, "objects.csv"));
    write_text(dir, "run.json", "{\"clips\": ");
    refused(dir, 2, ". -o page.html", "run.json");
    write_text(dir, "run.json", "[]");
    cr_expect_eq(run_svad(&r, dir, "report . -o page.html"), 0, "%s", r.err);
    load(dir, "page.html"), well_formed();
}
