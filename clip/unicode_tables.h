/* unicode_tables.h - the generated tables of unicode_tables.c; private to unicode.c and entity.c.  All are sorted. */
#ifndef CLIP_UNICODE_TABLES_H
#define CLIP_UNICODE_TABLES_H

#include "core/base.h"

struct sv_uni_range { uint32_t first, last; };
struct sv_uni_map { uint32_t first, last, value; };
struct sv_uni_run { uint32_t first, last; uint8_t step; int32_t delta; };
struct sv_uni_pair { uint32_t c, a, b; };           /* c becomes a b; b is 0 where there is only a */
struct sv_entity { const char *name; uint32_t text[3]; };   /* name without '&', with ';' where HTML wants one; zero padded */

extern const char sv_uni_version[];
extern const struct sv_uni_range sv_uni_l[], sv_uni_n[], sv_uni_nd[];
extern const struct sv_uni_map sv_uni_ccc[];
extern const struct sv_uni_map sv_uni_sigma[];      /* for the final sigma: 1 cased, 2 case-ignorable */
extern const struct sv_uni_run sv_uni_lower[];
extern const struct sv_uni_pair sv_uni_dec[];       /* one step of the canonical decomposition, without Hangul */
extern const uint16_t sv_uni_comp[];                /* rows of sv_uni_dec that compose, by (a, b) */
extern const struct sv_uni_pair sv_uni_width[];
extern const struct sv_entity sv_entities[], sv_entities_upper[];
extern const size_t sv_uni_l_n, sv_uni_n_n, sv_uni_nd_n, sv_uni_ccc_n, sv_uni_sigma_n, sv_uni_lower_n, sv_uni_dec_n,
    sv_uni_comp_n, sv_uni_width_n, sv_entities_n, sv_entities_upper_n;

#endif
