/* street.h - a small CLIP from nothing: what it learns from, how, and how well (tools/street.c is the command).
 *
 * Tiny worlds are filmed for the nine frames of a tube; the crops of what is seen in them, captions and classes are samples.
 * The towers learn from the symmetric contrastive loss of crops and captions and, through the same text tower, from the loss of each
 * crop against the phrases of all classes of its kinds (which action, which way, how fast, where in the crop). */
#ifndef TOOLS_STREET_H
#define TOOLS_STREET_H

#include "clip/clip_train.h"
#include "clip/image.h"
#include "clip/token.h"
#include "nn/adamw.h"
#include "tools/world/world.h"

/* ---- words (street_words.c) ---- */

enum sv_street_kind { SV_STREET_ACTION, SV_STREET_WAY, SV_STREET_FACING, SV_STREET_PACE, SV_STREET_PLACE, SV_STREET_WHO, SV_STREET_TOP, SV_STREET_GROUND, SV_STREET_KINDS };
enum { SV_STREET_NONE = 255, SV_STREET_TEXT = 160, SV_STREET_MOST = 64 /* classes of a kind, at most */ };

size_t sv_street_classes(enum sv_street_kind k);
/* What is said of class c of a kind alone: "riding a bicycle", "moving to the left", "at the left edge". */
const char *sv_street_phrase(enum sv_street_kind k, size_t c);

/* A deed is an action with the words of speed and direction that belong to it: "riding a bicycle fast to the left".  All of them
 * together are the classes of the temporal fusion and the actions a model brings along. */
struct sv_street_deed { uint8_t action, speed, way; };      /* SV_STREET_NONE where there is no word for it */
size_t sv_street_deeds(struct sv_street_deed *out, size_t cap);     /* returns how many there are */
void sv_street_deed_text(const struct sv_street_deed *d, char text[SV_STREET_TEXT]);
struct sv_street_deed sv_street_deed_of(const struct sv_world_object *o);
/* Classes of an object; where: its middle in the crop, 0 .. 1; gray: the camera has no colours. */
void sv_street_classes_of(const struct sv_world_object *o, const double where[2], bool gray, uint8_t out[SV_STREET_KINDS]);
/* The pace class that a deed stands for. */
size_t sv_street_deed_pace(const struct sv_street_deed *d);

/* ---- pictures (street_shot.c) ---- */

enum { SV_STREET_SIDE = 64, SV_STREET_FRAMES = 9, SV_STREET_PIXELS = 3 * SV_STREET_SIDE * SV_STREET_SIDE, SV_STREET_OBJECTS = 6 };

/* A square crop [3, 64, 64] and what is true of it. */
struct sv_street_sample {
    uint8_t class[SV_STREET_KINDS];     /* SV_STREET_NONE: not known */
    uint16_t deed;                      /* number of the deed */
    uint32_t world, turn;               /* which world; which crop of its object this is */
    char caption[SV_STREET_TEXT];
    uint8_t pixels[SV_STREET_PIXELS];
};

/* What is filmed: worlds first .. first + n - 1 of a stream.  Streams never share a world. */
enum sv_street_stream { SV_STREET_LEARN, SV_STREET_EXAM, SV_STREET_SCENES /* of named scenes */, SV_STREET_TUBES };
struct sv_street_film { uint64_t seed; enum sv_street_stream stream; uint64_t first; size_t worlds; size_t frames; /* of each object: 1 .. 9 of the nine, the middle one with them */ };

struct sv_street_roll { struct sv_street_sample *sample; size_t n, cap; };     /* n samples; those of an object lie together, in the order of time */
/* The same samples for any number of threads.  r's memory is taken again where it is large enough. */
int sv_street_film(struct sv_street_roll *r, const struct sv_cpu *c, const struct sv_street_film *f, struct sv_err *e);
void sv_street_roll_free(struct sv_street_roll *r);

/* Pixels of a sample as the image tower sees them, by the table of a struct sv_crop. */
void sv_street_pixels(const float table[3][256], const struct sv_street_sample *s, float *out /* [3, 64, 64] */);

#endif
