/* judge.h - tubes against a scene: the one place where F_video, and what else the scene looks at, becomes a score.
 *
 * Looks are scored by the centres of k-means or by nearest neighbours.  Where the scene has figures, the score of a tube is what
 * its look and its figure say together: the sum of their surprises (kmeans/calibrate.h) among held-out tubes. */
#ifndef TOOLS_JUDGE_H
#define TOOLS_JUDGE_H

#include "kmeans/calibrate.h"
#include "kmeans/knn.h"
#include "tools/scene.h"

struct sv_judge {
    const struct sv_scene *scene;       /* borrowed, like cpu */
    const struct sv_cpu *cpu;
    struct sv_response response;
    struct sv_knn knn;                  /* where looks are compared with neighbours */
    struct sv_normal look, figure;      /* of held-out tubes, where the scene has figures */
};

/* What is found of n tubes.  nearest, action and similarity may be NULL (similarity is filled where action is). */
struct sv_verdict {
    float *response;                    /* [n, N], centred where the scene is */
    double *score;                      /* [n] */
    size_t *nearest;                    /* [n] centre */
    size_t *action;                     /* [n] the action of the largest response */
    float *similarity;                  /* [n] that response */
    /* Where the scene has figures; not looked at elsewhere. */
    const struct sv_figure *shape;      /* [n] what is given: the figures */
    double *figure;                     /* [n] their scores */
};

int sv_judge_open(struct sv_judge *j, const struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e);
void sv_judge_close(struct sv_judge *j);            /* {0} is fine; leaves {0} */
void sv_judge_run(struct sv_judge *j, const float *video /* [n, E] */, size_t n, struct sv_verdict *v);

/* The two halves of it, for whoever must know the scores of the heads before they can be weighed: v->score is that of the look. */
void sv_judge_look(struct sv_judge *j, const float *video, size_t n, struct sv_verdict *v);
int sv_judge_learn(struct sv_judge *j, struct sv_err *e);      /* the scene has its held-out scores of heads now */
void sv_judge_weigh(const struct sv_judge *j, size_t n, struct sv_verdict *v);

#endif
