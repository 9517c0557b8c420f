/* run.h - DIR/run.json: what made the scores beside it, so that they can be made again and a report can say and show what they are about.
 *
 *     {"svad": "0.1.0", "command": ["svad", "score", ...], "isa": "avx2", "threads": 2,
 *      "model": {"file": "clip.svad", "id": "..."},
 *      "scene": {"file": "ped2.scene", "clips": 16, "objects": 30023, "texts": 258, "centres": 10, "patterns": "kmeans",
 *                "motion": false, "prompts": 16, "seed": 0,
 *                "frame_scores": {"0.5": 0.01, "0.99": 0.1, "0.999": 0.2}},                   of the training frames
 *      "tubes": {"frames": 9, "step": 1, "seconds": null, "crop": "squash", "boxes": "centre", "every": 1, "min_score": 0.5},
 *      "threshold": 0.02 or null, "alarms_per_hour": 1 or null, "boxes": "boxes.txt" or null, "motion": false,
 *      "clips": [{"name": "01", "video": "/data/ped2/testing/01" or null, "frames": 180, "objects": 3588, "width": 360, "height": 240,
 *                 "fps": 0}, ...],
 *      "redefined": [{"normal": "riding a bicycle", "threshold": 0.2, "width": 0.01, "above": 12, "objects": 3588}, ...],
 *      "from": "scores" or null}
 *
 * fps is 0 where it is not known.  A clip's video is absolute; that of a clip scored from stored objects is the one they were made from,
 * and from is then the folder they lie in.  Readers take members that are missing as null. */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include "io/json.h"
#include "tools/scene.h"
#include "tools/tubes.h"

/* Writing: open, clips, sv_run_ended, then sv_json_* for the objects in "redefined", commit.  Failures stick in json.rc. */
struct sv_run_out {
    struct sv_out file;
    struct sv_json_out json;
    struct sv_json from; char *from_dir;                /* of stored clips: their folder and its run.json */
};
struct sv_run_facts {
    int argc; char **argv;
    const struct sv_common *common;
    const struct sv_tubes *tubes;
    const char *model, *scene_path, *boxes;
    const struct sv_scene *scene;
    double threshold, per_hour;         /* of frame scores, and the rate of alarms it was made for; NAN: none */
};
int sv_run_open(struct sv_run_out *r, const char *dir, const struct sv_run_facts *f, struct sv_err *e);
/* Where the frames of a clip are; NULL where that is not known (stdin; stored clips without a run.json).  room: for the answer. */
enum { SV_RUN_PATH = 4096 };
const char *sv_run_video(struct sv_run_out *r, const struct sv_source *s, char room[SV_RUN_PATH]);
void sv_run_clip(struct sv_run_out *r, const struct sv_source *s, const struct sv_clip_tubes *c);
void sv_run_ended(struct sv_run_out *r);            /* of the clips */
int sv_run_commit(struct sv_run_out *r, struct sv_err *e);
void sv_run_drop(struct sv_run_out *r);             /* frees; leaves no file; fine after commit and for {.file.fd = -1} */

/* Reading DIR/run.json.  Where there is none j is {0}, whose members are NULL, and the result 0. */
int sv_run_read(struct sv_json *j, const char *dir, struct sv_err *e);
const struct sv_json_node *sv_run_clip_of(const struct sv_json *j, const char *clip);       /* NULL where it is not there */

#endif
