#include "io/image.h"

#include <stdio.h>
#include <string.h>

#include "io/bmp.h"
#include "io/file.h"
#include "io/jpeg.h"
#include "io/png.h"
#include "io/pnm.h"
#include "io/tiff.h"

/* Room for the largest picture there may be, 2^28 pixels, as raw 16-bit RGB. */
enum { FILE_LIMIT = 0x7fffffff };

static const struct format {
    const char *name;
    bool (*is)(const uint8_t *data, size_t size);
    int (*decode)(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);
} formats[] = {
    { "PNG", sv_png_is, sv_png_decode },
    { "JPEG", sv_jpeg_is, sv_jpeg_decode },
    { "PNM (P1 .. P6)", sv_pnm_is, sv_pnm_decode },
    { "BMP", sv_bmp_is, sv_bmp_decode },
    { "TIFF", sv_tiff_is, sv_tiff_decode },
};

static int unknown(const uint8_t *data, size_t size, const char *name, struct sv_err *e) {
    char known[128] = "", hex[16] = "";
    for (size_t i = 0, n = 0; i < SV_LEN(formats); i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", formats[i].name);
    for (size_t i = 0; i < sv_min(size, 4); i++) snprintf(hex + 3 * i, 4, "%02x ", data[i]);
    if (!size) return sv_fail(e, SV_EINPUT, "%s: is empty, expected a picture: %s", name, known);
    hex[3 * sv_min(size, 4) - 1] = 0;
    return sv_fail(e, SV_EINPUT, "%s: is no picture that is read (%s), it begins with %s", name, known, hex);
}

int sv_image_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e) {
    memset(im, 0, sizeof *im);
    for (size_t i = 0; i < SV_LEN(formats); i++)
        if (formats[i].is(data, size)) return formats[i].decode(data, size, name, im, e);
    return unknown(data, size, name, e);
}

int sv_image_load(const char *path, struct sv_image *im, struct sv_err *e) {
    struct sv_file f;
    memset(im, 0, sizeof *im);
    int rc = sv_file_read(&f, path, FILE_LIMIT, e);
    if (rc) return rc;
    rc = sv_image_decode(f.data, f.size, f.name, im, e);
    sv_file_close(&f);
    return rc;
}
