#include "kmeans/steady.h"

#include "core/mem.h"
#include "kmeans/sight.h"

/* s and score [n] are sorted; the window of s[i] in v, what the track does not fill of it as 0. */
static double middle(const struct sv_sight *s, const double *score, size_t n, size_t i, size_t reach, size_t begin, size_t end) {
    const size_t t = s[i].frame, first = t - sv_min(reach, t - begin), last = t + sv_min(reach, end - 1 - t);
    double v[2 * SV_STEADY_MOST + 1] = {0};
    size_t k = i;
    while (k && s[k - 1].track == s[i].track && s[k - 1].frame >= first) k--;
    for (size_t at = SIZE_MAX; k < n && s[k].track == s[i].track && s[k].frame <= last; k++) {
        if (s[k].frame != at) v[s[k].frame - first] = score[k];
        at = s[k].frame;
    }
    return sv_median(v, last - first + 1);
}

int sv_steady(double *out, const double *score, const size_t *frame, const int64_t *track, size_t n, size_t reach, size_t begin, size_t end,
              struct sv_err *e) {
    struct sv_sight *s = sv_alloc(n, sizeof *s, e);
    double *sorted = sv_alloc(n, sizeof *sorted, e);
    const bool room = s && sorted;
    for (size_t i = 0; room && i < n; i++) s[i] = (struct sv_sight){ track[i], frame[i], i };
    if (room) sv_sights_sort(s, n);
    for (size_t i = 0; room && i < n; i++) sorted[i] = score[s[i].row];
    for (size_t i = 0; room && i < n; i++) out[s[i].row] = s[i].track < 0 ? sorted[i] : middle(s, sorted, n, i, reach, begin, end);
    sv_free(sorted), sv_free(s);
    return room ? 0 : SV_ENOMEM;
}
