/* clip_raw.c: rgb24 without a header; the user says the size. */
#include "io/clip_formats.h"

#include <string.h>

fl_status fl_clip_raw(const fl_source *s, const fl_clip_options *o, fl_clip *clip)
{
    size_t frame = (size_t)o->raw_width * (size_t)o->raw_height * 3, size = s->bytes.size;
    if (size == 0 || size % frame != 0)
        return fl_source_error(s, size - size % frame, "raw rgb24 of %d x %d needs a multiple of %zu bytes, got %zu; "
                               "check --size (width x height)", o->raw_width, o->raw_height, frame, size);
    unsigned char *rgb = fl_clip_frames(s, clip, (int64_t)(size / frame), o->raw_height, o->raw_width);
    if (!rgb) return fl_source_status(s);
    memcpy(rgb, s->bytes.data, size);
    return FL_OK;
}
