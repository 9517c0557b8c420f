/* bench.c - svad bench: the machine's roofs, the kernels and the models, measured in interleaved rounds; what two runs differ in. */
#include "bench/bench.h"
#include "tools/tool.h"

#include <stdio.h>

static const struct {
    const char *name;
    int (*run)(const struct sv_cpu *, const struct sv_bench_options *, struct sv_rows *, struct sv_err *);
    bool usual;                         /* part of a run that names none */
} parts[] = { { "peak", sv_bench_peak, false }, { "kernels", sv_bench_kernels, true }, { "model", sv_bench_model, true } };

int sv_tool_bench(int argc, char **argv, struct sv_err *e) {
    struct sv_common common = {0};
    struct sv_bench_options o = {0};
    const struct sv_opt opt[] = {
        { "batch", SV_OPT_SIZE, &o.batch, "N", "model: rows of this batch only", 1, 4096 },
        { "size", SV_OPT_TEXT, &o.size, "SIZE", "model: a random model of this size, as B/16 or B/16,layers=2,text.width=256", 0, 0 },
        { "quick", SV_OPT_FLAG, &o.quick, NULL, "one short round: does it run?", 0, 0 }, SV_COMMON(&common),
    };
    const struct sv_usage u = { "bench", "[options] [peak|kernels|model [PART]]",
                                "Measures in interleaved rounds: the machine's roofs, the kernels of every table (--isa: of one) and the models; PART: "
                                "only rows whose name has it.  Rates are of the best call; noise is how far the median lies above it.  "
                                "peak%: of what registers alone did in the same rounds; roof%: of the least of that and what memory lets through.",
                                "svad bench kernels gemm --json > before.json", 0, 2 };
    struct sv_list args = {0};
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    const char *part = args.n ? args.item[0] : NULL;
    o.filter = args.n > 1 ? args.item[1] : NULL;
    sv_list_free(&args);
    if (rc) return rc > 0 ? 0 : rc;
    bool known = !part;
    for (size_t i = 0; part && i < SV_LEN(parts); i++) known |= !strcmp(part, parts[i].name);
    if (!known) return sv_fail(e, SV_EUSAGE, "bench: no part %s; expected peak, kernels or model", part);
    struct sv_rows rows = { .print = true, .json = common.json };
    struct sv_cpu c;
    if ((rc = sv_cpu_open(&c, &common, e))) return rc;
    const struct sv_kern *const one[2] = { c.kern, NULL }, *const *k = sv_isa_asked(&common) ? one : sv_kern_usable();
    for (size_t i = 0; i < SV_TABLES && k[i]; i++) o.table[i] = k[i];
    for (size_t i = 0; !rc && i < SV_LEN(parts); i++)
        if (part ? !strcmp(part, parts[i].name) : parts[i].usual) rc = parts[i].run(&c, &o, &rows, e);
    sv_rows_free(&rows), sv_cpu_close(&c);
    return rc;
}
