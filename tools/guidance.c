#include "tools/guidance.h"

#include "kmeans/score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Thresholds of the texts, from the scene's sample of its training. */
static int init_guides(struct sv_guidance *g, const struct sv_guidance_opts *o, const struct sv_tubes *t, const struct sv_scene *s, struct sv_err *e) {
    const size_t n = s->samples - s->usual;
    float *sim = sv_alloc(n, g->n * sizeof *sim, e);
    double *column = sv_alloc(n, sizeof *column, e);
    int rc = sim && column ? 0 : SV_ENOMEM;
    if (!rc) sv_response_run(&g->response, &t->cpu, sim, s->sample, n);
    for (size_t k = 0; !rc && k < g->n; k++) {
        for (size_t i = 0; i < n; i++) column[i] = (double)sim[i * g->n + k];
        rc = sv_guide_init(&g->guide[k], g->text[k], k < o->normal.n, column, n, o->threshold, isnan(o->z) ? 2 : o->z, o->theta, o->gamma, e);
    }
    sv_free(sim), sv_free(column);
    return rc;
}

int sv_guidance_open(struct sv_guidance *g, const struct sv_guidance_opts *o, struct sv_tubes *t, const struct sv_scene *s, struct sv_err *e) {
    *g = (struct sv_guidance){ .n = o->normal.n + o->abnormal.n };
    if (!g->n) return 0;
    if (!isnan(o->threshold) && !isnan(o->z)) return sv_fail(e, SV_EUSAGE, "--threshold and --threshold-z: expected one of them");
    if (!(g->guide = sv_alloc(g->n, sizeof *g->guide, e)) || !(g->text = sv_alloc(g->n, sizeof *g->text, e)) ||
        !(g->effect = sv_alloc(g->n, sizeof *g->effect, e)))
        return SV_ENOMEM;
    for (size_t i = 0; i < g->n; i++) {
        const char *text = g->text[i] = i < o->normal.n ? o->normal.item[i] : o->abnormal.item[i - o->normal.n];
        g->effect[i].highest = -1;
        if (!text[strspn(text, " \t\n")]) return sv_fail(e, SV_EUSAGE, "--%s: the text is empty", i < o->normal.n ? "normal" : "abnormal");
    }
    float *feats = sv_alloc(g->n, s->embed * sizeof *feats, e);
    struct sv_clip *clip = feats ? sv_clip_open(&t->model.store, &t->cpu, SV_CLIP_TEXT, 8, e) : NULL;
    int rc = clip ? sv_model_texts(&t->model, clip, g->text, g->n, NULL, feats, e) : e && e->code ? e->code : SV_ENOMEM;
    sv_clip_free(clip);
    if (!rc) rc = sv_response_init(&g->response, &t->cpu, feats, g->n, s->embed, e);
    sv_free(feats);
    return rc ? rc : init_guides(g, o, t, s, e);
}

void sv_guidance_close(struct sv_guidance *g) {
    sv_response_free(&g->response);
    sv_free(g->guide), sv_free(g->text), sv_free(g->effect);
    *g = (struct sv_guidance){0};
}

/* ---- what a text does ---- */

static void keep(struct sv_effect *x, const struct sv_like *l) {
    size_t at = x->tops;
    while (at && x->top[at - 1].sim < l->sim) at--;
    if (at == SV_GUIDANCE_TOP) return;
    x->tops = sv_min(x->tops + 1, SV_GUIDANCE_TOP);
    memmove(x->top + at + 1, x->top + at, (x->tops - 1 - at) * sizeof *x->top);
    x->top[at] = *l;
}

int sv_guidance_note(struct sv_guidance *g, const struct sv_clip_tubes *c, const float *sim, const double *score, const size_t *frame,
                     const double *before, double lo, double hi, struct sv_err *e) {
    float *own = sv_alloc(c->n, sizeof *own, e);
    double *alone = sv_alloc(c->n, sizeof *alone, e), *frames = sv_alloc(c->frames, sizeof *frames, e);
    const int rc = own && alone && frames ? 0 : SV_ENOMEM;
    for (size_t k = 0; !rc && k < g->n; k++) {
        struct sv_effect *x = &g->effect[k];
        for (size_t i = 0; i < c->n; i++) own[i] = sim[i * g->n + k];
        sv_redefine(alone, score, own, c->n, &g->guide[k], 1, lo, hi);
        sv_frame_scores(frames, c->frames, alone, frame, c->n);
        for (size_t t = 0; t < c->frames; t++) x->frames += fabs(frames[t] - before[t]) > 0;
        for (size_t i = 0; i < c->n; i++) {
            struct sv_like l = { .sim = (double)own[i], .clip = c->name, .frame = frame[i], .before = score[i], .after = alone[i] };
            memcpy(l.box, c->object[i].box, sizeof l.box);
            x->above += l.sim > g->guide[k].threshold;
            x->highest = fmax(x->highest, l.sim);
            keep(x, &l);
        }
    }
    if (!rc) g->objects += c->n;
    sv_free(own), sv_free(alone), sv_free(frames);
    return rc;
}

/* ---- output ---- */

void sv_guidance_put(struct sv_json_out *o, const struct sv_guidance *g, size_t k, bool details) {
    const struct sv_guide *d = &g->guide[k];
    const struct sv_effect *x = &g->effect[k];
    sv_json_open(o, NULL, '{');
    sv_json_put_text(o, d->normal ? "normal" : "abnormal", g->text[k]);
    sv_json_put_real(o, "threshold", d->threshold);
    sv_json_put_real(o, "threshold_z", sv_guide_z(d, d->threshold));
    sv_json_put_real(o, "width", d->width);
    sv_json_put_int(o, "above", (int64_t)x->above);
    sv_json_put_int(o, "objects", (int64_t)g->objects);
    sv_json_put_int(o, "frames", (int64_t)x->frames);
    if (g->objects) sv_json_put_real(o, "highest_z", sv_guide_z(d, x->highest));
    if (details) {
        sv_json_open(o, "most_similar", '[');
        for (size_t i = 0; i < x->tops; i++) {
            const struct sv_like *l = &x->top[i];
            sv_json_open(o, NULL, '{');
            sv_json_put_text(o, "clip", l->clip);
            sv_json_put_int(o, "frame", (int64_t)l->frame);
            sv_json_open(o, "box", '[');
            for (size_t b = 0; b < 4; b++) sv_json_put_real(o, NULL, l->box[b]);
            sv_json_close(o);
            sv_json_put_real(o, "similarity", l->sim);
            sv_json_put_real(o, "z", sv_guide_z(d, l->sim));
            sv_json_put_real(o, "score", l->before);
            sv_json_put_real(o, "becomes", l->after);
            sv_json_close(o);
        }
        sv_json_close(o);
    }
    sv_json_close(o);
}

static int say_json(const struct sv_guidance *g, size_t k, bool details, struct sv_err *e) {
    struct sv_json_out o = { .e = e };
    sv_guidance_put(&o, g, k, details);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

int sv_guidance_say(const struct sv_guidance *g, size_t k, bool details, bool json, struct sv_err *e) {
    const struct sv_guide *d = &g->guide[k];
    const struct sv_effect *x = &g->effect[k];
    if (json) return say_json(g, k, details, e);
    printf("%s \"%s\": threshold %.6g (z %.3g), width %.6g, %zu of %zu objects above, highest z %.3g\n", d->normal ? "normal" : "abnormal",
           g->text[k], d->threshold, sv_guide_z(d, d->threshold), d->width, x->above, g->objects, sv_guide_z(d, x->highest));
    if (!details) return 0;
    printf("  by itself it would change the score of %zu frames; most similar:\n", x->frames);
    for (size_t i = 0; i < x->tops; i++) {
        const struct sv_like *l = &x->top[i];
        printf("  %s frame %zu, box %.6g %.6g %.6g %.6g: similarity %.4f, z %.2f, score %.6g -> %.6g\n", l->clip, l->frame, l->box[0], l->box[1],
               l->box[2], l->box[3], l->sim, sv_guide_z(d, l->sim), l->before, l->after);
    }
    return 0;
}
