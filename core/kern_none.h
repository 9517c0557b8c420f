/* kern_none.h - the table of an instruction set that this compiler or machine does not have: it has no name. */
#include "core/kern.h"

#define SV_KERN_NONE_(isa_) extern const struct sv_kern sv_kern_##isa_; const struct sv_kern sv_kern_##isa_ = { 0 };
#define SV_KERN_NONE(isa_) SV_KERN_NONE_(isa_)
