/* What people read when something is wrong: one line that says what, and what to do next; nothing is left behind. */
#include "tests/tiny.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <math.h>
#include <sys/stat.h>

static char dir[3900];
static struct ran r;

static void setup(void) {
    char path[4100];
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert(!tiny_write(dir, "empty", "", 0) && !tiny_write(dir, "junk", "junk\n", 5));
    snprintf(path, sizeof path, "%s/folder", dir);
    cr_assert_eq(mkdir(path, 0777), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "fit -m m.svad clip --frames 3 --prompts 0 --boxes boxes.txt --actions actions.txt --clusters 2 -o s.scene --quiet"), 0, "%s", r.err);
}

static const struct { int code; const char *args, *says; } wrong[] = {
    { 1, "fit clip -o x", "no model given: -m MODEL, a file made by svad convert" },
    { 2, "fit -m model.safetensors clip -o x", "a checkpoint becomes a model by: svad convert model.safetensors -o MODEL" },
    { 2, "embed -m empty --text a", "empty: no file of svad" },
    { 1, "score -m m.svad clip -o x", "no scene given: -s SCENE, a file made by svad fit" },
    { 2, "score -m m.svad -s m.svad clip -o x", "is a model file, expected a scene file" },
    { 2, "score -m m.svad -s s.scene folder -o x --boxes boxes.txt", "folder" },
    { 1, "score -m m.svad -s s.scene clip --boxes boxes.txt --normal '' -o x", "--normal: the text is empty" },
    { 2, "score -m m.svad -s s.scene clip --boxes boxes.txt --abnormal 'walk walk walk walk walk walk walk walk walk walk walk' -o x",
      "the text \"walk walk walk walk walk walk walk walk walk walk walk\" has 13 tokens, expected at most 12" },
    { 2, "eval folder --labels labels.txt", "folder: no scores.csv in this folder; expected one that svad score made" },
    { 2, "convert empty -o x", "empty: is empty, expected a checkpoint" },
    { 2, "convert junk -o x", "junk: is nothing known, expected a checkpoint" },
    { 2, "convert model.safetensors -o x", "--act quick" },
    { 1, "convert model.safetensors --act quick --calibrate clip -o x", "--calibrate rounds bytes: it needs --dtype i8" },
    { 2, "convert model.safetensors --act quick --dtype i8 --calibrate nowhere -o x", "nowhere: cannot open" },
    { 2, "convert model.safetensors --act quick --dtype i8 --calibrate folder -o x", "folder: a folder without frames" },
    { 2, "frames empty", "empty: is empty, expected a picture" },
    { 2, "frames junk", "junk: is no picture that is read (PNG, JPEG, PNM (P1 .. P6), BMP, TIFF), it begins with 6a 75 6e 6b" },
    { 2, "frames -", "stdin: is empty, expected y4m or Motion JPEG in AVI (ffmpeg -i FILE" },
    { 2, "frames folder", "folder: a folder without frames" },
    { 2, "fit -m m.svad clip --boxes folder -o x", "no boxes in this folder, expected CLIP.txt (MOT)" },
    { 2, "fit -m m.svad clip --boxes junk -o x", "junk: line 1: 1 columns, expected clip frame x1 y1 x2 y2 [score]" },
    /* A place that cannot be written is told before the work. */
    { 4, "fit -m m.svad clip --frames 3 --prompts 0 --boxes boxes.txt -o folder", "folder: cannot write: it is a folder" },
    { 4, "fit -m m.svad clip --frames 3 --prompts 0 --boxes boxes.txt -o none/x.scene", "none/x.scene: cannot create" },
    { 4, "convert model.safetensors --act quick --dtype i8 --calibrate clip -o folder", "folder: cannot write: it is a folder" },
    { 4, "embed -m m.svad --text walk -o none/x.npy", "none/x.npy: cannot create" },
    { 4, "boxes clip -o folder", "folder: cannot write: it is a folder" },
    { 1, "nonsense", "no command nonsense; svad help lists them" },
};

Test(messages, name_the_next_step, .init = setup) {
    for (size_t i = 0; i < SV_LEN(wrong); i++) {
        cr_expect_eq(run_svad(&r, dir, "%s --quiet", wrong[i].args), wrong[i].code, "%s: %d %s", wrong[i].args, r.code, r.err);
        cr_expect(strstr(r.err, wrong[i].says) && strchr(r.err, '\n')[1] == 0, "%s: \"%s\"", wrong[i].args, r.err);
        cr_expect_str_eq(r.out, "", "%s", wrong[i].args);
    }
    cr_expect_neq(run_shell(&r, dir, "ls -A | grep -v -x -e boxes.txt -e labels.txt -e list.csv -e actions.txt -e merges.txt -e 'm\\..*' -e 'model\\..*' "
                                     "-e s.scene -e clip -e empty -e junk -e folder"), 0, "left behind: %s", r.out);
}

Test(messages, no_boxes_given, .init = setup) {
    cr_expect_eq(run_svad(&r, dir, "score -m m.svad -s s.scene clip -o x"), 0, "%s", r.err);
    cr_expect(strstr(r.err, "no boxes given: using motion proposals; for a detector see --boxes\n"), "%s", r.err);
}

/* printf shows the sign of a NaN. */
Test(messages, a_nan_has_no_sign) {
    struct sv_err e = { 0 };
    sv_fail(&e, SV_EINPUT, "a file-nan.txt: %g, %g and %g", -(double)NAN, copysign(NAN, -1), -INFINITY);
    cr_expect(strstr(e.msg, "a file-nan.txt: ") && !strstr(e.msg, " -nan") && strstr(e.msg, "nan, nan and -inf"), "%s", e.msg);
}
