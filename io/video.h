/* video.h - moving pictures from one face: a folder of frames, y4m or Motion JPEG in AVI from a file or stdin, a single image.
 *
 * Recognised by content.  A folder is a clip whose frames are its files, sorted by name (bytes); each is an image, all
 * of one size.  A folder that holds folders or video files is a data set: its clips are those entries, but not NAME_gt
 * beside NAME (UCSD's masks); the rest of its files are not looked at.  Where it holds a data set called "frames" or "videos", that one is meant
 * (ShanghaiTech, beside folders of masks).  A clip is named by its entry, a file's without the extension; a clip given by itself by the
 * last part of its path, stdin "stdin". */
#ifndef IO_VIDEO_H
#define IO_VIDEO_H

#include "core/mem.h"

struct sv_video {
    const char *path;                   /* what messages call it; owned */
    size_t w, h;                        /* of every frame */
    size_t frames;                      /* 0: not known before the end; of a video file what its length or header suggests */
    double fps;                         /* 0: not known */
    size_t next;                        /* number of the frame that sv_video_next gives next */
    struct sv_video_own *own;
};

/* Opens and learns the size of the frames (from a folder: decodes the first).  A clip without frames is an error. */
int sv_video_open(struct sv_video *v, const char *path, struct sv_err *e);
/* rgb [h, w, 3] = the next frame.  1; 0 after the last; else an error. */
int sv_video_next(struct sv_video *v, uint8_t *rgb, struct sv_err *e);
/* Passes over n frames without making pixels of them.  1; 0 where fewer are left; else an error. */
int sv_video_skip(struct sv_video *v, size_t n, struct sv_err *e);
void sv_video_close(struct sv_video *v);            /* {0} is fine; leaves {0} */

/* The clips that paths mean, in order. */
struct sv_clip_path { char *name, *path; };
struct sv_clip_list { struct sv_clip_path *item; size_t n, cap; };

/* Adds the clips of one path: those of a data set sorted by entry, or one.  Nothing is decoded.  A name that is already in
 * the list is an error. */
int sv_clip_list_add(struct sv_clip_list *l, const char *path, struct sv_err *e);
void sv_clip_list_free(struct sv_clip_list *l);     /* {0} is fine; leaves {0} */

#endif
