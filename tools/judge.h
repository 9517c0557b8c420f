/* judge.h - tubes against a scene: the one place where F_video, and what else the scene looks at, becomes a score.
 *
 * Looks are scored by the centres of k-means or by nearest neighbours.  Where the scene joins several heads (sv_scene_joins), the
 * score of a tube is what they say together: with s_h the surprise of head h (kmeans/calibrate.h) among held-out tubes
 *
 *     score = sum over h of log(1 + s_h)
 *
 * so that two heads that agree are more than one that shouts: s beyond log(held-out tubes) is a guess about a tail. */
#ifndef TOOLS_JUDGE_H
#define TOOLS_JUDGE_H

#include "kmeans/calibrate.h"
#include "kmeans/knn.h"
#include "tools/scene.h"

struct sv_judge {
    const struct sv_scene *scene;       /* borrowed, like cpu */
    const struct sv_cpu *cpu;
    struct sv_response response;
    struct sv_knn knn, video;           /* where looks are compared with neighbours; the second is of SV_HEAD_VIDEO */
    struct sv_normal normal[SV_HEADS];  /* of held-out tubes, where the scene joins heads */
};

/* What is found of n tubes.  nearest, action and similarity may be NULL (similarity is filled where action is). */
struct sv_verdict {
    float *response;                    /* [n, N], centred where the scene is */
    double *score;                      /* [n] */
    size_t *nearest;                    /* [n] centre */
    size_t *action;                     /* [n] the action of the largest response */
    float *similarity;                  /* [n] that response */
    const struct sv_figure *shape;      /* [n] what is given: the figures; not looked at where the scene has none */
    double *more[SV_HEADS];             /* [n] scores of the heads that stand beside looks, where the scene has them */
};

/* Room for `more` of n tubes, as this scene needs it; v is {0} there, or freed. */
int sv_verdict_room(struct sv_verdict *v, const struct sv_scene *s, size_t n, struct sv_err *e);
void sv_verdict_free(struct sv_verdict *v);         /* the same, and nothing else of v */

/* Responses [n, N] as the scene compares them; owned by the caller (sv_free), NULL where there is no memory.  run: of the scene's texts. */
float *sv_judge_responses(struct sv_response *run, const struct sv_scene *s, const struct sv_cpu *cpu, const float *video /* [n, E] */, size_t n,
                          struct sv_err *e);

int sv_judge_open(struct sv_judge *j, const struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e);
void sv_judge_close(struct sv_judge *j);            /* {0} is fine; leaves {0} */
void sv_judge_run(struct sv_judge *j, const float *video /* [n, E] */, size_t n, struct sv_verdict *v);

/* The two halves of it, for whoever must know the scores of the heads before they can be weighed: v->score is that of the look. */
void sv_judge_look(struct sv_judge *j, const float *video, size_t n, struct sv_verdict *v);
int sv_judge_learn(struct sv_judge *j, struct sv_err *e);      /* the scene has its held-out scores of heads now */
void sv_judge_weigh(const struct sv_judge *j, size_t n, struct sv_verdict *v);

#endif
