#include "tools/judge.h"

#include "kmeans/score.h"

#include <math.h>

static double says(const struct sv_normal *d, double score) { return log1p(sv_surprise(d, score)); }

float *sv_judge_responses(struct sv_response *run, const struct sv_scene *s, const struct sv_cpu *cpu, const float *video, size_t n, struct sv_err *e) {
    float *r = sv_alloc(n, s->texts * sizeof *r, e);
    if (!r) return NULL;
    sv_response_run(run, cpu, r, video, n);
    if (s->mean) sv_response_center(r, s->mean, n, s->texts);
    return r;
}

static int open_responses(struct sv_judge *j, struct sv_err *e) {
    const struct sv_scene *s = j->scene;
    float *r = sv_judge_responses(&j->response, s, j->cpu, s->sample, s->samples, e);
    if (!r) return SV_ENOMEM;
    const int rc = sv_knn_init(&j->knn, j->cpu, r, s->samples, s->texts, s->neighbours, e);
    sv_free(r);
    return rc;
}

int sv_judge_learn(struct sv_judge *j, struct sv_err *e) {
    const struct sv_held *d = &j->scene->held;
    int rc = 0;
    for (enum sv_head h = 0; !rc && h < SV_HEADS && d->heads; h++)
        if (d->head[h]) rc = sv_normal_init(&j->normal[h], d->head[h], d->heads, e);
    return rc;
}

int sv_verdict_room(struct sv_verdict *v, const struct sv_scene *s, size_t n, struct sv_err *e) {
    for (enum sv_head h = SV_HEAD_LOOK + 1; h < SV_HEADS; h++)
        if (sv_scene_has(s, h) && !(v->more[h] = sv_alloc(n, sizeof *v->more[h], e))) return SV_ENOMEM;
    return 0;
}

void sv_verdict_free(struct sv_verdict *v) {
    for (enum sv_head h = 0; h < SV_HEADS; h++) sv_free(v->more[h]), v->more[h] = NULL;
}

int sv_judge_open(struct sv_judge *j, const struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e) {
    *j = (struct sv_judge){ .scene = s, .cpu = cpu };
    int rc = sv_response_init(&j->response, cpu, s->text, s->texts, s->embed, e);
    if (!rc && (s->patterns == SV_KNN || s->patterns == SV_KNN_BOTH)) rc = open_responses(j, e);
    struct sv_knn *video = s->patterns == SV_KNN_VIDEO ? &j->knn : s->patterns == SV_KNN_BOTH ? &j->video : NULL;
    if (!rc && video) rc = sv_knn_init(video, cpu, s->sample, s->samples, s->embed, s->neighbours, e);
    return rc ? rc : sv_judge_learn(j, e);
}

void sv_judge_close(struct sv_judge *j) {
    sv_response_free(&j->response);
    sv_knn_free(&j->knn), sv_knn_free(&j->video);
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
    if (sv_patterns_near(s->patterns)) sv_knn_score(&j->knn, j->cpu, v->score, s->patterns == SV_KNN_VIDEO ? video : v->response, n);
    if (sv_scene_has(s, SV_HEAD_VIDEO)) sv_knn_score(&j->video, j->cpu, v->more[SV_HEAD_VIDEO], video, n);
    if (sv_scene_has(s, SV_HEAD_FIGURE)) sv_figures_score(j->cpu->pool, v->more[SV_HEAD_FIGURE], &s->figures, v->shape, n);
}

void sv_judge_weigh(const struct sv_judge *j, size_t n, struct sv_verdict *v) {
    const struct sv_scene *s = j->scene;
    for (size_t i = 0; sv_scene_joins(s) && i < n; i++) {
        double sum = s->patterns == SV_NO_LOOKS ? 0 : says(&j->normal[SV_HEAD_LOOK], v->score[i]);
        for (enum sv_head h = SV_HEAD_LOOK + 1; h < SV_HEADS; h++)
            if (sv_scene_has(s, h)) sum += says(&j->normal[h], v->more[h][i]);
        v->score[i] = sum;
    }
}

void sv_judge_run(struct sv_judge *j, const float *video, size_t n, struct sv_verdict *v) {
    sv_judge_look(j, video, n, v);
    sv_judge_weigh(j, n, v);
}
