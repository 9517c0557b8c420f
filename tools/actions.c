#include "tools/actions.h"

#include "io/file.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 22 };

/* What a street, shop, station or school camera may see, the usual and the unusual; short, as CLIP's captions are. */
static const char *const builtin[] = {
    /* on foot */
    "walking\n" "walking slowly\n" "walking fast\n" "walking toward the camera\n" "walking away from the camera\n"
    "walking side by side\n" "walking in a group\n" "walking a dog\n" "walking with a cane\n"
    "walking with crutches\n" "walking while looking at a phone\n" "walking while talking on a phone\n"
    "walking with an umbrella\n" "walking backwards\n" "limping\n" "strolling with a friend\n" "running\n"
    "running away\n" "running toward someone\n" "chasing someone\n" "jogging\n" "jumping\n" "jumping over a fence\n"
    "hopping on one leg\n" "skipping\n" "crawling on the ground\n" "climbing a wall\n" "climbing a fence\n"
    "climbing through a window\n" "climbing stairs\n" "going down stairs\n" "crossing the street\n"
    "crossing against a red light\n" "waiting to cross the street\n" "stepping off the pavement\n"
    "walking on the road\n" "walking on the grass\n" "walking on railway tracks\n" "turning around\n" "stumbling\n"
    "slipping\n" "falling down\n" "falling down stairs\n" "lying on the ground\n" "getting up from the ground\n"
    "sitting on a bench\n" "sitting on the ground\n" "sitting on steps\n" "standing up\n" "sitting down\n"
    "crouching\n" "kneeling\n" "bending down\n" "standing still\n" "standing in a queue\n" "standing in a crowd\n"
    "leaning against a wall\n" "loitering\n" "pacing up and down\n" "hiding behind a wall\n" "looking around\n"
    "looking into a car\n" "looking into a window\n" "looking at a map\n" "looking at a sign\n" "looking back\n",
    /* on wheels */
    "riding a bicycle\n" "riding a bicycle on the pavement\n" "riding a bicycle through a crowd\n"
    "pushing a bicycle\n" "locking a bicycle\n" "riding a scooter\n" "riding an electric scooter\n"
    "riding a skateboard\n" "roller skating\n" "riding a motorcycle\n" "pushing a motorcycle\n"
    "riding in a wheelchair\n" "pushing a wheelchair\n" "pushing a pram\n" "pulling a suitcase\n"
    "pushing a shopping cart\n" "pushing a hand cart\n" "pulling a trolley\n" "driving a car\n"
    "driving a car on the pavement\n" "driving the wrong way\n" "driving a truck\n" "driving a van\n"
    "driving a bus\n" "driving a golf cart\n" "driving a forklift\n" "riding a tractor\n" "parking a car\n"
    "reversing a car\n" "getting into a car\n" "getting out of a car\n" "getting on a bus\n" "getting off a bus\n"
    "getting on a train\n" "getting off a train\n" "washing a car\n" "pushing a broken car\n" "changing a tyre\n"
    "refuelling a car\n" "crashing into something\n",
    /* with things */
    "carrying a bag\n" "carrying a backpack\n" "carrying a box\n" "carrying a heavy load\n" "carrying a child\n"
    "carrying a ladder\n" "carrying a bicycle\n" "carrying a weapon\n" "carrying a long stick\n"
    "carrying shopping bags\n" "carrying flowers\n" "putting a bag down\n" "picking something up\n"
    "leaving a bag behind\n" "dropping something\n" "throwing something\n" "throwing papers in the air\n"
    "throwing a bag\n" "throwing a stone\n" "catching a ball\n" "kicking a ball\n" "playing football\n"
    "playing basketball\n" "playing with a ball\n" "playing frisbee\n" "flying a kite\n" "swinging a stick\n"
    "opening a door\n" "closing a door\n" "forcing a door open\n" "holding a door open\n" "opening a gate\n"
    "unlocking a door\n" "opening a car door\n" "using a phone\n" "taking a photo\n" "filming with a camera\n"
    "reading a book\n" "reading a newspaper\n" "drinking from a bottle\n" "drinking coffee\n" "eating\n"
    "smoking a cigarette\n" "lighting a fire\n" "throwing rubbish into a bin\n" "searching through rubbish\n"
    "sweeping the ground\n" "cleaning a window\n" "mopping the floor\n" "watering plants\n" "mowing the lawn\n"
    "shovelling snow\n" "painting a wall\n" "spraying graffiti\n" "putting up a poster\n" "repairing something\n"
    "digging a hole\n" "using a tool\n" "loading a truck\n" "unloading a van\n" "delivering a parcel\n"
    "selling at a stall\n" "handing out leaflets\n" "setting up a tent\n",
    /* with people */
    "talking\n" "talking in a group\n" "arguing\n" "shouting\n" "whispering\n" "shaking hands\n" "hugging\n"
    "kissing\n" "waving\n" "pointing at something\n" "beckoning someone\n" "clapping\n" "holding hands\n"
    "giving something to someone\n" "taking something from someone\n" "helping someone up\n" "helping an old person\n"
    "carrying an injured person\n" "pushing someone\n" "pulling someone\n" "dragging someone\n" "grabbing someone\n"
    "hitting someone\n" "punching\n" "kicking someone\n" "fighting\n" "wrestling\n" "playing tag\n"
    "threatening someone with a knife\n" "pointing a gun\n" "snatching a bag\n" "picking a pocket\n"
    "following someone\n" "surrounding someone\n" "arresting someone\n" "directing traffic\n" "marching in a line\n"
    "protesting with signs\n" "dancing\n" "singing\n" "playing music\n" "begging\n" "giving a speech\n"
    "guiding a group\n",
    /* in shops, stations and schools */
    "buying a ticket\n" "passing through a turnstile\n" "jumping over a turnstile\n" "waiting for a train\n"
    "standing too close to the tracks\n" "stepping onto the tracks\n" "riding an escalator\n"
    "running up an escalator\n" "entering a lift\n" "going through a security check\n" "choosing goods from a shelf\n"
    "putting goods into a bag\n" "hiding goods under a coat\n" "paying at the counter\n" "working at a cash desk\n"
    "stacking shelves\n" "trying on clothes\n" "breaking a shop window\n" "using a cash machine\n"
    "tampering with a machine\n" "entering a building\n" "leaving a building\n" "gathering at an entrance\n"
    "crowding through a door\n" "running out of a building\n" "children playing\n" "children running in a yard\n"
    "raising a hand\n" "writing on a board\n" "sitting at a desk\n" "throwing a chair\n" "vandalising a car\n"
    "breaking into a car\n" "stealing a bicycle\n" "setting something on fire\n" "fainting\n" "coughing\n"
    "stretching\n" "doing exercises\n" "warming up\n" "sleeping on a bench\n" "crowd running in panic\n"
    "crowd gathering\n" "nothing happening\n",
};

static bool space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Sorted, equal names lie side by side. */
static int unique(const struct sv_actions *a, const char *where, struct sv_err *e) {
    const char **s = sv_alloc(a->n, sizeof *s, e);
    if (!s) return SV_ENOMEM;
    memcpy(s, a->name, a->n * sizeof *s);
    qsort(s, a->n, sizeof *s, by_text);
    int rc = 0;
    for (size_t i = 1; !rc && i < a->n; i++)
        if (!by_text(&s[i - 1], &s[i])) rc = sv_fail(e, SV_EINPUT, "%s: the action \"%.200s\" comes twice", where, s[i]);
    sv_free(s);
    return rc;
}

int sv_actions_parse(struct sv_actions *a, const char *text, size_t bytes, const char *where, struct sv_err *e) {
    *a = (struct sv_actions){0};
    if (memchr(text, 0, bytes)) return sv_fail(e, SV_EINPUT, "%s: not a list of actions: it holds a zero byte", where);
    if (!(a->text = sv_alloc(bytes + 1, 1, e))) return SV_ENOMEM;
    for (size_t at = 0; at < bytes; at++) {
        const char *nl = memchr(text + at, '\n', bytes - at);
        size_t begin = at, end = nl ? (size_t)(nl - text) : bytes;
        at = end;
        while (begin < end && space(text[begin])) begin++;
        while (begin < end && space(text[end - 1])) end--;
        if (begin == end) continue;
        memcpy(a->text + a->bytes, text + begin, end - begin);
        a->bytes += end - begin + 1;
        a->n++;
    }
    int rc = !a->n ? sv_fail(e, SV_EINPUT, "%s: no action in it, expected one a line", where)
           : a->n > SV_ACTIONS_MAX ? sv_fail(e, SV_EINPUT, "%s: %zu actions, expected at most %d", where, a->n,
                                             SV_ACTIONS_MAX) : 0;
    if (!rc && !(a->name = sv_alloc(a->n, sizeof *a->name, e))) rc = SV_ENOMEM;
    const char *p = a->text;
    for (size_t i = 0; !rc && i < a->n; i++, p += strlen(p) + 1) a->name[i] = p;
    if (!rc) rc = unique(a, where, e);
    if (rc) sv_actions_free(a);
    return rc;
}

/* Parts, because a compiler need not take a string of more than 4095 bytes. */
static int parse_builtin(struct sv_actions *a, struct sv_err *e) {
    char text[8192];
    size_t n = 0;
    for (size_t i = 0; i < SV_LEN(builtin); i++) {
        const size_t len = strlen(builtin[i]);
        memcpy(text + n, builtin[i], len), n += len;
    }
    return sv_actions_parse(a, text, n, "the built-in actions", e);
}

int sv_actions_load(struct sv_actions *a, const char *path, struct sv_err *e) {
    *a = (struct sv_actions){0};
    if (!path) return parse_builtin(a, e);
    struct sv_file f;
    int rc = sv_file_read(&f, path, MAX_FILE, e);
    if (rc) return rc;
    rc = sv_actions_parse(a, (const char *)f.data, f.size, f.name, e);
    sv_file_close(&f);
    return rc;
}

int sv_actions_choose(struct sv_actions *a, const char *path, const struct sv_store *model, struct sv_err *e) {
    const struct sv_view *v = path ? NULL : sv_store_find(model, SV_ACTIONS_TENSOR);
    if (!v) return sv_actions_load(a, path, e);
    const int rc = sv_store_expect(model, SV_ACTIONS_TENSOR, 1 << SV_U8, 1, (size_t[]){ SIZE_MAX }, &v, e);
    return rc ? rc : sv_actions_parse(a, v->data, v->bytes, model->file, e);
}

int sv_actions_put(const struct sv_actions *a, struct sv_store *st, struct sv_err *e) {
    char *text = sv_store_alloc(st, a->bytes, 1, e);
    if (!text) return SV_ENOMEM;
    for (size_t i = 0; i < a->bytes; i++) text[i] = a->text[i] ? a->text[i] : '\n';
    return sv_store_add(st, "actions", SV_U8, 1, &a->bytes, text, a->bytes, e);
}

void sv_actions_free(struct sv_actions *a) {
    sv_free(a->text), sv_free(a->name);
    *a = (struct sv_actions){0};
}
