#include "kmeans/kmeans.h"

#include "core/mem.h"
#include "core/rng.h"
#include "kmeans/unit.h"
#include <string.h>

enum { LANES = 8 };                     /* centres whose products run side by side, each still summed in order */

struct run {
    struct sv_pool *pool;
    const float *x;                     /* [n, dim], borrowed */
    size_t n, dim, m;
    double *scale;                      /* [n]: 1 / |row| */
    double *gap;                        /* [n]: 1 - cos to the row's centre; while seeding, to the nearest centre so far */
    double *near, *far;                 /* [n]: chord to the own centre is at most near, to any other at least far */
    double *lane;                       /* [ceil(m / LANES), dim, LANES]: centres side by side, zeros behind the last */
    double *centre, *before;            /* [m, dim]: now, and one round ago */
    double *moved;                      /* [m]: chord from before to centre */
    size_t *label, *next, *count;       /* [n], [n], [m] */
    bool *changed;                      /* [m]: the cluster lost or won a row in this round */
};

static void run_free(struct run *r) {
    sv_free(r->scale), sv_free(r->gap), sv_free(r->near), sv_free(r->far), sv_free(r->lane), sv_free(r->centre);
    sv_free(r->before), sv_free(r->moved), sv_free(r->label), sv_free(r->next), sv_free(r->count), sv_free(r->changed);
}

static int run_alloc(struct run *r, struct sv_err *e) {
    const size_t lanes = sv_ceil_div(r->m, LANES) * LANES;
    size_t all;
    if (!sv_mul(lanes, r->dim, &all)) return sv_fail(e, SV_ENOMEM, "out of memory: %zu centres of %zu", r->m, r->dim);
    if (!(r->scale = sv_alloc(r->n, sizeof *r->scale, e)) || !(r->gap = sv_alloc(r->n, sizeof *r->gap, e)) ||
        !(r->near = sv_alloc(r->n, sizeof *r->near, e)) || !(r->far = sv_alloc(r->n, sizeof *r->far, e)) ||
        !(r->lane = sv_alloc(all, sizeof *r->lane, e)) || !(r->centre = sv_alloc(all, sizeof *r->centre, e)) ||
        !(r->before = sv_alloc(all, sizeof *r->before, e)) || !(r->moved = sv_alloc(r->m, sizeof *r->moved, e)) ||
        !(r->label = sv_alloc(r->n, sizeof *r->label, e)) || !(r->next = sv_alloc(r->n, sizeof *r->next, e)) ||
        !(r->count = sv_alloc(r->m, sizeof *r->count, e)) || !(r->changed = sv_alloc(r->m, sizeof *r->changed, e)))
        return SV_ENOMEM;
    return 0;
}

static void scale_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct run *r = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) r->scale[i] = sv_unit_scale(r->x + i * r->dim, r->dim);
}

/* Room for everything and the lengths of all rows. */
static int run_init(struct run *r, struct sv_err *e) {
    if (!r->n || !r->dim || !r->m)
        return sv_fail(e, SV_EINPUT, "k-means: %zu rows of %zu values into %zu clusters, expected at least one of each",
                       r->n, r->dim, r->m);
    const int rc = run_alloc(r, e);
    if (rc) return rc;
    sv_pool_for(r->pool, r->n, scale_range, r);
    bool any = false;
    for (size_t i = 0; i < r->n; i++) {
        if (isnan(r->scale[i]))
            return sv_fail(e, SV_EINPUT, "k-means: row %zu of %zu holds a value that is not finite", i, r->n);
        any = any || r->scale[i] > 0;
    }
    return any ? 0 : sv_fail(e, SV_EINPUT, "k-means: all %zu rows are zero", r->n);
}

/* Puts the centres side by side, so that LANES dot products advance together without reordering any of them. */
static void fill_lanes(struct run *r) {
    for (size_t m = 0; m < r->m; m++) {
        double *to = r->lane + m / LANES * r->dim * LANES + m % LANES;
        for (size_t j = 0; j < r->dim; j++) to[j * LANES] = r->centre[m * r->dim + j];
    }
}

/* Half the squared chord is 1 - cos of unit vectors, and keeps its digits where that is tiny. */
static double half_chord(const float *x /* [n] */, double scale, const double *c /* [n] */, size_t n) {
    double s[4] = { 0 };
    size_t j = 0;
    for (; j + 4 <= n; j += 4)
#pragma GCC unroll 4
        for (size_t l = 0; l < 4; l++) {
            const double d = (double)x[j + l] * scale - c[j + l];
            s[l] += d * d;
        }
    for (; j < n; j++) s[0] += ((double)x[j] * scale - c[j]) * ((double)x[j] * scale - c[j]);
    return 0.5 * ((s[0] + s[1]) + (s[2] + s[3]));
}

static double own_gap(const struct run *r, size_t i, size_t centre) {
    return r->scale[i] > 0 ? half_chord(r->x + i * r->dim, r->scale[i], r->centre + centre * r->dim, r->dim) : 1;
}

/* The centre of largest cosine, by all of them. */
static void assign_row(const struct run *r, size_t i) {
    const float *x = r->x + i * r->dim;
    double best = -INFINITY, second = -INFINITY;
    for (size_t first = 0; first < r->m; first += LANES) {
        const double *c = r->lane + first * r->dim;
        double s[LANES] = { 0 };
        for (size_t j = 0; j < r->dim; j++)
#pragma GCC unroll 8                    /* without it gcc keeps the sums in memory */
            for (size_t l = 0; l < LANES; l++) s[l] += (double)x[j] * c[j * LANES + l];
        for (size_t l = 0; l < sv_min(LANES, r->m - first); l++) {
            if (s[l] > best) second = best, best = s[l], r->next[i] = first + l;
            else if (s[l] > second) second = s[l];
        }
    }
    r->near[i] = sqrt(fmax(0, 2 - 2 * best * r->scale[i]));
    r->far[i] = r->m > 1 ? sqrt(fmax(0, 2 - 2 * second * r->scale[i])) : INFINITY;
}

/* Chords obey the triangle inequality: a centre that moved by d is at most d nearer or farther.  So a row whose own
 * centre is still surely the nearest needs no look at the others (Hamerly's bounds).  The margin is above the rounding
 * of every chord here, so labels are those of the full search. */
static void assign_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct run *r = arg;
    const double margin = 1e-7;
    double most = 0;
    (void)thread;
    for (size_t m = 0; m < r->m; m++) most = fmax(most, r->moved[m]);
    for (size_t i = begin; i < end; i++) {
        const size_t own = r->label[i];
        r->next[i] = own;
        r->near[i] += r->moved[own];
        r->far[i] -= most;
        if (r->near[i] + margin < r->far[i]) continue;
        r->near[i] = sqrt(2 * own_gap(r, i, own));
        if (r->near[i] + margin < r->far[i]) continue;
        assign_row(r, i);
    }
}

static void first_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct run *r = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) assign_row(r, i);
}

/* Sums run over the rows in order; threads share the columns.  A cluster with the rows it had keeps its centre. */
static void sum_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct run *r = arg;
    (void)thread;
    for (size_t m = 0; m < r->m; m++)
        if (r->changed[m]) memset(r->centre + m * r->dim + begin, 0, (end - begin) * sizeof *r->centre);
    for (size_t i = 0; i < r->n; i++) {
        if (!r->changed[r->label[i]]) continue;
        double *c = r->centre + r->label[i] * r->dim;
        const float *x = r->x + i * r->dim;
        const double scale = r->scale[i];
        for (size_t j = begin; j < end; j++) c[j] += (double)x[j] * scale;
    }
}

static void normalise(double *c /* [n] */, size_t n) {
    double s = 0;
    for (size_t j = 0; j < n; j++) s += c[j] * c[j];
    const double scale = s > 0 ? 1 / sqrt(s) : 0;
    for (size_t j = 0; j < n; j++) c[j] *= scale;
}

static void next_gap_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct run *r = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) r->gap[i] = own_gap(r, i, r->next[i]);
}

static void fill_empty(struct run *r) {
    bool empty = false;
    memset(r->count, 0, r->m * sizeof *r->count);
    for (size_t i = 0; i < r->n; i++) r->count[r->next[i]]++;
    for (size_t m = 0; m < r->m; m++) empty = empty || !r->count[m];
    if (empty) sv_pool_for(r->pool, r->n, next_gap_range, r);
    for (size_t m = 0; empty && m < r->m; m++) {
        if (r->count[m]) continue;
        size_t big = 0, pick = r->n;
        for (size_t k = 1; k < r->m; k++) if (r->count[k] > r->count[big]) big = k;
        for (size_t i = 0; i < r->n; i++)
            if (r->next[i] == big && r->scale[i] > 0 && (pick == r->n || r->gap[i] > r->gap[pick])) pick = i;
        if (pick == r->n) continue;     /* nothing but zero rows there */
        r->next[pick] = m, r->gap[pick] = 0;
        r->far[pick] = 0;               /* the centre it left may be nearer than the bound said */
        r->count[big]--, r->count[m]++;
    }
}

/* Takes over r->next; false if it is what r->label was. */
static bool take_labels(struct run *r, bool first) {
    bool any = first;
    for (size_t m = 0; m < r->m; m++) r->changed[m] = first;
    for (size_t i = 0; i < r->n; i++) {
        if (!first && r->label[i] != r->next[i]) any = r->changed[r->label[i]] = r->changed[r->next[i]] = true;
        r->label[i] = r->next[i];
    }
    return any;
}

static void move_centres(struct run *r) {
    memcpy(r->before, r->centre, r->m * r->dim * sizeof *r->centre);
    sv_pool_for(r->pool, r->dim, sum_range, r);
    for (size_t m = 0; m < r->m; m++) {
        r->moved[m] = 0;
        if (!r->changed[m]) continue;
        double *c = r->centre + m * r->dim, s = 0;
        normalise(c, r->dim);
        for (size_t j = 0; j < r->dim; j++) s += (c[j] - r->before[m * r->dim + j]) * (c[j] - r->before[m * r->dim + j]);
        r->moved[m] = sqrt(s);
    }
}

/* Rounds from r->centre (unit rows); returns how many ran.  r->label and r->centre belong together afterwards. */
static size_t lloyd(struct run *r, size_t rounds) {
    size_t round = 0;
    for (; round < rounds; round++) {
        fill_lanes(r);
        sv_pool_for(r->pool, r->n, round ? assign_range : first_range, r);
        fill_empty(r);
        if (!take_labels(r, !round)) break;
        move_centres(r);
    }
    return round;
}

static double objective(struct run *r) {
    double s = 0;
    sv_pool_for(r->pool, r->n, next_gap_range, r);
    for (size_t i = 0; i < r->n; i++) s += r->gap[i];
    return s;
}

static void seed_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct run *r = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        if (!(r->gap[i] > 0)) continue;
        const double d = own_gap(r, i, r->m - 1);
        /* Rows of one direction but other length differ by rounding, some 1e-32: the same direction all the same. */
        r->gap[i] = d > 1e-30 ? fmin(r->gap[i], d) : 0;
    }
}

/* A row drawn with probability proportional to gap; n where all gaps are 0. */
static size_t draw(const struct run *r, uint64_t *rng) {
    double total = 0, sum = 0;
    size_t last = r->n;
    for (size_t i = 0; i < r->n; i++) total += r->gap[i];
    const double at = sv_rng_unit(rng) * total;
    for (size_t i = 0; i < r->n; i++) {
        if (!(r->gap[i] > 0)) continue;
        sum += r->gap[i], last = i;
        if (sum > at) break;
    }
    return last;
}

/* k-means++ into r->centre; sets r->m to the number of centres that differ, at most m. */
static void seed_centres(struct run *r, size_t m, uint64_t *rng) {
    for (size_t i = 0; i < r->n; i++) r->gap[i] = r->scale[i] > 0;
    for (r->m = 0; r->m < m;) {
        const size_t pick = draw(r, rng);
        if (pick == r->n) break;
        double *c = r->centre + r->m++ * r->dim;
        for (size_t j = 0; j < r->dim; j++) c[j] = (double)r->x[pick * r->dim + j] * r->scale[pick];
        sv_pool_for(r->pool, r->n, seed_range, r);
        r->gap[pick] = 0;
    }
}

static int result_alloc(struct sv_kmeans *k, const struct run *r, struct sv_err *e) {
    memset(k, 0, sizeof *k);
    k->n = r->n, k->dim = r->dim;
    k->objective = INFINITY;
    if (!(k->centre = sv_alloc(r->m * r->dim, sizeof *k->centre, e)) || !(k->label = sv_alloc(r->n, sizeof *k->label, e))) {
        sv_kmeans_free(k);
        return SV_ENOMEM;
    }
    return 0;
}

static void keep_if_better(struct sv_kmeans *k, struct run *r, size_t rounds) {
    const double o = objective(r);
    if (!(o < k->objective)) return;
    k->objective = o, k->m = r->m, k->rounds = rounds;
    memcpy(k->centre, r->centre, r->m * r->dim * sizeof *k->centre);
    memcpy(k->label, r->label, r->n * sizeof *k->label);
}

int sv_kmeans_fit(struct sv_kmeans *k, struct sv_pool *p, const float *x, size_t n, size_t dim, size_t m,
                  uint64_t seed, struct sv_err *e) {
    memset(k, 0, sizeof *k);
    struct run r = { .pool = p, .x = x, .n = n, .dim = dim, .m = sv_min(m, n) };
    int rc = run_init(&r, e);
    if (!rc) rc = result_alloc(k, &r, e);
    for (size_t start = 0; !rc && start < SV_KMEANS_STARTS; start++) {
        seed_centres(&r, sv_min(m, n), &seed);
        keep_if_better(k, &r, lloyd(&r, SV_KMEANS_ITERS));
    }
    run_free(&r);
    return rc;
}

int sv_kmeans_lloyd(struct sv_kmeans *k, struct sv_pool *p, const float *x, size_t n, size_t dim, const double *start,
                    size_t m, size_t rounds, struct sv_err *e) {
    memset(k, 0, sizeof *k);
    if (m > n || !rounds) return sv_fail(e, SV_EINPUT, "k-means: %zu centres for %zu rows in %zu rounds", m, n, rounds);
    struct run r = { .pool = p, .x = x, .n = n, .dim = dim, .m = m };
    int rc = run_init(&r, e);
    if (!rc) rc = result_alloc(k, &r, e);
    if (!rc) {
        memcpy(r.centre, start, m * dim * sizeof *start);
        for (size_t i = 0; i < m; i++) normalise(r.centre + i * dim, dim);
        keep_if_better(k, &r, lloyd(&r, rounds));
    }
    run_free(&r);
    return rc;
}

void sv_kmeans_free(struct sv_kmeans *k) {
    sv_free(k->centre), sv_free(k->label);
    memset(k, 0, sizeof *k);
}
