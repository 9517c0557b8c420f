/* calibrate.h - what a score means: p-values and thresholds from scores of normal footage that took no part in learning.
 *
 * A p-value is the chance that something normal scores as high.  Up to the 95th percentile u it is counted, beyond that
 * the excesses over u are taken as generalised Pareto (Pickands, Balkema, de Haan):
 *
 *     s <= u:  p = (1 + number of held-out scores >= s) / (n + 1)
 *     s >  u:  p = p(u) G(s - u),   G(x) = (1 + xi x / sigma)^(-1 / xi),   xi = 0: exp(-x / sigma)
 *     (fewer than 10 scores above u say nothing of a tail: counted as below it)
 *
 * An alarm: `length` samples in a row at or above the threshold.  Alarms with at most `gap` samples between them are one.
 * With r_t = min(s_t, ..., s_(t - length + 1)) that is a cluster of samples with r_t >= threshold, so thresholds for a rate of
 * alarms come from clusters and not from single samples, which come in crowds.  Asked for k alarms in the held-out time:
 *
 *     k >= 10:   the lowest threshold above which the footage itself never has more than k alarms
 *     k <  10:   peaks of the clusters over u as generalised Pareto, C of them: C G(threshold - u) = k; extrapolation if k < 1
 *
 * The tail is fitted by probability-weighted moments (Hosking, Wallis 1987) of the sorted excesses x_1 <= ... <= x_n:
 *     a0 = mean x_j,   a1 = mean x_j (n - j) / (n - 1),   xi = 2 - a0 / (a0 - 2 a1),   sigma = 2 a0 a1 / (a0 - 2 a1)
 * xi is kept inside -1/2 .. 1/2, sigma then a0 (1 - xi); of fewer than 10 excesses xi is 0. */
#ifndef KMEANS_CALIBRATE_H
#define KMEANS_CALIBRATE_H

#include "core/mem.h"

struct sv_tail { double u, sigma, xi; size_t n; };

/* x [n], sorted: the excesses over u. */
void sv_tail_fit(struct sv_tail *t, double u, const double *x, size_t n);
double sv_tail_beyond(const struct sv_tail *t, double score);       /* G(score - u); 1 up to u */
double sv_tail_inverse(const struct sv_tail *t, double g);          /* the score with G = g, 0 < g <= 1 */

/* A distribution of normal scores. */
struct sv_normal { const double *sorted; size_t n; double top /* p(u) */; struct sv_tail tail; };

#define SV_P_LEAST 1e-9                 /* what no footage can tell from less */

/* Borrows sorted [n], n > 0. */
int sv_normal_init(struct sv_normal *d, const double *sorted, size_t n, struct sv_err *e);
double sv_p_value(const struct sv_normal *d, double score);         /* SV_P_LEAST .. 1; NaN for NaN */

/* -log of a p-value, without an end, for joining what heads say (tools/judge.h):
 *     s <= u:  -log p       s > u:  -log p(u) + (s - u) / (mean excess over u)
 * The tail is taken as exponential here: one of a bounded shape would call all that lies beyond its end equally impossible. */
double sv_surprise(const struct sv_normal *d, double score);        /* NaN for NaN */

/* Held-out footage: blocks of samples, each one stretch of time. */
struct sv_footage {
    const double *score; size_t n;      /* [n] of frames, block after block */
    const int32_t *block; size_t blocks;            /* [blocks] samples, n in all */
    double per_second;                  /* samples */
};
struct sv_alarm_rule { size_t length, gap; };       /* samples; length >= 1 */

/* Alarms of the footage at a threshold. */
size_t sv_alarms(const struct sv_footage *f, const struct sv_alarm_rule *r, double threshold);

struct sv_threshold {
    double score, expected, hours;      /* alarms expected in the held-out time */
    bool counted, beyond;               /* from the footage's own alarms; from further out than the footage reaches */
};
int sv_alarm_threshold(struct sv_threshold *t, const struct sv_footage *f, const struct sv_alarm_rule *r, double per_hour, struct sv_err *e);

#endif
