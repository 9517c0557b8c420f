/* word_amx.h - the vocabulary of kern_word.h where tiles are AMX's: vectors are those of word_avx512.h. */
#include "core/word_avx512.h"
#define W_TILES "core/word_tile.h"
