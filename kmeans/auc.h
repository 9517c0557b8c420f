/* auc.h - evaluation: the area under the ROC curve of frame scores, ties counted half.
 *
 * Scores must be finite: a NaN is refused, never sorted somewhere.  Labels are 0 (normal) and not 0 (abnormal). */
#ifndef KMEANS_AUC_H
#define KMEANS_AUC_H

#include "core/err.h"

struct sv_auc_clip { const char *name; const uint8_t *label; const double *score; size_t n; };

struct sv_aucs {
    double micro;                       /* all frames of all clips together; NaN if they are of one class */
    double sentinel;                    /* mean over clips, to each a normal frame at -inf and an abnormal one at +inf added */
    double skip;                        /* mean over the clips that have both classes; NaN if none has */
    size_t skipped;                     /* clips of one class */
};

/* The AUC of one clip; NaN where it has one class only. */
int sv_auc(const struct sv_auc_clip *c, double *out, struct sv_err *e);

/* clips > 0. */
int sv_auc_all(const struct sv_auc_clip *clip, size_t clips, struct sv_aucs *out, struct sv_err *e);

/* The ROC curve of all frames together, thinned to at most cap (4 or more) points from (0, 0) to (1, 1); *n is 0 where all are of one class.
 * fpr: share of the normal frames at or above a threshold, tpr: of the abnormal ones. */
struct sv_roc_point { double fpr, tpr; };
int sv_roc(const struct sv_auc_clip *clip, size_t clips, struct sv_roc_point *out, size_t cap, size_t *n, struct sv_err *e);

/* Gaussian along one clip, as scipy.ndimage.gaussian_filter1d: radius int(4 sigma + 0.5), normalised weights, edges
 * reflected (d c b a | a b c d | d c b a).  sigma 0 copies; fails outside 0 .. SV_SMOOTH_MAX.  out may not be in. */
enum { SV_SMOOTH_MAX = 1000 };
int sv_smooth(double *out /* [n] */, const double *in /* [n] */, size_t n, double sigma, struct sv_err *e);

#endif
