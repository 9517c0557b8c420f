/* check_word.h - the rows of check_kern for kernels over bf16 pairs and over bytes: part of check_kern.c. */

/* Halves and bytes of a word, the first in the low bits. */
static float half_of(uint32_t w, size_t e) { return sv_bits_f32(e ? w & 0xffff0000u : w << 16); }
static uint32_t ubyte_of(uint32_t w, size_t e) { return w >> 8 * e & 255; }
static int32_t sbyte_of(uint32_t w, size_t e) { return (int8_t)ubyte_of(w, e); }

static struct buf words_of(size_t n, bool head, uint32_t (*make)(void)) {
    struct buf b = bytes(n * sizeof(uint32_t), head);
    for (size_t i = 0; i < n; i++) b.w[i] = make();
    return b;
}
static uint32_t any_word(void) { return (uint32_t)sv_rng(&state); }
static uint32_t pair_word(void) { return sv_f32_bf16(real()) | (uint32_t)sv_f32_bf16(real()) << 16; }

/* k words of a left panel need whole blocks of them. */
static size_t whole(size_t k) { return (k + K->wk - 1) / K->wk * K->wk; }

/* A left panel of `wide` rows before one of them is packed, and whether the others are as they were. */
static struct buf panel_of(size_t wide, size_t words, bool head) {
    struct buf out = bytes(wide * words * sizeof(uint32_t), head);
    memset(out.p, 0x5a, wide * words * sizeof(uint32_t));
    return out;
}

static void others_stay(const struct buf *out, size_t wide, size_t words, size_t at) {
    for (size_t i = 0; i < wide; i++) {
        bool same = true;
        for (size_t p = 0; p < words && i != at; p++) same = same && out->w[sv_left_word(K, wide, i, p)] == 0x5a5a5a5a;
        verdict(same, "row %zu of %zu wrote row %zu", at, wide, i);
    }
}

/* Rows of k < few, then `times` up to `most`, in panels of any width. */
static void row_packs(void (*once)(size_t wide, size_t at, size_t k, bool head), size_t few, size_t times, size_t most) {
    for (size_t t = 0; t < few + times; t++) {
        const size_t wide = t % 3 ? K->wmr : pick(1, 40);
        for (size_t n = 0; n < 4; n++) once(wide, pick(0, wide - 1), t < few ? t : pick(0, most), n & 1);
    }
}

static void bpack_once(size_t wide, size_t at, size_t k, bool head) {
    static const uint32_t odd[] = { 0x7fc00000, 0xff800001, 0x7f800000, 0x80000000, 0x3f808000, 0x3f818000, 0x3f808001, 0x7f7fffff, 0x00000001, 0x007fffff };
    const size_t words = whole((k + 1) / 2);
    struct buf x = floats(k, !head), out = panel_of(wide, words, head);
    for (size_t i = 0; i < k; i += pick(1, 20)) x.f[i] = sv_bits_f32(odd[pick(0, SV_LEN(odd) - 1)]);
    K->bpack(out.w + at * K->wk, wide, x.f, k);
    for (size_t p = 0; p < 2 * words; p++) {
        const float want = p < k ? x.f[p] : 0;
        const uint32_t got = out.w[sv_left_word(K, wide, at, p / 2)] >> p % 2 * 16 & 0xffff;
        verdict(is_bf16(got, want), "row %zu of %zu, k=%zu: %08x became %04x at %zu", at, wide, k, sv_f32_bits(want), got, p);
    }
    others_stay(&out, wide, words, at);
    drop(x), drop(out);
}

static void check_bpack(void) { row_packs(bpack_once, 140, 200, 3000); }

static void blay_once(size_t wide, size_t m, size_t k, bool head) {
    const size_t ldx = m + pick(0, 5), xs = k ? (k - 1) * ldx + m : 0, kw = whole((k + 1) / 2);
    struct buf x = bytes(xs * sizeof(uint16_t), !head), out = bytes(wide * kw * sizeof(uint32_t), head);
    for (size_t i = 0; i < xs; i++) x.h[i] = (uint16_t)any_word();
    K->blay(out.w, wide, x.h, ldx, m, k);
    for (size_t p = 0; p < 2 * kw; p++)
        for (size_t i = 0; i < wide; i++) {
            const uint32_t want = i < m && p < k ? x.h[p * ldx + i] : 0, got = out.w[p / 2 * wide + i] >> p % 2 * 16 & 0xffff;
            verdict(got == want, "wide=%zu m=%zu k=%zu (%zu, %zu) %04x became %04x", wide, m, k, p, i, want, got);
        }
    drop(x), drop(out);
}

static void check_blay(void) { packs(blay_once, K->nr, 80, 100, 1000); }

/* Against double, half a unit of bf16's last place away, and what the sum and the exponentials lose. */
static void bsoftmax_once(size_t wide, size_t at, size_t n, size_t k, float spread, bool head) {
    const float scale = pick(0, 1) ? 0.125f : 1;
    const size_t words = whole((k + 1) / 2);
    struct buf x = floats(n, !head), in = floats(n, 0), out = panel_of(wide, words, head);
    for (size_t i = 0; i < n; i++) x.f[i] *= spread;
    if (n % 5 == 0) for (size_t i = n / 2 + 1; i < n; i++) x.f[i] = -INFINITY;
    memcpy(in.p, x.p, n * sizeof(float));
    K->bsoftmax(out.w + at * K->wk, wide, x.f, n, k, scale);
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) max = fmax(max, in.f[i]);
    for (size_t i = 0; i < n; i++) sum += exp(scale * (in.f[i] - max));
    for (size_t p = 0; p < 2 * words; p++) {
        const double arg = p < n ? scale * (in.f[p] - max) : -INFINITY, want = exp(arg) / sum;
        const double loss = 0x1p-8 + EPS * (3 * (isfinite(arg) ? fabs(arg) : 0) + 8 + (double)n / 2);
        near(half_of(out.w[sv_left_word(K, wide, at, p / 2)], p % 2), want, want * loss + 2 * FLT_MIN, n, p);
    }
    others_stay(&out, wide, words, at);
    in.f[pick(0, n - 1)] = head ? NAN : INFINITY;
    K->bsoftmax(out.w + at * K->wk, wide, in.f, n, k, scale);
    for (size_t p = 0; p < n; p++) verdict(isnan(half_of(out.w[sv_left_word(K, wide, at, p / 2)], p % 2)), "n=%zu p=%zu lost a NaN", n, p);
    drop(x), drop(in), drop(out);
}

static void check_bsoftmax(void) {
    static const float spread[] = { 1, 10, 100, 0 };
    for (size_t t = 1; t < ROUNDS; t++) {
        const size_t n = sv_max(size_of_round(t), 1), wide = t % 2 ? K->wmr : pick(1, 5);
        bsoftmax_once(wide, pick(0, wide - 1), n, n + (t % 3 ? pick(0, 70) : 0), spread[t % 4], t & 2);
    }
}

/* Where a tile of words may write: corner m x n of c, and the bits it has in a full tile. */
static void corner(const struct buf *c, const struct buf *old, const struct buf *full, size_t m, size_t n, size_t ldc) {
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < ldc && i * ldc + j < (m - 1) * ldc + n; j++) {
        const uint32_t got = c->w[i * ldc + j];
        if (j >= n) verdict(got == old->w[i * ldc + j], "m=%zu n=%zu wrote the gap at (%zu, %zu)", m, n, i, j);
        else verdict(got == full->w[i * K->nr + j], "m=%zu n=%zu (%zu, %zu) other bits in a full tile", m, n, i, j);
    }
}

/* Each pair is added in one or two steps, to odd in between at worst: twice the bound of a sum of 2 k terms. */
static void btile_once(size_t m, size_t n, size_t k, bool add, bool head) {
    const size_t ldc = n + pick(0, 3), mr = K->wmr, nr = K->nr, cs = (m - 1) * ldc + n;
    struct buf a = words_of(k * mr, !head, pair_word), b = words_of(k * nr, head, pair_word), c = floats(cs, head), old = floats(cs, 0), full = floats(mr * nr, 0);
    if (!add) for (size_t i = 0; i < cs; i++) if (i % ldc < n) c.f[i] = NAN;      /* c is not read */
    memcpy(old.p, c.p, cs * sizeof(float));
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < n; j++) full.f[i * nr + j] = c.f[i * ldc + j];
    K->btile(c.f, ldc, m, n, k, a.w, b.w, add);
    K->btile(full.f, nr, mr, nr, k, a.w, b.w, add);
    corner(&c, &old, &full, m, n, ldc);
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < n; j++) {
        double want = add ? old.f[i * ldc + j] : 0, mag = fabs(want);
        for (size_t p = 0; p < 2 * k; p++) {
            const double ab = (double)half_of(a.w[sv_left_word(K, mr, i, p / 2)], p % 2) * half_of(b.w[p / 2 * nr + j], p % 2);
            want += ab, mag += fabs(ab);
        }
        near(c.f[i * ldc + j], want, 2 * sum_bound(2 * k, mag), k, i * n + j);
    }
    drop(a), drop(b), drop(c), drop(old), drop(full);
}

/* Panels beside each other have the bits of each alone. */
static void btile_across(size_t m, size_t n, size_t k, bool add, bool head) {
    const size_t ldc = n + pick(0, 3), nr = K->nr, cs = (m - 1) * ldc + n;
    struct buf a = words_of(k * K->wmr, !head, pair_word), b = words_of(k * ((n + nr - 1) / nr * nr), head, pair_word), c = floats(cs, head), want = floats(cs, 0);
    if (!add) for (size_t i = 0; i < cs; i++) if (i % ldc < n) c.f[i] = NAN;      /* c is not read */
    memcpy(want.p, c.p, cs * sizeof(float));
    for (size_t j = 0; j < n; j += nr) K->btile(want.f + j, ldc, m, sv_min(nr, n - j), k, a.w, b.w + j * k, add);
    K->btile(c.f, ldc, m, n, k, a.w, b.w, add);
    same_bits(&c, &want, cs * sizeof(float), m, n, k);
    drop(a), drop(b), drop(c), drop(want);
}

static void check_btile(void) {
    tiles(btile_once, K->wmr, K->wk);
    for (size_t t = 0; K->runs && t < 300; t++) btile_across(pick(1, K->wmr), K->nr * pick(0, 3) + pick(1, K->nr), pick(0, 5) * K->wk, t & 1, t & 2);
    const size_t mr = K->wmr, nr = K->nr, k = K->wk;
    struct buf a = words_of(mr * k, 0, pair_word), b = words_of(nr * k, 0, pair_word), c = floats(mr * nr, 0);
    a.w[sv_left_word(K, mr, mr - 1, k - 1)] = 0x3f807fc0;   /* NaN, 1 */
    K->btile(c.f, nr, mr, nr, k, a.w, b.w, false);
    for (size_t i = 0; i < mr * nr; i++) verdict(isnan(c.f[i]) == (i / nr == mr - 1), "i=%zu NaN lost or made", i);
    drop(a), drop(b), drop(c);
}

static void check_bpeak(void) {
    const size_t n = K->wmr * K->nr;
    for (size_t k = 0; k < 100; k++) {
        struct buf c = floats(n, k & 1);
        for (size_t i = 0; i < n; i++) c.f[i] = (float)i;
        K->bpeak(c.f, 0xbe803f00, 0x3f003f40, k);   /* 0.5 0.75 - 0.25 0.5: every sum is exact */
        for (size_t i = 0; i < n; i++) near(c.f[i], (double)i + 0.25 * (double)k, 0, k, i);
        drop(c);
    }
}

/* Rows of every kind: as they come, of one value, with one far from the rest, all on one side of 0 (what fills a vector must not count),
 * not finite. */
static void make_kind(float *x, size_t k, size_t kind) {
    static const float odd[] = { NAN, INFINITY, -INFINITY };
    for (size_t p = 0; p < k; p++) x[p] = kind == 1 ? -3 : kind == 3 ? fabsf(x[p]) + 1 : kind == 4 ? -fabsf(x[p]) - 1 : x[p];
    if (k && kind == 2) x[pick(0, k - 1)] = pick(0, 1) ? 9 : -9;
    if (k && kind == 5) x[pick(0, k - 1)] = odd[pick(0, 2)];
}

static void ipack_once(size_t wide, size_t at, size_t k, bool head) {
    const size_t words = whole((k + 3) / 4);
    struct buf x = floats(k, !head), scale = floats(1, head), lo = floats(1, !head), out = panel_of(wide, words, head);
    make_kind(x.f, k, pick(0, 5));
    K->ipack(out.w + at * K->wk, wide, x.f, k, scale.f, lo.f);
    float least = k ? x.f[0] : 0, largest = least, sum = 0;
    for (size_t p = 0; p < k; p++) least = fminf(least, x.f[p]), largest = fmaxf(largest, x.f[p]), sum += 0 * x.f[p];
    const bool finite = !isnan(sum), wider = finite && largest > least;
    const float inv = wider ? (float)K->imost / (largest - least) : 0, step = wider ? (largest - least) / (float)K->imost : 0;
    for (size_t p = 0; p < 4 * words; p++) {
        const float u = finite && p < k ? (x.f[p] - least) * inv : 0;
        const uint32_t got = ubyte_of(out.w[sv_left_word(K, wide, at, p / 4)], p % 4);
        verdict(got == (uint32_t)lrintf(u), "row %zu of %zu, k=%zu: %g became %u at %zu", at, wide, k, u, got, p);
    }
    verdict(*scale.f == step, "k=%zu: a step of %.9g, expected %.9g", k, *scale.f, step);
    verdict(finite ? *lo.f == least + (float)K->ibias * step : isnan(*lo.f), "k=%zu: from %.9g, least is %.9g", k, *lo.f, least);
    others_stay(&out, wide, words, at);
    drop(x), drop(scale), drop(lo), drop(out);
}

static void check_ipack(void) { row_packs(ipack_once, 280, 200, 7000); }

/* The largest sums of products of either sign, where 16 bits just hold a pair (or would not), then anything. */
static uint32_t full_word(void) { return 0xffffffff; }
static uint32_t most_word(void) { return 0x7f7f7f7f; }
static uint32_t least_word(void) { return 0x80808080; }
static uint32_t (*left_word)(void), (*right_word)(void);

/* Bytes as packing makes them for the table: of activations; of weights, where a pair that sums to more than it may is halved. */
static void fit_bytes(uint32_t *w, size_t n) {
    for (size_t i = 0; i < 4 * n; i++) {
        const uint32_t most = (uint32_t)K->imost, at = i % 4 * 8, u = w[i / 4] >> at & 255;
        w[i / 4] = (w[i / 4] & ~(255u << at)) | (u < most ? u : most) << at;
    }
}

static void fit_pairs(uint32_t *w, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (int at = 0; at < 32; at += 16) {
            int p = (int8_t)(w[i] >> at & 255), q = (int8_t)(w[i] >> (at + 8) & 255);
            if (abs(p + q) > K->ipair) p /= 2, q /= 2;
            w[i] = (w[i] & ~(0xffffu << at)) | ((uint32_t)(p & 255) | (uint32_t)(q & 255) << 8) << at;
        }
}

static void itile_once(size_t m, size_t n, size_t k, bool add, bool head) {
    const size_t ldc = n + pick(0, 3), mr = K->wmr, nr = K->nr, cs = (m - 1) * ldc + n;
    struct buf a = words_of(k * mr, !head, left_word), b = words_of(k * nr, head, right_word), c = words_of(cs, head, any_word);
    struct buf old = floats(cs, 0), full = floats(mr * nr, 0);
    for (size_t i = 0; i < cs; i++) c.i[i] /= 16;
    fit_bytes(a.w, k * mr), fit_pairs(b.w, k * nr);
    memcpy(old.p, c.p, cs * sizeof(int32_t));
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < n; j++) full.i[i * nr + j] = c.i[i * ldc + j];
    K->itile(c.i, ldc, m, n, k, a.w, b.w, add);
    K->itile(full.i, nr, mr, nr, k, a.w, b.w, add);
    corner(&c, &old, &full, m, n, ldc);
    for (size_t i = 0; i < m; i++) for (size_t j = 0; j < n; j++) {
        int64_t want = add ? old.i[i * ldc + j] : 0;
        for (size_t p = 0; p < 4 * k; p++)
            want += ((int64_t)ubyte_of(a.w[sv_left_word(K, mr, i, p / 4)], p % 4) - K->ibias) * sbyte_of(b.w[p / 4 * nr + j], p % 4);
        verdict(c.i[i * ldc + j] == want, "m=%zu n=%zu k=%zu add=%d (%zu, %zu) got %d want %lld", m, n, k, add, i, j, c.i[i * ldc + j], (long long)want);
    }
    drop(a), drop(b), drop(c), drop(old), drop(full);
}

static void check_itile(void) {
    static uint32_t (*const left[])(void) = { any_word, full_word, full_word, least_word }, (*const right[])(void) = { any_word, most_word, least_word, any_word };
    for (size_t t = 0; t < SV_LEN(left); t++) {
        left_word = left[t], right_word = right[t];
        if (!t) tiles(itile_once, K->wmr, K->wk);
        else for (size_t k = 0; k < 80; k++) itile_once(K->wmr, K->nr, whole(k), k & 1, k & 2);
    }
}

/* Plain first, against the truth; what an activation or y adds to that is exact. */
static void ifinish_once(size_t m, size_t n, enum sv_act act, enum sv_put put, bool head) {
    const size_t ldy = n + pick(0, 3), nr = K->nr;
    struct buf s = words_of(m * nr, head, any_word), scale = floats(m, head), lo = floats(m, !head), sum = floats(nr, head), w = floats(nr, !head);
    struct buf y = y_of(m, n, ldy, put, head), old = copy_of(&y, ((m - 1) * ldy + n) * sv_put_size(put)), want = floats(m * n, 0), bias = floats(n, head);
    const struct sv_bytes of = { scale.f, lo.f, sum.f, w.f };
    const float *b = pick(0, 3) ? bias.f : NULL;
    for (size_t i = 0; i < m * nr; i++) s.i[i] /= 64;
    for (size_t i = 0; i < m; i++) scale.f[i] *= 1e-6f;
    K->ifinish(want.p, n, s.i, m, n, &of, b, SV_ACT_NONE, SV_SET);
    K->ifinish(y.p, ldy, s.i, m, n, &of, b, act, put);
    for (size_t i = 0; i < m * n; i++) {
        const double u = (double)scale.f[i / n] * s.i[i / n * nr + i % n], v = (double)lo.f[i / n] * sum.f[i % n], z = b ? b[i % n] : 0, f = w.f[i % n];
        near(want.f[i], (u + v) * f + z, sum_bound(3, (fabs(u) + fabs(v)) * fabs(f) + fabs(z)), m, i);
        if (act != SV_ACT_NONE) (act == SV_ACT_QUICK ? K->quick : K->gelu)(&want.f[i], &want.f[i], 1);
    }
    taken(&y, &old, m, n, ldy, want.f, act, put);
    drop(s), drop(scale), drop(lo), drop(sum), drop(w), drop(y), drop(old), drop(want), drop(bias);
}

static void check_ifinish(void) { finishes(ifinish_once, K->wmr); }

static void iproduct_once(size_t m, size_t n, size_t k, enum sv_act act, enum sv_put put, bool head) {
    const size_t ldy = n + pick(0, 3), mr = K->wmr, nr = K->nr, size = ((m - 1) * ldy + n) * sv_put_size(put), all = (m + mr - 1) / mr * mr;
    struct buf a = words_of(k * all, !head, any_word), b = words_of(k * nr, head, any_word), scale = floats(m, head), lo = floats(m, !head), sum = floats(nr, head);
    struct buf w = floats(nr, !head), bias = floats(n, head), s = floats(mr * nr, 0), y = y_of(m, n, ldy, put, head), want = copy_of(&y, size);
    const struct sv_bytes of = { scale.f, lo.f, sum.f, w.f };
    const float *z = pick(0, 3) ? bias.f : NULL;
    fit_bytes(a.w, k * all), fit_pairs(b.w, k * nr);
    for (size_t i = 0; i < m; i++) scale.f[i] *= 1e-5f;
    for (size_t at = 0; at < m; at += mr) {
        const size_t rows = sv_min(mr, m - at);
        const struct sv_bytes its = { scale.f + at, lo.f + at, sum.f, w.f };
        K->itile(s.i, nr, rows, nr, k, a.w + at * k, b.w, false);
        K->ifinish((char *)want.p + at * ldy * sv_put_size(put), ldy, s.i, rows, n, &its, z, act, put);
    }
    K->iproduct(y.p, ldy, m, n, k, a.w, b.w, &of, z, act, put);
    same_bits(&y, &want, size, m, n, k);
    drop(a), drop(b), drop(scale), drop(lo), drop(sum), drop(w), drop(y), drop(want), drop(bias), drop(s);
}

static void check_iproduct(void) { runs(iproduct_once); }

static void bproduct_once(size_t m, size_t n, size_t k, enum sv_act act, enum sv_put put, bool head) {
    const size_t ldy = n + pick(0, 3), mr = K->wmr, nr = K->nr, size = ((m - 1) * ldy + n) * sv_put_size(put);
    struct buf a = words_of(k * ((m + mr - 1) / mr * mr), !head, pair_word), b = words_of(k * nr, head, pair_word), bias = floats(n, head), s = floats(mr * nr, 0);
    struct buf y = y_of(m, n, ldy, put, head), want = copy_of(&y, size);
    const float *z = pick(0, 3) ? bias.f : NULL;
    for (size_t at = 0; at < m; at += mr) {
        const size_t rows = sv_min(mr, m - at);
        K->btile(s.f, nr, rows, nr, k, a.w + at * k, b.w, false);
        K->finish((char *)want.p + at * ldy * sv_put_size(put), ldy, s.f, rows, n, z, act, put);
    }
    K->bproduct(y.p, ldy, m, n, k, a.w, b.w, z, act, put);
    same_bits(&y, &want, size, m, n, k);
    drop(a), drop(b), drop(y), drop(want), drop(bias), drop(s);
}

static void check_bproduct(void) { runs(bproduct_once); }

static void check_ipeak(void) {
    const size_t n = K->wmr * K->nr;
    const int32_t dot = (255 - K->ibias) * -128 + (3 - K->ibias) * 127 + (128 - K->ibias) - (0 - K->ibias);
    for (size_t k = 0; k < 100; k++) {
        struct buf c = floats(n, k & 1);
        for (size_t i = 0; i < n; i++) c.i[i] = (int32_t)i;
        K->ipeak(c.i, 0x008003ff, 0xff017f80, k);
        for (size_t i = 0; i < n; i++) near(c.i[i], (double)i + (double)dot * (double)k, 0, k, i);
        drop(c);
    }
}
