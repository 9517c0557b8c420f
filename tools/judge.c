#include "tools/judge.h"

#include "kmeans/score.h"

int sv_judge_open(struct sv_judge *j, const struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e) {
    *j = (struct sv_judge){ .scene = s, .cpu = cpu };
    return sv_response_init(&j->response, cpu, s->text, s->texts, s->embed, e);
}

void sv_judge_close(struct sv_judge *j) {
    sv_response_free(&j->response);
    *j = (struct sv_judge){0};
}

void sv_judge_run(struct sv_judge *j, const float *video, size_t n, struct sv_verdict *v) {
    const struct sv_scene *s = j->scene;
    sv_response_run(&j->response, j->cpu, v->response, video, n);
    for (size_t i = 0; i < n && v->action; i++) {
        const float *r = v->response + i * s->texts;
        v->action[i] = sv_action(r, s->texts);
        if (v->similarity) v->similarity[i] = r[v->action[i]];
    }
    if (s->mean) sv_response_center(v->response, s->mean, n, s->texts);
    sv_score(j->cpu->pool, v->score, v->nearest, v->response, n, s->texts, s->centre, s->centres);
}
