#include "kmeans/steady.h"

#include "core/mem.h"
#include "kmeans/sight.h"

/* Rows of a clip by track and frame. */
struct sorted { struct sv_sight *s; double *score; size_t n; };

static int sort(struct sorted *r, const double *score, const size_t *frame, const int64_t *track, size_t n, struct sv_err *e) {
    *r = (struct sorted){ sv_alloc(n, sizeof *r->s, e), sv_alloc(n, sizeof *r->score, e), n };
    if (!r->s || !r->score) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) r->s[i] = (struct sv_sight){ track[i], frame[i], i };
    sv_sights_sort(r->s, n);
    for (size_t i = 0; i < n; i++) r->score[i] = score[r->s[i].row];
    return 0;
}

static void drop(struct sorted *r) { sv_free(r->s), sv_free(r->score); }

/* The window around frame t of the track of row i, which is in it; what the track does not fill of it is 0. */
static double middle(const struct sorted *r, size_t i, size_t t, size_t reach, size_t begin, size_t end) {
    const struct sv_sight *s = r->s;
    const size_t first = t - sv_min(reach, t - begin), last = t + sv_min(reach, end - 1 - t);
    double v[2 * SV_STEADY_MOST + 1] = {0};
    size_t k = i;
    while (k && s[k - 1].track == s[i].track && s[k - 1].frame >= first) k--;
    for (size_t at = SIZE_MAX; k < r->n && s[k].track == s[i].track && s[k].frame <= last; k++) {
        if (s[k].frame != at) v[s[k].frame - first] = r->score[k];
        at = s[k].frame;
    }
    return sv_median(v, last - first + 1);
}

int sv_steady(double *out, const double *score, const size_t *frame, const int64_t *track, size_t n, size_t reach, size_t begin, size_t end,
              struct sv_err *e) {
    struct sorted r;
    const int rc = sort(&r, score, frame, track, n, e);
    for (size_t i = 0; !rc && i < n; i++) out[r.s[i].row] = r.s[i].track < 0 ? r.score[i] : middle(&r, i, r.s[i].frame, reach, begin, end);
    drop(&r);
    return rc;
}

int sv_steady_unseen(double *out, const double *score, const size_t *frame, const int64_t *track, size_t n, size_t reach, size_t begin, size_t end,
                     size_t from, size_t to, struct sv_err *e) {
    struct sorted r;
    const int rc = sort(&r, score, frame, track, n, e);
    for (size_t t = from; t < to; t++) out[t - from] = 0;
    for (size_t i = 0; !rc && i + 1 < n; i++) {
        const struct sv_sight *a = &r.s[i], *b = a + 1;
        if (a->track < 0 || a->track != b->track) continue;
        const size_t first = sv_max(sv_max(a->frame + 1, from), b->frame - sv_min(b->frame, reach));
        for (size_t t = first; t < sv_min(b->frame, to) && t - a->frame <= reach; t++) {
            const double m = middle(&r, i, t, reach, begin, end);
            if (!(m <= out[t - from])) out[t - from] = m;
        }
    }
    drop(&r);
    return rc;
}
