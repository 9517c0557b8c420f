/* preprocess.c - svad preprocess: the pixels the image encoder sees, as numbers or as a picture. */
#include "clip/image.h"
#include "io/image.h"
#include "io/npy.h"
#include "io/pnm.h"
#include "tools/model.h"

#include <string.h>

static bool ends_with(const char *s, const char *end) {
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

static int run(const char *model, const char *path, const char *out, struct sv_err *e) {
    if (!out || (!ends_with(out, ".npy") && !ends_with(out, ".ppm")))
        return sv_fail(e, SV_EUSAGE, "preprocess: -o is %s, expected OUT.npy (numbers) or OUT.ppm (a picture)", out ? out : "not given");
    struct sv_model m;
    int rc = sv_model_open(&m, model, e);
    if (rc) return rc;
    const size_t size = m.cfg.image_size, dim[] = { 3, size, size };
    struct sv_image im = {0};
    float *pixels = sv_alloc(3 * size * size, sizeof *pixels, e);
    uint8_t *rgb = sv_alloc(3 * size, size, e);
    rc = pixels && rgb ? sv_image_load(path, &im, e) : SV_ENOMEM;
    if (!rc) rc = sv_clip_pixels(&im, size, m.cfg.squash, m.cfg.mean, m.cfg.std, pixels, rgb, e);
    if (!rc) rc = ends_with(out, ".npy") ? sv_npy_write(out, SV_F32, 3, dim, pixels, e) : sv_pnm_write(out, size, size, rgb, e);
    sv_image_free(&im);
    sv_free(pixels), sv_free(rgb);
    sv_model_close(&m);
    return rc;
}

int sv_tool_preprocess(int argc, char **argv, struct sv_err *e) {
    struct sv_common common = {0};
    const char *model = NULL, *out = NULL;
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "m", SV_OPT_TEXT, &model, "MODEL", "model file", 0, 0 },
        { "o", SV_OPT_TEXT, &out, "OUT", "OUT.npy: normalised, [3, S, S] f32; OUT.ppm: the picture before that", 0, 0 },
        SV_COMMON(&common),
    };
    static const struct sv_usage u = { "preprocess", "-m MODEL IMAGE -o OUT.npy|OUT.ppm",
        "The pixels that the image encoder sees: resized, cropped and normalised as the model wants them.",
        "svad preprocess -m model.svad photo.jpg -o pixels.npy", 1, 1 };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(model, args.item[0], out, e);
    sv_list_free(&args);
    return rc < 0 ? rc : 0;
}
