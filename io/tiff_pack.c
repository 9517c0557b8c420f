#include "io/tiff_pack.h"

#include <string.h>

bool sv_tiff_packbits(const uint8_t *in, size_t n, uint8_t *out, size_t out_n) {
    const uint8_t *const end = in + n;
    while (out_n) {
        if (end - in < 2) return false;
        const size_t code = *in++, count = code < 128 ? code + 1 : 257 - code, fits = sv_min(count, out_n);
        if (code == 128) continue;
        if (code < 128) {
            if ((size_t)(end - in) < fits) return false;
            memcpy(out, in, fits);
            in += sv_min(count, (size_t)(end - in));
        } else {
            memset(out, *in++, fits);
        }
        out += fits, out_n -= fits;
    }
    return true;
}

enum { CLEAR = 256, END = 257, FIRST = 258, CODES = 4096 };

/* String k is string before[k] and the byte last[k]; strings are written from their end. */
struct lzw {
    uint16_t before[CODES], length[CODES];
    uint8_t first[CODES], last[CODES];
};

static void put(const struct lzw *z, unsigned code, uint8_t *out, size_t out_n) {
    for (size_t i = z->length[code]; i; i--, code = z->before[code])
        if (i <= out_n) out[i - 1] = z->last[code];
}

bool sv_tiff_lzw(const uint8_t *in, size_t n, uint8_t *out, size_t out_n) {
    struct lzw z;
    unsigned width = 9, next = FIRST, old = CLEAR;
    uint32_t acc = 0, have = 0;
    size_t at = 0;
    for (unsigned i = 0; i < CLEAR; i++) z.before[i] = 0, z.length[i] = 1, z.first[i] = z.last[i] = (uint8_t)i;
    while (out_n) {
        for (; have < width; have += 8) {
            if (at == n) return false;
            acc = acc << 8 | in[at++];
        }
        const unsigned code = acc >> (have -= width) & ((1u << width) - 1);
        if (code == END) return false;
        if (code == CLEAR) { width = 9, next = FIRST, old = CLEAR; continue; }
        if (old == CLEAR ? code > CLEAR : code > next) return false;
        if (old != CLEAR && next < CODES) {                 /* the string before this one and the first byte of this one */
            z.before[next] = (uint16_t)old, z.length[next] = (uint16_t)(z.length[old] + 1);
            z.first[next] = z.first[old], z.last[next] = z.first[code == next ? old : code];
            next++;
        }
        put(&z, code, out, out_n);
        const size_t wrote = sv_min(z.length[code], out_n);
        out += wrote, out_n -= wrote, old = code;
        if (next + 1 >= 1u << width && width < 12) width++;
    }
    return true;
}
