/* train_split.c - which rows are learned from and which are held out to judge by. */
#include "core/rng.h"
#include "tools/train.h"

#include <math.h>

static bool has_tubes(const struct sv_train_set *s, size_t row) { return s->first[row + 1] > s->first[row]; }

/* The rows by video: row[begin[v]] .. row[begin[v + 1] - 1] are those of video v. */
static void by_video(const struct sv_train_set *s, size_t *row, size_t *begin) {
    for (size_t r = 0; r < s->rows; r++) begin[s->video[r] + 1]++;
    for (size_t v = 0; v < s->videos; v++) begin[v + 1] += begin[v];
    for (size_t r = 0; r < s->rows; r++) row[begin[s->video[r]]++] = r;
    for (size_t v = s->videos; v; v--) begin[v] = begin[v - 1];
    begin[0] = 0;
}

/* Takes the rows of a video out of `left`, the training rows of each class, if none of the classes loses its last. */
static bool spare(const struct sv_train_set *s, const size_t *row, size_t n, size_t *left) {
    size_t k = 0;
    for (; k < n && (!has_tubes(s, row[k]) || left[s->label[row[k]]] > 1); k++) left[s->label[row[k]]] -= has_tubes(s, row[k]);
    if (k == n) return true;
    while (k--) left[s->label[row[k]]] += has_tubes(s, row[k]);
    return false;
}

int sv_train_split(struct sv_train *t, struct sv_err *e) {
    const struct sv_train_set *s = t->set;
    size_t *row = sv_alloc(s->rows, sizeof *row, e), *begin = sv_alloc(s->videos + 1, sizeof *begin, e);
    size_t *left = sv_alloc(s->classes.n, sizeof *left, e), *order = sv_alloc(s->videos, sizeof *order, e);
    uint64_t rng = t->o->seed ^ 0x5b117;
    size_t want = (size_t)floor(t->o->val * (double)s->videos + 0.5);
    int rc = row && begin && left && order && (t->row = sv_alloc(s->rows, sizeof *t->row, e)) && (t->held = sv_alloc(s->rows, sizeof *t->held, e))
           ? 0 : SV_ENOMEM;
    if (!rc) {
        by_video(s, row, begin);
        for (size_t r = 0; r < s->rows; r++) left[s->label[r]] += has_tubes(s, r);
        for (size_t v = 0; v < s->videos; v++) {    /* a random order, built from the front */
            const size_t at = sv_rng_below(&rng, v + 1);
            order[v] = order[at], order[at] = v;
        }
        for (size_t i = 0; i < s->videos; i++) {
            const size_t v = order[i], n = begin[v + 1] - begin[v];
            const bool hold = want && spare(s, row + begin[v], n, left);
            want -= hold;
            for (size_t k = begin[v]; k < begin[v + 1]; k++) {
                if (!has_tubes(s, row[k])) continue;
                if (hold) t->held[t->helds++] = row[k];
                else t->row[t->rows++] = row[k];
            }
        }
    }
    sv_free(row), sv_free(begin), sv_free(left), sv_free(order);
    return rc;
}
