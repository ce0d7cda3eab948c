/* flow_file.h: optical flow that somebody has computed before.
 *
 *   .npy       floating point, of shape T,H,W,2 or T,2,H,W: pixels per frame, u to the right, v downwards
 *   a folder   flow_x_00001.png and flow_y_00001.png, ...: grey 0..255 for -bound..bound (PNG, PNM; JPEG by
 *              ffmpeg)
 *
 * Flow t leads from frame t to frame t + 1: a clip of n frames has n - 1 flows; files with n are taken too. */
#ifndef FL_FLOW_FILE_H
#define FL_FLOW_FILE_H

#include "io/clip.h"
#include "tensor/real.h"

typedef struct fl_flow_file {
    int flows, height, width;
    const real *uv;                  /* flows, H, W, 2; owned by the arena */
    fl_sha256_text sha256;           /* of the file; of a folder: of those of its x and y images */
    char source[512];                /* path as given */
    char format[32];                 /* "flow npy", "flow folder" */
    char note[256];                  /* what had to be assumed; "" when nothing */
} fl_flow_file;

/* Whether the path is such a file or folder: looks at the header or at names only. False for what cannot be read. */
bool fl_flow_file_is(fl_arena *scratch, const char *path);

/* FL_UNREADABLE says what was expected. bound: of a folder's images, in pixels. */
fl_status fl_flow_file_read(fl_arena *, const char *path, double bound, fl_flow_file *);

/* The same from the bytes of a .npy file. */
fl_status fl_flow_file_decode(fl_arena *, fl_bytes, const char *name, fl_flow_file *);

#endif
