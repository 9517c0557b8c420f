/* judged.h - the scores of a folder held against labels: what eval prints and a report draws. */
#ifndef TOOLS_JUDGED_H
#define TOOLS_JUDGED_H

#include "io/labels.h"
#include "io/scores.h"
#include "kmeans/auc.h"

struct sv_judged {
    char path[4096];                    /* of the scores */
    struct sv_scores scores;
    struct sv_labels label;
    struct sv_auc_clip *raw, *smooth;   /* [clips], in the order of the labels; names, labels and raw scores borrowed from above */
    double *frames;                     /* all smoothed scores */
    size_t clips;
};

/* dir: a folder with scores.csv, or such a file.  Scores and labels must be of the same clips and frames. */
int sv_judged_open(struct sv_judged *x, const char *dir, const char *labels, double sigma, struct sv_err *e);
void sv_judged_close(struct sv_judged *x);          /* {0} is fine */

/* Reads DIR/scores.csv, or the file; path gets its name. */
int sv_scores_load(struct sv_scores *s, const char *dir, char path[4096], struct sv_err *e);

#endif
