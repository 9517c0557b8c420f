/* Every operation with each of its allocations failing. */
#include "clip/clip.h"
#include "clip/image.h"
#include "clip/token.h"
#include "core/rng.h"
#include "io/boxes.h"
#include "io/checkpoint.h"
#include "io/container.h"
#include "io/convert.h"
#include "io/csv.h"
#include "io/image.h"
#include "io/inflate.h"
#include "io/jpeg_write.h"
#include "io/json.h"
#include "io/labels.h"
#include "io/npy.h"
#include "io/png_write.h"
#include "io/pnm.h"
#include "io/safetensors.h"
#include "io/scores.h"
#include "io/torch.h"
#include "io/video.h"
#include "io/vocab.h"
#include "io/y4m.h"
#include "io/zip.h"
#include "kmeans/calibrate.h"
#include "kmeans/auc.h"
#include "kmeans/kmeans.h"
#include "tests/chart.h"
#include "tests/oom.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tfc/tube.h"
#include "tools/actions.h"
#include "tools/golden_files.h"
#include "tools/scene.h"
#include "tools/selftest.h"
#include "tools/tool.h"
#include "tools/train_set.h"
#include "tools/world/measure.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

static char dir[4100], path[4300];
static struct sv_store model;           /* random */

static const char *in(const char *name) {
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void setup(void) {
    struct sv_clip_config g;
    cr_assert(temp_dir() && !sv_store_init(&model, "random", NULL) && sv_clip_family(&g, "tiny") && !sv_clip_random(&model, &g, 1, NULL));
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
}

static void teardown(void) { sv_store_free(&model); }

static uint8_t bytes[1 << 16];
static size_t unhex(const char *hex) {
    const size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        const char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };
        bytes[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

static int decode(size_t n, const char *name, struct sv_err *e) {
    struct sv_image im = {0};
    const int rc = sv_image_decode(bytes, n, name, &im, e);
    cr_expect(!rc == (im.px != NULL));
    sv_image_free(&im);
    return rc;
}

static int png(struct sv_err *e) { return decode(unhex(golden_png), "a.png", e); }
static int jpegs(struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && i < SV_LEN(golden_jpeg); i++) rc = decode(unhex(golden_jpeg[i].hex), golden_jpeg[i].name, e);
    return rc;
}
static int pnm(struct sv_err *e) {
    memcpy(bytes, "P5 3 2 255\nabcdef", 17);
    return decode(17, "a.pgm", e);
}
static int bmp(struct sv_err *e) {
    static const char hex[] = "424d3a000000000000003600000028000000010000000100000001001800000000000000000000000000000000000000000000000000"
        "010203";
    return decode(unhex(hex), "a.bmp", e);
}

/* Pictures written by libtiff: JPEG that is turned, fax, deflate that is turned. */
static const char *const tiffs[] = {
    "49492a002e000000ffd8ffc0000b080008000801011100ffda0008010100003f006d9fc1ee9fe8dff8ed7fffd9000b0000010300010000000800000001010300010000000800"
    "00000201030001000000080000000301030001000000070000000601030001000000010000001101040001000000080000001201030001000000060000001601030001000000"
    "080000001701040001000000250000001c01030001000000010000005b01070021010000b800000000000000ffd8ffdb004300080606070605080707070909080a0c140d0c0b"
    "0b0c1912130f141d1a1f1e1d1a1c1c20242e2720222c231c1c2837292c30313434341f27393d38323c2e333432ffc4001f000001050101010101010000000000000000010203"
    "0405060708090a0bffc400b5100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a1617"
    "18191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6"
    "a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffd9",
    "49492a001800000026aacaf65732b1956c15856ae002002009000001030001000000090000000101030001000000090000000201030001000000010000000301030001000000"
    "040000000601030001000000010000001101040001000000080000001601030001000000090000001701040001000000100000001c010300010000000100000000000000",
    "49492a0054000000789c014000bfff0004080c1014181c2024282c3034383c4044484c5054585c6064686c7074787c8084888c9094989ca0a4a8acb0b4b8bcc0c4c8ccd0d4d8"
    "dce0e4e8ecf0f4f8fcaade1f81000a00000103000100000008000000010103000100000008000000020103000100000008000000030103000100000008000000060103000100"
    "00000100000011010400010000000800000012010300010000000200000016010300010000000800000017010400010000004b0000001c010300010000000100000000000000",
};
static int tiff(struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && i < SV_LEN(tiffs); i++) rc = decode(unhex(tiffs[i]), "a.tif", e);
    return rc;
}

static int image_file(struct sv_err *e) {
    struct sv_image im = {0};
    const int rc = sv_image_load(in("clip/f00.ppm"), &im, e);
    sv_image_free(&im);
    return rc;
}
static int pnm_out(struct sv_err *e) { return sv_pnm_write(in("out.ppm"), 4, 4, bytes, e); }

static int png_out(struct sv_err *e) { return sv_png_write(in("out.png"), 40, 30, 3, bytes, e); }

static int jpeg_out(struct sv_err *e) {
    uint8_t *out;
    size_t n;
    const int rc = sv_jpeg_encode(40, 30, 3, bytes, 80, &out, &n, e);
    sv_free(out);
    return rc;
}

static int gzip(struct sv_err *e) {
    uint8_t *out;
    size_t n = unhex(golden_gzip);
    const int rc = sv_inflate(bytes, n, SV_GZIP, 1 << 20, &out, &n, NULL, "a.gz", e);
    sv_free(out);
    return rc;
}

static int json(struct sv_err *e) {
    static const char text[] = "{\"a\": [1, 2.5, {\"b\": \"\\u00e9\"}], \"c\": null}";
    struct sv_json j = {0};
    int rc = sv_json_parse(&j, text, sizeof text - 1, "a.json", e);
    struct sv_json_out o = { .e = e };
    if (!rc) {
        sv_json_open(&o, NULL, '{');
        for (int i = 0; i < 200; i++) sv_json_put_real(&o, "number", i / 7.0);
        sv_json_close(&o);
        rc = o.rc;
    }
    sv_json_free(&j), sv_free(o.text);
    return rc;
}

static int safetensors(struct sv_err *e) {
    struct sv_file f = {0};
    struct sv_store s = {0};
    int rc = sv_store_init(&s, "a.safetensors", e);
    if (!rc) rc = sv_file_read(&f, in("model.safetensors"), 1 << 24, e);
    if (!rc) rc = sv_safetensors_read(f.data, f.size, &s, e);
    sv_store_free(&s), sv_file_close(&f);
    return rc;
}

static int checkpoint(const char *name, struct sv_err *e) {
    struct sv_file f = {0};
    struct sv_store s = {0};
    int rc = sv_store_init(&s, name, e);
    if (!rc) rc = sv_file_map(&f, name, e);
    if (!rc) rc = sv_checkpoint_read(&f, &s, e);
    sv_store_free(&s), sv_file_close(&f);
    return rc;
}
static int torch(struct sv_err *e) { return checkpoint("tests/golden/checkpoint.pt", e); }
static int torchscript(struct sv_err *e) { return checkpoint("tests/golden/torchscript.pt", e); }

static int npy(struct sv_err *e) {
    static const float v[6] = { 1, 2, 3, 4, 5, 6 };
    struct sv_file f = {0};
    struct sv_store s = {0};
    int rc = sv_npy_write(in("a.npy"), SV_F32, 2, (const size_t[]){ 2, 3 }, v, e);
    if (!rc) rc = sv_store_init(&s, "a.npy", e);
    if (!rc) rc = sv_file_read(&f, in("a.npy"), 1 << 20, e);
    if (!rc) rc = sv_npy_read(f.data, f.size, &s, e);
    sv_store_free(&s), sv_file_close(&f);
    return rc;
}

static int container(struct sv_err *e) {
    struct sv_file f = {0};
    struct sv_store s = {0};
    int rc = sv_file_map(&f, "tests/golden/v1.svad", e);
    if (!rc) rc = sv_store_init(&s, f.name, e);
    if (!rc) rc = sv_container_read(&f, "model", &s, e);
    if (!rc) rc = sv_container_verify(&f, e);
    if (!rc) rc = sv_container_write(in("again.svad"), "model", &s, e);
    sv_store_free(&s), sv_file_close(&f);
    return rc;
}

static int convert(struct sv_err *e) {
    struct sv_file f = {0};
    struct sv_store s = {0};
    struct sv_convert c = {0};
    struct sv_vocab v = {0};
    const struct sv_convert_options o = { .act = "quick", .dtype = SV_F16 };
    int rc = sv_file_map(&f, in("model.safetensors"), e);
    if (!rc) rc = sv_store_init(&s, f.name, e);
    if (!rc) rc = sv_checkpoint_read(&f, &s, e);
    if (!rc) rc = sv_convert_plan(&c, &s, &o, e);
    if (!rc) rc = sv_vocab_find(&v, dir, c.vocab, e);
    if (!rc) rc = sv_store_add(&c.out, "clip.merges", SV_U8, 1, &v.bytes, v.merges, v.bytes, e);
    if (!rc) rc = sv_container_stream(in("c.svad"), "model", &c.out, &(struct sv_filler){ sv_convert_fill, &c }, e);
    sv_vocab_free(&v), sv_convert_free(&c), sv_store_free(&s), sv_file_close(&f);
    return rc;
}

static int zip(struct sv_err *e) {
    struct sv_file f = {0};
    struct sv_zip z = {0};
    int rc = sv_file_read(&f, "tests/golden/checkpoint.pt", 1 << 20, e);
    if (!rc) rc = sv_zip_open(&z, f.data, f.size, "a.zip", e);
    sv_zip_close(&z), sv_file_close(&f);
    return rc;
}

static int token(struct sv_err *e) {
    static const char text[] = "\xef\xac\x81rst &amp; \xe2\x80\x9cWALKING\xe2\x80\x9d &lt;b&gt; Caf\x65\xcc\x81 run";
    const struct sv_token_opts o = { SV_CLEAN_OPENAI, true, true, 77 };
    int32_t ids[77];
    size_t n;
    struct sv_token *t = sv_token_new((const uint8_t *)tiny_merges + 14, sizeof tiny_merges - 15, e);
    const int rc = t ? sv_token_encode(t, text, sizeof text - 1, &o, ids, &n, e) : SV_ENOMEM;
    sv_token_free(t);
    return rc;
}

static int clip(struct sv_err *e) {
    const struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = NULL };
    struct sv_clip *m = sv_clip_open(&model, &cpu, SV_CLIP_IMAGE | SV_CLIP_TEXT, 2, e);
    sv_clip_free(m);
    return m ? 0 : SV_ENOMEM;
}

static int stage(int (*run)(const struct sv_cpu *, struct sv_check *, struct sv_err *), struct sv_err *e) {
    const struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = NULL };
    struct sv_check c = {0};
    return run(&cpu, &c, e);
}
static int image_tower(struct sv_err *e) { return stage(sv_selftest_image_tower, e); }
static int fusion(struct sv_err *e) { return stage(sv_selftest_fusion, e); }
static int responses(struct sv_err *e) { return stage(sv_selftest_responses, e); }
static int gemm(struct sv_err *e) { return stage(sv_selftest_gemm, e); }

static int pixels(struct sv_err *e) {
    static const float mean[3] = { 0.5f, 0.5f, 0.5f };
    static const enum sv_mode modes[] = { SV_GRAY, SV_GRAY_ALPHA, SV_RGB, SV_RGBA, SV_PALETTE };
    static float out[3 * 8 * 8];
    int rc = 0;
    for (size_t i = 0; !rc && i < SV_LEN(modes); i++) {
        struct sv_image im = {0};
        rc = sv_image_new(&im, 21, 17, modes[i], "a.png", e);
        if (!rc) rc = sv_clip_pixels(&im, 8, false, mean, mean, out, NULL, e);
        sv_image_free(&im);
    }
    struct sv_crop c = {0};
    if (!rc) rc = sv_crop_init(&c, 8, 30, 20, mean, mean, e);
    sv_crop_free(&c);
    return rc;
}

static int kmeans(struct sv_err *e) {
    float x[40 * 5];
    uint64_t seed = 3;
    for (size_t i = 0; i < 200; i++) x[i] = (float)sv_rng_unit(&seed);
    struct sv_kmeans k = {0};
    const int rc = sv_kmeans_fit(&k, NULL, x, 40, 5, 4, 1, e);
    sv_kmeans_free(&k);
    return rc;
}

static int thresholds(struct sv_err *e) {
    static const double sorted[30] = { [20] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
    static const int32_t block[1] = { 30 };
    const struct sv_footage f = { sorted, 30, block, 1, 10 };
    struct sv_normal d;
    struct sv_threshold t;
    const int rc = sv_normal_init(&d, sorted, 30, e);
    return rc ? rc : sv_alarm_threshold(&t, &f, &(struct sv_alarm_rule){ 1, 2 }, 1, e);
}

static int auc(struct sv_err *e) {
    static const uint8_t label[4] = { 0, 1, 0, 1 };
    static const double score[4] = { 0.1, 0.7, 0.3, 0.2 };
    const struct sv_auc_clip c = { "c", label, score, 4 };
    struct sv_aucs all;
    double out[4];
    struct sv_roc_point roc[8];
    size_t n;
    int rc = sv_auc_all(&c, 1, &all, e);
    if (!rc) rc = sv_roc(&c, 1, roc, 8, &n, e);
    return rc ? rc : sv_smooth(out, score, 4, 2, e);
}

static int boxes(struct sv_err *e) {
    struct sv_boxes b = {0};
    const int rc = sv_boxes_read(&b, in("boxes.txt"), 0.5, e);
    sv_boxes_free(&b);
    return rc;
}

/* A folder of YOLO files, of MOT files, COCO's results and images. */
static int detections(struct sv_err *e) {
    static const struct { const char *folder, *name, *text; } file[] = {
        { "yolo/clip", "f01.txt", "0 0.5 0.5 0.5 0.5 0.9\n" }, { "mot", "clip.txt", "2,1,1,1,5,5,0.9\n1,1,1,1,5,5,0.9\n" },
        { "coco", "r.json", "[{\"image_id\": 1, \"bbox\": [1, 1, 2, 2]}]" }, { "coco", "i.json", "{\"images\": [{\"id\": 1, \"file_name\": \"clip/f02.jpg\"}]}" },
    };
    static char clip[8] = "clip", folder[4200];
    struct sv_clip_path item = { clip, folder };
    const struct sv_clip_list clips = { &item, 1, 1 };
    int rc = 0;
    snprintf(folder, sizeof folder, "%s/clip", dir);
    for (size_t i = 0; !rc && i < SV_LEN(file); i++) {
        struct sv_boxes b = {0};
        mkdir(in("yolo"), 0777), mkdir(in(file[i].folder), 0777);
        cr_assert_eq(tiny_write(path, file[i].name, file[i].text, strlen(file[i].text)), 0);
        if (i == 2) continue;
        rc = sv_boxes_read_of(&b, in((const char *[]){ "yolo", "mot", "", "coco" }[i]), &clips, 0.5, e);
        cr_expect(rc || b.n == (i == 1 ? 2 : 1));
        sv_boxes_free(&b);
    }
    return rc;
}

static int labels(struct sv_err *e) {
    struct sv_labels l = {0};
    const int rc = sv_labels_read(&l, in("labels.txt"), e);
    sv_labels_free(&l);
    return rc;
}

static int scores(struct sv_err *e) {
    static const double score[3] = { 0.25, 1.0 / 3, 0 };
    const struct sv_object_row row = { 1, 1, 2, 3, 4, -1, 0.25, "walk, \"run\"", 0.5f };
    struct sv_out o = { .fd = -1 };
    struct sv_scores s = {0};
    struct sv_objects x = {0};
    int rc = sv_scores_open(&o, in("scores.csv"), e);
    if (!rc) rc = sv_scores_put(&o, "a", score, 3, e);
    if (!rc) rc = sv_scores_put(&o, "b", score, 2, e);
    if (!rc) rc = sv_out_commit(&o, e);
    if (!rc) rc = sv_objects_open(&o, in("objects.csv"), e);
    if (!rc) rc = sv_objects_put(&o, "a", &row, 1, e);
    if (!rc) rc = sv_out_commit(&o, e);
    sv_out_drop(&o);
    if (!rc) rc = sv_scores_read(&s, in("scores.csv"), e);
    if (!rc) rc = sv_objects_read(&x, in("objects.csv"), e);
    sv_scores_free(&s), sv_objects_free(&x);
    return rc;
}

static int y4m(struct sv_err *e) {
    static const char head[] = "YUV4MPEG2 W4 H2 F25:1 C420\nFRAME\n";
    struct sv_y4m y = { .in.fd = -1 };
    struct sv_stream mem, file;
    memcpy(bytes, head, sizeof head - 1);
    int rc = sv_stream_mem(&mem, bytes, sizeof head - 1 + 12, "a.y4m", e);
    if (!rc) rc = sv_y4m_open(&y, &mem, e);
    if (!rc && (rc = sv_y4m_next(&y, e)) == 1) rc = 0;
    sv_y4m_close(&y);
    cr_assert_eq(tiny_write(dir, "a.y4m", bytes, sizeof head - 1 + 12), 0);
    if (!rc && !(rc = sv_stream_open(&file, in("a.y4m"), e))) rc = sv_y4m_open(&y, &file, e);
    sv_y4m_close(&y);
    return rc;
}

/* One frame, whose JPEG is the self-test's first. */
static int avi(struct sv_err *e) {
    static const char head[] =
        "5249464600000000415649204c495354000000007374726c"
        "7374726838000000766964734d4a5047000000000000000000000000010000001900000000000000010000000000000000000000000000000000000000000000"
        "7374726628000000280000000000000000000000010018004d4a50470000000000000000000000000000000000000000"
        "4c495354000000006d6f766930306463";
    static uint8_t rgb[1 << 14];
    struct sv_video v = {0};
    const size_t n = unhex(head), jpeg_n = strlen(golden_jpeg[0].hex) / 2;
    memcpy(rgb, bytes, n);
    for (size_t i = 0; i < 4; i++) rgb[n + i] = (uint8_t)(jpeg_n >> 8 * i);
    unhex(golden_jpeg[0].hex);
    memcpy(rgb + n + 4, bytes, jpeg_n);
    cr_assert_eq(tiny_write(dir, "a.avi", rgb, n + 4 + jpeg_n), 0);
    int rc = sv_video_open(&v, in("a.avi"), e);
    if (!rc && (rc = sv_video_next(&v, rgb, e)) == 1) rc = sv_video_next(&v, rgb, e);
    sv_video_close(&v);
    return rc;
}

static int video(struct sv_err *e) {
    static uint8_t rgb[24 * 18 * 3];
    struct sv_video v = {0};
    struct sv_clip_list l = {0};
    int rc = sv_clip_list_add(&l, in("clip"), e);
    if (!rc) rc = sv_video_open(&v, l.item[0].path, e);
    while (!rc && (rc = sv_video_next(&v, rgb, e)) > 0) rc = 0;
    sv_video_close(&v), sv_clip_list_free(&l);
    return rc;
}

static int ring(struct sv_err *e) {
    struct sv_ring r = {0};
    const int rc = sv_ring_init(&r, 5, 100, e);
    sv_ring_free(&r);
    return rc;
}

static int actions(struct sv_err *e) {
    struct sv_actions a = {0}, b = {0};
    int rc = sv_actions_load(&a, NULL, e);
    if (!rc) rc = sv_actions_load(&b, in("actions.txt"), e);
    sv_actions_free(&a), sv_actions_free(&b);
    return rc;
}

static int train_set(struct sv_err *e) {
    struct sv_tubes t = {0};
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    const struct sv_common common = { .quiet = true, .threads = 1 };
    const struct sv_list none = {0};
    struct sv_train_list l = {0};
    struct sv_train_set s = {0};
    char m[4300];
    snprintf(m, sizeof m, "%s/m.svad", dir);
    o.model = m, o.frames = 3;
    int rc = sv_tubes_open(&t, &o, &common, &none, NULL, true, e);
    if (!rc) rc = sv_train_list_read(&l, in("list.csv"), e);
    if (!rc) rc = sv_train_set_make(in("c.tubes"), &t, &l, 0, SV_F16, &common, e);
    if (!rc) rc = sv_train_set_open(&s, in("c.tubes"), e);
    sv_train_set_close(&s), sv_train_list_free(&l), sv_tubes_close(&t);
    return rc;
}

static int pool(struct sv_err *e) {
    struct sv_pool *p = sv_pool_new(3, e);
    sv_pool_free(p);
    return p ? 0 : SV_ENOMEM;
}

static int options(struct sv_err *e) {
    char *argv[] = { (char *)"x", (char *)"a", (char *)"-t", (char *)"1", (char *)"--", (char *)"b", (char *)"c", (char *)"d",
                     (char *)"e", (char *)"f", (char *)"g", (char *)"h", (char *)"i", (char *)"j" };
    const struct sv_usage u = { "x", "", "", "", 0, 0 };
    struct sv_list args = {0}, texts = {0};
    const struct sv_opt opt[] = { { "t", SV_OPT_LIST, &texts, "T", "", 0, 0 } };
    const int rc = sv_opt_parse(&u, opt, 1, (int)SV_LEN(argv), argv, &args, e);
    sv_list_free(&args), sv_list_free(&texts);
    return rc;
}

static int folder(struct sv_err *e) {
    struct sv_dir d = {0};
    int rc = sv_mkdirs(in("made/of/folders"), e);
    if (!rc) rc = sv_dir_list(&d, dir, e);
    sv_dir_free(&d);
    return rc;
}

static int worlds(struct sv_err *e) {
    struct sv_measures m = {0};
    const int rc = sv_measure_worlds(&m, 3, e);
    sv_measures_free(&m);
    return rc;
}

static const struct { const char *name; int (*run)(struct sv_err *); } ops[] = {
#define OP(f) { #f, f }
    OP(png), OP(jpegs), OP(pnm), OP(bmp), OP(tiff), OP(image_file), OP(pnm_out), OP(png_out), OP(jpeg_out), OP(gzip), OP(json), OP(safetensors), OP(torch), OP(torchscript),
    OP(npy), OP(container), OP(convert), OP(zip), OP(token), OP(clip), OP(image_tower), OP(fusion), OP(responses), OP(gemm), OP(pixels), OP(kmeans),
    OP(thresholds), OP(auc), OP(boxes), OP(detections), OP(labels), OP(scores), OP(y4m), OP(avi), OP(video), OP(ring), OP(actions), OP(pool), OP(options), OP(folder),
    OP(worlds),
#undef OP
};

Test(oom, every_allocation_may_fail, .init = setup, .fini = teardown) {
    for (size_t i = 0; i < SV_LEN(ops); i++) each_failure(ops[i].name, ops[i].run, ops[i].run == image_tower ? 8 : 64);
}

/* The commands, inside this process: a line's words, %s is the folder. */
static const char *line;

static int command(struct sv_err *e) {
    static const struct { const char *name; int (*run)(int, char **, struct sv_err *); } tools[] = {
#define X(name, about) { #name, sv_tool_##name },
        SV_TOOLS(X)
#undef X
    };
    char text[8192], *argv[32];
    int argc = 0;
    size_t at = 0;
    for (const char *p = line; *p; p++) at += (size_t)snprintf(text + at, sizeof text - at, "%s", *p == '%' ? dir : (char[]){ *p, 0 });
    for (char *p = strtok(text, " "); p && argc < 31; p = strtok(NULL, " ")) argv[argc++] = p;
    argv[argc] = NULL;
    for (size_t i = 0; i < SV_LEN(tools); i++)
        if (!strcmp(tools[i].name, argv[0])) return tools[i].run(argc, argv, e);
    return SV_EUSAGE;
}

Test(oom, commands, .init = setup, .fini = teardown) {
    static const char *const lines[] = {
        "convert %/model.safetensors --act quick -o %/m.svad --quiet", "convert %/model.safetensors --act quick --dtype i8 --calibrate %/clip -o %/m8.svad --quiet",
        "info %/m.svad --tensors", "info --json %/m.svad", "verify %/m.svad",
        "compare %/m.svad %/m.svad", "compare --embed %/clip/f00.ppm %/m.svad %/m.svad --quiet", "tokenize -m %/m.svad --json walk run", "embed -m %/m.svad --text walk --image %/clip/f00.ppm -o %/e.npy",
        "classify -m %/m.svad %/clip/f01.ppm --labels %/actions.txt", "preprocess -m %/m.svad %/clip/f02.ppm -o %/p.npy",
        "frames %/clip -o %/frames", "world --frames 9 --clips 2 --size 48x32 --anomalies all -o %/day --quiet", "boxes %/clip -o %/moving.txt --quiet",
        "extract -m %/m.svad %/clip --frames 3 --tubes track --boxes %/boxes.txt --add-motion -o %/tracks --quiet",
        "extract -m %/m.svad %/clip --frames 3 --boxes %/boxes.txt -o %/features --quiet",
        "fit -m %/m.svad %/clip --frames 3 --boxes %/boxes.txt --actions %/actions.txt --clusters 2 --prompts 3 --prompt-init run -o %/s.scene --quiet",
        "fit -m %/m.svad %/clip --frames 1 --fps 5 --boxes %/boxes.txt --actions %/actions.txt --clusters 2 --prompts 0 -o %/held.scene --quiet",
        "fit -m %/m.svad %/clip --frames 1 --fps 5 --patterns knn-both --with motion --tubes track --steady 2 --boxes %/boxes.txt --actions %/actions.txt --clusters 2 --prompts 0 -o %/heads.scene --quiet",
        "adapt -s %/heads.scene %/clip --fps 5 --boxes %/boxes.txt -o %/moved.scene --quiet",
        "adapt -s %/heads.scene -m %/m.svad %/clip --fps 5 --boxes %/boxes.txt -o %/moved.scene --quiet",
        "score -m %/m.svad -s %/heads.scene %/clip --fps 5 --boxes %/boxes.txt --dry-run --quiet",
        "pretrain -m %/m.svad %/list.csv --frames 3 --epochs 2 -o %/t.svad --quiet",
        "street -o %/w.svad --steps 1 --round 8 --batch 3 --width 32 --layers 1 --text-width 32 --text-layers 1 --embed 16 --merges 3 --worlds 1 --quiet --threads 1",
        "street --tubes %/w.tubes -m %/w.svad --worlds 1 --quiet --threads 1", "street --exam %/w.svad --worlds 1 --threads 1",
        "info %/s.scene", "score -m %/m.svad -s %/s.scene %/clip --boxes %/boxes.txt --abnormal run -o %/scores --quiet",
        "score -m %/m.svad -s %/held.scene %/clip --boxes %/boxes.txt --abnormal run --dry-run --quiet",
        "score -m %/m.svad -s %/s.scene %/scores --annotate %/drawn -o %/again --quiet",
        "eval %/scores --labels %/labels.txt", "report %/scores -o %/page.html --labels %/labels.txt --log %/log.json --before %/scores --quiet",
        "selftest --isa scalar --json", "bench kernels dot --quick --isa scalar --threads 1",
        "watch -m %/m.svad -s %/held.scene %/clip --boxes %/boxes.txt --alarm-score 1e-12 --min-length 0 --quiet",
        "watch -m %/m.svad -s %/held.scene %/clip --fps 5 --alarm-score 1e-12 --min-length 0 --snapshots %/shots --all --quiet",
        "watch -m %/m.svad -s %/heads.scene %/clip --fps 5 --boxes %/boxes.txt --alarm-score 1e-12 --min-length 0 --all --quiet",
        "bench roofline %/rows.json --svg %/chart.svg", "bench compare %/rows.json %/rows.json", "bench model --quick --size tiny,layers=1 --batch 1",
    };
    cr_assert(freopen("/dev/null", "w", stdout) && !tiny_write(dir, "rows.json", chart, sizeof chart - 1));
    cr_assert_eq(tiny_write(dir, "log.json", "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n", 46), 0);
    for (size_t i = 0; i < SV_LEN(lines); i++) {
        line = lines[i];
        each_failure(line, command, strstr(line, "selftest") ? 1 : 8);
        if (!i) each_failure("train_set", train_set, 8);
    }
}
