#include "kmeans/steady.h"

#include "core/mem.h"
#include "kmeans/sight.h"

#include <math.h>

struct job {
    struct sv_sight *s; double *score; size_t n;    /* rows by track and frame */
    size_t reach, begin, end;
    double *of_frame; size_t from, to;
};

static int sort(struct job *j, const double *score, const struct sv_tracked *r, struct sv_err *e) {
    j->s = sv_alloc(j->n, sizeof *j->s, e), j->score = sv_alloc(j->n, sizeof *j->score, e);
    if (!j->s || !j->score) return SV_ENOMEM;
    for (size_t i = 0; i < j->n; i++) j->s[i] = (struct sv_sight){ r->track[i], r->frame[i], i };
    sv_sights_sort(j->s, j->n);
    for (size_t i = 0; i < j->n; i++) j->score[i] = score[j->s[i].row];
    return 0;
}

/* The window around frame t of the track of row i, which is in it; what the track does not fill of it is 0. */
static double middle(const struct job *j, size_t i, size_t t) {
    const struct sv_sight *s = j->s;
    const size_t first = t - sv_min(j->reach, t - j->begin), last = t + sv_min(j->reach, j->end - 1 - t);
    double v[2 * SV_STEADY_MOST + 1] = {0};
    size_t k = i;
    while (k && s[k - 1].track == s[i].track && s[k - 1].frame >= first) k--;
    for (size_t at = SIZE_MAX; k < j->n && s[k].track == s[i].track && s[k].frame <= last; k++) {
        if (s[k].frame != at) v[s[k].frame - first] = j->score[k];
        at = s[k].frame;
    }
    return sv_median(v, last - first + 1);
}

static void tell(struct job *j, size_t t, double score) {
    if (t < j->from || t >= j->to) return;
    double *most = &j->of_frame[t - j->from];
    if (!isnan(*most) && !(score <= *most)) *most = score;
}

/* Frames between row i and the next of its track that are near enough to both. */
static void bridge(struct job *j, size_t i) {
    const struct sv_sight *a = &j->s[i], *b = a + 1;
    if (i + 1 == j->n || a->track < 0 || a->track != b->track) return;
    const size_t first = sv_max(sv_max(a->frame + 1, j->from), b->frame - sv_min(b->frame, j->reach));
    for (size_t t = first; t < sv_min(b->frame, j->to) && t - a->frame <= j->reach; t++) tell(j, t, middle(j, i, t));
}

int sv_steady(double *out, const double *score, const struct sv_tracked *r, size_t reach, double *of_frame, size_t from, size_t to, struct sv_err *e) {
    struct job j = { .n = r->n, .reach = reach, .begin = r->begin, .end = r->end, .of_frame = of_frame, .from = from, .to = to };
    const int rc = sort(&j, score, r, e);
    for (size_t t = from; t < to; t++) of_frame[t - from] = 0;
    for (size_t i = 0; !rc && i < j.n; i++) {
        const struct sv_sight *s = &j.s[i];
        out[s->row] = s->track < 0 ? j.score[i] : middle(&j, i, s->frame);
        tell(&j, s->frame, out[s->row]);
        bridge(&j, i);
    }
    sv_free(j.score), sv_free(j.s);
    return rc;
}
