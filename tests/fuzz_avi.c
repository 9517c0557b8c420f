/* The AVI reader over any bytes, and the JPEG reader over what it finds. */
#include "io/avi.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_avi a;
    struct sv_stream in;
    struct sv_err e = { 0 };
    if (sv_stream_mem(&in, data, size, "fuzz", &e) || sv_avi_open(&a, &in, &e)) return e.msg[0] ? 0 : (abort(), 0);
    int rc = 0;
    for (int frames = 0; frames < 8 && (rc = sv_avi_next(&a, &e)) == 1; frames++) {
        struct sv_image im;
        if (!a.n || a.n > size) abort();
        sv_avi_frame(&a, &im, NULL);
        sv_image_free(&im);
    }
    if (rc < 0 && !e.msg[0]) abort();
    sv_avi_close(&a);
    return 0;
}
