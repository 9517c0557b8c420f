#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "io/jpeg.h"
#include "io/jpeg_int.h"
#include "tests/util.h"

/* Written by libjpeg-turbo 2.1.5's cjpeg from synthetic pixels; the hashes are those of its djpeg -dct int. */
static const struct { const char *name; size_t w, h; const char *sha, *hex; } files[] = {
    { "gray", 11, 9, "4b7067f7cabaf6259948b3a41298214a39ad835944a687a0742cf0aab9586152",
      "ffd8ffe000104a46494600010100000100010000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f22"
      "21262b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffc0000b080009000b01011100ffc4001600010101000000000000"
      "00000000000000050204ffc40024100001040104000700000000000000000001020304112100050631122233377172b1ffda0008010100003f00"
      "96b89edbb1410f4d7588a902cb8f9c0c13d76a349552465546ba348a77de29112233cdcf5b8cf90acc5482bac788804513dd1008bc806c687e5d"
      "ef144fb45fd1ac4c7a08f8d7ffd9" },
    { "420", 21, 19, "fbd3b988db0184b7cb62052003862c01029ae73269eba5c79555b5a426051c60",
      "ffd8ffe000104a46494600010100000100010000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f22"
      "21262b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffdb0043010a0b0b0e0d0e1c10101c3b2822283b3b3b3b3b3b3b3b"
      "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3bffc00011080013001503012200021101"
      "031101ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b5100002010303020403050504040000017d01"
      "020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a4344"
      "45464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3"
      "b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffc4001f010003010101010101"
      "0101010000000000000102030405060708090a0bffc400b511000201020404030407050404000102770001020311040521310612415107617113"
      "22328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a63"
      "6465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8"
      "c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9faffda000c03010002110311003f009d1f47d36cddadf12b2e5410bf2971"
      "db71ea3a9f973d3dc55589b54bc58e349d5a3950eef98aa10473d0fcc4819c127192001d0388d1acdd12f2692491241130001200c821b380391d"
      "3393d7041e496f2f6f5dbec0a6219db1ec0771191d5ba8191fc38ce71938e0a70751b7ad46bed4b44bd3c97925dae28254a3eeaf669eb796b2b7"
      "4b2b6efc97cf503a4d9802daf268bce8d4332492a26d2c074271fdde9dbf1c92a68f4b6c19b519237790f05e565ce073cee04fe24d14bebd3868"
      "aaaf924d7c9dcca5468d47ced4e57ebdcc7d3c09ed5e495559a34665c81c1c7ff58574b72e74ef0f4b716988e589576b101b197507ae73c13f9d"
      "145659eb71ad4294748b7aae8f55baea2c0fefaad3954f79b9eb7d6fb77390d42e254b953bcbb3c4accd27cec4f2392727a01451457d1d2a54f9"
      "17babee23178cc4d3ad28c2a492ec9b5d0ffd9" },
    { "422 restart", 37, 9, "42a648d4ec1eef80f204b3af1584b8a0dcde8e1a3938a50733109d715ee1d20c",
      "ffd8ffe000104a46494600010100000100010000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f22"
      "21262b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffdb0043010a0b0b0e0d0e1c10101c3b2822283b3b3b3b3b3b3b3b"
      "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3bffc00011080009002503012100021101"
      "031101ffc400190000020301000000000000000000000000000301020406ffc4002d100002010204030509000000000000000001021103040005"
      "213106122235415173c1333461727483b2c2d1ffc400190101000203000000000000000000000000020103040506ffc4002f1100010105050508"
      "03000000000000000001020004112141030512345131356181b11314237172a1c1c2328291ffdd00040002ffda000c03010002110311003f007a"
      "3e4f96d9bb5bc556595042f4971ddcc771b9e99dbe231969366978b4e9a5756a7550f375154208d763d44813049892001b016295be46ddf24124"
      "902800f626703e5aec845925c104ad38ad2834e27e003a9da01161676766f4e9de32d4ad4c0634a399a4aec00037e5ef802649d7595cddaab22e"
      "5b4d929a886614c390499075e99e5111aea4f84e19ed1f484225635a628d7503411af0648b24e69f951c5384a26141c29414da047fffd04ae4f7"
      "b7f5aa579826012c4d42634d58c9274d761e006d831677dbaec3c25ae699192a9e421fc62abdef249825584680265ecd86f3db2fd37ab63abcbb"
      "b56dbc87fc97153feef3cfecd4bf6617eb5f50dfffd14f10769e6bf3ff0030fc8b67f2c7ae322efddffafd595f5f83b7a07c3538ebdd72bfbbfa"
      "60c6a6ebca239f52dd75cd91473ea5bfffd9" },
    { "440", 17, 18, "9beb8663b1b0a7b3620f973b13577bdeff9bed07ee1a40c464be5c0eb01731ce",
      "ffd8ffe000104a46494600010100000100010000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f22"
      "21262b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffdb0043010a0b0b0e0d0e1c10101c3b2822283b3b3b3b3b3b3b3b"
      "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3bffc00011080012001103011200021101"
      "031101ffc400190000030003000000000000000000000000000204030607ffc4002e10000103030301030d000000000000000001020311000431"
      "051222210655d11314151641425161829394d2f0ffc40017010003010000000000000000000000000003040506ffc4002e110001020304060b00"
      "000000000000000001021100032112315161040614417181334253548291a2b1b2c1f0ffda000c03010002110311003f00ce85e8fa6d9ad56f0e"
      "a932904278958f66e39193c671f315391a359ad08bc79c71c4381a500012009042a600ea313273041ea324a96ea9ab994b92181a64c2af76fa13"
      "4812244a6b69946ce2a379c033793be0615a56a97896db43e9536ea0eee4528208eb83c89026093124003019dbcbdbd5abcc125a13b5bd80ee22"
      "465590247bb1331263a329d1c816d12403792ac39659b0bc5cd07993562aa98940a304b1393b02698121a9be26f57355f833fdf4557e435fef07"
      "7f25cfde97dae6f6927f78a07b42bbcafd51025082f20142484ba400463823c68aa7a174a780f730feb1de788f8c6d3d9c4a4dada9290496104c"
      "8c93934541d67eaf2fb8cd498e7fe98d53bcaefefabc68a9f1b38fffd9" },
    { "rgb", 9, 8, "e204472b3419ca399215b1480845ef675241386f675d250383eaa76397e92f02",
      "ffd8ffee000e41646f626500640000000000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f222126"
      "2b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffc00011080008000903521100471100421100ffc40017000003010000"
      "000000000000000000000002030406ffc40029100001030204030900000000000000000001020311040500061221315595141516222392d1d3d4"
      "ffda000c03520047004200003f0016b29db6c5421ead758a548125c7cec36278715184aa12375418e062d174cb36bb73abb703717db2a6d05b41"
      "0da9d1034ea3129de6532206e7cc9050c665be5d6b4d252306d746eb69d48a64a56fa004a81f5081a7528c6a02469040d95367735939dde7a42f"
      "f3e31de37cc1cd2d5ec6fe707db2bf9eabab547db8ffd9" },
    { "wide quant", 9, 8, "f27737e46c69474220dba2d6608bb4896252461bb474c92168fcb84ab86fc509",
      "ffd8ffe000104a46494600010100000100010000ffdb00831000a0006e0078008c0078006400a0008c0082008c00b400aa00a000be00f0019001"
      "0400f000dc00dc00f001ea015e017201220190024401fe02620258023a01fe02300226028002d00398030c028002a8036602b202260230032004"
      "42032a036603b603d4040604100406026c0302046a04ba046003e804b0039803f2040603deffdb00831100aa00b400b400f000d200f001d60104"
      "010401d603de02940230029403de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de"
      "03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03de03deffc10011"
      "080008000903011100021101031101ffc4001500010100000000000000000000000000000001ffc4001810000203000000000000000000000000"
      "000001122151ffc4001501010100000000000000000000000000000001ffc400161101010100000000000000000000000000000111ffda000c03"
      "010002110311003f0052436d3124f42e47ffd9" },
    { "progressive", 21, 19, "fbd3b988db0184b7cb62052003862c01029ae73269eba5c79555b5a426051c60",
      "ffd8ffe000104a46494600010100000100010000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f22"
      "21262b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffdb0043010a0b0b0e0d0e1c10101c3b2822283b3b3b3b3b3b3b3b"
      "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3bffc20011080013001503012200021101"
      "031101ffc400190001000203000000000000000000000000000205010304ffc40017010101010100000000000000000000000001020005ffda00"
      "0c030100021003100000019eacb04c4f1d992538e89fffc4001c1000020202030000000000000000000000000201031323041221ffda00080101"
      "00010502d35a46573121a50977722a2bf55b5f1ec69edfffc4001f1100020102070000000000000000000000010200043111121321426162ffda"
      "0008010201013f01519bd7666b91ca576ce8a2d15570b4ffc4001b11000203010101000000000000000000000102000321223171ffda00080103"
      "01013f011c8ce7efb0a236e99476ca5b765b758ae40633ffc4001f1000020201040300000000000000000000000111210203224151126181ffda"
      "0008010100063f02db62534cf1cda95db37b6dcc1b2ba2751abf64be079634d1f393ffc400201001000202010403000000000000000000010011"
      "2131514171d1e191c1f1ffda0008010100013f2115390c6b17dfc440050ce68f7388ab402aff0026401167b8835e14dfcf889b87923ee6580a14"
      "8b41053bea400cda857267ffda000c03010002000300000010f7e87effc4001e1001010101000202030000000000000000011121310081415161"
      "91e1ffda0008010100013f10989604d0fc574ebd73f278c0c7d144de3a42c56540382012452e07167a7c7baa17044028144a81a72d7b11db746e"
      "168a77a0a7d2d959902a6c6e437617daf80b5040633f878f3b5804527b6e2fefc4ebdb04e9ab5e079fffc4001e11010001040203000000000000"
      "000000000121001131614181517191ffda0008010201013f1054b28d01eb4683c5eb0c3d0274de9b064c9c3264e6adb0f95fffc4001c11000202"
      "03010100000000000000000000011100213141516181ffda0008010301013f1011510dbb2690593e0fb7083876fb3640dddbc760a107012353ff"
      "d9" },
    { "progressive restart", 19, 17, "60e09d2bde44a4222a6d6d49d01298d47d408ebd6e825a030c9cd9d2a09c8525",
      "ffd8ffe000104a46494600010100000100010000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f22"
      "21262b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffdb0043010a0b0b0e0d0e1c10101c3b2822283b3b3b3b3b3b3b3b"
      "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3bffc20011080011001303011100021101"
      "031101ffc40017000003010000000000000000000000000001020503ffc4001a010001050100000000000000000000000003000102040506ffdd"
      "00040001ffda000c03010002100310000000deb87fffd04917ffd142d3ffd20c3fffd3076fffd4451fffd58ba1bfffd6a4d89fffd78d47b0ffc4"
      "002b100001020501040b0000000000000000000102030004111221310581d1e113222432354161718291b2ffda0008010100013f01064e59925b"
      "eb118d315f7e11ffd0499a78252160a54339a0e71fffd13249185bf62a82a2fa47ffd2ec6c901e5a94a0ab4f38ffd353cf3c4f402df24d35fbe1"
      "1fffd432130e1bcaaa4fa563ffd5568d6f8fffd691ee8df1ffd7db1e28efc7f223ffc4002d110001030303000709000000000000000001021121"
      "000304053141123461717281b10613142223335191c1ffda0008010201013f00199a8e65ef76074125a031500c79e1cc3c110c2155ffd04e0625"
      "91f1378b39dcfe5d8490793b8de145477affd146a561be9d952c704220fecbc6c7b457ffd256565647cb856c25243927b40681cb78818065d35f"
      "ffd31a6a563a794a70249579cb6c0072c364f12493ffd4b7a868f6d212954772bf82bfffd5c2fb87babfffd6f69fa9a7c43d0d7fffd7d2faa23c"
      "fd4d7fffc40029110001040004050305000000000000000001020311210004053112324151710634b122728191a1ffda0008010301013f001a52"
      "db82f9081bdf6f1dea93b93b6c63ffd07b38cb0ae0ca3525044950bfa4c0a111717449a503267fffd17350cf2d5c4a7883e63f82063fffd26f2b"
      "99839a78c740a51b9a889eb1b1342cc88047ffd32f64b24986c071cee7906f302b8bcec6883d31ffd43ac6a029b2123b00207ee71fffd5f53fb3"
      "4fdc3e0e3fffd6679b1fffd7d1bd8a3f3f271fffc400201001010002010305000000000000000000011121310041a1b151617191c1ffda000801"
      "0100013f10989604c87a56cdbb6bdce7ffd06063d8a2674e4858aca8068fffd17c89c0e1874c78e7ffd242e08805028950326ad7711cff00ffd3"
      "b746e0b4537b053d16cacc7fffd46a3d85a2fca2bf7cffd5efff001cffd6eefc1e7fffd7ec783fffd9" },
    { "non interleaved", 20, 11, "9f9a217e715b4d3a488ca9649d2925dc19f24d881ec18f684cef12911bedba87",
      "ffd8ffe000104a46494600010100000100010000ffdb0043000a07070807060a0808080b0a0a0b0e18100e0d0d0e1d15161118231f2524221f22"
      "21262b372f26293429212230413134393b3e3e3e252e4449433c48373d3e3bffdb0043010a0b0b0e0d0e1c10101c3b2822283b3b3b3b3b3b3b3b"
      "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3bffc0001108000b001403014100021101"
      "032101ffc4001800000203000000000000000000000000000203040506ffc4002510000201030402010500000000000000000102030411310005"
      "122113224161718191a1ffda0008010100003f007a3ecfb6d1bb53da565ba8217d4b8f8e472327d6f8fa8d4589b74ac58e349d5a3950f2f62a84"
      "11de0fb1205ec49b5c800601f2a5da40a6aaad58a62a1990c224b1207cf1eb18ebfb7d228618e66a632a87e4dc0f2eee023103f607dff27561bd"
      "cd252cd4494ee62f3b32394e9ac3c6400723b2716beb3f595532d64a39f23704b380c4fa8c93d9d7ffc400150101010000000000000000000000"
      "0000000204ffc40020110002010304030000000000000000000001022103041100123151416171ffda0008010211003f002a69950f70a4bbc900"
      "e08ea72b1e39f7deafb7a4952e2aef1c1c0f911affc400160101010100000000000000000000000000010304ffc4002611000103010607010000"
      "000000000000000102031104000521314151121322326191a1c1ffda0008010311003f0010d268104ad3c4e6836f27f003b9cc023436c5f6fa79"
      "a859838f701f26d0badb4bf54d077aa6499d4e39fa166aaf8ae66a16d36b84a4900427000c0195bfffd9" },
};

struct bytes { uint8_t *p; size_t n; };

static struct bytes unhex(const char *hex) {
    struct bytes b = { sv_alloc(strlen(hex) / 2, 1, NULL), strlen(hex) / 2 };
    for (size_t i = 0; i < b.n; i++) {
        unsigned v;
        cr_assert_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
        b.p[i] = (uint8_t)v;
    }
    return b;
}

static struct bytes inline_file(const char *name) {
    for (size_t i = 0; i < SV_LEN(files); i++)
        if (!strcmp(files[i].name, name)) return unhex(files[i].hex);
    cr_assert_fail("no file %s", name);
    return (struct bytes){ 0 };
}

/* The first segment with this marker: the index of its 0xff. */
static size_t find(struct bytes b, unsigned marker) {
    for (size_t i = 0; i + 1 < b.n; i++)
        if (b.p[i] == 0xff && b.p[i + 1] == marker) return i;
    cr_assert_fail("no marker %x", marker);
    return 0;
}

static size_t find_frame(struct bytes b) {
    size_t i = find(b, 0xdb);
    while (b.p[i + 1] > 0xc2) i += 2 + ((size_t)b.p[i + 2] << 8 | b.p[i + 3]);
    return i;
}

/* The file with `cut` bytes at `at` replaced by n others; frees b. */
static struct bytes splice(struct bytes b, size_t at, size_t cut, const void *in, size_t n) {
    struct bytes out = { sv_alloc(b.n - cut + n, 1, NULL), b.n - cut + n };
    memcpy(out.p, b.p, at);
    if (n) memcpy(out.p + at, in, n);
    memcpy(out.p + at + n, b.p + at + cut, b.n - at - cut);
    sv_free(b.p);
    return out;
}

static void image_hash(const struct sv_image *im, char hex[65]) {
    uint8_t *rgb = sv_alloc(im->w * im->h, 3, NULL);
    sv_image_rgb(im, rgb);
    hex_sha256(rgb, im->w * im->h * 3, hex);
    sv_free(rgb);
}

/* Decodes from memory of exactly this size, checks what every outcome must keep to, leaves the hash ("" if refused). */
static int decode(const uint8_t *p, size_t n, const char *name, char hex[65], struct sv_err *e) {
    struct sv_image im;
    uint8_t *own = sv_alloc(n, 1, NULL);
    if (n) memcpy(own, p, n);
    *e = (struct sv_err){ 0 };
    const int rc = sv_jpeg_decode(own, n, name, &im, e);
    sv_free(own);
    hex[0] = 0;
    if (rc) cr_assert(rc == SV_EINPUT && !im.px && !im.w && e->msg[0] && !strchr(e->msg, '\n'), "%s: %d", name, rc);
    else image_hash(&im, hex);
    sv_image_free(&im);
    return rc;
}

static void expect_refused(struct bytes b, const char *why) {
    struct sv_err e;
    char hex[65];
    cr_expect_eq(decode(b.p, b.n, "x.jpg", hex, &e), SV_EINPUT, "%s", why);
    cr_expect(!strncmp(e.msg, "x.jpg: ", 7) && strstr(e.msg, why), "%s, expected %s", e.msg, why);
    sv_free(b.p);
}

static void expect_same(struct bytes b, const char *name) {
    struct sv_err e;
    char hex[65];
    for (size_t i = 0; i < SV_LEN(files); i++) {
        if (strcmp(files[i].name, name)) continue;
        cr_expect_eq(decode(b.p, b.n, name, hex, &e), 0, "%s", e.msg);
        cr_expect_str_eq(hex, files[i].sha, "%s", name);
    }
    sv_free(b.p);
}

Test(jpeg, inline_files) {
    for (size_t i = 0; i < SV_LEN(files); i++) {
        struct bytes b = unhex(files[i].hex);
        struct sv_image im;
        struct sv_err e = { 0 };
        char hex[65];
        cr_assert_eq(sv_jpeg_decode(b.p, b.n, files[i].name, &im, &e), 0, "%s", e.msg);
        cr_expect(im.w == files[i].w && im.h == files[i].h, "%s: %zu x %zu", files[i].name, im.w, im.h);
        cr_expect_eq(im.mode, i ? SV_RGB : SV_GRAY);
        image_hash(&im, hex);
        cr_expect_str_eq(hex, files[i].sha, "%s", files[i].name);
        sv_image_free(&im);
        sv_free(b.p);
    }
}

/* Every prefix that lacks more than the end marker is refused; without the end marker the picture is whole. */
Test(jpeg, truncated) {
    for (size_t i = 0; i < SV_LEN(files); i++) {
        struct bytes b = unhex(files[i].hex);
        struct sv_err e;
        char hex[65];
        for (size_t n = 0; n < b.n - 3; n++)
            cr_expect_eq(decode(b.p, n, files[i].name, hex, &e), SV_EINPUT, "%s to %zu", files[i].name, n);
        sv_free(b.p);
        b = unhex(files[i].hex), b.n -= 2;
        expect_same(b, files[i].name);
    }
}

Test(jpeg, flipped_bits) {
    for (size_t i = 0; i < SV_LEN(files); i++) {
        struct bytes b = unhex(files[i].hex);
        struct sv_err e;
        char hex[65];
        const size_t size = find_frame(b) + 5;
        size_t refused = 0;
        for (size_t bit = 0; bit < b.n * 8; bit++) {
            /* A claim of a large picture would be decoded, or refused, at its size: not the point here. */
            if (bit / 8 == size || bit / 8 == size + 2) continue;
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused += decode(b.p, b.n, files[i].name, hex, &e) != 0;
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        cr_expect(refused > b.n && refused < 8 * b.n, "%s: %zu of %zu", files[i].name, refused, 8 * b.n);
        sv_free(b.p);
    }
}

/* Motion JPEG leaves out the tables of T.81 annex K. */
Test(jpeg, standard_tables) {
    struct bytes b = inline_file("420");
    for (int i = 0; i < 4; i++) {
        const size_t at = find(b, 0xc4);
        struct sv_jpeg_table t;
        const uint8_t *p = b.p + at + 5;
        sv_jpeg_table_default(&t, i % 2 == 0, (size_t)i / 2);       /* the order in which libjpeg writes them */
        cr_expect_eq(p[-1], i % 2 * 16 + i / 2);
        cr_expect(!memcmp(t.count + 1, p, 16) && !memcmp(t.symbol, p + 16, i % 2 ? 162 : 12), "table %d", i);
        b = splice(b, at, 2u + ((size_t)b.p[at + 2] << 8 | b.p[at + 3]), NULL, 0);
    }
    expect_same(b, "420");
}

Test(jpeg, between_segments) {
    struct bytes b = inline_file("420");
    expect_same(splice(inline_file("420"), find(b, 0xdb), 0, "\xff\xff\xff", 3), "420");
    expect_same(splice(inline_file("420"), find(b, 0xda), 0, "junk\xff\0junk", 10), "420");
    expect_same(splice(inline_file("420"), find(b, 0xc4), 0, "\xff\xfe\0\5\xff\xd9\xff", 7), "420");
    expect_same(splice(inline_file("420"), find(b, 0xd9), 2, "\xff\xff\xd9trailer", 10), "420");
    sv_free(b.p);
    b = inline_file("422 restart");
    expect_same(splice(inline_file("422 restart"), find(b, 0xd0), 0, "\xff\xff", 2), "422 restart");
    expect_same(splice(inline_file("422 restart"), find(b, 0xd0), 0, "\x55\x55", 2), "422 restart");
    expect_refused(splice(inline_file("422 restart"), find(b, 0xd0) + 1, 1, "\xd1", 1), "restart marker");
    expect_refused(splice(inline_file("422 restart"), find(b, 0xd0), 2, NULL, 0), "expected restart marker 0xd0");
    sv_free(b.p);
}

/* The colour of three components: JFIF, then Adobe's flag, then their names. */
Test(jpeg, colour_space) {
    static const uint8_t adobe[2][16] = { "\xff\xee\0\x0e" "Adobe\0d\0\0\0\0", "\xff\xee\0\x0e" "Adobe\0d\0\0\0\0\1" };
    const char *name[] = { "rgb", "420" };
    char ycc[2][65], rgb[2][65], hex[65];
    struct sv_err e;
    for (int i = 0; i < 2; i++) {
        struct bytes b = inline_file(name[i]);
        if (!i) b = splice(b, find(b, 0xee), 16, NULL, 0);          /* named R, G, B */
        else b = splice(b, find(b, 0xe0), 18, NULL, 0);             /* named 1, 2, 3 */
        cr_assert_eq(decode(b.p, b.n, name[i], i ? ycc[i] : rgb[i], &e), 0, "%s", e.msg);
        b = splice(b, 2, 0, adobe[!i], 16);
        cr_assert_eq(decode(b.p, b.n, name[i], i ? rgb[i] : ycc[i], &e), 0, "%s", e.msg);
        cr_expect_str_neq(rgb[i], ycc[i]);
        b.p[2 + 15] ^= 1;
        cr_assert_eq(decode(b.p, b.n, name[i], hex, &e), 0);
        cr_expect_str_eq(hex, i ? ycc[i] : rgb[i]);
        b.p[2 + 15] = 0;
        b = splice(b, 2, 0, "\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 18);
        cr_assert_eq(decode(b.p, b.n, name[i], hex, &e), 0);
        cr_expect_str_eq(hex, ycc[i], "JFIF is YCbCr");
        sv_free(b.p);
    }
    cr_expect_str_eq(rgb[0], files[4].sha);
    cr_expect_str_eq(ycc[1], files[1].sha);
}

static struct bytes poke(const char *name, unsigned marker, size_t offset, unsigned value) {
    struct bytes b = inline_file(name);
    b.p[find(b, marker) + offset] = (uint8_t)value;
    return b;
}

Test(jpeg, refused) {
    expect_refused((struct bytes){ 0 }, "not a JPEG");
    expect_refused(poke("420", 0xc0, 1, 0xc1 + 2), "lossless");
    expect_refused(poke("420", 0xc0, 1, 0xc9), "arithmetic");
    expect_refused(poke("420", 0xc0, 1, 0xc5), "hierarchical");
    expect_refused(poke("420", 0xc0, 4, 12), "12 bits");
    expect_refused(poke("gray", 0xc0, 6, 0), "DNL");
    expect_refused(poke("gray", 0xc0, 8, 0), "0 x 9 pixels");
    expect_refused(poke("420", 0xc0, 3, 18), "frame header");
    expect_refused(poke("420", 0xc4, 3, 30), "codes in 11 bytes");
    expect_refused(poke("420", 0xc0, 11, 0x52), "sampling");
    expect_refused(poke("420", 0xc0, 11, 0x44), "at most 10");
    expect_refused(poke("420", 0xc0, 12, 3), "quantization table 3");
    expect_refused(poke("420", 0xda, 6, 0x33), "not defined");
    expect_refused(poke("420", 0xda, 5, 9), "no such component");
    expect_refused(poke("420", 0xc4, 21, 16), "prefix code of symbols 0 .. 15");
    expect_refused(poke("420", 0xdb, 3, 3), "quantization table");
    expect_refused(poke("progressive", 0xda, 11, 5), "progressive scan");
    struct bytes b = inline_file("420");
    expect_refused(splice(inline_file("420"), find(b, 0xda), 0, "\xff\xd8", 2), "second image");
    expect_refused(splice(inline_file("420"), find(b, 0xda), 0, "\xff\x02\0\2", 4), "unknown marker");
    expect_refused(splice(inline_file("420"), find(b, 0xc0), 0, b.p + find(b, 0xc0), 19), "second frame");
    uint8_t count[16] = { 0 };          /* as many codes, all of one bit */
    for (size_t i = 0; i < 16; i++) count[0] = (uint8_t)(count[0] + b.p[find(b, 0xc4) + 5 + i]);
    expect_refused(splice(inline_file("420"), find(b, 0xc4) + 5, 16, count, 16), "prefix code");
    expect_refused(splice(inline_file("420"), find(b, 0xda), b.n - find(b, 0xda), "\xff\xd9", 2), "no scan");
    sv_free(b.p);
}

/* A small file may claim the largest picture: it must be refused before memory of that size is taken. */
Test(jpeg, large_claim) {
    static const char *const name[] = { "gray", "420", "progressive", "non interleaved" };
    for (size_t i = 0; i < SV_LEN(name); i++) {
        struct bytes b = inline_file(name[i]);
        const size_t at = find_frame(b) + 5;
        memcpy(b.p + at, "\x10\0\xff\xff", 4);
        expect_refused(b, "blocks ends early");
        b = inline_file(name[i]);
        memcpy(b.p + at, "\x10\1\xff\xff", 4);
        expect_refused(b, "pixels, expected");
    }
}

/* Files written by hand: DC codes are 4 bits, the size itself (0 .. 8); AC codes are 0 and 10, for two symbols of the
 * test's choice; every quantizer is 8, so that a DC coefficient is a sample less 128. */
struct hand { struct bytes b; unsigned acc; int bits; };

static void put(struct hand *f, const void *p, size_t n) { memcpy(f->b.p + f->b.n, p, n), f->b.n += n; }

static struct hand hand_made(unsigned frame, unsigned w, unsigned h, unsigned comps, unsigned ac0, unsigned ac1) {
    struct hand f = { { sv_alloc(1 << 16, 1, NULL), 0 }, 0, 0 };
    const uint8_t dc[] = { 0xff, 0xd8, 0xff, 0xc4, 0, 28, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    const uint8_t ac[] = { 0xff, 0xc4, 0, 21, 0x10, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)ac0, (uint8_t)ac1 };
    const uint8_t sof[] = { 0xff, (uint8_t)frame, 0, (uint8_t)(8 + 3 * comps), 8, 0, (uint8_t)h, 0, (uint8_t)w, (uint8_t)comps };
    uint8_t dqt[69] = { 0xff, 0xdb, 0, 67 };
    memset(dqt + 5, 8, 64);
    put(&f, dc, sizeof dc), put(&f, ac, sizeof ac), put(&f, dqt, sizeof dqt), put(&f, sof, sizeof sof);
    for (unsigned i = 0; i < comps; i++) put(&f, (uint8_t[]){ (uint8_t)(i + 1), 0x11, 0 }, 3);
    return f;
}

static void scan(struct hand *f, int comp, int ss, int se, int high_low) {
    put(f, (uint8_t[]){ 0xff, 0xda, 0, 8, 1, (uint8_t)comp, 0, (uint8_t)ss, (uint8_t)se, (uint8_t)high_low }, 10);
}

static void put_bits(struct hand *f, unsigned v, int n) {
    while (n--) {
        f->acc = f->acc << 1 | (v >> n & 1);
        if (++f->bits < 8) continue;
        put(f, (uint8_t[]){ (uint8_t)f->acc, 0 }, 1 + ((f->acc & 255) == 255));
        f->acc = 0, f->bits = 0;
    }
}

static void end_bits(struct hand *f) { while (f->bits) put_bits(f, 1, 1); }

static void put_dc(struct hand *f, int diff) {
    int size = 0;
    while (diff >= 1 << size || -diff >= 1 << size) size++;
    put_bits(f, (unsigned)size, 4);
    put_bits(f, (unsigned)(diff < 0 ? diff + (1 << size) - 1 : diff), size);
}

/* One gray block of nothing: DC, then `scans` scans of one coefficient and one bit each. */
static struct bytes scans_of_nothing(int scans) {
    struct hand f = hand_made(0xc2, 8, 8, 1, 0, 1);
    for (int i = -1; i < scans; i++) {
        const int k = i < 0 ? 0 : 1 + i / 14, low = i < 0 ? 0 : 13 - i % 14, high = i < 0 || low == 13 ? 0 : low + 1;
        scan(&f, 1, k, k, high << 4 | low);
        put(&f, "\x07", 1);
    }
    put(&f, "\xff\xd9", 2);
    return f.b;
}

/* Coefficients past the end of the block or the band, corrections of two bits, a code of all ones. */
Test(jpeg, damaged) {
    struct hand f = hand_made(0xc0, 8, 8, 1, 0xf0, 0xf1);
    scan(&f, 1, 0, 63, 0), put_dc(&f, 0), put_bits(&f, 5, 6), end_bits(&f);         /* at 1 + 3 * 16 + 15 */
    expect_refused(f.b, "damaged");
    f = hand_made(0xc0, 8, 8, 1, 0xf0, 0xe1);
    scan(&f, 1, 0, 63, 0), put_dc(&f, 0), put_bits(&f, 5, 6), end_bits(&f);         /* 63 is the last */
    struct sv_err e;
    char hex[65];
    cr_expect_eq(decode(f.b.p, f.b.n, "63", hex, &e), 0, "%s", e.msg);
    sv_free(f.b.p);
    for (int high = 0; high < 2; high++)
        for (int run = 4; run < 6; run++) {
            f = hand_made(0xc2, 8, 8, 1, 0, (unsigned)run << 4 | 1);
            scan(&f, 1, 0, 0, 0), put_dc(&f, 0), end_bits(&f);
            scan(&f, 1, 1, 5, 1), put_bits(&f, 0, 1), end_bits(&f);
            scan(&f, 1, high ? 1 : 6, high ? 5 : 10, high ? 0x10 : 0), put_bits(&f, 5, 3), end_bits(&f);
            put(&f, "\xff\xd9", 2);
            if (run == 5) { expect_refused(f.b, "damaged"); continue; }
            cr_expect_eq(decode(f.b.p, f.b.n, "band", hex, &e), 0, "%s", e.msg);
            sv_free(f.b.p);
        }
    f = hand_made(0xc2, 8, 8, 1, 0, 2);
    scan(&f, 1, 0, 0, 0), put_dc(&f, 0), end_bits(&f);
    scan(&f, 1, 1, 5, 1), put_bits(&f, 0, 1), end_bits(&f);
    scan(&f, 1, 1, 5, 0x10), put_bits(&f, 4, 3), put_bits(&f, 0, 1), end_bits(&f), put(&f, "\xff\xd9", 2);
    expect_refused(f.b, "damaged");
    f = hand_made(0xc0, 8, 8, 1, 0, 1);
    f.b.p[find(f.b, 0xc4) + 30 + 5] = 2, f.b.p[find(f.b, 0xc4) + 30 + 6] = 0;
    scan(&f, 1, 0, 63, 0), put_dc(&f, 0), put_bits(&f, 0, 1), end_bits(&f);
    expect_refused(f.b, "prefix code");
    f = hand_made(0xc0, 255, 255, 1, 0, 1);
    scan(&f, 1, 0, 63, 0);
    for (int i = 0; i < 1024; i++) put_dc(&f, 255), put_bits(&f, 0, 1);
    expect_refused(f.b, "MCU 128 of 1024: damaged");                                /* 129 * 255 > 32767 */
}

/* Every pair of chroma values, against libjpeg's tables. */
Test(jpeg, colours) {
    for (int n = 0; n < 256; n++) {
        struct hand f = hand_made(0xc0, 128, 128, 3, 0, 1);
        for (int c = 0; c < 3; c++) {
            int last = 0;
            scan(&f, c + 1, 0, 63, 0);
            for (int i = 0; i < 256; i++) {
                const int v[3] = { n ^ i, n / 16 * 16 + i / 16, n % 16 * 16 + i % 16 };
                put_dc(&f, v[c] - 128 - last), put_bits(&f, 0, 1);
                last = v[c] - 128;
            }
            end_bits(&f);
        }
        struct sv_image im;
        struct sv_err e = { 0 };
        cr_assert_eq(sv_jpeg_decode(f.b.p, f.b.n, "colours", &im, &e), 0, "%s", e.msg);
        for (int i = 0; i < 256; i++) {
            const int y = n ^ i, cb = n / 16 * 16 + i / 16 - 128, cr = n % 16 * 16 + i % 16 - 128;
            const int want[3] = {
                y + ((91881 * cr + 32768) >> 16), y + ((-22554 * cb - 46802 * cr + 32768) >> 16), y + ((116130 * cb + 32768) >> 16)
            };
            const uint8_t *px = im.px + ((i / 16 * 8 + 3) * 128 + i % 16 * 8 + 5) * 3;
            for (int c = 0; c < 3; c++) cr_assert_eq(px[c], want[c] < 0 ? 0 : want[c] > 255 ? 255 : want[c]);
        }
        sv_image_free(&im);
        sv_free(f.b.p);
    }
}

/* Work is bounded: a scan that sends again what was sent is out of order, and scans are counted. */
Test(jpeg, many_scans) {
    struct bytes b = inline_file("progressive");
    size_t at = b.n;
    while (b.p[at - 1] != 0xda) at--;
    expect_refused(splice(inline_file("progressive"), b.n - 2, 0, b.p + at - 2, b.n - at), "out of turn");
    sv_free(b.p);
    struct hand f = hand_made(0xc2, 8, 8, 1, 0, 1);
    scan(&f, 1, 1, 5, 0), put(&f, "\x07", 1);
    expect_refused(f.b, "out of turn");
    struct sv_err e;
    char hex[65];
    b = scans_of_nothing(SV_JPEG_MAX_SCANS - 1);
    cr_expect_eq(decode(b.p, b.n, "255", hex, &e), 0, "%s", e.msg);
    sv_free(b.p);
    expect_refused(scans_of_nothing(SV_JPEG_MAX_SCANS), "more than 256 scans");
}

/* Every combination of sampling factors, those too that are no whole multiples, in a picture of one colour. */
Test(jpeg, sampling) {
    static const int dc[3] = { 40, 52, -40 };
    struct hand f = hand_made(0xc0, 37, 21, 3, 0, 1);
    for (int i = 0; i < 3; i++) {
        scan(&f, i + 1, 0, 63, 0);
        put_dc(&f, dc[i]);
        for (int k = 0; k < 15; k++) put_bits(&f, 0, 5);            /* end of block, DC as before */
        put_bits(&f, 0, 1), end_bits(&f);
    }
    uint8_t *sof = f.b.p + find_frame(f.b);
    const int red = (int)floor(168.5 - 1.402 * 40), green = (int)floor(168.5 - 0.34414 * 52 + 0.71414 * 40), blue = 255;
    for (unsigned factors = 0; factors < 4096; factors++) {
        struct sv_image im;
        struct sv_err e = { 0 };
        for (int i = 0; i < 3; i++) sof[11 + 3 * i] = (uint8_t)((factors >> 4 * i << 4 & 0x30) + (factors >> 4 * i >> 2 & 3) + 0x11);
        cr_assert_eq(sv_jpeg_decode(f.b.p, f.b.n, "sampling", &im, &e), 0, "%x: %s", factors, e.msg);
        cr_assert(im.w == 37 && im.h == 21);
        for (size_t i = 0; i < im.w * im.h; i++)
            cr_assert(im.px[3 * i] == red && im.px[3 * i + 1] == green && im.px[3 * i + 2] == blue, "%x: %zu", factors, i);
        sv_image_free(&im);
    }
    sv_free(f.b.p);
}

/* Against the definition of the transform (T.81 A.3.3): integers may be off by one, never more. */
Test(jpeg, idct) {
    uint32_t state = 1;
    for (int n = 0; n < 300; n++) {
        int16_t block[64] = { 0 };
        uint8_t out[64];
        int last = 0;
        for (int k = 0; k < 1 + n % 64; k++) {
            state = state * 1664525u + 1013904223u;
            const int v = (int)(state >> 16) % 301 - 150;
            block[sv_jpeg_zigzag[k]] = (int16_t)(k ? v / (1 + k / 4) : 4 * v);
            last = k;
        }
        sv_jpeg_idct(block, last, out, 8);
        for (int i = 0; i < 64; i++) {
            double sum = 0;
            for (int j = 0; j < 64; j++) {
                const int x = i % 8, y = i / 8, u = j % 8, v = j / 8;
                sum += (u ? 1 : sqrt(0.5)) * (v ? 1 : sqrt(0.5)) / 4 * block[j]
                     * cos((2 * x + 1) * u * acos(-1) / 16) * cos((2 * y + 1) * v * acos(-1) / 16);
            }
            const double want = fmin(255, fmax(0, sum + 128));
            cr_assert(fabs(out[i] - want) <= 1, "block %d sample %d: %d, expected %g", n, i, out[i], want);
        }
    }
}

static int decode_path(const char *path, char hex[65], struct sv_err *e) {
    struct sv_file f;
    cr_assert_eq(sv_file_read(&f, path, 1 << 28, NULL), 0);
    const int rc = decode(f.data, f.size, path, hex, e);
    sv_file_close(&f);
    return rc;
}

static void corpus_row(const struct corpus_row *row, void *arg) {
    (void)arg;
    char hex[65];
    struct sv_err e;
    const int rc = decode_path(row->path, hex, &e);
    if (!strcmp(row->status, "ok")) cr_expect_str_eq(hex, row->col[4], "%s: %s", row->col[0], e.msg);
    else if (!strcmp(row->status, "reject")) cr_expect_eq(rc, SV_EINPUT, "%s decoded", row->col[0]);
}

Test(jpeg, corpus) {
    if (!corpus_each("jpeg", corpus_row, NULL)) cr_skip_test("no corpus");
}

Test(jpeg, real_pictures) {
    static const char *const known[][2] = {
        { "data/ped2/testing/05/100.jpg", "e5d38a18921eb2e157f68be26189b9ed42252bc97ea03971be5014a8103f5844" },
        { "data/images/franz-kafka.jpg", "0c3abb77d566552bc43d76f1fa68c669cdfbf78574c0ff54594498a701055ac9" },
        { "data/images/red_apple.jpg", "53d10ca506191c8777146c8337d074a5df5fedd61b06bce05a6d1c72f5c63260" },
    };
    char hex[65];
    struct sv_err e;
    for (size_t i = 0; i < SV_LEN(known); i++) {
        const char *path = shared_path(known[i][0]);
        if (!path) cr_skip_test("no data");
        cr_expect_eq(decode_path(path, hex, &e), 0, "%s", e.msg);
        cr_expect_str_eq(hex, known[i][1], "%s", path);
    }
    struct sv_dir d;
    const char *clip = shared_path("data/ped2/testing/12");
    if (!clip) cr_skip_test("no data");
    cr_assert_eq(sv_dir_list(&d, clip, NULL), 0);
    cr_expect_gt(d.n, 100);
    for (size_t i = 0; i < d.n; i++) {
        char path[2048];
        snprintf(path, sizeof path, "%s/%s", clip, d.name[i]);
        cr_expect_eq(decode_path(path, hex, &e), 0, "%s", e.msg);
    }
    sv_dir_free(&d);
}
