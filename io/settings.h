/* settings.h - what the JSON files beside a checkpoint say about it: Hugging Face's config.json and
 * preprocessor_config.json, open_clip's open_clip_config.json.  All of it is optional: 0 or NULL is "not said". */
#ifndef IO_SETTINGS_H
#define IO_SETTINGS_H

#include "io/json.h"

struct sv_settings {
    const char *config, *preprocessor;  /* the files that spoke, for messages; not owned */
    const char *act;                    /* "quick" or "gelu" */
    double eps;
    bool pixels, squash;                /* mean and std are set; whole images are squashed to the square */
    double mean[3], std[3];
    size_t embed, image, patch, context, vocab;
    struct sv_settings_tower { size_t width, layers, heads, mlp; } visual, text;
};

/* What a config says, added to *s.  JSON that is no CLIP's config changes nothing.  name is kept.
 * Hugging Face leaves out what is at the default of its classes, so there act, eps and heads (12 and 8) are always said. */
int sv_settings_config(struct sv_settings *s, const struct sv_json_node *root, const char *name, struct sv_err *e);
int sv_settings_preprocessor(struct sv_settings *s, const struct sv_json_node *root, const char *name, struct sv_err *e);

/* Everything found in a folder. */
int sv_settings_find(struct sv_settings *s, const char *folder, struct sv_err *e);

#endif
