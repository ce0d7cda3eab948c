/* clip.h: decoded video: frames of 8-bit RGB, from whatever the user has.
 *
 * The kind of a file is told by its first bytes, so names and pipes do not matter ("-" is standard input):
 *
 *   Y4M       YUV4MPEG2, 8 bits: 420 (all sitings), 411, 422, 444, 444alpha, mono; no C tag means 420
 *   PNM       concatenated P6, P5 (maxval 255) and P7 (PAM, depth 1 to 4, maxval 255); alpha is dropped
 *   PNG       concatenated 8-bit (or less) images, not interlaced; alpha is dropped
 *   npy       uint8 0..255 or float 0..1 of shape T,H,W,3 or T,3,H,W or 3,T,H,W
 *   raw       rgb24, only when raw_width and raw_height are given
 *   a folder  one PNM or PNG image per file, by name in natural order (frame2 before frame10)
 *   others    through the program ffmpeg, if it can be found
 *
 * Frames must agree in size. At most FL_CLIP_FRAMES frames of FL_CLIP_SIDE pixels a side and FL_CLIP_BYTES bytes. */
#ifndef FL_CLIP_H
#define FL_CLIP_H

#include "io/file.h"
#include "io/sha256.h"

enum { FL_CLIP_FRAMES = 100000, FL_CLIP_SIDE = 16384 };
#define FL_CLIP_BYTES ((size_t)4 << 30)          /* of decoded frames, and of a file */

typedef struct fl_clip_options {
    const char *matrix;              /* of Y4M: "bt601" (NULL too) or "bt709" */
    int raw_width, raw_height;       /* both above 0: the input is raw rgb24 */
    const char *layout;              /* of npy: "thwc", "tchw", "cthw"; NULL: the first of these that fits */
} fl_clip_options;

typedef struct fl_clip {
    int frames, height, width;
    double fps;                      /* 0: the file does not say */
    const unsigned char *rgb;        /* T, H, W, 3; owned by the arena */
    fl_sha256_text sha256;           /* of the source's bytes; of a folder: of all frames' files in a row */
    char source[512];                /* path as given, or "standard input" */
    char format[32];                 /* "y4m", "ppm", "png", "npy", "raw rgb24", "folder", "ffmpeg" */
    char note[256];                  /* what had to be assumed or was dropped; "" when nothing */
} fl_clip;

/* Reads a clip; options may be NULL. FL_UNREADABLE says where in the file what was expected; FL_USAGE: an option
 * that does not exist. Everything that the clip points to is owned by the arena. */
fl_status fl_clip_read(fl_arena *, const char *path, const fl_clip_options *, fl_clip *);

/* The frames of a folder whose names begin with prefix, in natural order. */
fl_status fl_clip_read_named(fl_arena *, const char *folder, const char *prefix, fl_clip *);

/* The same from bytes in memory; name is for messages. Never starts ffmpeg. */
fl_status fl_clip_decode(fl_arena *, fl_bytes, const char *name, const fl_clip_options *, fl_clip *);

#endif
