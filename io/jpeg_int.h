/* jpeg_int.h - what the four files of the JPEG decoder share: the frame, its components, tables and bits.
 *
 * jpeg.c reads markers, jpeg_huff.c turns bits into coefficients, jpeg_scan.c walks the blocks of a scan, jpeg_idct.c
 * and jpeg_color.c make samples and pixels of them.  Blocks are 64 coefficients in row order, not zigzag. */
#ifndef IO_JPEG_INT_H
#define IO_JPEG_INT_H

#include "io/jpeg.h"

enum { SV_JPEG_LOOK = 9 };              /* codes up to this length are found by one table access */
enum { SV_JPEG_STEP = 16 };             /* samples that a row is worked on in at a time, so it has room for as many more */
/* Real files have about ten scans.  With the rule that a scan must go on where the last one of its coefficients
 * stopped, this bounds the work that a small file can ask for. */
enum { SV_JPEG_MAX_SCANS = 256 };

struct sv_jpeg_table {
    bool defined, built;
    uint8_t count[17];                  /* codes of each length */
    uint8_t symbol[256];
    uint16_t look[1 << SV_JPEG_LOOK];   /* length << 8 | symbol of the code the index begins with; 0: longer or none */
    uint32_t limit[18];                 /* first 16-bit string past the codes of this length or shorter */
    int32_t first[17];                  /* index in symbol[] of this length's code 0 (may be negative) */
};

/* Entropy-coded bytes as bits.  Past the end come zeros, counted in pad: data ended early once n < pad. */
struct sv_jpeg_bits {
    const uint8_t *p, *end;
    uint64_t acc;                       /* the next n bits, from the top */
    int n, pad;
    bool bad;                           /* an undefined code or an impossible run was met */
};

struct sv_jpeg_comp {
    uint8_t id, h, v, tq;
    bool latched, seen;                 /* q is fixed by the first scan */
    uint16_t q[64];                     /* row order */
    size_t w, rows;                     /* samples that belong to the picture */
    size_t bw, bh;                      /* blocks that cover them: the size of a scan of this component alone */
    size_t pw, ph;                      /* blocks in whole MCUs: the size of the buffers */
    uint8_t *px; size_t kept;           /* samples, [kept, pw * 8]: row y is at y % kept */
    int16_t *coef;                      /* progressive: [ph, pw, 64] */
    int8_t al[64];                      /* progressive, by zigzag index: bits still missing, -1 = not seen */
    int pred;
    struct sv_jpeg_table *dc, *ac;
};

struct sv_jpeg {
    const char *name;
    struct sv_err *e;
    const uint8_t *data, *p, *end;
    size_t w, h, n, scans;
    bool progressive, jfif, adobe;
    bool ycc;                           /* three components are YCbCr, else RGB; fixed by the first scan */
    bool whole;                         /* several scans: every sample is kept, not two MCU rows */
    uint8_t transform, hmax, vmax;
    size_t mcux, mcuy, restart;
    struct sv_jpeg_comp comp[3];
    uint16_t quant[4][64]; bool has_quant[4];       /* row order */
    struct sv_jpeg_table table[2][4];               /* DC, AC */
    struct { struct sv_jpeg_comp *c[3]; size_t n; int ss, se, ah, al; } scan;
    unsigned eobrun;
    uint8_t *line[3];                   /* an upsampled row of each component */
    uint16_t *sum;                      /* a row on its way there, with a step more at each end */
    struct sv_image *im;
};

extern const uint8_t sv_jpeg_zigzag[64];            /* row-order index of the k-th coefficient */

/* "name: byte N: message"; returns SV_EINPUT. */
int sv_jpeg_bad(const struct sv_jpeg *d, const uint8_t *at, const char *fmt, ...) SV_PRINTF(3, 4);

/* Checks the counts and builds the look-up; dc: symbols are sizes, at most 15. */
bool sv_jpeg_table_build(struct sv_jpeg_table *t, bool dc);
/* The tables of T.81 K.3.3 for ids 0 and 1, where the file has none. */
void sv_jpeg_table_default(struct sv_jpeg_table *t, bool dc, size_t id);

/* One block; trouble is left in b.  Sequential: block is zeroed, filled and dequantized; returns the zigzag index of
 * the last coefficient that may be nonzero. */
int sv_jpeg_block(struct sv_jpeg_bits *b, struct sv_jpeg_comp *c, int16_t *block);
void sv_jpeg_dc_first(struct sv_jpeg_bits *b, struct sv_jpeg_comp *c, int al, int16_t *block);
void sv_jpeg_dc_refine(struct sv_jpeg_bits *b, int al, int16_t *block);
void sv_jpeg_ac_first(struct sv_jpeg_bits *b, struct sv_jpeg *d, const struct sv_jpeg_table *t, int16_t *block);
void sv_jpeg_ac_refine(struct sv_jpeg_bits *b, struct sv_jpeg *d, const struct sv_jpeg_table *t, int16_t *block);

/* Decodes the scan that d->scan describes, from d->p on. */
int sv_jpeg_scan(struct sv_jpeg *d);
/* Pixels from what the scans left, where the scan itself did not make them. */
int sv_jpeg_finish(struct sv_jpeg *d);

/* 8 x 8 samples from dequantized coefficients; last as returned by sv_jpeg_block, 63 if unknown. */
void sv_jpeg_idct(const int16_t *block, int last, uint8_t *out, size_t stride);

/* Writes the picture rows that are complete once MCU row `row` is. */
void sv_jpeg_emit(struct sv_jpeg *d, size_t row);

#endif
