/* sensor.h - what a cheap camera and a codec make of a picture: blur, shake, contrast, noise, thin colour, blocks. */
#ifndef TOOLS_WORLD_SENSOR_H
#define TOOLS_WORLD_SENSOR_H

#include "core/err.h"

struct sv_sensor {
    size_t w, h, stride;                /* of the luma plane, a multiple of 16 */
    bool gray;
    float blur;                         /* deviation of the point spread, pixels */
    float shake;                        /* how far the picture trembles, pixels */
    float gain, lift, bow;              /* v -> lift + gain v + bow v (1 - v), v in 0..1 */
    float noise;                        /* deviation of noise, grey levels */
    float coarse;                       /* step of the coefficients of 8 x 8 blocks, 0: not coded */
    float colour;                       /* 1: as it is, 0: gray */
    uint64_t seed, rng;
    uint8_t *plane[3], *spare;          /* Y [h, stride], Cb and Cr [h/2, stride]; owned */
    int8_t *grain;
    uint8_t lut[256];
};

/* The fields from gray to seed are set; the rest is made.  Close with sv_sensor_close, after a failure too. */
int sv_sensor_open(struct sv_sensor *s, size_t w, size_t h, struct sv_err *e);
void sv_sensor_close(struct sv_sensor *s);
/* out [h, w, 3] = in [h, w, 3] as the sensor gives it in that frame, whatever it took before; may be the same. */
void sv_sensor_take(struct sv_sensor *s, uint64_t frame, const uint8_t *in, uint8_t *out);

#endif
