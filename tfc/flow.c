#include "tfc/flow.h"

#include <math.h>
#include <stdlib.h>

enum {
    CUT = 48,                           /* gray levels: what differs more is something else, however much */
    ROWS = 24, COLS = 16,               /* samples of a box at most; they are some pixels apart in a larger one */
    REACH = 40,                         /* largest displacement, in samples */
};

struct sample { uint8_t level; int x, y; };

struct match {
    const uint8_t *past, *next;
    int w, h;
    struct sample s[ROWS * COLS]; size_t n;
};

static int clamp(int v, int most) { return v < 0 ? 0 : v > most ? most : v; }

static int differ(int a, int b) {
    const int d = abs(a - b);
    return d < CUT ? d : CUT;
}

static long cost(const struct match *m, int dx, int dy) {
    long sum = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct sample *s = &m->s[i];
        const int fx = clamp(s->x + dx, m->w - 1), fy = clamp(s->y + dy, m->h - 1);
        const int bx = clamp(s->x - dx, m->w - 1), by = clamp(s->y - dy, m->h - 1);
        if (m->next) sum += differ(s->level, m->next[fy * m->w + fx]);
        if (m->past) sum += differ(s->level, m->past[by * m->w + bx]);
    }
    return sum;
}

/* Where between -1/2 and 1/2 the parabola through three costs has its lowest point. */
static double lowest(long left, long mid, long right) {
    const long bend = left - 2 * mid + right;
    return bend > 0 ? 0.5 * (double)(left - right) / (double)bend : 0;
}

static void search(const struct match *m, int x0, int y0, int reach_x, int reach_y, int step, int at[2], long *best) {
    for (int dy = y0 - reach_y; dy <= y0 + reach_y; dy += step)
        for (int dx = x0 - reach_x; dx <= x0 + reach_x; dx += step) {
            const long c = cost(m, dx, dy);
            if (c < *best) *best = c, at[0] = dx, at[1] = dy;
        }
}

void sv_flow(const uint8_t *past, const uint8_t *now, const uint8_t *next, size_t w, size_t h, const double box[4], double out[2]) {
    out[0] = out[1] = 0;
    const int x1 = (int)fmax(box[0], 0), y1 = (int)fmax(box[1], 0), x2 = (int)fmin(ceil(box[2]), (double)w), y2 = (int)fmin(ceil(box[3]), (double)h);
    if (x2 <= x1 || y2 <= y1) return;
    const int stride_x = (x2 - x1 + COLS - 1) / COLS, stride_y = (y2 - y1 + ROWS - 1) / ROWS;
    struct match m = { .past = past, .next = next, .w = (int)w, .h = (int)h };
    for (int y = y1 + stride_y / 2; y < y2; y += stride_y)
        for (int x = x1 + stride_x / 2; x < x2; x += stride_x) m.s[m.n++] = (struct sample){ now[y * (int)w + x], x, y };
    const int tall = y2 - y1, step = tall > 48 ? tall / 24 : 2;
    const int rx = (int)sv_min((size_t)(tall / 2 / step + 1), REACH) * step, ry = (int)sv_min((size_t)(tall / 4 / step + 1), REACH) * step;
    int at[2] = { 0, 0 };
    long best = cost(&m, 0, 0);
    search(&m, 0, 0, rx, ry, step, at, &best);
    for (int s = step / 2; s; s /= 2) search(&m, at[0], at[1], s, s, s, at, &best);
    const long l = cost(&m, at[0] - 1, at[1]), r = cost(&m, at[0] + 1, at[1]), u = cost(&m, at[0], at[1] - 1), d = cost(&m, at[0], at[1] + 1);
    out[0] = at[0] + lowest(l, best, r), out[1] = at[1] + lowest(u, best, d);
}
