#include "tools/judge.h"

#include "kmeans/score.h"

/* The sample's responses, as tubes' are. */
static int open_responses(struct sv_judge *j, struct sv_err *e) {
    const struct sv_scene *s = j->scene;
    float *r = sv_alloc(s->samples, s->texts * sizeof *r, e);
    if (!r) return SV_ENOMEM;
    sv_response_run(&j->response, j->cpu, r, s->sample, s->samples);
    if (s->mean) sv_response_center(r, s->mean, s->samples, s->texts);
    const int rc = sv_knn_init(&j->knn, j->cpu, r, s->samples, s->texts, s->neighbours, e);
    sv_free(r);
    return rc;
}

int sv_judge_learn(struct sv_judge *j, struct sv_err *e) {
    const struct sv_held *d = &j->scene->held;
    if (!j->scene->figures.n || !d->heads) return 0;
    const int rc = sv_normal_init(&j->look, d->look, d->heads, e);
    return rc ? rc : sv_normal_init(&j->figure, d->figure, d->heads, e);
}

int sv_judge_open(struct sv_judge *j, const struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e) {
    *j = (struct sv_judge){ .scene = s, .cpu = cpu };
    int rc = sv_response_init(&j->response, cpu, s->text, s->texts, s->embed, e);
    if (!rc && s->patterns == SV_KNN) rc = open_responses(j, e);
    if (!rc && s->patterns == SV_KNN_VIDEO) rc = sv_knn_init(&j->knn, cpu, s->sample, s->samples, s->embed, s->neighbours, e);
    return rc ? rc : sv_judge_learn(j, e);
}

void sv_judge_close(struct sv_judge *j) {
    sv_response_free(&j->response);
    sv_knn_free(&j->knn);
    *j = (struct sv_judge){0};
}

void sv_judge_look(struct sv_judge *j, const float *video, size_t n, struct sv_verdict *v) {
    const struct sv_scene *s = j->scene;
    sv_response_run(&j->response, j->cpu, v->response, video, n);
    for (size_t i = 0; i < n && v->action; i++) {
        const float *r = v->response + i * s->texts;
        v->action[i] = sv_action(r, s->texts);
        if (v->similarity) v->similarity[i] = r[v->action[i]];
    }
    if (s->mean) sv_response_center(v->response, s->mean, n, s->texts);
    if (!sv_patterns_near(s->patterns) || v->nearest) sv_score(j->cpu->pool, v->score, v->nearest, v->response, n, s->texts, s->centre, s->centres);
    if (sv_patterns_near(s->patterns)) sv_knn_score(&j->knn, j->cpu, v->score, s->patterns == SV_KNN ? v->response : video, n);
    if (s->figures.n) sv_figures_score(j->cpu->pool, v->figure, &s->figures, v->shape, n);
}

void sv_judge_weigh(const struct sv_judge *j, size_t n, struct sv_verdict *v) {
    const struct sv_scene *s = j->scene;
    for (size_t i = 0; s->figures.n && i < n; i++) {
        const double look = s->patterns == SV_NO_LOOKS ? 0 : sv_surprise(&j->look, v->score[i]);
        v->score[i] = look + sv_surprise(&j->figure, v->figure[i]);
    }
}

void sv_judge_run(struct sv_judge *j, const float *video, size_t n, struct sv_verdict *v) {
    sv_judge_look(j, video, n, v);
    sv_judge_weigh(j, n, v);
}
