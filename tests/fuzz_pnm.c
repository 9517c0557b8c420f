/* What decodes must decode to the same pixels again from its own P6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/image.h"
#include "io/pnm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_image im, back;
    struct sv_err e = { 0 };
    const int rc = sv_pnm_decode(data, size, "fuzz", &im, &e);
    if (rc ? !e.msg[0] || im.px : !im.px) abort();
    if (rc) return 0;
    const size_t n = im.w * im.h * 3;
    uint8_t *p = sv_alloc(n + 64, 1, NULL);
    if (!p) abort();
    const size_t head = (size_t)snprintf((char *)p, 64, "P6 %zu %zu 255\n", im.w, im.h);
    sv_image_rgb(&im, p + head);
    if (sv_image_decode(p, head + n, "fuzz", &back, &e)) abort();
    if (back.w != im.w || back.h != im.h || memcmp(back.px, p + head, n)) abort();
    sv_image_free(&im), sv_image_free(&back);
    sv_free(p);
    return 0;
}
