#include "kmeans/redefine.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double sv_quantile(const double *sorted, size_t n, double q) {
    const double at = q * (double)(n - 1), low = floor(at);
    const size_t i = (size_t)low;
    return i + 1 < n ? sorted[i] + (at - low) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

int sv_guide_init(struct sv_guide *g, const char *text, bool normal, double *sim, size_t n, double threshold, double z,
                  double theta, double gamma, struct sv_err *e) {
    *g = (struct sv_guide){ .normal = normal, .threshold = threshold, .width = 1, .theta = theta, .gamma = gamma, .mean = NAN, .sd = NAN };
    const bool wide = isnan(normal ? gamma : theta);
    if (!n) return !wide && !isnan(threshold) ? 0
        : sv_fail(e, SV_EINPUT, "text \"%s\": the scene keeps no training sample to set its threshold by", text);
    double mean = 0, var = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(sim[i]))
            return sv_fail(e, SV_EINPUT, "text \"%s\": similarity to training object %zu is not finite", text, i);
        mean += sim[i];
    }
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) var += (sim[i] - mean) * (sim[i] - mean);
    const double sd = sqrt(var / (double)n);
    g->mean = mean, g->sd = sd;
    if (isnan(threshold)) g->threshold = mean + z * sd;
    if (!wide) return 0;
    qsort(sim, n, sizeof *sim, by_value);
    g->width = fmax(sv_quantile(sim, n, 0.999) - g->threshold, sd);
    if (!(g->width > 1e-12))            /* below what rounding leaves of equal cosines */
        return sv_fail(e, SV_EINPUT, "text \"%s\": all %zu training objects are equally similar to it; give --threshold "
                       "and --%s", text, n, normal ? "gamma" : "theta");
    return 0;
}

double sv_guide_z(const struct sv_guide *g, double sim) { return g->sd > 0 ? (sim - g->mean) / g->sd : NAN; }

void sv_frame_range(double *lo, double *hi, const double *frame_score, const size_t *frame, size_t objects) {
    *lo = *hi = objects ? frame_score[frame[0]] : 0;
    for (size_t i = 1; i < objects; i++) {
        const double s = frame_score[frame[i]];
        if (!(s >= *lo)) *lo = s;
        if (!(s <= *hi)) *hi = s;
    }
}

static double delta(const struct sv_guide *g, double sim, double lo, double hi) {
    const double over = sim - g->threshold;
    if (over <= 0) return 0;            /* false for NaN, which goes on into the score */
    if (g->normal) return isnan(g->gamma) ? -hi * over / g->width : -hi * g->gamma * over;
    return isnan(g->theta) ? hi * over / g->width : lo * g->theta * over;
}

static double clamp(double v) { return v < 0 ? 0 : v; }

void sv_redefine(double *out, const double *score, const float *sim, size_t objects, const struct sv_guide *guide,
                 size_t guides, double lo, double hi) {
    for (size_t i = 0; i < objects; i++) {
        double s = score[i];
        for (size_t g = 0; g < guides; g++) s += delta(&guide[g], (double)sim[i * guides + g], lo, hi);
        out[i] = clamp(s);
    }
}

void sv_redefine_frames(double *out, const double *frame_score, size_t frames, const float *sim, const size_t *frame,
                        size_t objects, const struct sv_guide *guide, size_t guides, double lo, double hi, double *scratch) {
    for (size_t t = 0; t < frames; t++) out[t] = frame_score[t];
    for (size_t g = 0; g < guides; g++) {
        for (size_t t = 0; t < frames; t++) scratch[t] = -INFINITY;
        for (size_t i = 0; i < objects; i++) {
            const double s = (double)sim[i * guides + g];
            double *most = &scratch[frame[i]];
            if (!isnan(*most) && !(s <= *most)) *most = s;
        }
        for (size_t t = 0; t < frames; t++) out[t] += delta(&guide[g], scratch[t], lo, hi);
    }
    for (size_t t = 0; t < frames; t++) out[t] = clamp(out[t]);
}
