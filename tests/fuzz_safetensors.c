#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_store s;
    if (sv_store_init(&s, "fuzz", NULL)) return 0;
    size_t bytes = 0;
    if (!sv_safetensors_read(data, size, &s, NULL))
        for (size_t i = 0; i < s.views; i++) {
            const uint8_t *p = s.view[i].data;
            if (p < data || p > data + size || s.view[i].bytes > (size_t)(data + size - p)) __builtin_trap();
            bytes += s.view[i].bytes;
        }
    if (bytes > size) __builtin_trap();
    sv_store_free(&s);
    return 0;
}
