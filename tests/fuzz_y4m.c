/* fuzz_y4m.c - the y4m reader over any bytes. */
#include "io/y4m.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_y4m y;
    struct sv_stream in;
    struct sv_err e = {0};
    if (sv_stream_mem(&in, data, size, "fuzz", &e) || sv_y4m_open(&y, &in, &e)) return 0;
    uint8_t *rgb = NULL;
    for (int frames = 0; frames < 8 && sv_y4m_next(&y, &e) > 0; frames++) {
        if (!rgb && !(rgb = sv_alloc(y.w * y.h, 3, &e))) break;
        sv_y4m_rgb(&y, rgb);
    }
    sv_free(rgb);
    sv_y4m_close(&y);
    return 0;
}
