#include "kmeans/steady.h"

#include "core/mem.h"
#include <stdlib.h>

struct sight { int64_t track; size_t frame, index; double score; };

static int by_track(const void *a, const void *b) {
    const struct sight *x = a, *y = b;
    if (x->track != y->track) return x->track < y->track ? -1 : 1;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Of n values, n >= 1, which are sorted by it; the mean of the two in the middle where n is even. */
static double median(double *v, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const double x = v[i];
        size_t to = i;
        for (; to && x < v[to - 1]; to--) v[to] = v[to - 1];
        v[to] = x;
    }
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* s [n] is sorted; the window of s[i] in v, what the track does not fill of it as 0. */
static double middle(const struct sight *s, size_t n, size_t i, size_t reach, size_t begin, size_t end) {
    const size_t t = s[i].frame, first = t - sv_min(reach, t - begin), last = t + sv_min(reach, end - 1 - t);
    double v[2 * SV_STEADY_MOST + 1] = {0};
    size_t k = i;
    while (k && s[k - 1].track == s[i].track && s[k - 1].frame >= first) k--;
    for (size_t at = SIZE_MAX; k < n && s[k].track == s[i].track && s[k].frame <= last; k++) {
        if (s[k].frame != at) v[s[k].frame - first] = s[k].score;
        at = s[k].frame;
    }
    return median(v, last - first + 1);
}

int sv_steady(double *out, const double *score, const size_t *frame, const int64_t *track, size_t n, size_t reach, size_t begin, size_t end,
              struct sv_err *e) {
    struct sight *s = sv_alloc(n, sizeof *s, e);
    if (!s) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) s[i] = (struct sight){ track[i], frame[i], i, score[i] };
    qsort(s, n, sizeof *s, by_track);
    for (size_t i = 0; i < n; i++) out[s[i].index] = s[i].track < 0 ? s[i].score : middle(s, n, i, reach, begin, end);
    sv_free(s);
    return 0;
}
