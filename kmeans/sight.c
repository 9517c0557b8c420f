#include "kmeans/sight.h"

#include <stdlib.h>

static int by_track(const void *a, const void *b) {
    const struct sv_sight *x = a, *y = b;
    if (x->track != y->track) return x->track < y->track ? -1 : 1;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

void sv_sights_sort(struct sv_sight *s, size_t n) { qsort(s, n, sizeof *s, by_track); }

double sv_median(double *v, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const double x = v[i];
        size_t to = i;
        for (; to && x < v[to - 1]; to--) v[to] = v[to - 1];
        v[to] = x;
    }
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}
