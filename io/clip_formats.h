/* clip_formats.h: the decoders behind clip.h, for clip*.c only.
 *
 * Each takes the whole file and fills frames, height, width, fps, rgb and note; the caller fills the rest. */
#ifndef FL_CLIP_FORMATS_H
#define FL_CLIP_FORMATS_H

#include "io/clip.h"

/* Where a decoder stands, for its messages. */
typedef struct fl_source {
    fl_arena *arena;                 /* owns the result; its error takes the message */
    fl_bytes bytes;
    const char *name;
} fl_source;

/* clip_decode.c: the kind, by its first bytes; NULL: none that is read here. raw: the options say what the bytes mean. */
const char *fl_clip_kind(fl_bytes);
bool fl_clip_wants_raw(const fl_clip_options *);

fl_status fl_clip_y4m(const fl_source *, const fl_clip_options *, fl_clip *);
fl_status fl_clip_pnm(const fl_source *, fl_clip *);
fl_status fl_clip_png(const fl_source *, fl_clip *);
fl_status fl_clip_npy(const fl_source *, const fl_clip_options *, fl_clip *);
fl_status fl_clip_raw(const fl_source *, const fl_clip_options *, fl_clip *);
fl_status fl_clip_folder(fl_arena *, const char *path, const char *prefix, fl_clip *);     /* names that begin so */
/* Lets ffmpeg decode the file at path; what: how messages call it. */
fl_status fl_clip_ffmpeg(fl_arena *, const char *path, const char *what, fl_clip *);

/* A temporary file for bytes that ffmpeg must find under a name; end removes it. */
typedef struct fl_spool {
    FILE *stream;
    char path[1024];
    fl_error *error;
} fl_spool;

fl_status fl_spool_begin(fl_spool *, fl_error *);
fl_status fl_spool_add(fl_spool *, fl_bytes);
void fl_spool_end(fl_spool *);

bool fl_is_pnm(fl_bytes);            /* P5, P6 or P7 and white space */
bool fl_is_png(fl_bytes);

/* ---- clip_source.c ---- */

/* "name: byte 123: " and the rest, as FL_UNREADABLE. */
fl_status fl_source_error(const fl_source *, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks number and size of the frames against the caps and allocates them; NULL with the error recorded. */
unsigned char *fl_clip_frames(const fl_source *, fl_clip *, int64_t frames, int64_t height, int64_t width);

fl_status fl_source_status(const fl_source *);       /* of the error that is recorded, else FL_FAILED */

void fl_clip_note(fl_clip *, const char *text);      /* adds a remark, once; "; " between remarks */

#endif
