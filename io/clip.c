/* clip.c: what kind of input it is, and what all kinds have in common. */
#include "io/clip.h"
#include "io/clip_formats.h"
#include "io/npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

fl_status fl_source_error(const fl_source *s, size_t offset, const char *format, ...)
{
    char text[FL_MESSAGE_SIZE / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fl_error_set(s->arena->error, FL_UNREADABLE, "%s: byte %zu: %s", s->name, offset, text);
}

fl_status fl_source_status(const fl_source *s)
{
    return fl_error_set(s->arena->error, FL_FAILED, "%s: reading failed", s->name);
}

unsigned char *fl_clip_frames(const fl_source *s, fl_clip *clip, int64_t frames, int64_t height, int64_t width)
{
    bool side = height >= 1 && width >= 1 && height <= FL_CLIP_SIDE && width <= FL_CLIP_SIDE;
    bool count = frames >= 1 && frames <= FL_CLIP_FRAMES;
    if (!side || !count || (size_t)frames > FL_CLIP_BYTES / 3 / (size_t)(height * width)) {
        fl_error_set(s->arena->error, FL_UNREADABLE, "%s: 1 to %d frames of 1 to %d pixels a side, %zu bytes in "
                     "all expected, got %lld frames of %lld x %lld; cut or shrink the clip first", s->name,
                         FL_CLIP_FRAMES,
                     FL_CLIP_SIDE, FL_CLIP_BYTES, (long long)frames, (long long)width, (long long)height);
        return NULL;
    }
    unsigned char *rgb = FL_NEW(s->arena, unsigned char, (size_t)(frames * height * width) * 3);
    clip->frames = (int)frames;
    clip->height = (int)height;
    clip->width = (int)width;
    clip->rgb = rgb;
    return rgb;
}

void fl_clip_note(fl_clip *clip, const char *text)
{
    size_t n = strlen(clip->note);
    if (strstr(clip->note, text) || n + 2 >= sizeof clip->note) return;
    snprintf(clip->note + n, sizeof clip->note - n, "%s%s", n ? "; " : "", text);
}

static const char *kind_of(fl_bytes b)
{
    if (fl_bytes_begin(b, "YUV4MPEG2 ")) return "y4m";
    if (fl_is_png(b)) return "png";
    if (fl_npy_is(b)) return "npy";
    if (fl_is_pnm(b)) return "pnm";
    return NULL;
}

static bool wants_raw(const fl_clip_options *o) { return o->raw_width || o->raw_height; }

static fl_status check_raw(const fl_source *s, const fl_clip_options *o)
{
    const char *kind = kind_of(s->bytes);
    if (o->raw_width < 1 || o->raw_height < 1 || o->raw_width > FL_CLIP_SIDE || o->raw_height > FL_CLIP_SIDE)
        return fl_error_set(s->arena->error, FL_USAGE, "--size is WIDTHxHEIGHT, each 1 to %d, got %dx%d",
                            FL_CLIP_SIDE, o->raw_width, o->raw_height);
    if (kind && strcmp(kind, "pnm") != 0)
        return fl_error_set(s->arena->error, FL_USAGE, "%s: --size is for raw rgb24, but this is %s; leave it out",
                            s->name, kind);
    return FL_OK;
}

static fl_status unknown(const fl_source *s)
{
    char head[40] = "nothing";
    size_t n = s->bytes.size < 12 ? s->bytes.size : 12;
    for (size_t i = 0; i < n; i++) snprintf(head + 3 * i, sizeof head - 3 * i, "%02x ", s->bytes.data[i]);
    return fl_source_error(s, 0, "a clip expected: Y4M, PPM or PAM, PNG, npy, raw rgb24 with --size, or a folder "
                           "of such images; got a file that begins with %s", head);
}

static fl_status decode(const fl_source *s, const fl_clip_options *o, fl_clip *clip)
{
    if (wants_raw(o)) {
        snprintf(clip->format, sizeof clip->format, "raw rgb24");
        fl_status status = check_raw(s, o);
        return status == FL_OK ? fl_clip_raw(s, o, clip) : status;
    }
    const char *kind = kind_of(s->bytes);
    if (!kind) return unknown(s);
    snprintf(clip->format, sizeof clip->format, "%s", kind);
    if (strcmp(kind, "y4m") == 0) return fl_clip_y4m(s, o, clip);
    if (strcmp(kind, "npy") == 0) return fl_clip_npy(s, o, clip);
    return strcmp(kind, "png") == 0 ? fl_clip_png(s, clip) : fl_clip_pnm(s, clip);
}

fl_status fl_clip_decode(fl_arena *a, fl_bytes bytes, const char *name, const fl_clip_options *o, fl_clip *clip)
{
    const fl_source s = {a, bytes, name};
    memset(clip, 0, sizeof *clip);
    snprintf(clip->source, sizeof clip->source, "%s", name);
    fl_sha256_bytes(bytes.data, bytes.size, clip->sha256);
    return decode(&s, o ? o : &(fl_clip_options){0}, clip);
}

/* A pipe can be read once only, so all of it is, before its kind is known; ffmpeg gets a copy under a name. */
static fl_status from_pipe(fl_arena *a, const char *path, const fl_clip_options *o, fl_clip *clip)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    fl_arena file;
    fl_bytes bytes;
    fl_arena_init_beside(&file, a);
    fl_status status = fl_file_read(&file, path, FL_CLIP_BYTES, &bytes);
    if (status == FL_OK && !kind_of(bytes) && !wants_raw(o) && bytes.size > 0) {
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
    *ours = n == 0 || kind_of((fl_bytes){head, n}) != NULL;
    return FL_OK;
}

static fl_status from_file(fl_arena *a, const char *path, const fl_clip_options *o, fl_clip *clip)
{
    bool ours = false;
    fl_arena file;
    fl_bytes bytes;
    fl_status status = peek(a, path, &ours);
    if (status == FL_OK && !ours && !wants_raw(o)) {
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
