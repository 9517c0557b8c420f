/* scene.h - what svad fit learned of one camera, as a file (a container of kind "scene").
 *
 *     values    tube.* (the rule of its tubes), scene.model (identity of its model), scene.objects, scene.clips, scene.seed,
 *               scene.object_quantiles, scene.frame_quantiles: reals[999], training scores at 0.001, 0.002 .. 0.999
 *     tensors   actions u8 [bytes]: names, each ended by a newline      text f32 [N, E]: F_hat, as the text tower gives them
 *               centre f64 [M, N]: unit rows                            mean f32 [N]: only if responses are centred
 *               sample f16 [<= 4096, E]: F_video of training tubes; behind them scene.usual rows (that value is absent: none), <= 4096
 *               more, of tubes that svad adapt found recurring at another camera
 *               held.frame f64 [F], held.block i32 [B], held.object f64 [<= 65536]: only if footage was held out
 *               (then also the value held.per_second)
 *               context f32 [k, W], or [N, k, W] where each text has its own: the vectors that text was made with, only if there are;
 *               prompt.place (middle, front, end) says where they stood
 *     where scores are steadied along tracks: scene.steady (kmeans/steady.h: its reach)
 *     where normal looks are neighbours and not centres: scene.patterns (knn: of responses, knn-video: of F_video, knn-both),
 *               scene.neighbours
 *     where size and speed count too: figure.line, figure.middle, figure.spread: reals[3] (kmeans/figure.h; line: a, b, least),
 *               figure.seconds (1: speed is a second, 0: a frame), figure f32 [<= 4096, 3]
 *     where several heads make the score: held.join (log1p: the rule of tools/judge.h), held.look f64 [<= 65536, sorted], scores of
 *               held-out tubes by looks alone, and so held.video (of knn-both: by F_video; then held.look is by responses),
 *               held.figure (size and speed) */
#ifndef TOOLS_SCENE_H
#define TOOLS_SCENE_H

#include "kmeans/figure.h"
#include "tools/actions.h"
#include "tools/source.h"

enum { SV_SCENE_QUANTILES = 999, SV_SCENE_SAMPLE = 4096, SV_SCENE_MAX_CENTRES = 4096, SV_HELD_OBJECTS = 65536 };

/* What tubes are judged by: looks, looks by F_video beside those by responses, size and speed. */
enum sv_head { SV_HEAD_LOOK, SV_HEAD_VIDEO, SV_HEAD_FIGURE, SV_HEADS };

/* Scores of normal footage that the scene's patterns were not learned from, by those patterns. */
struct sv_held {
    double *frame; size_t frames;       /* of frames that tubes were made on, block after block: the highest of its objects, 0 without */
    int32_t *block; size_t blocks;      /* their number in each block */
    double *object; size_t objects;     /* of tubes, sorted; thinned at even ranks where there are more */
    double per_second;                  /* such frames a second of footage; 0: the frame rate was not known */
    double *head[SV_HEADS]; size_t heads;           /* of tubes by each head that the scene has, sorted; where it joins several */
};

/* What a tube's looks are compared with: the centres of k-means; the nearest rows of the sample, by responses, by F_video, or by
 * each of them; or nothing, and its figure alone counts. */
enum sv_patterns { SV_KMEANS, SV_KNN, SV_KNN_VIDEO, SV_KNN_BOTH, SV_NO_LOOKS, SV_PATTERNS };
extern const char *const sv_patterns_name[SV_PATTERNS];     /* "kmeans", "knn", "knn-video", "knn-both", "none" */
static inline bool sv_patterns_near(enum sv_patterns p) { return p == SV_KNN || p == SV_KNN_VIDEO || p == SV_KNN_BOTH; }

struct sv_scene {
    char model[SV_IDENTITY];
    struct sv_rule rule;
    struct sv_actions actions;
    size_t texts, embed, centres, samples;      /* N, E, M, S */
    size_t usual;                       /* of the samples, the last ones: what recurs at another camera, not of the training */
    size_t objects, clips, seed;        /* of the training */
    float *text;                        /* [N, E]; this and all below owned */
    double *centre;                     /* [M, N] */
    float *mean;                        /* [N], or NULL */
    float *sample;                      /* [S, E]; f16 values once loaded */
    float *context;                     /* [k, W], or [N, k, W] if each text has its own; NULL: text is of plain texts */
    size_t context_dim[3];              /* N or 1, k, W; all 0: no context */
    char place[8];                      /* of the vectors: "middle", "front" or "end" */
    double object_q[SV_SCENE_QUANTILES], frame_q[SV_SCENE_QUANTILES];
    struct sv_held held;                /* frames 0: nothing was held out */
    enum sv_patterns patterns;
    size_t neighbours;
    struct sv_figures figures;          /* n 0: looks are all that counts */
    size_t steady;                      /* frames before and after over which a track's scores are steadied; 0: they are not */
    bool seconds;                       /* speeds of figures are a second; else a frame */
};

static inline bool sv_scene_has(const struct sv_scene *s, enum sv_head h) {
    return h == SV_HEAD_VIDEO ? s->patterns == SV_KNN_BOTH : h == SV_HEAD_FIGURE ? s->figures.n > 0 : true;
}
static inline bool sv_scene_joins(const struct sv_scene *s) { return sv_scene_has(s, SV_HEAD_VIDEO) || sv_scene_has(s, SV_HEAD_FIGURE); }

int sv_scene_save(const struct sv_scene *s, const char *path, struct sv_err *e);    /* atomic */
int sv_scene_load(struct sv_scene *s, const char *path, struct sv_err *e);          /* NULL: asks for -s */
/* Refuses a scene of another model: id is the identity of the file model, embed its width. */
int sv_scene_fits(const struct sv_scene *s, const char *path, const char *id, const char *model, size_t embed, struct sv_err *e);
/* A row of the sample, with the values that the file will have. */
void sv_scene_row(float *row /* [embed] */, const float *video, size_t embed);
void sv_scene_free(struct sv_scene *s);             /* {0} is fine; leaves {0} */

#endif
