/* Events, by hand and against the alarms that kmeans/calibrate.h counts; zones. */
#include "core/rng.h"
#include "kmeans/calibrate.h"
#include "tools/event.h"
#include "tools/zone.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* What was told: "S1 U1 E1 ", and the last event of each kind. */
struct told { char text[512]; struct sv_event last[3]; };

static int tell(void *arg, enum sv_event_kind kind, const struct sv_event *v, size_t object, struct sv_err *e) {
    struct told *t = arg;
    const size_t n = strlen(t->text);
    (void)object, (void)e;
    snprintf(t->text + n, sizeof t->text - n, "%c%zu ", "SUE"[kind], v->id);
    t->last[kind] = *v;
    return 0;
}

static const struct sv_event_rule rule = { .threshold = 1, .low = 0.5, .length = 2, .quiet = 3, .gap = 5, .update = 0 };

/* One track whose scores are the digits of a text in tenths (9: 0.9, A: 1.0); '-': not there. */
static void one(struct told *t, const struct sv_event_rule *r, const char *digits) {
    struct sv_events v = { .rule = *r };
    struct sv_err e = {0};
    *t = (struct told){0};
    for (size_t k = 0; digits[k]; k++) {
        const struct sv_event_object o = { { 10 + (double)k, 10, 20 + (double)k, 30 }, digits[k] == 'A' ? 1 : 0.1 * (digits[k] - '0'), 7 };
        cr_assert_eq(sv_events_step(&v, k, &o, digits[k] != '-', tell, t, &e), 0);
    }
    cr_assert_eq(sv_events_close(&v, tell, t, &e), 0);
    sv_events_free(&v);
}

Test(event, begins_goes_on_and_ends) {
    struct told t;
    one(&t, &rule, "00A0A00A000");
    cr_expect_str_eq(t.text, "", "single frames are no event: %s", t.text);
    one(&t, &rule, "00AA00000000");
    cr_expect_str_eq(t.text, "S1 E1 ");
    cr_expect(t.last[SV_EVENT_END].begin == 2 && t.last[SV_EVENT_END].last == 3 && t.last[SV_EVENT_END].track == 7);
    one(&t, &rule, "AA6666665000000");
    cr_expect(!strcmp(t.text, "S1 E1 ") && t.last[SV_EVENT_END].last == 8, "goes on at low: %s %zu", t.text, t.last[SV_EVENT_END].last);
    one(&t, &rule, "AA000A0000AA0");
    cr_expect_str_eq(t.text, "S1 E1 ", "what comes in the cooldown is no new event: %s", t.text);
    one(&t, &rule, "AA0000000AA0000000AA000");
    cr_expect_str_eq(t.text, "S1 E1 S2 E2 S3 E3 ", "after it there is one: %s", t.text);
    cr_expect_eq(t.last[SV_EVENT_END].alarm, 3);
    one(&t, &rule, "0AA");
    cr_expect_str_eq(t.text, "S1 E1 ", "the end of the stream ends it");
    one(&t, &rule, "AA--AA");
    cr_expect_str_eq(t.text, "S1 E1 ");
    struct sv_event_rule told = rule;
    told.update = 3;
    one(&t, &told, "AAAAAAAAA00000");
    cr_expect_str_eq(t.text, "S1 U1 U1 U1 E1 ", "%s", t.text);
}

/* A track that is lost and found under another number, near or far. */
static void two(struct told *t, double x2, size_t pause, size_t rest) {
    struct sv_events v = { .rule = rule };
    struct sv_err e = {0};
    *t = (struct told){0};
    for (size_t k = 0; k < 4 + pause + rest; k++) {
        const bool first = k < 4, there = first || k >= 4 + pause;
        const double x = first ? 10 + (double)k : x2;
        const struct sv_event_object o = { { x, 10, x + 10, 30 }, 1, first ? 3 : 9 };
        cr_assert_eq(sv_events_step(&v, k, &o, there, tell, t, &e), 0);
    }
    cr_assert_eq(sv_events_close(&v, tell, t, &e), 0);
    sv_events_free(&v);
}

Test(event, one_for_each_thing) {
    struct told t;
    two(&t, 16, 1, 4);
    cr_expect(!strcmp(t.text, "S1 E1 ") && t.last[SV_EVENT_END].track == 9, "taken up at once: %s", t.text);
    two(&t, 20, 4, 2);
    cr_expect_str_eq(t.text, "S1 E1 ", "taken up in the cooldown: %s", t.text);
    two(&t, 16, 9, 4);
    cr_expect_str_eq(t.text, "S1 E1 S2 E2 ", "too late: %s", t.text);
    two(&t, 200, 1, 4);
    cr_expect_str_eq(t.text, "S1 S2 E1 E2 ", "elsewhere: %s", t.text);
    cr_expect_eq(t.last[SV_EVENT_END].alarm, 1, "but one alarm");
}

/* Two things at once are two events of one alarm; boxes without tracks are told apart by overlap. */
Test(event, things_at_once) {
    for (int64_t track = -1; track < 2; track += 2) {
        struct sv_events v = { .rule = rule };
        struct sv_err e = {0};
        struct told t = {0};
        for (size_t k = 0; k < 20; k++) {
            const double x = 2 * (double)k;
            const struct sv_event_object o[2] = { { { x, 10, x + 10, 30 }, k < 9, track }, { { 100 - x, 60, 110 - x, 80 }, k > 2 && k < 9, 2 * track } };
            cr_assert_eq(sv_events_step(&v, k, k % 2 ? o : (struct sv_event_object[]){ o[1], o[0] }, 2, tell, &t, &e), 0);
        }
        cr_expect_str_eq(t.text, "S1 S2 E2 E1 ", "track %lld: %s", (long long)track, t.text);
        cr_expect(v.alarms == 1 && v.events == 2);
        sv_events_free(&v);
    }
}

/* The alarms of one track are those that thresholds are made for. */
Test(event, alarms_are_those_calibrated) {
    enum { N = 4000 };
    static double score[N];
    static const int32_t block[] = { N };
    for (uint64_t s = 0; s < 24; s++) {
        uint64_t rng = s;
        double level = 0;
        for (size_t i = 0; i < N; i++) {
            if (sv_rng_below(&rng, 6) == 0) level = sv_rng_unit(&rng);
            score[i] = level * (0.9 + 0.1 * sv_rng_unit(&rng));
        }
        const struct sv_alarm_rule r = { 1 + s % 4, 4 + s % 3 * 20 };
        const struct sv_footage f = { score, N, block, 1, 10 };
        const double threshold = 0.6 + 0.1 * (double)(s % 4);
        struct sv_events v = { .rule = { .threshold = threshold, .low = threshold, .length = r.length, .quiet = 2, .gap = r.gap } };
        struct sv_err e = {0};
        for (size_t i = 0; i < N; i++) {
            struct told t = {0};
            const struct sv_event_object o = { { 0, 0, 9, 9 }, score[i], 1 };
            cr_assert_eq(sv_events_step(&v, i, &o, 1, tell, &t, &e), 0);
        }
        /* A single frame at the threshold keeps an open event open, but is no part of an alarm of several. */
        const size_t want = sv_alarms(&f, &r, threshold), less = r.length > 1 ? want / 8 : 0;
        cr_expect(v.alarms <= want && v.alarms + less >= want, "length %zu, gap %zu: %zu, expected %zu", r.length, r.gap, v.alarms, want);
        cr_expect(v.alarms > 5 && v.n == 1);
        sv_events_free(&v);
    }
}

/* What is gone is forgotten. */
Test(event, memory_is_bounded) {
    struct sv_events v = { .rule = rule };
    struct sv_err e = {0};
    for (size_t k = 0; k < 20000; k++) {
        struct told t = {0};
        const double x = (double)(k % 50) * 30;
        const struct sv_event_object o = { { x, 0, x + 9, 9 }, k % 3 ? 1 : 0, (int64_t)k / 3 };
        cr_assert_eq(sv_events_step(&v, k, &o, 1, tell, &t, &e), 0);
        cr_assert(v.n < 20, "%zu bodies", v.n);
    }
    sv_events_free(&v);
}

static int parse(struct sv_zones *z, const char **text, size_t n, struct sv_err *e) {
    *z = (struct sv_zones){0};
    return sv_zones_parse(z, &(struct sv_list){ .item = text, .n = n }, e);
}

Test(event, zones) {
    const char *texts[] = { "10,10 110,10 110,110 10,110", "!50,50 70,50 60,80", "200,0 300.5,0 250,100" };
    struct sv_zones z;
    struct sv_err e = {0};
    /* The foot of a box at x, y. */
#define FOOT(x, y) sv_zones_count(&z, (double[4]){ (x) - 5, (y) - 30, (x) + 5, (y) })
    cr_assert_eq(parse(&z, texts, 0, &e), 0);
    cr_expect(FOOT(1, 1));
    sv_zones_free(&z);
    cr_assert_eq(parse(&z, texts, 3, &e), 0, "%s", e.msg);
    cr_expect(FOOT(20, 20) && FOOT(250, 50) && !FOOT(5, 20) && !FOOT(60, 60) && !FOOT(150, 50) && FOOT(60, 90));
    sv_zones_free(&z);
    cr_assert_eq(parse(&z, texts + 1, 1, &e), 0);
    cr_expect(FOOT(1, 1) && !FOOT(60, 60));
    sv_zones_free(&z);
    static const char *const bad[] = { "", "!", "1,2 3,4", "1,2 3,4 5", "1,2 3,4 5,x", "1;2 3;4 5;6", "1,2 3,4 5,6,7", "1,2 3,4 nan,6", "1,2 3,4 1e9,6" };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        const char *text = bad[i];
        e = (struct sv_err){0};
        cr_expect(parse(&z, &text, 1, &e) == SV_EUSAGE && strstr(e.msg, "expected three corners"), "\"%s\": %s", bad[i], e.msg);
        sv_zones_free(&z);
    }
}
