/* response.h - Eq. 7-8: how much a tube looks like each action.
 *
 *     response[i, j] = cos(video_i, text_j)          a zero vector answers 0 to everything
 *
 * The texts are normalised and packed once; a run then allocates nothing and cannot fail.  A row's bits depend on
 * neither the threads nor the rows beside it.  A NaN or an infinity in a row of video makes its whole response NaN. */
#ifndef KMEANS_RESPONSE_H
#define KMEANS_RESPONSE_H

#include "core/gemm.h"

struct sv_response {
    size_t texts, dim;                  /* N, E */
    struct sv_packed text;              /* unit [N, E] */
    float *unit;                        /* [SV_RESPONSE_ROWS, E] */
    float *scratch;
    void *mem;
};

enum { SV_RESPONSE_ROWS = 256 };        /* rows that travel through one product */

/* Copies text.  Fails on no texts, dim 0, or a text vector that is not finite.  Free with sv_response_free. */
int sv_response_init(struct sv_response *r, const struct sv_cpu *c, const float *text /* [N, E] */, size_t texts,
                     size_t dim, struct sv_err *e);
void sv_response_free(struct sv_response *r);       /* {0} is fine */

/* Not for two threads at once: r holds the scratch.  c must have the kernel table r was made with. */
void sv_response_run(struct sv_response *r, const struct sv_cpu *c, float *out /* [rows, N] */,
                     const float *video /* [rows, E] */, size_t rows);

/* mean[j] = average of response[., j], summed in double in row order.  Centring subtracts it from every row: responses
 * are all positive and close, and what they share says nothing. */
void sv_response_mean(float *mean /* [N] */, const float *response /* [rows, N] */, size_t rows, size_t texts);
void sv_response_center(float *response /* [rows, N] */, const float *mean /* [N] */, size_t rows, size_t texts);

#endif
