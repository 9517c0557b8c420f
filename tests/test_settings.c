#include "io/settings.h"
#include "tests/util.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct sv_settings s;

/* Parses text as a config or a preprocessor's file into s; want is a part of the message, NULL for success. */
static void take(bool preprocessor, const char *text, const char *want) {
    struct sv_json j;
    struct sv_err e = { 0 };
    s = (struct sv_settings){ 0 };
    cr_assert_eq(sv_json_parse(&j, text, strlen(text), "x.json", &e), 0, "%s", e.msg);
    const int rc = preprocessor ? sv_settings_preprocessor(&s, j.root, "x.json", &e)
        : sv_settings_config(&s, j.root, "x.json", &e);
    cr_assert_eq(rc, want ? SV_EINPUT : 0, "%s: %s", text, e.msg);
    if (want) cr_assert_not_null(strstr(e.msg, want), "%s: %s", text, e.msg);
    sv_json_free(&j);
}

Test(settings, hugging_face) {
    take(false, "{\"projection_dim\": 512, \"vision_config\": {\"hidden_size\": 768, \"num_hidden_layers\": 11, "
                "\"num_attention_heads\": 6,"
                "\"image_size\": 224, \"patch_size\": 32, \"intermediate_size\": 3072, \"hidden_act\": \"gelu\", "
                "\"layer_norm_eps\": 1e-6},"
                "\"text_config\": {\"hidden_size\": 500, \"vocab_size\": 49408, \"max_position_embeddings\": 77, "
                "\"hidden_act\": \"gelu\"," "\"layer_norm_eps\": 0.000001}}", NULL);
    cr_assert(s.embed == 512 && s.image == 224 && s.patch == 32 && s.context == 77 && s.vocab == 49408 && s.eps == 1e-6);
    cr_assert(s.visual.width == 768 && s.visual.layers == 11 && s.visual.heads == 6 && s.visual.mlp == 3072);
    cr_assert(s.text.width == 500 && s.text.layers == 0 && s.text.heads == 8);
    cr_assert_str_eq(s.act, "gelu");
    take(false, "{\"vision_config\": {}, \"text_config\": {}}", NULL);
    cr_assert(s.visual.heads == 12 && s.text.heads == 8 && s.eps == 1e-5 && !strcmp(s.act, "quick") && !s.pixels);
    take(false, "{\"vision_config\": {\"hidden_act\": \"gelu\"}, \"text_config\": {}}", "different activations");
    take(false, "{\"vision_config\": {\"hidden_act\": \"gelu_new\"}, \"text_config\": {}}", "gelu_new");
    take(false, "{\"vision_config\": {\"layer_norm_eps\": 1e-6}, \"text_config\": {}}", "different layer_norm_eps");
    take(false, "{\"vision_config\": {\"layer_norm_eps\": 0}, \"text_config\": {}}", "layer_norm_eps is not");
    take(false, "{\"vision_config\": {\"hidden_size\": -1}, \"text_config\": {}}", "hidden_size is not 1");
    take(false, "{\"vision_config\": {\"hidden_size\": \"768\"}, \"text_config\": {}}", "hidden_size is not 1");
    take(false, "{\"vision_config\": {\"num_attention_heads\": 0}, \"text_config\": {}}", "num_attention_heads is not 1");
    take(false, "{\"model_type\": \"bert\", \"hidden_act\": \"tanh\"}", NULL);
    cr_assert(!s.config && !s.act);
    take(false, "[1]", NULL);
    cr_assert(!s.config);
}

Test(settings, open_clip) {
    take(false, "{\"model_cfg\": {\"embed_dim\": 1024, \"vision_cfg\": {\"image_size\": 224, \"layers\": 32, "
                "\"width\": 1280, \"head_width\": 80,"
                "\"patch_size\": 14}, \"text_cfg\": {\"context_length\": 77, \"vocab_size\": 49408, \"width\": 1024, "
                "\"heads\": 16, \"layers\": 24}},"
                "\"preprocess_cfg\": {\"mean\": [0.5, 0.25, 1], \"std\": [0.5, 0.5, 2], \"resize_mode\": \"squash\"}}",
                NULL);
    cr_assert(s.embed == 1024 && s.visual.heads == 16 && s.text.heads == 16 && s.text.layers == 24 && s.squash && s.pixels &&
              s.mean[1] == 0.25);
    cr_assert_str_eq(s.act, "gelu");
    take(false, "{\"model_cfg\": {\"quick_gelu\": true, \"vision_cfg\": {\"width\": 768}}}", NULL);
    cr_assert(!strcmp(s.act, "quick") && s.visual.heads == 12 && !s.pixels && !s.squash);
    take(false, "{\"model_cfg\": {\"vision_cfg\": {\"width\": 768, \"head_width\": 80}}}", "not a multiple of head_width");
    take(false, "{\"model_cfg\": {}, \"preprocess_cfg\": {\"resize_mode\": \"longest\"}}", "resize_mode");
    take(false, "{\"model_cfg\": {}, \"preprocess_cfg\": {\"interpolation\": \"bilinear\"}}", "interpolation");
    take(false, "{\"model_cfg\": {}, \"preprocess_cfg\": {\"mean\": [0, 0, 0]}}", "without the other");
    take(false, "{\"model_cfg\": {}, \"preprocess_cfg\": {\"mean\": [0, 0], \"std\": [1, 1, 1]}}",
         "mean is not a list of 3");
    take(false, "{\"model_cfg\": {}, \"preprocess_cfg\": {\"mean\": [0, 0, 0], \"std\": [1, 0, 1]}}",
         "expected more than 0");
}

Test(settings, preprocessor) {
    take(true, "{\"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.1, 0.2, 0.3], \"resample\": 3, "
               "\"do_center_crop\": true, \"size\": 224}", NULL);
    cr_assert(s.pixels && s.std[1] == 0.2 && !s.squash);
    take(true, "{\"do_center_crop\": false, \"size\": {\"height\": 224, \"width\": 224}}", NULL);
    cr_assert(!s.pixels && s.squash);
    take(true, "{\"do_center_crop\": true, \"size\": {\"shortest_edge\": 224}}", NULL);
    cr_assert(!s.squash);
    take(true, "{\"resample\": 2}", "resample is not 3");
    take(true, "{\"image_mean\": [1, 2, 3]}", "without the other");
}

static void put(const char *dir, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

Test(settings, found_in_a_folder) {
    const char *dir = temp_dir();
    struct sv_err e = { 0 };
    cr_assert_eq(sv_settings_find(&s, dir, &e), 0);
    cr_assert(!s.config && !s.act && !s.pixels);
    put(dir, "config.json", "{\"vision_config\": {}, \"text_config\": {}}");
    put(dir, "preprocessor_config.json", "{\"image_mean\": [0, 0, 0], \"image_std\": [1, 1, 1]}");
    cr_assert_eq(sv_settings_find(&s, dir, &e), 0, "%s", e.msg);
    cr_assert(!strcmp(s.config, "config.json") && s.pixels && !strcmp(s.preprocessor, "preprocessor_config.json"));
    put(dir, "config.json", "{");
    cr_assert_eq(sv_settings_find(&s, dir, &e), SV_EINPUT);
    cr_assert_not_null(strstr(e.msg, "config.json"), "%s", e.msg);
}
