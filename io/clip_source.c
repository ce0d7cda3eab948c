/* clip_source.c: what all decoders share: messages with their place in the file, room for frames, remarks (clip_formats.h). */
#include "io/clip_formats.h"

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
