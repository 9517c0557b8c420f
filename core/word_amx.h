/* word_amx.h - tiles of words on AMX, in place of the bodies of kern_word.h; vectors are those of word_avx512.h.
 *
 * The unit multiplies 16 rows of 64 bytes by 16 rows of 16 words.  Of its eight registers four hold a tile of 32 x 32 sums, two
 * a block of the left operand and two one of the right.  A configured unit is state of the thread, so each call sets it up
 * and clears it again (some 60 ns): kernels stay functions of their arguments. */
#include "core/word_avx512.h"

#define W_TILES
enum { SIDE = 16, BLOCK = SIDE * SIDE };

static inline void amx_begin(void) {
    struct { uint8_t palette, start, none[14]; uint16_t bytes[16]; uint8_t rows[16]; } c = { .palette = 1 };
    for (int i = 0; i < 8; i++) c.bytes[i] = 4 * SIDE, c.rows[i] = SIDE;
    _tile_loadconfig(&c);
}

/* Sums of the quarters that m rows and n columns reach into, from (if add) and to c with rows of ldc words, all of each quarter. */
#define AMX_TILE(dot) do { \
    const bool low = m > SIDE, right = n > SIDE; \
    const size_t step = ldc * 4; \
    amx_begin(); \
    if (add) { \
        _tile_loadd(0, c, step); \
        if (right) _tile_loadd(1, c + SIDE, step); \
        if (low) _tile_loadd(2, c + SIDE * ldc, step); \
        if (low && right) _tile_loadd(3, c + SIDE * ldc + SIDE, step); \
    } else { _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3); } \
    if (low && right) \
        for (; k; k -= SIDE, ap += SIDE * WMR, bp += SIDE * NR) { \
            _tile_loadd(4, ap, 4 * SIDE); _tile_loadd(6, bp, 4 * NR); _tile_loadd(7, bp + SIDE, 4 * NR); _tile_loadd(5, ap + BLOCK, 4 * SIDE); \
            dot(0, 4, 6); dot(1, 4, 7); dot(2, 5, 6); dot(3, 5, 7); \
        } \
    else \
        for (; k; k -= SIDE, ap += SIDE * WMR, bp += SIDE * NR) { \
            _tile_loadd(4, ap, 4 * SIDE); _tile_loadd(6, bp, 4 * NR); \
            dot(0, 4, 6); \
            if (right) { _tile_loadd(7, bp + SIDE, 4 * NR); dot(1, 4, 7); } \
            if (low) { _tile_loadd(5, ap + BLOCK, 4 * SIDE); dot(2, 5, 6); } \
        } \
    _tile_stored(0, c, step); \
    if (right) _tile_stored(1, c + SIDE, step); \
    if (low) _tile_stored(2, c + SIDE * ldc, step); \
    if (low && right) _tile_stored(3, c + SIDE * ldc + SIDE, step); \
    _tile_release(); \
} while (0)

static void btile_whole(float *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) { AMX_TILE(_tile_dpbf16ps); }
static void itile_whole(int32_t *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) { AMX_TILE(_tile_dpbusd); }

/* A corner that is no multiple of a quarter goes through a whole tile on the stack. */
#define AMX_CORNER(type, whole) do { \
    if (m % SIDE == 0 && n % SIDE == 0) { whole(c, ldc, m, n, k, ap, bp, add); break; } \
    _Alignas(64) type t[WMR * NR]; \
    for (size_t i = 0; add && i < m; i++) memcpy(t + i * NR, c + i * ldc, n * sizeof *t); \
    for (size_t i = add ? m : WMR; i < WMR; i++) memset(t + i * NR, 0, NR * sizeof *t); \
    whole(t, NR, m, n, k, ap, bp, add); \
    for (size_t i = 0; i < m; i++) memcpy(c + i * ldc, t + i * NR, n * sizeof *t); \
} while (0)

static void btile(float *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) { AMX_CORNER(float, btile_whole); }
static void itile(int32_t *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) { AMX_CORNER(int32_t, itile_whole); }

/* Blocks of one word, then what is left of k in a block whose other words are 0. */
#define AMX_PEAK(dot) do { \
    _Alignas(64) uint32_t left[BLOCK], some[BLOCK] = { 0 }, right[BLOCK]; \
    for (size_t i = 0; i < BLOCK; i++) left[i] = a, right[i] = b, some[i] = i % SIDE < k % SIDE ? a : 0; \
    amx_begin(); \
    _tile_loadd(0, c, 4 * NR); _tile_loadd(1, c + SIDE, 4 * NR); _tile_loadd(2, c + SIDE * NR, 4 * NR); _tile_loadd(3, c + SIDE * NR + SIDE, 4 * NR); \
    _tile_loadd(4, left, 4 * SIDE); _tile_loadd(5, some, 4 * SIDE); _tile_loadd(6, right, 4 * SIDE); \
    for (size_t p = k / SIDE; p; p--) { dot(0, 4, 6); dot(1, 4, 6); dot(2, 4, 6); dot(3, 4, 6); } \
    dot(0, 5, 6); dot(1, 5, 6); dot(2, 5, 6); dot(3, 5, 6); \
    _tile_stored(0, c, 4 * NR); _tile_stored(1, c + SIDE, 4 * NR); _tile_stored(2, c + SIDE * NR, 4 * NR); _tile_stored(3, c + SIDE * NR + SIDE, 4 * NR); \
    _tile_release(); \
} while (0)

static void bpeak(float *c, uint32_t a, uint32_t b, size_t k) { AMX_PEAK(_tile_dpbf16ps); }
static void ipeak(int32_t *c, uint32_t a, uint32_t b, size_t k) { AMX_PEAK(_tile_dpbusd); }
