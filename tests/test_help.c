#include "tests/util.h"
#include "tools/tool.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *const commands[] = {
#define X(name, about) #name,
    SV_TOOLS(X)
#undef X
};

static struct ran r;

/* Command lines of an example are whole, so that they can be copied: they may be longer. */
static void fits(const char *text, const char *what, size_t most) {
    size_t lines = 0;
    for (const char *p = text, *end; *p; p = end + 1, lines++) {
        end = strchr(p, '\n');
        cr_assert(end, "%s: the last line does not end", what);
        cr_expect_leq((size_t)(end - p), strncmp(p, "  svad ", 7) ? 80 : 100, "%s: %.*s", what, (int)(end - p), p);
    }
    cr_expect_leq(lines, most, "%s: %zu lines", what, lines);
}

Test(help, the_list_fits_one_screen) {
    cr_assert_eq(run_svad(&r, NULL, "help"), 0);
    fits(r.out, "help", 24);
    cr_expect_str_eq(r.err, "");
    for (size_t i = 0; i < SV_LEN(commands); i++) cr_expect(strstr(r.out, commands[i]), "%s", commands[i]);
    cr_expect_eq(run_svad(&r, NULL, "%s", ""), 1);
    cr_expect(!r.out[0] && strstr(r.err, "usage: "));
    cr_expect_eq(run_svad(&r, NULL, "nonsense"), 1);
    cr_expect(strstr(r.err, "no command nonsense") && strchr(r.err, '\n')[1] == 0, "%s", r.err);
}

Test(help, every_command_shows_an_example) {
    for (size_t i = 0; i < SV_LEN(commands); i++) {
        char usage[64], example[64];
        snprintf(usage, sizeof usage, "usage: svad %s ", commands[i]);
        snprintf(example, sizeof example, "svad %s", commands[i]);
        cr_expect_eq(run_svad(&r, NULL, "%s -h", commands[i]), 0, "%s: %s", commands[i], r.err);
        cr_expect_str_eq(r.err, "", "%s", commands[i]);
        cr_expect(!strncmp(r.out, usage, strlen(usage)), "%s: %s", commands[i], r.out);
        const char *at = strstr(r.out, "\nexample:\n");
        cr_expect(at && strstr(at, example), "%s: no example", commands[i]);
        fits(r.out, commands[i], 56);
        static struct ran again;
        cr_expect_eq(run_svad(&again, NULL, "%s --help", commands[i]), 0);
        cr_expect_str_eq(again.out, r.out);
    }
}

Test(help, a_bad_option_is_one_line) {
    static const char *const bad[] = { "--no-such-option", "--threads x", "--threads -1", "--threads 99999", "--threads", "--isa abacus", "-q", "--quiet=1" };
    for (size_t i = 0; i < SV_LEN(commands); i++)
        for (size_t k = 0; k < SV_LEN(bad); k++) {
            cr_expect_eq(run_svad(&r, NULL, "%s %s", commands[i], bad[k]), 1, "%s %s: %d %s", commands[i], bad[k], r.code, r.err);
            const char *end = strchr(r.err, '\n');
            cr_expect(!r.out[0] && !strncmp(r.err, "svad: ", 6) && end && !end[1], "%s %s: %s%s", commands[i], bad[k], r.out, r.err);
        }
}
