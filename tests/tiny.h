/* tiny.h - a CLIP checkpoint of one block a tower in OpenAI's names, with its vocabulary, made in memory or a folder. */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#include "core/rng.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

enum { TINY_W = 64, TINY_E = 32, TINY_P = 8, TINY_GRID = 2, TINY_CONTEXT = 12, TINY_MERGES = 5, TINY_ROWS = 514 + TINY_MERGES };
static const char tiny_merges[] = "#version: 0.2\nw a\nwa l\nwal k</w>\nr u\nru n</w>\n";

struct tiny_tensor { const char *name; size_t rank, dim[4]; };

static const struct tiny_tensor tiny_tensors[] = {
    { "visual.conv1.weight", 4, { TINY_W, 3, TINY_P, TINY_P } }, { "visual.class_embedding", 1, { TINY_W } },
    { "visual.positional_embedding", 2, { 1 + TINY_GRID * TINY_GRID, TINY_W } }, { "visual.proj", 2, { TINY_W, TINY_E } },
    { "visual.ln_pre.weight", 1, { TINY_W } }, { "visual.ln_pre.bias", 1, { TINY_W } },
    { "visual.ln_post.weight", 1, { TINY_W } }, { "visual.ln_post.bias", 1, { TINY_W } },
    { "token_embedding.weight", 2, { TINY_ROWS, TINY_W } }, { "positional_embedding", 2, { TINY_CONTEXT, TINY_W } },
    { "ln_final.weight", 1, { TINY_W } }, { "ln_final.bias", 1, { TINY_W } }, { "text_projection", 2, { TINY_W, TINY_E } },
    { "logit_scale", 0, { 0 } },
};
static const struct tiny_tensor tiny_block[] = {
    { "ln_1.weight", 1, { TINY_W } }, { "ln_1.bias", 1, { TINY_W } }, { "ln_2.weight", 1, { TINY_W } }, { "ln_2.bias", 1, { TINY_W } },
    { "attn.in_proj_weight", 2, { 3 * TINY_W, TINY_W } }, { "attn.in_proj_bias", 1, { 3 * TINY_W } },
    { "attn.out_proj.weight", 2, { TINY_W, TINY_W } }, { "attn.out_proj.bias", 1, { TINY_W } },
    { "mlp.c_fc.weight", 2, { 2 * TINY_W, TINY_W } }, { "mlp.c_fc.bias", 1, { 2 * TINY_W } },
    { "mlp.c_proj.weight", 2, { TINY_W, 2 * TINY_W } }, { "mlp.c_proj.bias", 1, { TINY_W } },
};

/* Appends one tensor's entry to the header; returns the bytes of its data. */
static inline size_t tiny_entry(char *head, size_t *at, const char *prefix, const struct tiny_tensor *t, size_t begin) {
    size_t n = 1;
    *at += (size_t)sprintf(head + *at, "%c\"%s%s\":{\"dtype\":\"F32\",\"shape\":[", *at ? ',' : '{', prefix, t->name);
    for (size_t i = 0; i < t->rank; i++) {
        *at += (size_t)sprintf(head + *at, "%s%zu", i ? "," : "", t->dim[i]);
        n *= t->dim[i];
    }
    *at += (size_t)sprintf(head + *at, "],\"data_offsets\":[%zu,%zu]}", begin, begin + 4 * n);
    return 4 * n;
}

/* A safetensors file; *n bytes of it, for sv_free. */
static inline uint8_t *tiny_checkpoint(size_t *n) {
    static const char *const towers[2] = { "visual.transformer.resblocks.0.", "transformer.resblocks.0." };
    char *head = sv_alloc(1 << 14, 1, NULL);
    size_t at = 0, data = 0;
    uint64_t rng = 9;
    if (!head) return NULL;
    for (size_t i = 0; i < SV_LEN(tiny_tensors); i++) data += tiny_entry(head, &at, "", &tiny_tensors[i], data);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < SV_LEN(tiny_block); i++) data += tiny_entry(head, &at, towers[k], &tiny_block[i], data);
    head[at++] = '}';
    uint8_t *p = sv_alloc(*n = 8 + at + data, 1, NULL);
    if (p) {
        for (size_t i = 0; i < 8; i++) p[i] = (uint8_t)(at >> 8 * i);
        memcpy(p + 8, head, at);
        for (size_t i = 0; i < data; i += 4) {
            const float v = (float)(0.4 * (sv_rng_unit(&rng) - 0.5));
            memcpy(p + 8 + at + i, &v, 4);
        }
    }
    sv_free(head);
    return p;
}

static inline int tiny_write(const char *dir, const char *name, const void *p, size_t n) {
    char path[4600];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    const bool ok = f && fwrite(p, 1, n, f) == n;
    return f && !fclose(f) && ok ? 0 : -1;
}

/* DIR/model.safetensors, DIR/merges.txt; a clip DIR/clip of 6 frames f00.ppm .. f05.ppm, 24 x 18; DIR/boxes.txt, two boxes a frame;
 * DIR/labels.txt; DIR/actions.txt; DIR/list.csv, the clip under two labels. */
static inline int tiny_folder(const char *dir) {
    char path[4200], name[32], boxes[1024] = "";
    size_t n, at = 0;
    uint8_t *p = tiny_checkpoint(&n);
    int rc = p ? tiny_write(dir, "model.safetensors", p, n) : -1;
    sv_free(p);
    snprintf(path, sizeof path, "%s/clip", dir);
    rc |= sv_mkdirs(path, NULL);
    for (int t = 0; t < 6; t++) {
        uint8_t ppm[16 + 24 * 18 * 3];
        size_t k = (size_t)sprintf((char *)ppm, "P6 24 18 255\n");
        for (size_t i = 0; i < 24 * 18 * 3; i++) ppm[k++] = (uint8_t)(i * 7 + i / 72 * 11 + (size_t)t * (i % 97));
        snprintf(name, sizeof name, "clip/f%02d.ppm", t);
        rc |= tiny_write(dir, name, ppm, k);
        at += (size_t)sprintf(boxes + at, "clip %d %d 2 %d 14 0.9\nclip %d 1 1 9 17 0.8\n", t, 3 + t, 13 + t, t);
    }
    rc |= tiny_write(dir, "boxes.txt", boxes, at);
    rc |= tiny_write(dir, "merges.txt", tiny_merges, sizeof tiny_merges - 1);
    rc |= tiny_write(dir, "list.csv", "video,label\nclip,walk,boxes.txt\nclip,run\n", 41);
    rc |= tiny_write(dir, "labels.txt", "clip 6 000110\n", 14);
    return rc | tiny_write(dir, "actions.txt", "walk\nrun\nwalk run\n", 18);
}

#endif
