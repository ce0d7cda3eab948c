/* clip.c: where a clip comes from: a file, a pipe, a folder, or what ffmpeg makes of it. */
#include "io/clip.h"
#include "io/clip_formats.h"
#include "io/npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A pipe can be read once only, so all of it is, before its kind is known; ffmpeg gets a copy under a name. */
static fl_status from_pipe(fl_arena *a, const char *path, const fl_clip_options *o, fl_clip *clip)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    fl_arena file;
    fl_bytes bytes;
    fl_arena_init_beside(&file, a);
    fl_status status = fl_file_read(&file, path, FL_CLIP_BYTES, &bytes);
    if (status == FL_OK && !fl_clip_kind(bytes) && !fl_clip_wants_raw(o) && bytes.size > 0) {
        fl_spool spool;
        status = fl_spool_begin(&spool, a->error);
        if (status == FL_OK) status = fl_spool_add(&spool, bytes);
        if (status == FL_OK) status = fl_clip_ffmpeg(a, spool.path, name, clip);
        fl_spool_end(&spool);
        snprintf(clip->format, sizeof clip->format, "ffmpeg");
        snprintf(clip->source, sizeof clip->source, "%s", name);
        fl_sha256_bytes(bytes.data, bytes.size, clip->sha256);
    } else if (status == FL_OK) {
        status = fl_clip_decode(a, bytes, name, o, clip);
    }
    fl_arena_free(&file);
    return status;
}

/* The first bytes tell whether the whole file has to be read here, or goes to ffmpeg. */
static fl_status peek(fl_arena *a, const char *path, bool *ours)
{
    unsigned char head[16];
    FILE *f = fopen(path, "rb");
    if (!f)
        return fl_error_set(a->error, FL_UNREADABLE, "%s: cannot be opened: %s; check the name and the permissions",
                            path, strerror(errno));
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    *ours = n == 0 || fl_clip_kind((fl_bytes){head, n}) != NULL;
    return FL_OK;
}

static fl_status from_file(fl_arena *a, const char *path, const fl_clip_options *o, fl_clip *clip)
{
    bool ours = false;
    fl_arena file;
    fl_bytes bytes;
    fl_status status = peek(a, path, &ours);
    if (status == FL_OK && !ours && !fl_clip_wants_raw(o)) {
        status = fl_clip_ffmpeg(a, path, path, clip);
        snprintf(clip->format, sizeof clip->format, "ffmpeg");
        return status == FL_OK ? fl_sha256_file(path, clip->sha256, a->error) : status;
    }
    fl_arena_init_beside(&file, a);
    if (status == FL_OK) status = fl_file_read(&file, path, FL_CLIP_BYTES, &bytes);
    if (status == FL_OK) status = fl_clip_decode(a, bytes, path, o, clip);
    fl_arena_free(&file);
    return status;
}

fl_status fl_clip_read_named(fl_arena *a, const char *folder, const char *prefix, fl_clip *clip)
{
    memset(clip, 0, sizeof *clip);
    snprintf(clip->source, sizeof clip->source, "%s", folder);
    return fl_clip_folder(a, folder, prefix, clip);
}

fl_status fl_clip_read(fl_arena *a, const char *path, const fl_clip_options *options, fl_clip *clip)
{
    static const fl_clip_options none;
    const fl_clip_options *o = options ? options : &none;
    if (strcmp(path, "-") != 0 && fl_folder_exists(path)) return fl_clip_read_named(a, path, "", clip);
    memset(clip, 0, sizeof *clip);
    snprintf(clip->source, sizeof clip->source, "%s", path);
    bool pipe = strcmp(path, "-") == 0 || (fl_file_exists(path) && !fl_file_is_regular(path));
    return pipe ? from_pipe(a, path, o, clip) : from_file(a, path, o, clip);
}
