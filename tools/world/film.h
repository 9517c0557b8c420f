/* film.h - pictures into a y4m file: C420jpeg in full range, Cmono where they are gray. */
#ifndef TOOLS_WORLD_FILM_H
#define TOOLS_WORLD_FILM_H

#include "io/file.h"

struct sv_film {
    struct sv_out out;
    size_t w, h, size;                  /* size: bytes of a frame in raw */
    bool gray;
    uint8_t *raw;                       /* owned */
};

int sv_film_open(struct sv_film *f, const char *path, size_t w, size_t h, double fps, bool gray, struct sv_err *e);
int sv_film_add(struct sv_film *f, const uint8_t *rgb /* [h, w, 3] */, struct sv_err *e);
int sv_film_commit(struct sv_film *f, struct sv_err *e);
void sv_film_drop(struct sv_film *f);   /* fine after commit */

#endif
