/* test_demo.c - tools/demo.sh over footage of one's own, as make demo VIDEO=folder runs it: a folder of clips, and one of frames. */
#include "clip/clip.h"
#include "io/container.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { W = 96, H = 72, FRAMES = 40 };

static void model(const char *path) {
    static const char merges[] = "i n\nin g</w>\n";
    struct sv_clip_config g;
    struct sv_store s;
    cr_assert(sv_clip_family(&g, "tiny"));
    g.visual.layers = g.text.layers = 1;
    g.vocab = 512 + 2 + 2;
    cr_assert_eq(sv_store_init(&s, "test", NULL), 0);
    cr_assert_eq(sv_clip_random(&s, &g, 1, NULL), 0);
    cr_assert_eq(sv_store_add(&s, "clip.merges", SV_U8, 1, (size_t[]){ sizeof merges - 1 }, merges, sizeof merges - 1, NULL), 0);
    cr_assert_eq(sv_container_write(path, "model", &s, NULL), 0);
    sv_store_free(&s);
}

/* Somebody walks through. */
static void clip(const char *dir, int frames, int offset) {
    static uint8_t rgb[H][W][3];
    mkdir(dir, 0777);
    for (int t = 0; t < frames; t++) {
        char path[1200];
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const int at = x - (8 + t + offset), body = at >= 0 && at < 10 && y >= 20 && y < 52;
                memset(rgb[y][x], body ? 40 + at * 5 % 17 : 120 + (x * 7 + y * 13) % 23, 3);
            }
        snprintf(path, sizeof path, "%s/%02d.ppm", dir, t);
        FILE *f = fopen(path, "wb");
        cr_assert(f, "%s", path);
        fprintf(f, "P6 %d %d 255\n", W, H);
        fwrite(rgb, sizeof rgb, 1, f);
        fclose(f);
    }
}

static int demo(const char *root, const char *video) {
    char line[8192];
    const char *build = getenv("SVAD_BUILD");
    snprintf(line, sizeof line, "SVAD=%s/svad MODEL=%s/m.svad OUT=%s/out VIDEO=%s/%s sh tools/demo.sh > %s/said 2> %s/complained",
             build ? build : "build/release", root, root, root, video, root, root);
    return system(line);
}

static bool there(const char *root, const char *name) {
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return !access(path, R_OK);
}

Test(demo, of_your_own_footage) {
    const char *root = temp_dir();
    char path[1024];
    snprintf(path, sizeof path, "%s/m.svad", root), model(path);
    snprintf(path, sizeof path, "%s/clips", root), mkdir(path, 0777);
    for (int i = 0; i < 2; i++) snprintf(path, sizeof path, "%s/clips/day %d", root, i), clip(path, FRAMES, 3 * i);
    snprintf(path, sizeof path, "%s/frames", root), clip(path, 2 * FRAMES - 10, 0);
    cr_assert_eq(demo(root, "'clips'"), 0);
    cr_expect(there(root, "out/report.html") && there(root, "out/scores/day 1.svad") && !there(root, "out/scores/day 0.svad"));
    cr_assert_eq(demo(root, "frames"), 0);
    cr_expect(there(root, "out/report.html") && there(root, "out/redefined/scores.csv") && there(root, "frames/69.ppm"));
    cr_expect_neq(demo(root, "nowhere"), 0);
    cr_expect_neq(demo(root, "clips/day\\ 0/01.ppm"), 0);
}
