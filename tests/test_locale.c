#include "core/num.h"
#include "io/boxes.h"
#include "io/json.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

/* A locale that writes 0,5: whatever the system has. */
static bool comma(void) {
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "fr_FR.utf8", "fr_FR", "nl_NL.utf8", "pt_BR.utf8", "ru_RU.utf8" };
    for (size_t i = 0; i < SV_LEN(names); i++)
        if (setlocale(LC_ALL, names[i]) && *localeconv()->decimal_point == ',') return true;
    return false;
}

Test(locale, numbers_have_a_point) {
    if (!comma()) cr_skip_test("no locale with a decimal comma");
    char text[SV_NUM_TEXT], half[16];
    double v;
    snprintf(half, sizeof half, "%.1f", 0.5);
    cr_assert_str_eq(half, "0,5");
    cr_expect(sv_num_real("0.5", 3, &v) && v == 0.5);
    cr_expect(!sv_num_real("0,5", 3, &v));
    cr_expect(sv_num_text(0.5, text) == 3 && !strcmp(text, "0.5"));
    cr_expect(sv_num_text_f32(1234567.5f, text) && !strcmp(text, "1234567.5"));
    struct sv_json j;
    cr_assert_eq(sv_json_parse(&j, "[0.5]", 5, "t", NULL), 0);
    cr_expect(sv_json_real(j.root->child, &v) && v == 0.5);
    sv_json_free(&j);
    struct sv_json_out o = { .e = NULL };
    sv_json_open(&o, NULL, '['), sv_json_put_real(&o, NULL, 2.5), sv_json_put_f32(&o, NULL, 0.1f), sv_json_close(&o);
    cr_expect(!o.rc && strstr(o.text, "2.5") && strstr(o.text, "0.1") && !strstr(o.text, "2,5"), "%s", o.text);
    sv_free(o.text);
    static const char line[] = "c 0 1.5 2.5 3.5 4.5 0.75\n";
    struct sv_boxes b;
    cr_assert_eq(sv_boxes_parse(&b, "t", line, sizeof line - 1, 0.5, NULL), 0);
    cr_expect(b.n == 1 && b.box[0].x1 == 1.5 && b.box[0].score == 0.75);
    sv_boxes_free(&b);
}
