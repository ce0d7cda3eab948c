/* segments_grid.c: pieces that do not look at the clip: boxes, and frames. */
#include "attribution/segments_parts.h"

/* Boxes of t x h x w; the last along an axis may be smaller. */
static fl_status cut(const fl_segment_task *k, int t, int h, int w)
{
    const int across = (k->s.w + w - 1) / w, down = (k->s.h + h - 1) / h;
    int32_t *to = k->label;
    for (int i = 0; i < k->s.t; i++)
        for (int j = 0; j < k->s.h; j++)
            for (int l = 0; l < k->s.w; l++) *to++ = (i / t * down + j / h) * across + l / w;
    return FL_OK;
}

fl_status fl_segments_grid(const fl_segment_task *k)
{
    const int *cell = k->o->cell;
    return cut(k, cell[0] ? cell[0] : k->s.t, cell[1], cell[2]);
}

fl_status fl_segments_frames(const fl_segment_task *k) { return cut(k, 1, k->s.h, k->s.w); }
