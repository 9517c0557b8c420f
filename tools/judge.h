/* judge.h - tubes against a scene: the one place where F_video becomes a score. */
#ifndef TOOLS_JUDGE_H
#define TOOLS_JUDGE_H

#include "kmeans/response.h"
#include "tools/scene.h"

struct sv_judge {
    const struct sv_scene *scene;       /* borrowed, like cpu */
    const struct sv_cpu *cpu;
    struct sv_response response;
};

/* What is found of n tubes.  nearest, action and similarity may be NULL (similarity is filled where action is). */
struct sv_verdict {
    float *response;                    /* [n, N], centred where the scene is */
    double *score;                      /* [n] */
    size_t *nearest;                    /* [n] centre */
    size_t *action;                     /* [n] the action of the largest response */
    float *similarity;                  /* [n] that response */
};

int sv_judge_open(struct sv_judge *j, const struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e);
void sv_judge_close(struct sv_judge *j);            /* {0} is fine; leaves {0} */
void sv_judge_run(struct sv_judge *j, const float *video /* [n, E] */, size_t n, struct sv_verdict *v);

#endif
