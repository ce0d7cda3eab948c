/* clip_decode.c: what kind of file it is, by its first bytes, and its decoder. */
#include "io/clip_formats.h"
#include "io/npy.h"

#include <stdio.h>
#include <string.h>

const char *fl_clip_kind(fl_bytes b)
{
    if (fl_bytes_begin(b, "YUV4MPEG2 ")) return "y4m";
    if (fl_is_png(b)) return "png";
    if (fl_npy_is(b)) return "npy";
    if (fl_is_pnm(b)) return "pnm";
    return NULL;
}

bool fl_clip_wants_raw(const fl_clip_options *o) { return o->raw_width || o->raw_height; }

static fl_status check_raw(const fl_source *s, const fl_clip_options *o)
{
    const char *kind = fl_clip_kind(s->bytes);
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
    if (fl_clip_wants_raw(o)) {
        snprintf(clip->format, sizeof clip->format, "raw rgb24");
        fl_status status = check_raw(s, o);
        return status == FL_OK ? fl_clip_raw(s, o, clip) : status;
    }
    const char *kind = fl_clip_kind(s->bytes);
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
