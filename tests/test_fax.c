#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/fax.h"
#include "tests/util.h"

/* Five rows of 70 pixels, and what libtiff makes of them. */
static const char rows[] = "40554dc4edd210b27c40554dc7ffd210b27c000000000000000000fffffffffffffffffcbffffffffffffffffc";
static const struct { enum sv_fax kind; const char *hex; } packed[] = {
    { SV_FAX_G3, "0011d7a1d0e8743a7c7a13c3e3c3a756ad0fba730011d7a1d0e8743a7c7a01074ead5a1f74e6003be0013503c8004d50e07b" },
    { SV_FAX_G3_2D, "0018ebd0e8743a1d3e3d09e1f1e1d3ab5687dd39800bfffe223fffc007be00113503c80066a8703d80" },
    { SV_FAX_G4, "23a3e88e88e88e88e8be478c22f11f23c4745d1b46d11f2e8b9ffffc447fff8888888888888889f0dc9a81e52878008008" },
    { SV_FAX_RUNS, "1d7a1d0e8743a7c7a13c3e3c3a756ad0fba7301d7a1d0e8743a7c7a01074ead5a1f74e60df003503c8354381ec" },
};

/* Exactly n bytes, so that a sanitizer sees a read past the end. */
static uint8_t *unhex(const char *hex, size_t n) {
    uint8_t *p = sv_alloc(n, 1, NULL);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)strtoul((char[]){ hex[2 * i], hex[2 * i + 1], 0 }, NULL, 16);
    return p;
}

static int decode(const char *hex, size_t n, enum sv_fax kind, size_t w, size_t h, uint8_t *out) {
    struct sv_err e = { 0 };
    uint8_t *in = unhex(hex, n);
    const int rc = sv_fax_decode(in, n, kind, w, h, out, "t", &e);
    sv_free(in);
    cr_expect(!rc ? !e.msg[0] : rc == SV_EINPUT && e.msg[0]);
    return rc;
}

Test(fax, codings_of_libtiff) {
    uint8_t *want = unhex(rows, 45), out[45];
    for (size_t i = 0; i < SV_LEN(packed); i++) {
        memset(out, 0xaa, sizeof out);
        cr_assert_eq(decode(packed[i].hex, strlen(packed[i].hex) / 2, packed[i].kind, 70, 5, out), 0);
        cr_expect_arr_eq(out, want, sizeof out, "coding %zu", i);
    }
    sv_free(want);
}

/* A prefix is refused, or gives the same rows: the end of the last one may be without need. */
Test(fax, truncations) {
    uint8_t *want = unhex(rows, 45), out[45];
    for (size_t i = 0; i < SV_LEN(packed); i++) {
        const size_t n = strlen(packed[i].hex) / 2;
        size_t refused = 0;
        for (size_t k = 0; k < n; k++) {
            if (decode(packed[i].hex, k, packed[i].kind, 70, 5, out)) refused++;
            else cr_expect_arr_eq(out, want, sizeof out);
        }
        cr_expect_geq(refused, n - 8, "coding %zu: %zu of %zu", i, refused, n);
    }
    sv_free(want);
}

Test(fax, refused) {
    uint8_t out[16];
    cr_expect_eq(decode("00000000", 4, SV_FAX_G4, 9, 1, out), SV_EINPUT);       /* no mode */
    cr_expect_eq(decode("02ffff", 3, SV_FAX_G4, 9, 1, out), SV_EINPUT);         /* an extension */
    cr_expect_eq(decode("0fffffff", 4, SV_FAX_G3_2D, 9, 1, out), SV_EINPUT);    /* no end-of-line code */
    cr_expect_eq(decode("3fffffff", 4, SV_FAX_RUNS, 9, 1, out), SV_EINPUT);     /* a run of 10 in a row of 9 */
    cr_expect_eq(decode("ff", 1, SV_FAX_G4, 0, 1, out), SV_EINPUT);
    cr_expect_eq(decode("ff", 1, SV_FAX_G4, (size_t)1 << 25, 1, out), SV_EINPUT);
    cr_expect_eq(decode("", 0, SV_FAX_G4, 9, 0, out), 0);                       /* no rows need no data */
    cr_expect_eq(decode("ff", 1, SV_FAX_G4, 9, 8, out), 0);                     /* a bit a row: all white */
    for (size_t i = 0; i < sizeof out; i++) cr_expect_eq(out[i], 0);
}
