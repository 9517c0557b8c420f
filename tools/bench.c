/* bench.c - svad bench: the machine's peak, the kernels and the models, measured in interleaved rounds. */
#include "bench/bench.h"
#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *name; int (*run)(const struct sv_cpu *, const struct sv_bench_options *, struct sv_err *); } parts[] = {
    { "peak", sv_bench_peak }, { "kernels", sv_bench_kernels }, { "model", sv_bench_model },
};

int sv_tool_bench(int argc, char **argv, struct sv_err *e) {
    struct sv_common common = {0};
    struct sv_bench_options o = {0};
    const struct sv_opt opt[] = { { "quick", SV_OPT_FLAG, &o.quick, NULL, "few short rounds: does it run?", 0, 0 }, SV_COMMON(&common) };
    const struct sv_usage u = { "bench", "[options] [peak|kernels|model [PART]]",
                                "measures in interleaved rounds; without an argument all three.  PART: only rows whose name has it.\n"
                                "Peak is what this machine's registers did in the same rounds; us and the first rate are of the best round.",
                                "svad bench kernels gemm --json > before.json", 0, 2 };
    struct sv_list args = {0};
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    const char *part = args.n ? args.item[0] : NULL;
    o.filter = args.n > 1 ? args.item[1] : NULL;
    sv_list_free(&args);
    if (rc) return rc > 0 ? 0 : rc;
    o.json = common.json;
    bool known = !part;
    for (size_t i = 0; part && i < SV_LEN(parts); i++) known |= !strcmp(part, parts[i].name);
    if (!known) return sv_fail(e, SV_EUSAGE, "bench: no part %s; expected peak, kernels or model", part);
    struct sv_cpu c;
    if ((rc = sv_cpu_open(&c, &common, e))) return rc;
    for (size_t i = 0; !rc && i < SV_LEN(parts); i++)
        if (!part || !strcmp(part, parts[i].name)) rc = parts[i].run(&c, &o, e);
    sv_cpu_close(&c);
    return rc;
}
