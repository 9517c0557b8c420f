/* The MAT reader over any bytes, all its numbers, and the labels they may be. */
#include "io/labels.h"
#include "io/mat.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile double sink;

static double total(const struct sv_mat_array *a) {
    double sum = 0;
    for (size_t i = 0; i < a->count && a->class != SV_MAT_OTHER; i++)
        sum += a->class == SV_MAT_NUMBERS ? sv_mat_at(a, i) : total(&a->cell[i]);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_mat m;
    struct sv_labels l;
    struct sv_err e = { 0 };
    if (sv_mat_read(&m, data, size, "fuzz", &e)) return e.msg[0] && !m.var ? 0 : (abort(), 0);
    for (size_t i = 0; i < m.n; i++) sink = total(&m.var[i]);
    sv_mat_free(&m);
    if (!sv_labels_parse(&l, "1_label.mat", data, size, &e)) {
        for (size_t i = 0; i < l.clip.n; i++)
            for (size_t k = 0; k < l.label[i].n; k++) if (l.label[i].frame[k] > 1) abort();
        sv_labels_free(&l);
    }
    return 0;
}
