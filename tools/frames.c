/* frames.c - svad frames: what the decoders make of an image or a video. */
#include "core/num.h"
#include "io/file.h"
#include "io/video.h"
#include "tools/tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct job {
    struct sv_video v;
    uint8_t *rgb;
    const char *out;                    /* NULL: only count */
    bool one;                           /* out is one file, or stdout */
    size_t done;
    struct sv_common common;
};

static int put(struct sv_out *o, const struct job *j, struct sv_err *e) {
    int rc = sv_out_printf(o, e, "P6\n%zu %zu\n255\n", j->v.w, j->v.h);
    if (!rc) rc = sv_out_write(o, j->rgb, j->v.w * j->v.h * 3, e);
    return rc;
}

static void frame_path(const struct job *j, size_t i, char *out, size_t n) { snprintf(out, n, "%s/%06zu.ppm", j->out, i); }

static int write_frame(struct job *j, struct sv_err *e) {
    char path[4096];
    frame_path(j, j->done, path, sizeof path);
    struct sv_out o;
    int rc = sv_out_open(&o, path, e);
    if (rc) return rc;
    rc = put(&o, j, e);
    if (!rc) return sv_out_commit(&o, e);
    sv_out_drop(&o);
    return rc;
}

/* Every frame into a file of the folder; after a failure none of them stays. */
static int into_folder(struct job *j, struct sv_err *e) {
    struct sv_progress p;
    int rc = strlen(j->out) > 4000 ? sv_fail(e, SV_EUSAGE, "-o: the path is too long") : 0, got = 0;
    const bool fresh = !sv_is_dir(j->out);
    sv_progress_start(&p, &j->common, "frames", "frames", j->v.frames);
    while (!rc && (got = sv_video_next(&j->v, j->rgb, e)) > 0) {
        if (!j->done) rc = sv_mkdirs(j->out, e);
        if (!rc) rc = write_frame(j, e);
        if (!rc) sv_progress_at(&p, ++j->done);
    }
    sv_progress_end(&p);
    if (!rc && got >= 0) return 0;
    for (char path[4096]; j->done; unlink(path)) frame_path(j, --j->done, path, sizeof path);
    if (fresh) rmdir(j->out);
    return rc ? rc : got;
}

/* One file: one frame; stdout: all of them, one PPM after the other. */
static int into_file(struct job *j, struct sv_err *e) {
    int rc = sv_video_next(&j->v, j->rgb, e);
    if (rc < 0) return rc;
    struct sv_out o;
    if ((rc = sv_out_open(&o, j->out, e))) return rc;
    int got = 1;
    while (!rc && got > 0) {
        rc = put(&o, j, e);
        if (!rc) got = sv_video_next(&j->v, j->rgb, e);
        if (!rc && got > 0 && strcmp(j->out, "-"))
            rc = sv_fail(e, SV_EUSAGE, "%s: a file for one frame, but %s has several; give a folder", j->out, j->v.path);
    }
    if (!rc && got >= 0) return sv_out_commit(&o, e);
    sv_out_drop(&o);
    return rc ? rc : got;
}

static int count(struct job *j, struct sv_err *e) {
    int rc;
    while ((rc = sv_video_next(&j->v, j->rgb, e)) > 0) j->done++;
    if (rc) return rc;
    char fps[SV_NUM_TEXT];
    sv_num_text(j->v.fps, fps);
    if (j->common.json) {
        printf("{\"frames\":%zu,\"width\":%zu,\"height\":%zu,\"fps\":%s}\n", j->done, j->v.w, j->v.h,
               j->v.fps > 0 ? fps : "null");
        return 0;
    }
    printf("%zu frame%s of %zu x %zu", j->done, j->done == 1 ? "" : "s", j->v.w, j->v.h);
    if (j->v.fps > 0) printf(", %s a second", fps);
    putchar('\n');
    return 0;
}

int sv_tool_frames(int argc, char **argv, struct sv_err *e) {
    struct job j = {0};
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "o", SV_OPT_TEXT, &j.out, "DIR|OUT.ppm", "write DIR/000000.ppm and on, one file, or - for stdout", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "frames", .line = "[options] SOURCE", .min_args = 1, .max_args = 1,
        .about = "Decodes an image, a folder of frames, a .y4m file or y4m on stdin (-).\n"
                 "Without -o: one line with count and size.",
        .example = "svad frames clip.y4m -o frames/",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) {
        rc = sv_video_open(&j.v, args.item[0], e);
        if (!rc && !(j.rgb = sv_alloc(j.v.w * j.v.h, 3, e))) rc = SV_ENOMEM;
        if (!rc) {
            const size_t n = j.out ? strlen(j.out) : 0;
            j.one = j.out && (!strcmp(j.out, "-") || (n > 4 && !strcmp(j.out + n - 4, ".ppm")));
            rc = !j.out ? count(&j, e) : j.one ? into_file(&j, e) : into_folder(&j, e);
        }
    } else if (rc > 0) {
        rc = 0;
    }
    sv_video_close(&j.v);
    sv_free(j.rgb);
    sv_list_free(&args);
    return rc;
}
