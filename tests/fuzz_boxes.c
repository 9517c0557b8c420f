/* Boxes, labels, CSV rows, scores, objects and .npy labels: every text that people hand in, over the same bytes. */
#include "io/boxes.h"
#include "io/csv.h"
#include "io/labels.h"
#include "io/scores.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_boxes b;
    struct sv_labels l;
    struct sv_scores s;
    struct sv_objects o;
    struct sv_csv c;
    struct sv_err e = { 0 };
    if (!sv_boxes_parse(&b, "fuzz", data, size, 0.5, &e)) {
        for (size_t i = 0; i < b.clip.n; i++)       /* the index covers the boxes, in order of frames */
            for (size_t k = b.first[i] + 1; k < b.first[i + 1]; k++)
                if (b.box[k].frame < b.box[k - 1].frame || !(b.box[k].x1 < b.box[k].x2)) abort();
        if (b.first[b.clip.n] != b.n) abort();
        sv_boxes_free(&b);
    }
    if (!sv_labels_parse(&l, "fuzz", data, size, NULL)) {
        for (size_t i = 0; i < l.clip.n; i++) if ((!l.label[i].n && !l.label[i].open) || sv_labels_of(&l, l.clip.name[i]) != &l.label[i]) abort();
        sv_labels_free(&l);
    }
    l = (struct sv_labels){ 0 };
    sv_labels_npy(&l, "fuzz", "fuzz", data, size, NULL);
    sv_labels_free(&l);
    if (!sv_scores_parse(&s, "fuzz", data, size, NULL)) sv_scores_free(&s);
    if (!sv_objects_parse(&o, "fuzz", data, size, NULL)) {
        if (o.first[o.clip.n] != o.n) abort();
        sv_objects_free(&o);
    }
    sv_csv_open(&c, "fuzz", data, size);
    while (sv_csv_row(&c, NULL) > 0) {}
    sv_csv_close(&c);
    return 0;
}
