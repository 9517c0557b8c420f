/* holdout.h - footage that svad fit does not learn from, so that its scores tell what is normal to score.
 *
 * Blocks are contiguous and spread over the clips: of each clip a share, in pieces of a minute or more, at places that go
 * through all parts of a clip.  People stay in view for many seconds and are no news to patterns that were learned on the
 * seconds beside, so tubes that share a picture with a block, and those of ten seconds more to both sides, are left out.
 *
 * Of clips of which block and guards would take more than half every (1 / share)-th is held out whole.  Where there are too few
 * of them for that, their guards are without the ten seconds. */
#ifndef TOOLS_HOLDOUT_H
#define TOOLS_HOLDOUT_H

#include "tools/scene.h"
#include "tools/tubes.h"

struct sv_hold_clip { size_t frames, every, reach, first, n; double fps; };        /* rows first .. first + n - 1 */
struct sv_hold_block { size_t clip, begin, end, guard; };           /* frames */

struct sv_holdout {
    double share;                       /* of the footage; 0: none */
    struct sv_hold_clip *clip; size_t clips, clip_cap;
    size_t *frame, cap;                 /* [rows] of its clip; once split [fitted]: numbered through the frames of fitted rows */
    size_t frames;                      /* once split: of those */
    struct sv_hold_block *block; size_t blocks, block_cap;
    size_t rows, fitted, held, beside;  /* tubes: all; to learn from; held out; left out for sharing pictures */
    int64_t *track; size_t track_cap;   /* [rows] in the order of rows */
    struct sv_figure *figure; size_t figure_cap;    /* [rows] where figures are wanted, in the order of rows */
    bool figures, seconds;              /* wanted; with speeds a second */
    size_t *where;                      /* [held] number of the tube's frame among those held out */
};

/* Notes the tubes of the next clip. */
int sv_holdout_add(struct sv_holdout *h, const struct sv_clip_tubes *c, const struct sv_rule *r, struct sv_err *e);
/* Picks the blocks and puts the rows in order: video [rows, embed] begins with the `fitted` rows to learn from, in their order,
 * behind them are the `held` ones; figures likewise.  Where nothing can be held out, or nothing would be left, all rows are fitted. */
int sv_holdout_split(struct sv_holdout *h, float *video, size_t embed, struct sv_err *e);
/* Scores the held-out rows by the scene's patterns; the scene keeps their distribution. */
int sv_holdout_score(struct sv_holdout *h, const float *held /* [held, embed] */, struct sv_scene *s, const struct sv_cpu *cpu, struct sv_err *e);
void sv_holdout_free(struct sv_holdout *h);         /* {0} is fine; leaves {0} */

#endif
