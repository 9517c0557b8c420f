#include "tools/tool.h"

const struct sv_tool sv_tools[] = {
#define X(name, about) { #name, about, sv_tool_##name },
    SV_TOOLS(X)
    SV_TOOLS_MORE(X)
#undef X
    { NULL, NULL, NULL },
};
