/* redefine.h - Eq. 10: a text says what is normal or abnormal after all.
 *
 * For each object and each text with sim > threshold:
 *
 *     abnormal:  score += S_min * theta * (sim - threshold)      theta given, as printed in the paper
 *                score += S_max * (sim - threshold) / width      auto: theta = S_max / (S_min * width), S_min divided out
 *     normal:    score -= S_max * gamma * (sim - threshold)      gamma given, or auto: 1 / width
 *
 * All texts add to the original score; the result is clamped at 0.  S_min and S_max are the lowest and highest frame score
 * of the video before any adjustment, over frames that have objects.  A NaN similarity makes the score NaN. */
#ifndef KMEANS_REDEFINE_H
#define KMEANS_REDEFINE_H

#include "core/err.h"

struct sv_guide {
    bool normal;                        /* what the text describes is normal; else abnormal */
    double threshold, width;
    double theta, gamma;                /* NaN: auto */
    double mean, sd;                    /* of the sample's similarities; NaN without a sample */
};

/* A similarity in standard deviations above the sample's mean: what a cosine by itself does not tell.  NaN where sd is 0 or NaN. */
double sv_guide_z(const struct sv_guide *g, double sim);

/* What a text's numbers are when nothing is given: over the similarities of the scene's training sample to the text,
 *     threshold = mean + z sd;  width = max(q99.9 - threshold, sd)          (sd with 1 / n)
 * A threshold, theta or gamma that is not NaN is taken as given, and width follows the given threshold.
 * Fails (naming the text) where the sample is needed but empty, or holds a value that is not finite, or does not vary so
 * that width would be 0.  Sorts sim. */
int sv_guide_init(struct sv_guide *g, const char *text, bool normal, double *sim /* [n] */, size_t n, double threshold,
                  double z, double theta, double gamma, struct sv_err *e);

/* The q-quantile (0 .. 1) of n > 0 sorted values, interpolated linearly between neighbours as NumPy does. */
double sv_quantile(const double *sorted /* [n] */, size_t n, double q);

/* S_min and S_max; both 0 where there is no object. */
void sv_frame_range(double *lo, double *hi, const double *frame_score /* [frames] */, const size_t *frame /* [objects] */,
                    size_t objects);

/* Per object (the default); the frame's score is then the largest of its objects again.  out may be score. */
void sv_redefine(double *out /* [objects] */, const double *score /* [objects] */, const float *sim /* [objects, guides] */,
                 size_t objects, const struct sv_guide *guide, size_t guides, double lo, double hi);

/* Per frame, as printed: every text acts once on the frame's score, with the largest similarity of the frame's objects.
 * scratch: [frames].  out may not be frame_score. */
void sv_redefine_frames(double *out /* [frames] */, const double *frame_score /* [frames] */, size_t frames,
                        const float *sim /* [objects, guides] */, const size_t *frame /* [objects] */, size_t objects,
                        const struct sv_guide *guide, size_t guides, double lo, double hi, double *scratch);

#endif
