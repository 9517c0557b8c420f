/* report.h - what the files of svad report share: the inputs, the boxes to show, the page. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include "io/json.h"
#include "tools/html.h"
#include "tools/judged.h"
#include "tools/tool.h"

enum { SV_REPORT_WHY = 3 };

/* A box worth a look: an object whose score is high. */
struct sv_pick {
    size_t object;                      /* in objects */
    size_t clip;                        /* in objects.clip */
    char *over[SV_REPORT_WHY], *under[SV_REPORT_WHY];   /* why it scored: owned; NULL where that is not known */
    uint8_t *jpeg; size_t jpeg_n;       /* its surroundings; NULL where there is no video */
    double left, top, width, height;    /* the box in it, in parts of its size */
};

struct sv_report {
    struct sv_common common;
    const char *dir, *before_dir, *labels, *log, *path, *title;
    struct sv_list videos;
    double threshold, sigma, fps;       /* NAN, 3, NAN: not given */
    size_t wanted;                      /* boxes to show */
    struct sv_judged j;                 /* the scores; labels where they are given */
    struct sv_scores before; bool redefined;            /* the scores before a text changed them */
    struct sv_objects objects;
    struct sv_json run;                 /* run.json */
    double line; char line_is[64];      /* what reaches it stands out; NAN: none */
    double low, high, step;             /* of the score axis: ends and distance of its marks */
    struct sv_report_clip { size_t top; bool curve; } *clip;            /* of each: the frame of its highest score; has it a curve? */
    struct sv_pick *pick; size_t picks;
    struct sv_html h;
};

/* report_boxes.c: finds the boxes, their pictures, their reasons; writes them. */
int sv_report_pick(struct sv_report *r, struct sv_err *e);
void sv_report_boxes(struct sv_report *r);
void sv_report_pick_free(struct sv_report *r);

/* report_plot.c: curves.  With very many clips only the highest have one. */
int sv_report_choose(struct sv_report *r, struct sv_err *e);
void sv_report_curves(struct sv_report *r);
void sv_report_roc(struct sv_report *r, const struct sv_roc_point *raw, size_t raw_n, const struct sv_roc_point *smooth, size_t smooth_n);

struct sv_series { const char *name; const double *x, *y; size_t n; };
void sv_report_lines(struct sv_html *h, const char *title, const char *x_name, const struct sv_series *s, size_t n);

/* report_log.c: the training curves of a log of JSON lines. */
int sv_report_log(struct sv_report *r, struct sv_err *e);

void sv_report_name(struct sv_report *r, size_t clip);      /* its name, leading to its curve */
double sv_report_fps(const struct sv_report *r, const char *clip);          /* 0: not known */
/* "frame 68", and "(0:02.7)" where the frame rate is known. */
const char *sv_report_when(char out[64], size_t frame, double fps);
size_t sv_report_above(const struct sv_report *r, const struct sv_frames *f);   /* frames above the line */
/* 1, 2 or 5 times a power of ten: at most `marks` of them in `range`. */
double sv_report_step(double range, int marks);

#endif
