/* segments_parts.c: memory for all kinds of segments (segments_parts.h). */
#include "attribution/segments_parts.h"

void *fl_segments_scratch(const fl_segment_task *k, int64_t count, size_t size)
{
    void *p = fl_arena_array(k->scratch, (size_t)count, size);
    if (!p) fl_error_set(k->err, k->scratch->error->status, "segments: %s", k->scratch->error->message);
    return p;
}
