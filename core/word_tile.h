/* word_tile.h - tiles of words and their products on AMX, in place of the bodies of kern_word.h.
 *
 * The unit multiplies 16 rows of 64 bytes by 16 rows of 16 words.  Of its eight registers four hold a tile of 32 x 32 sums, two
 * a block of the left operand and two one of the right.  A configured unit is state of the thread, so each call sets it up
 * and clears it again (100 ns and more, for it waits for all sums): kernels stay functions of their arguments. */
enum { SIDE = 16, BLOCK = SIDE * SIDE };

static inline void amx_begin(void) {
    static const struct { uint8_t palette, start, none[14]; uint16_t bytes[16]; uint8_t rows[16]; } whole = {
        .palette = 1, .bytes = { 64, 64, 64, 64, 64, 64, 64, 64 }, .rows = { SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE }
    };
    __asm__ volatile ("" ::: "memory");             /* gcc is not told that loads of tiles read memory */
    _tile_loadconfig(&whole);
}

/* Adds to the four quarters of a tile of which all are wanted, or those that m rows and n columns reach into, over k words at left
 * and right; between two blocks of 64 bytes other work is done.  The left operand is said to be read once, so that it does not push
 * the right one out of L1. */
#define AMX_SUMS(dot, m, n, k, left_, right_, ...) do { \
    const uint32_t *left = left_, *right = right_; \
    if (m > SIDE && n > SIDE) \
        for (size_t q_ = 0; q_ < k; q_ += SIDE, left += SIDE * WMR, right += SIDE * NR) { \
            _tile_stream_loadd(4, left, 4 * SIDE); _tile_loadd(6, right, 4 * NR); _tile_loadd(7, right + SIDE, 4 * NR); \
            _tile_stream_loadd(5, left + BLOCK, 4 * SIDE); \
            dot(0, 4, 6); dot(1, 4, 7); dot(2, 5, 6); dot(3, 5, 7); \
            __VA_ARGS__; \
        } \
    else \
        for (size_t q_ = 0; q_ < k; q_ += SIDE, left += SIDE * WMR, right += SIDE * NR) { \
            _tile_stream_loadd(4, left, 4 * SIDE); _tile_loadd(6, right, 4 * NR); \
            dot(0, 4, 6); \
            if (n > SIDE) { _tile_loadd(7, right + SIDE, 4 * NR); dot(1, 4, 7); } \
            if (m > SIDE) { _tile_stream_loadd(5, left + BLOCK, 4 * SIDE); dot(2, 5, 6); } \
            __VA_ARGS__; \
        } \
} while (0)

#define AMX_QUARTERS(each, c, ldc, m, n) do { \
    each(0, c, 4 * (ldc)); \
    if (n > SIDE) each(1, c + SIDE, 4 * (ldc)); \
    if (m > SIDE) each(2, c + SIDE * (ldc), 4 * (ldc)); \
    if (m > SIDE && n > SIDE) each(3, c + SIDE * (ldc) + SIDE, 4 * (ldc)); \
} while (0)

#define AMX_ZERO() do { _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3); } while (0)

/* A corner that is no multiple of a quarter goes through a whole tile on the stack. */
#define AMX_TILE(type, dot) do { \
    const bool whole = m % SIDE == 0 && n % SIDE == 0; \
    _Alignas(64) type t[WMR * NR]; \
    type *to = whole ? c : t; \
    const size_t step = whole ? ldc : NR; \
    for (size_t i = 0; !whole && add && i < m; i++) memcpy(t + i * NR, c + i * ldc, n * sizeof *t); \
    for (size_t i = add ? m : WMR; !whole && i < WMR; i++) memset(t + i * NR, 0, NR * sizeof *t); \
    if (add) AMX_QUARTERS(_tile_loadd, to, step, m, n); \
    else AMX_ZERO(); \
    AMX_SUMS(dot, m, n, k, ap, bp, (void)0); \
    AMX_QUARTERS(_tile_stored, to, step, m, n); \
    for (size_t i = 0; !whole && i < m; i++) memcpy(c + i * ldc, t + i * NR, n * sizeof *t); \
} while (0)

static inline void btile_panel(float *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) {
    AMX_TILE(float, _tile_dpbf16ps);
}

static void btile(float *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) {
    amx_begin();
    for (; n > NR; n -= NR, c += NR, bp += k * NR) btile_panel(c, ldc, m, NR, k, ap, bp, add);
    btile_panel(c, ldc, m, n, k, ap, bp, add);
    _tile_release();
}

static void itile(int32_t *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) {
    amx_begin();
    AMX_TILE(int32_t, _tile_dpbusd);
    _tile_release();
}

/* A row of whole tiles' sums: y takes act(total).  sum, w and b are those of its columns. */
#define END_ROW(i, total) do { \
    UNROLL for (size_t j = 0; j < NV; j++) { \
        vec x = total; \
        if (act == SV_ACT_QUICK) x = v_quick(x); \
        if (act == SV_ACT_GELU) x = v_gelu(x); \
        v_put(y, (i) * ldy + j * VW, x, put); \
    } \
} while (0)

/* Tiles below each other, configured once: some at a time, over a block of K whose part of the panel stays in L1, then over the next,
 * their sums kept.  While the unit sums one, the vectors end the rows of the one that was done before, end_row(row of y, its sums s), and
 * the next panel comes into L2. */
enum { TOGETHER = 4, STEPS_WHOLE = 24, STEPS_SPLIT = 16 };

/* n in the fewest parts of at most `most`: the size of one. */
static inline size_t even_part(size_t n, size_t most) {
    const size_t parts = (n + most - 1) / most;
    return parts ? (n + parts - 1) / parts : 1;
}

#define AMX_PRODUCT(type, dot, end_row) do { \
    _Alignas(64) type sums[TOGETHER][WMR * NR]; \
    const size_t steps = k / SIDE, deep = even_part(steps, steps > STEPS_WHOLE ? STEPS_SPLIT : STEPS_WHOLE) * SIDE; \
    const size_t tiles = (m + WMR - 1) / WMR, wide = even_part(tiles, TOGETHER); \
    const size_t share = (WMR * SIDE + deep - 1) / deep, lines = tiles ? (2 * SIDE + tiles - 1) / tiles : 0; \
    size_t first = 0, last = 0;                     /* rows of y whose sums are done, but not they */ \
    const type *s = NULL; \
    uintptr_t next = (uintptr_t)(bp + k * NR); \
    amx_begin(); \
    for (size_t top = 0; top < tiles; top += wide) { \
        size_t p = 0; \
        do { \
            const size_t len = k - p < deep ? k - p : deep; \
            for (size_t t = top; t < tiles && t < top + wide; t++) { \
                const size_t rows = m - t * WMR < WMR ? m - t * WMR : WMR; \
                type *c = sums[deep < k ? t - top : t % 2]; \
                if (p) AMX_QUARTERS(_tile_loadd, c, NR, rows, n); \
                else AMX_ZERO(); \
                AMX_SUMS(dot, rows, n, len, ap + (t * k + p) * WMR, bp + p * NR, { \
                    for (size_t i = 0; i < lines; i++, next += 64) _mm_prefetch((const void *)next, _MM_HINT_T1); \
                    for (size_t i = 0; i < share && first < last; i++, first++, s += NR) end_row(first, s); \
                }); \
                for (; first < last; first++, s += NR) end_row(first, s); \
                AMX_QUARTERS(_tile_stored, c, NR, rows, n); \
                if (p + len == k) s = c, first = t * WMR, last = first + rows; \
            } \
            p += len; \
        } while (p < k); \
    } \
    for (; first < last; first++, s += NR) end_row(first, s); \
    _tile_release(); \
} while (0)

#define AMX_ALWAYS static inline __attribute__((always_inline))
AMX_ALWAYS void bproduct_as(const enum sv_act act, const bool whole, void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap,
                            const uint32_t *bp, const float *bias, enum sv_put put) {
    vec b[NV];
    UNROLL for (size_t j = 0; j < NV; j++) b[j] = bias && whole ? v_load(bias + j * VW) : v_set(0);
#define ROW_END(i, s) do { \
        if (whole) END_ROW(i, v_add(v_load(s + j * VW), b[j])); \
        else finish((char *)y + (i) * ldy * sv_put_size(put), ldy, s, 1, n, bias, act, put); \
    } while (0)
    AMX_PRODUCT(float, _tile_dpbf16ps, ROW_END);
#undef ROW_END
}

AMX_ALWAYS void iproduct_as(const enum sv_act act, const bool whole, void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap,
                            const uint32_t *bp, const struct sv_bytes *of, const float *bias, enum sv_put put) {
    vec b[NV], sum[NV], w[NV];
    UNROLL for (size_t j = 0; j < NV; j++)
        b[j] = bias && whole ? v_load(bias + j * VW) : v_set(0), sum[j] = v_load(of->sum + j * VW), w[j] = v_load(of->w + j * VW);
#define ROW_END(i, s) do { \
        if (whole) END_ROW(i, of_bytes(w_load(s + j * VW), of, i, sum[j], w[j], b[j])); \
        else { \
            const struct sv_bytes its = { of->scale + (i), of->lo + (i), of->sum, of->w }; \
            ifinish((char *)y + (i) * ldy * sv_put_size(put), ldy, s, 1, n, &its, bias, act, put); \
        } \
    } while (0)
    AMX_PRODUCT(int32_t, _tile_dpbusd, ROW_END);
#undef ROW_END
}

static void bproduct(void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const float *bias, enum sv_act act,
                     enum sv_put put) {
    if (n < NR || act == SV_ACT_GELU) bproduct_as(act, false, y, ldy, m, n, k, ap, bp, bias, put);
    else if (act == SV_ACT_QUICK) bproduct_as(SV_ACT_QUICK, true, y, ldy, m, NR, k, ap, bp, bias, put);
    else bproduct_as(SV_ACT_NONE, true, y, ldy, m, NR, k, ap, bp, bias, put);
}

static void iproduct(void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const struct sv_bytes *of,
                     const float *bias, enum sv_act act, enum sv_put put) {
    if (n < NR || act == SV_ACT_GELU) iproduct_as(act, false, y, ldy, m, n, k, ap, bp, of, bias, put);
    else if (act == SV_ACT_QUICK) iproduct_as(SV_ACT_QUICK, true, y, ldy, m, NR, k, ap, bp, of, bias, put);
    else iproduct_as(SV_ACT_NONE, true, y, ldy, m, NR, k, ap, bp, of, bias, put);
}

/* Blocks of one word, then what is left of k in a block whose other words are 0. */
#define AMX_PEAK(dot) do { \
    _Alignas(64) uint32_t left[BLOCK], some[BLOCK] = { 0 }, right[BLOCK]; \
    for (size_t i = 0; i < BLOCK; i++) left[i] = a, right[i] = b, some[i] = i % SIDE < k % SIDE ? a : 0; \
    amx_begin(); \
    AMX_QUARTERS(_tile_loadd, c, NR, WMR, (size_t)NR); \
    _tile_loadd(4, left, 4 * SIDE); _tile_loadd(5, some, 4 * SIDE); _tile_loadd(6, right, 4 * SIDE); \
    for (size_t p = k / SIDE; p; p--) { dot(0, 4, 6); dot(1, 4, 6); dot(2, 4, 6); dot(3, 4, 6); } \
    dot(0, 5, 6); dot(1, 5, 6); dot(2, 5, 6); dot(3, 5, 6); \
    AMX_QUARTERS(_tile_stored, c, NR, WMR, (size_t)NR); \
    _tile_release(); \
} while (0)

static void bpeak(float *c, uint32_t a, uint32_t b, size_t k) { AMX_PEAK(_tile_dpbf16ps); }
static void ipeak(int32_t *c, uint32_t a, uint32_t b, size_t k) { AMX_PEAK(_tile_dpbusd); }
