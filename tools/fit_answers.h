/* fit_answers.h - what the tubes of a training answer to a set of texts, in a few numbers. */
#ifndef TOOLS_FIT_ANSWERS_H
#define TOOLS_FIT_ANSWERS_H

#include "core/cpu.h"

enum { SV_ANSWERS_TOP = 5 };

struct sv_answers {
    double entropy;                     /* of the shares that actions have of the tubes, in bits */
    size_t used;                        /* actions that some tube responds to most */
    size_t top[SV_ANSWERS_TOP], count[SV_ANSWERS_TOP];      /* those with most tubes, and how many; as many as are used */
    double between;                     /* 1 - |mean of unit responses|: how far tubes lie apart */
    double along;                       /* mean standard deviation along a response */
    double certainty;                   /* mean largest share of softmax(response / sigma) */
};

/* label [n], or NULL: the action of each tube's largest response, the lowest on a tie. */
int sv_answers_take(struct sv_answers *a, const struct sv_cpu *c, const float *text /* [N, E] */, size_t texts, size_t embed,
                    const float *video /* [n, E] */, size_t n, double sigma, uint32_t *label, struct sv_err *e);

/* In what way responses lost what tells tubes apart; NULL where they did not. */
const char *sv_answers_collapsed(const struct sv_answers *before, const struct sv_answers *after);

#endif
