/* fit_prompt.h - stage 2 of svad fit (METHOD section 5): context vectors around the action names, learned on normal video.
 *
 *     p_i = argmax_j cos(video_i, text_j)                 Eq. 4, with plain texts: the labels that the video gives itself
 *     loss = mean over i of -log softmax_j(cos(video_i, F_hat_j) / sigma)[p_i]          Eq. 5, 6, over all actions
 *
 * plan looks at everything that can be wrong before a frame is encoded; learn turns plain text features into F_hat. */
#ifndef TOOLS_FIT_PROMPT_H
#define TOOLS_FIT_PROMPT_H

#include "clip/prompt.h"
#include "io/json.h"
#include "tools/actions.h"
#include "tools/fit_answers.h"
#include "tools/model.h"

enum { SV_PROMPT_EPOCHS = 1000 };

struct sv_prompt_opts {
    size_t k;                           /* SIZE_MAX: not given */
    size_t epochs;                      /* 0: not given */
    size_t batch, seed;
    double lr, memory;                  /* memory: GiB */
    const char *place, *init;           /* init: a phrase, or NULL */
    bool per_class, relabel;
};
#define SV_PROMPT_OPTS_INIT { .k = SIZE_MAX, .batch = 128, .lr = 2e-4, .memory = 1.2, .place = "middle" }
#define SV_PROMPT_OPTS(o) \
    { "prompts", SV_OPT_SIZE, &(o)->k, "K", "context vectors learned around each text (16; 0: none)", 0, 1024 }, \
    { "prompt-place", SV_OPT_TEXT, &(o)->place, "PLACE", "where they stand: middle (the text between them), front or end (middle)", 0, 0 }, \
    { "prompt-init", SV_OPT_TEXT, &(o)->init, "TEXT", "they begin as the tokens of a phrase (the model's, or as noise); K: as many, unless given", 0, 0 }, \
    { "prompt-per-class", SV_OPT_FLAG, &(o)->per_class, NULL, "vectors of each text's own, instead of the same for all", 0, 0 }, \
    { "prompt-relabel", SV_OPT_FLAG, &(o)->relabel, NULL, "name the tubes anew before each epoch, with what was learned", 0, 0 }, \
    { "prompt-epochs", SV_OPT_SIZE, &(o)->epochs, "N", "passes over the tubes, at most (the model's, or 5)", 1, SV_PROMPT_EPOCHS }, \
    { "prompt-lr", SV_OPT_REAL, &(o)->lr, "R", "learning rate of AdamW (2e-4)", 1e-12, 1e6 }, \
    { "prompt-batch", SV_OPT_SIZE, &(o)->batch, "N", "tubes of a step (128)", 1, 1e6 }, \
    { "memory", SV_OPT_REAL, &(o)->memory, "GIB", "most memory for activations of the text tower (1.2)", 1e-6, 1e4 }

struct sv_fit_prompt {
    const struct sv_prompt_opts *o;
    struct sv_model *model;             /* borrowed, like all pointers up to here */
    const struct sv_cpu *cpu;
    const struct sv_actions *actions;
    struct sv_prompt_config cfg;        /* k 0: nothing is learned */
    int32_t *ids; size_t *start;        /* tokens of the names, as sv_prompts_open takes them */
    int32_t *phrase; size_t phrase_n;   /* of the first vectors */
    float *context; size_t floats;      /* [k, W] or [N, k, W], learned */
    uint32_t *label; size_t tubes;      /* [tubes] pseudo-labels */
    struct sv_answers before, after;
    double loss[SV_PROMPT_EPOCHS]; size_t epochs;       /* mean of each epoch */
    double kept;                        /* share of the activations that were not computed twice */
    struct { int32_t id; float cos; } *near;            /* [k] the token most like each vector; per_class: of the most frequent action */
};

bool sv_place_named(const char *name, enum sv_place *out);          /* "middle", "front", "end" */
const char *sv_place_name(enum sv_place p);

/* How prompts are best learned with a model, among its values, where whoever made it tried: a phrase that the vectors begin as,
 * and the epochs.  Each is taken where fit is told nothing else. */
#define SV_PROMPT_MODEL_INIT "prompt.init"
#define SV_PROMPT_MODEL_EPOCHS "prompt.epochs"

/* Names the context's length where a prompt is too long for it.  p must not move afterwards. */
int sv_fit_prompt_plan(struct sv_fit_prompt *p, struct sv_prompt_opts *o /* completed */, struct sv_model *m, const struct sv_cpu *c,
                       const struct sv_actions *a, struct sv_err *e);
/* A loss that is not finite is SV_ECHECK with step and cause. */
int sv_fit_prompt_learn(struct sv_fit_prompt *p, const struct sv_common *common, const float *video /* [n, E] */, size_t n,
                        float *text /* [N, E], plain on entry, F_hat on return */, struct sv_err *e);
void sv_fit_prompt_free(struct sv_fit_prompt *p);   /* {0} is fine; leaves {0} */

/* What was learned, for people and as the member "prompts". */
void sv_fit_prompt_print(const struct sv_fit_prompt *p);
void sv_fit_prompt_put(const struct sv_fit_prompt *p, struct sv_json_out *o);

#endif
