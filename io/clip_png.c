/* clip_png.c: PNG images one after the other, each a frame. */
#include "io/clip_formats.h"
#include "io/png_in.h"

bool fl_is_png(fl_bytes b) { return fl_bytes_begin(b, "\x89PNG\r\n\x1a\n"); }

/* Counts the images, and decodes them when rgb is given. */
static fl_status walk(const fl_source *s, int64_t *count, fl_png *first, unsigned char *rgb, fl_clip *clip)
{
    for (size_t at = *count = 0; at < s->bytes.size; ++*count) {
        fl_png png;
        fl_bytes rest = {s->bytes.data + at, s->bytes.size - at};
        fl_status status = fl_png_parse(rest, s->name, at, &png, s->arena->error);
        if (status != FL_OK) return status;
        if (*count == 0) *first = png;
        if (png.width != first->width || png.height != first->height)
            return fl_source_error(s, at, "frame %lld: a size of %d x %d as before expected, got %d x %d",
                                   (long long)*count, first->width, first->height, png.width, png.height);
        if (png.alpha) fl_clip_note(clip, "alpha dropped");
        size_t frame = (size_t)png.width * (size_t)png.height * 3;
        if (rgb) status = fl_png_decode(s->arena, rest, s->name, at, &png, rgb + (size_t)*count * frame);
        if (status != FL_OK) return status;
        at += png.size;
    }
    return FL_OK;
}

fl_status fl_clip_png(const fl_source *s, fl_clip *clip)
{
    fl_png first = {0};
    int64_t count;
    fl_status status = walk(s, &count, &first, NULL, clip);
    if (status != FL_OK) return status;
    unsigned char *rgb = fl_clip_frames(s, clip, count, first.height, first.width);
    return rgb ? walk(s, &count, &first, rgb, clip) : fl_source_status(s);
}
