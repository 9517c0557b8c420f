#include "tools/fit_answers.h"

#include "core/mem.h"
#include "kmeans/response.h"
#include "kmeans/score.h"
#include "kmeans/unit.h"

#include <math.h>

struct sums {
    double *unit;                       /* [N] of unit responses */
    size_t *tubes;                      /* [N] that respond to an action most */
    double along, certainty;
};

static void add(struct sums *s, const float *r, size_t texts, double sigma, size_t top) {
    const double scale = sv_unit_scale(r, texts);
    double sum = 0, squares = 0, share = 0;
    for (size_t j = 0; j < texts; j++) {
        const double x = (double)r[j];
        sum += x, share += exp((x - (double)r[top]) / sigma), s->unit[j] += x * scale;
    }
    const double mean = sum / (double)texts;
    for (size_t j = 0; j < texts; j++) squares += ((double)r[j] - mean) * ((double)r[j] - mean);
    s->along += sqrt(squares / (double)texts), s->certainty += 1 / share;
    s->tubes[top]++;
}

/* The actions with most tubes, by picking the largest that is left. */
static void rank(struct sv_answers *a, const struct sums *s, size_t texts, size_t n) {
    for (size_t j = 0; j < texts; j++) {
        const double share = (double)s->tubes[j] / (double)n;
        if (s->tubes[j]) a->used++, a->entropy -= share * log2(share);
    }
    a->entropy = fmax(a->entropy, 0);
    for (size_t k = 0; k < sv_min(SV_ANSWERS_TOP, a->used); k++) {
        for (size_t j = 0; j < texts; j++) {
            const bool after = !k || s->tubes[j] < a->count[k - 1] || (s->tubes[j] == a->count[k - 1] && j > a->top[k - 1]);
            if (after && s->tubes[j] > a->count[k]) a->top[k] = j, a->count[k] = s->tubes[j];
        }
    }
}

int sv_answers_take(struct sv_answers *a, const struct sv_cpu *c, const float *text, size_t texts, size_t embed, const float *video, size_t n,
                    double sigma, uint32_t *label, struct sv_err *e) {
    struct sv_response run = {0};
    float *response = sv_alloc(SV_RESPONSE_ROWS * sizeof *response, texts, e);
    struct sums s = { .unit = sv_alloc(texts, sizeof *s.unit, e), .tubes = sv_alloc(texts, sizeof *s.tubes, e) };
    int rc = response && s.unit && s.tubes ? sv_response_init(&run, c, text, texts, embed, e) : SV_ENOMEM;
    *a = (struct sv_answers){0};
    for (size_t i = 0, part; !rc && i < n; i += part) {
        part = sv_min(SV_RESPONSE_ROWS, n - i);
        sv_response_run(&run, c, response, video + i * embed, part);
        for (size_t k = 0; k < part; k++) {
            const size_t top = sv_action(response + k * texts, texts);
            add(&s, response + k * texts, texts, sigma, top);
            if (label) label[i + k] = (uint32_t)top;
        }
    }
    if (!rc) {
        double squares = 0;
        for (size_t j = 0; j < texts; j++) squares += s.unit[j] * s.unit[j];
        rank(a, &s, texts, n);
        a->between = 1 - sqrt(squares) / (double)n, a->along = s.along / (double)n, a->certainty = s.certainty / (double)n;
    }
    sv_response_free(&run);
    sv_free(response), sv_free(s.unit), sv_free(s.tubes);
    return rc;
}

const char *sv_answers_collapsed(const struct sv_answers *before, const struct sv_answers *after) {
    if (after->between < before->between / 10) return "tubes respond ten times more alike than before";
    if (after->along < before->along / 10) return "each tube responds to all actions ten times more alike than before";
    if (after->used == 1 && before->used > 1) return "all tubes respond to one action most";
    if (after->certainty > 0.9 && before->certainty <= 0.9) return "they have turned one-hot";
    return NULL;
}
