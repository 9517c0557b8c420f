#include "tools/zone.h"

#include "core/mem.h"
#include "core/num.h"

#include <math.h>
#include <string.h>

static int bad(const char *text, struct sv_err *e) {
    return sv_fail(e, SV_EUSAGE, "--zone \"%s\": expected three corners or more, \"x,y x,y x,y\", behind a ! for a zone to leave out", text);
}

/* The number at *p, which ends at `end`; *p moves behind that. */
static bool number(const char **p, const char *ends, double *out) {
    const size_t n = strcspn(*p, ends);
    if (!sv_num_real(*p, n, out) || fabs(*out) > 1e6) return false;
    *p += n;
    return true;
}

static int parse(struct sv_zone *z, const char *text, struct sv_err *e) {
    const char *p = text + (z->exclude = *text == '!');
    const size_t most = strlen(p) / 3 + 1;
    if (!(z->x = sv_alloc(most, sizeof *z->x, e)) || !(z->y = sv_alloc(most, sizeof *z->y, e))) return SV_ENOMEM;
    for (p += strspn(p, " "); *p; p += strspn(p, " "), z->n++) {
        if (!number(&p, ",", &z->x[z->n]) || *p++ != ',' || !number(&p, " ", &z->y[z->n])) return bad(text, e);
    }
    return z->n < 3 ? bad(text, e) : 0;
}

int sv_zones_parse(struct sv_zones *z, const struct sv_list *texts, struct sv_err *e) {
    if (!texts->n) return 0;
    if (!(z->zone = sv_alloc(texts->n, sizeof *z->zone, e))) return SV_ENOMEM;
    int rc = 0;
    for (; !rc && z->n < texts->n; z->n++) rc = parse(&z->zone[z->n], texts->item[z->n], e);
    return rc;
}

void sv_zones_free(struct sv_zones *z) {
    for (size_t i = 0; i < z->n; i++) sv_free(z->zone[i].x), sv_free(z->zone[i].y);
    sv_free(z->zone);
    *z = (struct sv_zones){0};
}

/* Even and odd crossings of a ray to the right. */
static bool inside(const struct sv_zone *z, double x, double y) {
    bool in = false;
    for (size_t i = 0, k = z->n - 1; i < z->n; k = i++)
        if ((z->y[i] > y) != (z->y[k] > y) && x < z->x[i] + (y - z->y[i]) / (z->y[k] - z->y[i]) * (z->x[k] - z->x[i])) in = !in;
    return in;
}

bool sv_zones_count(const struct sv_zones *z, const double box[4]) {
    const double x = (box[0] + box[2]) / 2, y = box[3];
    bool any = false, in = false;
    for (size_t i = 0; i < z->n; i++) {
        const bool here = inside(&z->zone[i], x, y);
        if (z->zone[i].exclude && here) return false;
        if (!z->zone[i].exclude) any = true, in = in || here;
    }
    return !any || in;
}
