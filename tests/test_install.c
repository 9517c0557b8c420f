/* What surrounds the tool: completion, the manual page, make install, the shared library, the two examples. */
#include "core/base.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/tool.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static struct ran r;

static bool has(const char *program) { return !run_shell(&r, NULL, "command -v %s", program); }

/* A sanitizer's runtime must be linked into the program: such a library is neither built nor loaded. */
static bool shared(void) { return !run_shell(&r, NULL, "test -e $B/libsvad.so"); }

Test(install, version) {
    cr_expect_eq(run_svad(&r, NULL, "version"), 0);
    cr_expect_str_eq(r.out, "svad " SV_VERSION "\n");
    cr_expect_eq(run_svad(&r, NULL, "--version"), 0);
    cr_expect_str_eq(r.out, "svad " SV_VERSION "\n");
    cr_expect_str_eq(sv_version(), SV_VERSION);
}

/* ---- completion ---- */

/* What bash offers behind these words. */
static void offers(const char *dir, const char *words, const char *want) {
    run_shell(&r, dir, "bash -c 'eval \"$($B/svad completion bash)\"; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _svad; "
                       "printf \"%%s \" \"${COMPREPLY[@]}\"'", words);
    cr_expect_str_eq(r.out, want, "%s: \"%s\" %s", words, r.out, r.err);
}

Test(install, bash) {
    if (!has("bash")) cr_skip_test("no bash");
    const char *dir = temp_dir();
    cr_assert(!tiny_write(dir, "a model.svad", "", 0) && !tiny_write(dir, "a.y4m", "", 0));
    offers(dir, "svad pre", "preprocess pretrain ");
    offers(dir, "svad convert --a", "--act ");
    offers(dir, "svad convert --act \"\"", "quick gelu ");
    offers(dir, "svad convert --act q", "quick ");
    offers(dir, "svad eval --s", "--smooth ");
    offers(dir, "svad eval --smooth \"\"", " ");
    offers(dir, "svad bench roof", "roofline ");
    offers(dir, "svad help sco", "score ");
    offers(dir, "svad fit -m a", "a model.svad a.y4m ");
    offers(dir, "svad frames a.", "a.y4m ");
    offers(dir, "svad completion \"\"", "bash zsh ");
    offers(dir, "svad nonsense \"\"", " ");
    for (const struct sv_tool *t = sv_tools; t->name; t++) {
        char words[64], want[64];
        snprintf(words, sizeof words, "svad %s --hel", t->name), offers(dir, words, "--help ");
        snprintf(words, sizeof words, "svad %s", t->name), snprintf(want, sizeof want, "%s ", t->name);
        if (strcmp(t->name, "score")) offers(dir, words, want);
    }
}

Test(install, zsh) {
    if (!has("zsh")) cr_skip_test("no zsh");
    cr_assert_eq(run_svad(&r, NULL, "completion zsh"), 0);
    cr_expect(strstr(r.out, "#compdef svad\n") == r.out && strstr(r.out, "'--act[activation, where no config or known checksum says it]:quick|gelu:( quick gelu)'"), "%s", r.out);
    cr_expect_eq(run_shell(&r, NULL, "zsh -fc 'autoload -Uz compinit; compinit -u -D; eval \"$($B/svad completion zsh)\"; print -r -- $_comps[svad]'"), 0, "%s", r.err);
    cr_expect_str_eq(r.out, "_svad\n", "%s", r.err);
}

Test(install, completion_refuses) {
    cr_expect_eq(run_svad(&r, NULL, "completion fish"), 1);
    cr_expect_str_eq(r.err, "svad: completion: no shell \"fish\", expected bash or zsh\n");
    cr_expect_eq(run_svad(&r, NULL, "completion"), 1);
    cr_expect_eq(run_svad(&r, NULL, "completion bash >/dev/full"), 4, "%s", r.err);
}

/* ---- the manual page ---- */

/* Every option of every command's help stands in its section. */
Test(install, man) {
    static struct ran page;
    cr_assert_eq(run_svad(&page, NULL, "man"), 0, "%s", page.err);
    cr_expect(strstr(page.out, ".TH SVAD 1 ") == page.out);
    for (const struct sv_tool *t = sv_tools; t->name; t++) {
        char text[96];
        snprintf(text, sizeof text, "\n.SS svad %s\n", t->name);
        const char *from = strstr(page.out, text);
        cr_assert(from, "no section of %s", t->name);
        cr_assert_eq(run_svad(&r, NULL, "help %s", t->name), 0);
        for (const char *o = r.out; (o = strstr(o, "\n  --")); o += 5) {
            const size_t n = strcspn(o + 5, " \n");
            char plain[64] = "\\fB\\-\\-";
            for (size_t i = 0, at = 8; i < n && at < 60; i++) {
                if (o[5 + i] == '-') plain[at++] = '\\';
                plain[at++] = o[5 + i];
            }
            cr_expect(strstr(from, plain), "%s: no %s", t->name, plain);
        }
    }
    cr_expect_eq(run_svad(&r, NULL, "man more"), 1);
    if (!has("mandoc")) cr_skip_test("no mandoc");
    cr_expect_eq(run_shell(&r, NULL, "$B/svad man | mandoc -T lint -W style"), 0, "%s%s", r.out, r.err);
}

/* ---- installed ---- */

/* The folders of the outer make's job server are none of this make's. */
#define MAKE "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s O=$B "

Test(install, into_a_folder_and_out_again) {
    static const char *const want[] = {
        "bin/svad", "lib/libsvad.a", "lib/libsvad.so", "lib/pkgconfig/svad.pc", "share/man/man1/svad.1", "share/zsh/site-functions/_svad",
        "share/bash-completion/completions/svad", "include/svad/clip/clip.h", "include/svad/core/base.h", "include/svad/io/video.h",
    };
    const char *dir = temp_dir();
    if (!shared() || !has("make")) cr_skip_test("no shared library");
    cr_assert_eq(run_shell(&r, NULL, MAKE "install DESTDIR=%s PREFIX=/opt/x", dir), 0, "%s", r.err);
    for (size_t i = 0; i < SV_LEN(want); i++)
        cr_expect_eq(run_shell(&r, dir, "test -s opt/x/%s", want[i]), 0, "no %s", want[i]);
    cr_expect_neq(run_shell(&r, dir, "find . -name '*_int.h' | grep ."), 0, "%s", r.out);
    cr_expect_eq(run_shell(&r, dir, "grep -c %s opt/x/lib/pkgconfig/svad.pc", dir), 1, "the staging folder is in svad.pc");
    cr_assert_eq(run_shell(&r, NULL, MAKE "uninstall DESTDIR=%s PREFIX=/opt/x", dir), 0, "%s", r.err);
    run_shell(&r, dir, "find . -type f -o -type l");
    cr_expect_str_eq(r.out, "");
}

static float feature[2][TINY_E];

/* Numbers of a line. */
static void read_feature(float *out) {
    char *at = r.out;
    for (size_t i = 0; i < TINY_E; i++) out[i] = strtof(at, &at);
    cr_expect_str_eq(at, "\n", "%s%s", r.out, r.err);
}

/* The tool's own feature of the picture, for the examples to repeat bit for bit. */
static const char *model_and_feature(void) {
    const char *dir = temp_dir();
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "embed -m m.svad --raw --image clip/f03.ppm"), 0, "%s", r.err);
    read_feature(feature[0]);
    return dir;
}

static void same_feature(void) {
    read_feature(feature[1]);
    cr_expect_eq(memcmp(feature[0], feature[1], sizeof feature[0]), 0, "%s", r.out);
}

Test(install, example_in_c) {
    const char *dir = model_and_feature();
    cr_assert_eq(run_shell(&r, dir, "$B/example m.svad clip/f03.ppm"), 0, "%s", r.err);
    same_feature();
    cr_expect_eq(run_shell(&r, dir, "$B/example merges.txt clip/f03.ppm"), 2);
    cr_expect(strstr(r.err, "example: merges.txt: ") == r.err && !r.out[0], "%s", r.err);
    cr_expect_eq(run_shell(&r, dir, "$B/example m.svad merges.txt"), 2);
}

Test(install, example_in_python) {
    if (!shared() || !has("python3")) cr_skip_test("no Python or no shared library");
    const char *dir = model_and_feature();
    char here[2048];
    cr_assert(getcwd(here, sizeof here));
    cr_assert_eq(run_shell(&r, dir, "python3 %s/tests/example.py $B/libsvad.so m.svad clip/f03.ppm", here), 0, "%s", r.err);
    same_feature();
    cr_expect_eq(run_shell(&r, dir, "python3 %s/tests/example.py $B/libsvad.so m.svad merges.txt", here), 1);
    cr_expect(strstr(r.err, "example.py: merges.txt: "), "%s", r.err);
}

/* The example from nothing but what was installed, and every header by itself. */
Test(install, build_against_it) {
    if (!shared() || !has("pkg-config") || !has("make") || !has("cc")) cr_skip_test("no shared library or no pkg-config");
    const char *dir = model_and_feature();
    cr_assert_eq(run_shell(&r, NULL, MAKE "install PREFIX=%s/usr && cp tests/example.c %s", dir, dir), 0, "%s", r.err);
#define FLAGS "$(PKG_CONFIG_PATH=usr/lib/pkgconfig pkg-config"
    cr_assert_eq(run_shell(&r, dir, "cc -std=c11 -Wall -Werror example.c " FLAGS " --cflags --libs svad) -o ex && LD_LIBRARY_PATH=usr/lib ./ex m.svad clip/f03.ppm"), 0,
                 "%s", r.err);
    same_feature();
    cr_assert_eq(run_shell(&r, dir, "cc -std=c11 example.c " FLAGS " --cflags svad) usr/lib/libsvad.a -lm -pthread -o st && ./st m.svad clip/f03.ppm"), 0, "%s", r.err);
    same_feature();
    cr_assert_eq(run_shell(&r, dir, "readelf -d ex | grep -o 'libsvad[.a-z0-9]*'"), 0);
    cr_expect_str_eq(r.out, "libsvad.so.0.1\n");
    cr_expect_eq(run_shell(&r, dir, "(cd usr/include/svad && find . -name '*.h') | while read h; do echo \"#include \\\"${h#./}\\\"\" | "
                                    "cc -std=c11 -Werror -fsyntax-only " FLAGS " --cflags svad) -x c - || exit 1; done"), 0, "%s", r.err);
    cr_expect_eq(run_shell(&r, dir, "test " FLAGS " --modversion svad) = " SV_VERSION), 0);
}

Test(install, exports) {
    if (!shared() || !has("nm")) cr_skip_test("no shared library");
    cr_assert_eq(run_shell(&r, NULL, "nm -D --defined-only $B/libsvad.so | grep -q ' sv_clip_image$'"), 0);
    run_shell(&r, NULL, "nm -D --defined-only $B/libsvad.so | grep -v ' sv_'");
    cr_expect_str_eq(r.out, "");
}
