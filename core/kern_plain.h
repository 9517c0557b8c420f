/* kern_plain.h - the kernels over bf16 pairs as plain loops, for the tables whose machine has no such products.
 *
 * The including file defines MR, NR and WK, words of a row that lie together, softmax and finish, and includes core/half.h and string.h. */

static inline float pair_low(uint32_t w) { return sv_bits_f32(w << 16); }
static inline float pair_high(uint32_t w) { return sv_bits_f32(w & 0xffff0000u); }

static void bpack(uint32_t *out, size_t wide, const float *x, size_t k) {
    for (size_t p = 0; p < k; p += 2 * WK, out += wide * WK)
        for (size_t i = 0; i < WK; i++) {
            const size_t at = p + 2 * i;
            const uint16_t low = at < k ? sv_f32_bf16(x[at]) : 0, high = at + 1 < k ? sv_f32_bf16(x[at + 1]) : 0;
            out[i] = low | (uint32_t)high << 16;
        }
}

static void blay(uint32_t *out, size_t wide, const uint16_t *x, size_t ldx, size_t m, size_t k) {
    const size_t whole = (k + 2 * WK - 1) / (2 * WK) * 2 * WK;
    for (size_t p = 0; p < whole; p += 2)
        for (size_t i = 0; i < wide; i++) {
            const uint16_t low = i < m && p < k ? x[p * ldx + i] : 0, high = i < m && p + 1 < k ? x[(p + 1) * ldx + i] : 0;
            *out++ = low | (uint32_t)high << 16;
        }
}

static void bsoftmax(uint32_t *out, size_t wide, float *x, size_t n, size_t k, float scale) {
    const size_t block = 2 * WK, whole = (n + block - 1) / block;
    softmax(x, n, scale);
    bpack(out, wide, x, n);
    for (size_t b = whole; b * block < k; b++) memset(out + b * wide * WK, 0, WK * sizeof *out);
}

static void btile(float *c, size_t ldc, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, bool add) {
    float s[MR][NR] = { { 0 } };
    for (size_t p = 0; p < k; p++, bp += NR)
        for (size_t i = 0; i < m; i++) {
            const uint32_t a = ap[(p / WK * MR + i) * WK + p % WK];
            for (size_t j = 0; j < NR; j++) s[i][j] += pair_low(a) * pair_low(bp[j]) + pair_high(a) * pair_high(bp[j]);
        }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = add ? c[i * ldc + j] + s[i][j] : s[i][j];
}

static void bproduct(void *y, size_t ldy, size_t m, size_t n, size_t k, const uint32_t *ap, const uint32_t *bp, const float *bias, enum sv_act act,
                     enum sv_put put) {
    float s[MR * NR];
    btile(s, NR, m, NR, k, ap, bp, false);
    finish(y, ldy, s, m, n, bias, act, put);
}

static void bpeak(float *c, uint32_t a, uint32_t b, size_t k) {
    float s[MR * NR];
    memcpy(s, c, sizeof s);
    for (; k; k--)
        for (size_t i = 0; i < MR * NR; i++) s[i] += pair_low(a) * pair_low(b) + pair_high(a) * pair_high(b);
    memcpy(c, s, sizeof s);
}
