/* image.h - a picture of any format this engine reads, recognised by its first bytes, never by its name. */
#ifndef IO_IMAGE_H
#define IO_IMAGE_H

#include "core/image.h"

/* Fills im (free with sv_image_free); on failure im is {0}.  name is for messages, which list the formats read. */
int sv_image_decode(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);

/* The same from a file; "-" is stdin. */
int sv_image_load(const char *path, struct sv_image *im, struct sv_err *e);

#endif
