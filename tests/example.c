/* example.c - the features of a picture, with the model in memory that the caller owns.
 *
 *     cc -std=c11 example.c $(pkg-config --cflags --libs svad) -o example
 *     ./example model.svad photo.jpg */
#include "clip/clip.h"
#include "clip/image.h"
#include "io/container.h"
#include "io/image.h"

#include <stdio.h>
#include <stdlib.h>

static int embed(const struct sv_store *store, const struct sv_image *picture, struct sv_err *e) {
    const struct sv_cpu cpu = { .kern = sv_kern_best() };           /* no pool: this thread alone */
    const size_t size = sv_clip_size(store, &cpu, SV_CLIP_IMAGE, 1, e);
    char *memory = size ? malloc(size + 64) : NULL;
    if (!memory) return size ? SV_ENOMEM : e->code;
    void *aligned = memory + (64 - (size_t)memory % 64) % 64;
    struct sv_clip *clip = sv_clip_init(aligned, size, store, &cpu, SV_CLIP_IMAGE, 1, e);
    const struct sv_clip_config *g = clip ? sv_clip_config(clip) : NULL;
    float *pixels = g ? malloc(3 * g->image_size * g->image_size * sizeof *pixels) : NULL;
    float *feature = pixels ? malloc(g->embed * sizeof *feature) : NULL;
    int rc = !clip ? e->code : !feature ? SV_ENOMEM : sv_clip_pixels(picture, g->image_size, g->squash, g->mean, g->std, pixels, NULL, e);
    if (!rc) {
        sv_clip_image(clip, pixels, 1, feature);                    /* cannot fail, allocates nothing */
        for (size_t i = 0; i < g->embed; i++) printf("%.9g%c", (double)feature[i], i + 1 < g->embed ? ' ' : '\n');
    }
    free(feature), free(pixels), free(memory);
    return rc;
}

int main(int argc, char **argv) {
    struct sv_err e = { 0 };
    struct sv_file file = { 0 };
    struct sv_store store = { 0 };
    struct sv_image picture = { 0 };
    if (argc != 3) return fprintf(stderr, "usage: example MODEL PICTURE\n"), 1;
    int rc = sv_file_map(&file, argv[1], &e);
    if (!rc) rc = sv_store_init(&store, argv[1], &e);
    if (!rc) rc = sv_container_read(&file, "model", &store, &e);    /* tensors borrow from the mapped file */
    if (!rc) rc = sv_image_load(argv[2], &picture, &e);
    if (!rc) rc = embed(&store, &picture, &e);
    if (rc) fprintf(stderr, "example: %s\n", e.msg);
    sv_image_free(&picture), sv_store_free(&store), sv_file_close(&file);
    return -rc;
}
