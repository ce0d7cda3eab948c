/* segments_parts.h: what the kinds of segments share. A kind fills label with any numbers from 0 on. */
#ifndef FL_SEGMENTS_PARTS_H
#define FL_SEGMENTS_PARTS_H

#include "attribution/segments.h"

typedef struct fl_segment_task {
    const fl_segment_options *o;
    fl_shape s;                  /* of the clip, n = 1 */
    const real *x;
    const fl_card_input *card;
    fl_arena *scratch;
    fl_error *err;
    int32_t *label;
} fl_segment_task;

fl_status fl_segments_grid  (const fl_segment_task *);
fl_status fl_segments_frames(const fl_segment_task *);
fl_status fl_segments_slic  (const fl_segment_task *);
fl_status fl_segments_flow  (const fl_segment_task *);
fl_status fl_segments_tubes (const fl_segment_task *);

/* Scratch, or NULL with the error recorded. */
void *fl_segments_scratch(const fl_segment_task *, int64_t count, size_t size);

/* The clip as a picture (T,H,W,C): normalisation undone and red first where the card says how, then 0..1 over the clip or over
 * every frame. NULL without memory. */
real *fl_segments_picture(const fl_segment_task *, bool every_frame);

/* The same as grey 0..255 (T,H,W). backwards: the last frame first, so that the flow from one to the next is the flow back. */
real *fl_segments_grey(const fl_segment_task *, bool backwards);

/* Where every voxel was in the first of `frames` frames that belong together, following the optical flow back: at (T,H,W,2: y, x).
 * NULL without memory. */
real *fl_segments_paths(const fl_segment_task *, int frames);

/* SLIC; at: places of the voxels in their frames (T,H,W,2), or NULL: where they are. */
fl_status fl_slic(const fl_segment_task *, const real *at);

/* Every piece becomes one connected piece (6 neighbours) of at most `most` voxels; those below `least` join a neighbour. */
fl_status fl_segments_connect(const fl_segment_task *, int64_t least, int64_t most);

#endif
