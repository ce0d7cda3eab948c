/* segments_tubes.c: cells of a grid in a first frame, followed along the optical flow: a voxel belongs to the cell in which what it
 * shows was then. Tubes of cell[0] frames stand one behind the other; 0: one tube through the whole clip. */
#include "attribution/segments_parts.h"

fl_status fl_segments_tubes(const fl_segment_task *k)
{
    const int *cell = k->o->cell, frames = cell[0] ? cell[0] : k->s.t;
    const real *at = fl_segments_paths(k, frames);
    if (!at) return k->err->status;
    const int across = (k->s.w + cell[2] - 1) / cell[2], down = (k->s.h + cell[1] - 1) / cell[1];
    const int64_t frame = (int64_t)k->s.h * k->s.w;
    for (int64_t i = 0; i < fl_shape_pixels(k->s); i++) {
        const int y = (int)((double)at[2 * i] + 0.5), x = (int)((double)at[2 * i + 1] + 0.5);
        k->label[i] = ((int)(i / frame) / frames * down + y / cell[1]) * across + x / cell[2];
    }
    return FL_OK;
}
