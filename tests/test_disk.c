/* Disks that are full and places that cannot be written: one line, exit code 4, the target as it was, no temporary left. */
#include "tests/tiny.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[4100];
static struct ran r;

/* What each command writes: a file with this ending, or (NULL) files in a folder.  %: the folder of inputs. */
static const struct { const char *name, *end, *args; } writers[] = {
    { "convert", ".svad", "%/model.safetensors --act quick --quiet" },
    { "embed", ".npy", "-m %/m.svad --text walk --quiet" },
    { "preprocess", ".npy", "-m %/m.svad %/clip/f00.ppm" },
    { "preprocess", ".ppm", "-m %/m.svad %/clip/f00.ppm" },
    { "frames", ".ppm", "%/clip/f00.ppm" },
    { "frames", NULL, "%/clip" },
    { "boxes", ".txt", "%/clip --quiet" },
    { "world", NULL, "--frames 30 --size 64x48 --quiet" },
    { "extract", NULL, "-m %/m.svad %/clip --frames 3 --boxes %/boxes.txt --quiet" },
    { "fit", ".scene", "-m %/m.svad %/clip --frames 3 --boxes %/boxes.txt --actions %/actions.txt --clusters 2 --prompts 3 --quiet" },
    { "pretrain", ".svad", "-m %/m.svad %/list.csv --frames 3 --epochs 1 --cache %/c.tubes --quiet" },
    { "report", ".html", "%/scored --quiet" },
    { "score", NULL, "-m %/m.svad -s %/s.scene %/clip --boxes %/boxes.txt --quiet" },
};

static char out[8400];
static void set_out(size_t i, const char *name) { snprintf(out, sizeof out, "%s/%s%s", dir, name, writers[i].end ? writers[i].end : ""); }

static int run_writer(size_t i) {
    char args[8192] = "";
    size_t at = 0;
    for (const char *p = writers[i].args; *p; p++)
        at += (size_t)snprintf(args + at, sizeof args - at, "%s", *p == '%' ? dir : (char[]){ *p, 0 });
    return run_svad(&r, NULL, "%s %s -o %s", writers[i].name, args, out);
}

static void setup(void) {
    cr_assert(temp_dir());
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "fit -m m.svad clip --frames 3 --boxes boxes.txt --actions actions.txt --clusters 2 --prompts 3 -o s.scene --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene clip --boxes boxes.txt -o scored --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad list.csv --frames 3 --epochs 1 --cache c.tubes -o t.svad --quiet"), 0, "%s", r.err);
}

static void one_line(size_t i, int code) {
    cr_expect_eq(r.code, code, "%s: exit code %d: %s", writers[i].name, r.code, r.err);
    cr_expect(!strncmp(r.err, "svad: ", 6) && strchr(r.err, '\n') && !strchr(r.err, '\n')[1], "%s: \"%s\"", writers[i].name, r.err);
}

static size_t entries(const char *path) {
    size_t n = 0;
    DIR *d = opendir(path);
    for (struct dirent *en; d && (en = readdir(d));) n += en->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

Test(disk, full_device, .init = setup) {
    if (access("/dev/full", W_OK)) cr_skip_test("no /dev/full");
    for (size_t i = 0; i < SV_LEN(writers); i++) {
        if (!writers[i].end) continue;
        set_out(i, "full");
        cr_assert(!access(out, F_OK) || !symlink("/dev/full", out));
        run_writer(i);
        one_line(i, 4);
    }
    cr_expect_eq(run_svad(&r, dir, "tokenize -m m.svad walk >/dev/full"), 4);
    cr_expect(strstr(r.err, "stdout"), "%s", r.err);
}

/* A limit on the size of files is a full disk that needs no rights: writing fails with EFBIG where the signal is ignored. */
static void limit(rlim_t bytes) {
    struct rlimit l;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &l), 0);
    l.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

Test(disk, full_disk_leaves_what_was_there, .init = setup) {
    char place[4200], now[32];
    signal(SIGXFSZ, SIG_IGN);
    snprintf(place, sizeof place, "%s/place", dir);
    cr_assert_eq(sv_mkdirs(place, NULL), 0);
    for (size_t i = 0; i < SV_LEN(writers); i++) {
        if (!writers[i].end) continue;
        set_out(i, "place/old");
        cr_assert_eq(tiny_write(place, strrchr(out, '/') + 1, "old contents", 12), 0);
        limit(16);
        run_writer(i);
        limit(RLIM_INFINITY);
        one_line(i, 4);
        cr_expect_eq(entries(place), 1, "%s: a temporary is left", writers[i].name);
        memset(now, 0, sizeof now);
        FILE *f = fopen(out, "rb");
        cr_assert(f && fread(now, 1, sizeof now - 1, f) == 12, "%s", writers[i].name);
        fclose(f);
        cr_expect_str_eq(now, "old contents", "%s", writers[i].name);
        unlink(out);
    }
    for (size_t i = 0; i < SV_LEN(writers); i++) {
        if (writers[i].end) continue;
        set_out(i, writers[i].name);
        limit(16);
        run_writer(i);
        limit(RLIM_INFINITY);
        one_line(i, 4);
        cr_expect_eq(entries(out), 0, "%s: something is left in %s", writers[i].name, out);
        cr_expect_eq(run_writer(i), 0, "%s again with room: %s", writers[i].name, r.err);
        cr_expect_gt(entries(out), 0);
    }
}

Test(disk, places_that_are_not_there, .init = setup) {
    for (size_t i = 0; i < SV_LEN(writers); i++) {
        if (writers[i].end) {
            set_out(i, "no/such/folder");
            run_writer(i);
            one_line(i, 4);
        } else {
            set_out(i, "boxes.txt");
            run_writer(i);
            one_line(i, 4);
        }
        set_out(i, "boxes.txt/below");  /* a file where a folder should be */
        run_writer(i);
        one_line(i, 4);
    }
}

Test(disk, read_only_folder, .init = setup) {
    char place[4200];
    snprintf(place, sizeof place, "%s/locked", dir);
    cr_assert(!sv_mkdirs(place, NULL) && !chmod(place, 0555));
    if (!access(place, W_OK)) cr_skip_test("the superuser may write everywhere");
    for (size_t i = 0; i < SV_LEN(writers); i++) {
        set_out(i, "locked/out");
        run_writer(i);
        one_line(i, 4);
    }
    cr_expect_eq(entries(place), 0);
    chmod(place, 0755);
}
