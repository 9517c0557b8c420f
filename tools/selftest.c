/* selftest.c - svad selftest: every stage against numbers compiled in, so that a binary proves itself on a board without files.
 * What writes files is not covered: that needs a disk, and svad verify proves what lies on it. */
#include "tools/selftest.h"

#include "clip/image.h"
#include "clip/token.h"
#include "core/hash.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/rng.h"
#include "io/container.h"
#include "io/image.h"
#include "io/inflate.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/y4m.h"
#include "kmeans/auc.h"
#include "kmeans/kmeans.h"
#include "kmeans/redefine.h"
#include "kmeans/score.h"
#include "tests/golden/normal.h"
#include "tools/golden_files.h"
#include "tools/tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sv_check_one(struct sv_check *c, const char *what, double deviation, double bound) {
    const bool bad = !(deviation <= bound), first = !c->n++;
    const double share = bad ? INFINITY : bound > 0 ? deviation / bound : 0, old = c->bound > 0 ? c->worst / c->bound : 0;
    if (c->failed || (!first && !bad && share <= old)) return;      /* the first failure is the one that is shown */
    c->what = what, c->worst = deviation, c->bound = bound, c->failed = bad;
}

void sv_check_true(struct sv_check *c, const char *what, bool ok) { sv_check_one(c, what, !ok, 0); }

void sv_check_f64(struct sv_check *c, const char *what, const double *got, const double *want, size_t n, double bound) {
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs(got[i] - want[i]);
        if (!(d <= worst)) worst = d;
        if (isnan(d)) break;
    }
    sv_check_one(c, what, worst, bound);
}

void sv_check_rows(struct sv_check *c, const char *what, const float *got, const float *want, size_t rows, size_t n, double bound) {
    for (size_t r = 0; r < rows; r++, got += n, want += n) {
        double norm = 0, worst = 0;
        for (size_t i = 0; i < n; i++) {
            const double d = fabs((double)got[i] - want[i]);
            norm += (double)want[i] * want[i];
            if (!isnan(worst) && !(d <= worst)) worst = d;
        }
        sv_check_one(c, what, norm > 0 ? worst / sqrt(norm) : worst, bound);
    }
}

static int patterns(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    struct sv_kmeans k = {0};
    int rc = sv_kmeans_lloyd(&k, cpu->pool, km_x, 60, 11, km_init, 4, SV_KMEANS_ITERS, e);
    if (rc) return rc;
    bool same = true;
    for (size_t i = 0; i < 60; i++) same = same && k.label[i] == km_label[i];
    sv_check_true(c, "k-means labels", same);
    sv_check_f64(c, "k-means centres", k.centre, km_centre, 44, 1e-14);
    sv_check_f64(c, "k-means objective", &k.objective, &km_objective, 1, 1e-12);
    sv_kmeans_free(&k);
    double score[9], frame[6], out[14], lo, hi;
    sv_score(cpu->pool, score, NULL, score_resp, 9, 11, km_empty_centre, 4);
    sv_check_f64(c, "score", score, score_out, 9, 1e-14);
    size_t at[14];
    for (size_t i = 0; i < 14; i++) at[i] = re_frame[i];
    sv_frame_scores(frame, 6, re_score, at, 14);
    sv_check_f64(c, "frame scores", frame, re_frames, 6, 0);
    sv_frame_range(&lo, &hi, frame, at, 14);
    for (int normal = 0; normal < 2; normal++) {
        struct sv_guide g;
        if ((rc = sv_guide_init(&g, "selftest", normal, NULL, 0, 0.22, 2, 30, 4, e))) return rc;
        sv_redefine(out, re_score, re_sim, 14, &g, 1, lo, hi);
        sv_check_f64(c, normal ? "normal text" : "abnormal text", out, normal ? re_normal : re_abnormal, 14, 1e-15);
    }
    return 0;
}

static int evaluation(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const size_t lens[4] = { 40, 25, 7, 3 };
    struct sv_auc_clip clip[2][4];
    struct sv_aucs aucs;
    double smooth[75];
    int rc;
    (void)cpu;
    for (size_t i = 0, at = 0; i < 4; at += lens[i++]) {
        clip[0][i] = (struct sv_auc_clip){ "selftest", auc_label + at, auc_score + at, lens[i] };
        clip[1][i] = (struct sv_auc_clip){ "selftest", auc_label + at, smooth + at, lens[i] };
        if ((rc = sv_smooth(smooth + at, auc_score + at, lens[i], 3, e))) return rc;
    }
    for (size_t i = 0; i < 2; i++) {
        if ((rc = sv_auc_all(clip[i], 4, &aucs, e))) return rc;
        const double got[3] = { aucs.micro, aucs.sentinel, aucs.skip };
        sv_check_f64(c, i ? "smoothed AUC" : "AUC", got, i ? auc_smooth : auc_raw, 3, 1e-13);
    }
    return 0;
}

static int tokenizer(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const char merges[] = "h e\nl l\nhe ll\nhell o</w>\nw o\nr l\nwo rl\nworl d</w>\nt h\nth e</w>\n\xc3\x83 \xc2\xa9</w>\nc a\n";
    static const struct { const char *text; int32_t id[8]; } row[] = {
        { "Hello,  WORLD!", { 524, 515, 267, 519, 256, 525 } },
        { "the &quot;caf\xc3\xa9&quot;", { 524, 521, 257, 523, 69, 522, 257, 525 } },
        { "", { 524, 525 } },
    };
    (void)cpu;
    struct sv_token *t = sv_token_new((const uint8_t *)merges, sizeof merges - 1, e);
    if (!t) return e->code;
    const struct sv_token_opts o = { SV_CLEAN_OPENAI, true, false, 8 };
    for (size_t i = 0; i < SV_LEN(row); i++) {
        int32_t ids[8];
        size_t n;
        const int rc = sv_token_encode(t, row[i].text, strlen(row[i].text), &o, ids, &n, e);
        if (rc) return sv_token_free(t), rc;
        sv_check_true(c, "ids", !memcmp(ids, row[i].id, sizeof ids));
    }
    sv_token_free(t);
    return 0;
}

static uint8_t texel(size_t x, size_t y, size_t c) { return (uint8_t)(5 * x + 3 * y + 70 * c + x * y / 7); }

/* Integer arithmetic throughout: one checksum for every machine.  The floats are a table of the bytes. */
static int preprocess(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    enum { W = 61, H = 47, S = 32 };
    static const struct { enum sv_mode mode; bool squash; uint32_t crc; } row[] = {
        { SV_RGB, false, 0x01b816d1 }, { SV_RGB, true, 0x917c2086 }, { SV_RGBA, false, 0xc14cd203 },
        { SV_GRAY, false, 0x101d2162 }, { SV_PALETTE, false, 0x75105642 },
    };
    static const float mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f }, std[3] = { 0.26862954f, 0.26130258f, 0.27577711f };
    float *out = sv_alloc(3 * S * S, sizeof *out, e);
    uint8_t rgb[3 * S * S];
    int rc = out ? 0 : SV_ENOMEM;
    (void)cpu;
    for (size_t i = 0; !rc && i < SV_LEN(row); i++) {
        struct sv_image im;
        if ((rc = sv_image_new(&im, W, H, row[i].mode, "selftest", e))) break;
        const size_t ch = sv_image_channels(im.mode);
        for (size_t p = 0; p < W * H * ch; p++) im.px[p] = texel(p / ch % W, p / ch / W, p % ch);
        for (size_t p = 0; p < 256; p++)
            for (size_t q = 0; q < 3; q++) im.palette[p][q] = (uint8_t)(p * (2 * q + 3));
        rc = sv_clip_pixels(&im, S, row[i].squash, mean, std, out, rgb, e);
        sv_image_free(&im);
        if (rc) break;
        sv_check_true(c, "resized bytes", sv_crc32(0, rgb, sizeof rgb) == row[i].crc);
        for (size_t p = 0; p < 3 * S * S; p++) {
            const size_t q = p / (S * S);
            const double want = ((double)rgb[p % (S * S) * 3 + q] / 255 - (double)mean[q]) / (double)std[q];
            sv_check_one(c, "normalised", fabs((double)out[p] - want), 1e-6);
        }
    }
    sv_free(out);
    return rc;
}

/* The bytes of a golden file; *n of them.  NULL: e says why. */
static uint8_t *unhex(const char *hex, size_t *n, struct sv_err *e) {
    *n = strlen(hex) / 2;
    uint8_t *p = sv_alloc(*n, 1, e);
    for (size_t i = 0; p && i < 2 * *n; i++) {
        const int v = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;
        p[i / 2] = (uint8_t)(p[i / 2] << 4 | v);
    }
    return p;
}

static int decode_hex(const char *hex, const char *name, struct sv_image *im, struct sv_err *e) {
    size_t n;
    uint8_t *p = unhex(hex, &n, e);
    *im = (struct sv_image){0};
    const int rc = p ? sv_image_decode(p, n, name, im, e) : SV_ENOMEM;
    sv_free(p);
    return rc;
}

static int png(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    struct sv_image im;
    const int rc = decode_hex(golden_png, "selftest PNG", &im, e);
    (void)cpu;
    if (rc) return rc;
    bool same = im.w == GOLDEN_PNG_W && im.h == GOLDEN_PNG_H && im.mode == SV_RGB;
    for (size_t i = 0; same && i < im.w * im.h * 3; i++) same = im.px[i] == (uint8_t)golden_png_at(i / 3 % im.w, i / 3 / im.w, i % 3);
    sv_check_true(c, "pixels", same);
    sv_image_free(&im);
    return 0;
}

static int jpeg(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    (void)cpu;
    for (size_t i = 0; i < SV_LEN(golden_jpeg); i++) {
        struct sv_image im;
        struct sv_sha256 s;
        uint8_t h[32], *rgb;
        char hex[65];
        const int rc = decode_hex(golden_jpeg[i].hex, golden_jpeg[i].name, &im, e);
        if (rc) return rc;
        if (!(rgb = sv_alloc(im.w * im.h, 3, e))) return sv_image_free(&im), SV_ENOMEM;
        sv_image_rgb(&im, rgb);
        sv_sha256_init(&s), sv_sha256_add(&s, rgb, im.w * im.h * 3), sv_sha256_done(&s, h);
        for (int b = 0; b < 32; b++) snprintf(hex + 2 * b, 3, "%02x", h[b]);
        sv_check_true(c, golden_jpeg[i].name, im.w == golden_jpeg[i].w && im.h == golden_jpeg[i].h && !strcmp(hex, golden_jpeg[i].sha));
        sv_free(rgb), sv_image_free(&im);
    }
    return 0;
}

static int pnm(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const char p3[] = "P3 # plain\n2 1 15\n0 5 15  1 2 3\n";
    struct sv_image im;
    const int rc = sv_image_decode((const uint8_t *)p3, sizeof p3 - 1, "selftest PNM", &im, e);
    (void)cpu;
    if (rc) return rc;
    sv_check_true(c, "P3", im.w == 2 && im.h == 1 && !memcmp(im.px, (const uint8_t[]){ 0, 85, 255, 17, 34, 51 }, 6));
    sv_image_free(&im);
    return 0;
}

/* BT.601's black, white, red and green, one frame of one pixel each. */
static int y4m(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const char head[] = "YUV4MPEG2 W1 H1 F25:1 C444\n";
    static const uint8_t yuv[4][3] = {{ 16, 128, 128 }, { 235, 128, 128 }, { 81, 90, 240 }, { 145, 54, 34 }};
    static const uint8_t want[4][3] = {{ 0, 0, 0 }, { 255, 255, 255 }, { 254, 0, 0 }, { 0, 255, 1 }};
    uint8_t file[128], rgb[3];
    size_t n = sizeof head - 1;
    struct sv_stream in;
    struct sv_y4m y;
    int rc;
    (void)cpu;
    memcpy(file, head, n);
    for (size_t i = 0; i < 4; i++) memcpy(file + n, "FRAME\n", 6), memcpy(file + n + 6, yuv[i], 3), n += 9;
    if ((rc = sv_stream_mem(&in, file, n, "selftest Y4M", e)) || (rc = sv_y4m_open(&y, &in, e))) return rc;
    for (size_t i = 0; i < 4 && (rc = sv_y4m_next(&y, e)) == 1; i++) {
        sv_y4m_rgb(&y, rgb);
        sv_check_true(c, "colour", !memcmp(rgb, want[i], 3));
    }
    if (rc == 1) rc = sv_y4m_next(&y, e);
    sv_y4m_close(&y);
    return rc;
}

static int checksums(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const uint8_t abc[8] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
    struct sv_sha256 s;
    uint8_t h[32];
    (void)cpu, (void)e;
    sv_check_true(c, "CRC-32", sv_crc32(0, "123456789", 9) == 0xcbf43926);
    sv_check_true(c, "CRC-32C", sv_crc32c(0, "123456789", 9) == 0xe3069283);
    sv_check_true(c, "Adler-32", sv_adler32(1, "123456789", 9) == 0x091e01de);
    sv_sha256_init(&s), sv_sha256_add(&s, "abc", 3), sv_sha256_done(&s, h);
    sv_check_true(c, "SHA-256", !memcmp(h, abc, sizeof abc));
    return 0;
}

static int inflate(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    char want[GOLDEN_GZIP_NUMBERS * 5];
    size_t n, got, at = 0;
    uint8_t *p = unhex(golden_gzip, &n, e), *out = NULL;
    (void)cpu;
    const int rc = p ? sv_inflate(p, n, SV_GZIP, 1 << 16, &out, &got, NULL, "selftest gzip", e) : SV_ENOMEM;
    sv_free(p);
    if (rc) return rc;
    for (int i = 0; i < GOLDEN_GZIP_NUMBERS; i++) at += (size_t)snprintf(want + at, sizeof want - at, "%d ", i);
    sv_check_true(c, "text", got == at && !memcmp(out, want, at));
    sv_free(out);
    return 0;
}

/* A number is read, written in as few digits as it needs, and read back, whatever the locale. */
static int json(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const char text[] = "{\"n\": [0.1, -1e23, 5e-324, 1.7976931348623157e308], \"t\": \"\\u00e9\\ud83d\\ude00\"}";
    static const double want[4] = { 0.1, -1e23, 5e-324, 1.7976931348623157e308 };
    struct sv_json j;
    char digits[SV_NUM_TEXT];
    double v = 0, back = 0;
    const int rc = sv_json_parse(&j, text, sizeof text - 1, "selftest JSON", e);
    (void)cpu;
    if (rc) return rc;
    const struct sv_json_node *list = sv_json_get(j.root, "n"), *n = list ? list->child : NULL;
    for (size_t i = 0; i < 4; i++, n = n ? n->next : NULL) {
        sv_check_true(c, "number", sv_json_real(n, &v) && v == want[i]);
        sv_check_true(c, "digits", sv_num_real(digits, sv_num_text(v, digits), &back) && back == want[i]);
    }
    const char *t = sv_json_text(sv_json_get(j.root, "t"));
    sv_check_true(c, "text", t && !strcmp(t, "\xc3\xa9\xf0\x9f\x98\x80"));
    sv_json_free(&j);
    return 0;
}

/* Read, and every byte is under a checksum or known to be zero: any flip is found. */
static int container(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    struct sv_store s = {0};
    size_t n, found = 0;
    uint8_t *p = unhex(golden_container, &n, e);
    (void)cpu;
    if (!p) return SV_ENOMEM;
    char name[] = "selftest container";
    const struct sv_file f = { .data = p, .size = n, .name = name };
    int rc = sv_store_init(&s, name, e);
    if (!rc) rc = sv_container_read(&f, "model", &s, e);
    if (!rc) rc = sv_container_verify(&f, e);
    if (!rc) {
        double real = 0;
        const struct sv_view *v = sv_store_find(&s, "w.f32");
        sv_check_true(c, "values", !sv_store_get_real(&s, "a.real", 0, 9, &real, NULL) && real == 4.605170185988092);
        sv_check_true(c, "tensors", s.views == 8 && v && v->rank == 2 && v->dim[0] == 2 && v->dim[1] == 3);
        for (size_t i = 0; !rc && i < n; i++) {
            p[i] ^= 1;
            const int why = sv_container_verify(&f, NULL);
            if (why == SV_ENOMEM) rc = sv_fail(e, why, "selftest container: out of memory");
            found += why == SV_EINPUT;
            p[i] ^= 1;
        }
        if (!rc) sv_check_true(c, "a flipped bit is not found", found == n);
    }
    sv_store_free(&s), sv_free(p);
    return rc;
}

static int safetensors(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    static const char head[] = "{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}";
    uint8_t file[96] = { sizeof head - 1 };
    float v[2] = {0};
    struct sv_store s = {0};
    (void)cpu;
    memcpy(file + 8, head, sizeof head - 1);
    memcpy(file + 8 + sizeof head - 1, (const uint8_t[]){ 0x80, 0x3f, 0x20, 0xc0 }, 4);
    int rc = sv_store_init(&s, "selftest safetensors", e);
    if (!rc) rc = sv_safetensors_read(file, 8 + sizeof head - 1 + 4, &s, e);
    const struct sv_view *a = rc ? NULL : sv_store_find(&s, "a");
    if (a && a->count == 2) sv_view_f32(a, 0, 2, v);
    if (!rc) sv_check_true(c, "bf16", v[0] == 1 && v[1] == -2.5f);
    sv_store_free(&s);
    return rc;
}

enum { JOBS = 3000, ITEMS = 61 };
struct jobs { uint32_t number, seen[ITEMS]; };

/* Each share of each job takes another time, so that now a worker and now the caller waits for so long that it falls asleep. */
static void visit(void *arg, size_t begin, size_t end, size_t thread) {
    struct jobs *j = arg;
    uint64_t seed = j->number * 64 + thread;
    volatile uint32_t left = j->number % 8 ? 50 : (uint32_t)(sv_rng_unit(&seed) * 60000);
    while (left) left--;
    for (size_t i = begin; i < end; i++) j->seen[i]++;
}

/* Every item of every job once, whatever thread came first. */
static int threads(const struct sv_cpu *cpu, struct sv_check *c, struct sv_err *e) {
    struct jobs j = {0};
    (void)e;
    for (; j.number < JOBS; j.number++) sv_pool_for(cpu->pool, ITEMS, visit, &j);
    bool once = true;
    for (size_t i = 0; i < ITEMS; i++) once = once && j.seen[i] == JOBS;
    sv_check_true(c, "items visited", once);
    return 0;
}

/* per_table: once for each kernel table. */
static const struct { const char *name; bool per_table; int (*run)(const struct sv_cpu *, struct sv_check *, struct sv_err *); } stages[] = {
    { "kernels", true, sv_selftest_kernels }, { "gemm", true, sv_selftest_gemm }, { "image tower", true, sv_selftest_image_tower }, { "text tower", true, sv_selftest_text_tower },
    { "fusion", true, sv_selftest_fusion }, { "responses", true, sv_selftest_responses },
    { "threads", false, threads }, { "patterns", false, patterns }, { "evaluation", false, evaluation }, { "tokenizer", false, tokenizer },
    { "preprocess", false, preprocess }, { "png", false, png }, { "jpeg", false, jpeg }, { "pnm", false, pnm }, { "y4m", false, y4m },
    { "checksums", false, checksums }, { "inflate", false, inflate }, { "json", false, json }, { "container", false, container },
    { "safetensors", false, safetensors },
};

struct tally { size_t stages, failed; int rc; };

static void run_stage(size_t i, const struct sv_cpu *cpu, const struct sv_common *o, struct tally *t) {
    struct sv_check c = {0};
    struct sv_err e = {0};
    const int rc = stages[i].run(cpu, &c, &e);
    const bool ok = !rc && c.n && !c.failed;
    const char *isa = stages[i].per_table ? cpu->kern->isa : "any", *what = rc ? e.msg : c.what ? c.what : "nothing was compared";
    t->stages++, t->failed += !ok;
    if (rc == SV_ENOMEM) t->rc = rc;
    if (!o->json) {
        printf("%-4s %-12s %-7s deviation %-9.3g bound %-9.3g %s\n", ok ? "ok" : "FAIL", stages[i].name, isa, sv_num_shown(c.worst), c.bound, what);
        return;
    }
    struct sv_json_out j = { .e = &e };
    sv_json_open(&j, NULL, '{');
    sv_json_put_text(&j, "stage", stages[i].name), sv_json_put_text(&j, "isa", isa), sv_json_put_bool(&j, "ok", ok);
    sv_json_put_real(&j, "deviation", c.worst), sv_json_put_real(&j, "bound", c.bound), sv_json_put_text(&j, "at", what);
    sv_json_close(&j);
    if (j.rc) t->rc = j.rc;
    else fputs(j.text, stdout);
    sv_free(j.text);
}

int sv_tool_selftest(int argc, char **argv, struct sv_err *e) {
    static const struct sv_usage usage = {
        "selftest", "[options]", "Checks every stage against numbers compiled in, for every kernel table this machine can run\n"
        "(--isa: for that one).  Reads and writes no file.  Exit code 3 if a stage fails.", "svad selftest --threads 1", 0, 0,
    };
    struct sv_common o = {0};
    const struct sv_opt opt[] = { SV_COMMON(&o) };
    struct sv_list args = {0};
    struct sv_cpu cpu = {0};
    struct tally t = {0};
    int rc = sv_opt_parse(&usage, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc && args.n) rc = sv_fail(e, SV_EUSAGE, "selftest: takes no arguments, found \"%s\"", args.item[0]);
    sv_list_free(&args);
    if (rc || (rc = sv_cpu_open(&cpu, &o, e))) return rc > 0 ? 0 : rc;
    const struct sv_kern *const one[2] = { cpu.kern, NULL }, *const *table = sv_isa_asked(&o) ? one : sv_kern_usable();
    for (; *table; table++) {
        cpu.kern = *table;
        for (size_t i = 0; i < SV_LEN(stages); i++)
            if (stages[i].per_table) run_stage(i, &cpu, &o, &t);
    }
    for (size_t i = 0; i < SV_LEN(stages); i++)
        if (!stages[i].per_table) run_stage(i, &cpu, &o, &t);
    sv_cpu_close(&cpu);
    if (o.json) printf("{\"stages\": %zu, \"failed\": %zu}\n", t.stages, t.failed);
    else printf("selftest: %zu stages, %zu failed\n", t.stages, t.failed);
    if (t.rc) return sv_fail(e, t.rc, "selftest: out of memory, %zu of %zu stages failed", t.failed, t.stages);
    return t.failed ? sv_fail(e, SV_ECHECK, "selftest: %zu of %zu stages failed", t.failed, t.stages) : 0;
}
