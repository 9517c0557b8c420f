#include "core/hash.h"
#include "io/container.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++, v >>= 8) p[i] = (uint8_t)v;
}

static volatile unsigned sink;

/* What a reader borrows must be readable to its last byte. */
static void use(const struct sv_store *s) {
    unsigned sum = 0;
    for (size_t i = 0; i < s->views; i++)
        for (size_t k = 0; k < s->view[i].bytes; k++) sum += ((const uint8_t *)s->view[i].data)[k];
    for (size_t i = 0; i < s->values; i++)
        if (s->value[i].type == SV_TEXT) sum += (unsigned)strlen(s->value[i].text);
    sink = sum;
}

static void one(const uint8_t *data, size_t size) {
    const struct sv_file f = { .data = data, .size = size, .name = (char *)"fuzz" };
    struct sv_store s;
    struct sv_err e = { 0 };
    if (!sv_store_init(&s, "fuzz", &e) && !sv_container_read(&f, NULL, &s, &e)) use(&s);
    if (e.code && !*e.msg) abort();
    sv_store_free(&s);
    sv_container_verify(&f, NULL);
}

/* Once as it is, and once with the file size, the index and their checksums made to fit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    one(data, size);
    if (size < 64) return 0;
    uint8_t *p = malloc(size);
    if (!p) return 0;
    memcpy(p, data, size);
    const size_t index = ((size_t)p[40] | (size_t)p[41] << 8) / 64 * 64;
    if (index >= 64 && index + 12 <= size) {
        for (size_t i = 0; i < 8; i++) {
            p[32 + i] = (uint8_t)(size >> 8 * i);
            p[40 + i] = (uint8_t)(index >> 8 * i);
            p[48 + i] = (uint8_t)((size - index) >> 8 * i);
        }
        put(p + 60, sv_crc32c(0, p, 60));
        put(p + size - 4, sv_crc32c(0, p + index, size - 4 - index));
        one(p, size);
    }
    free(p);
    return 0;
}
