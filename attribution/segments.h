/* segments.h: a clip cut into pieces: every voxel T,H,W has the number of one piece, 0 .. count-1, and no piece is empty.
 *
 *   grid     boxes of cell[0] x cell[1] x cell[2] voxels from the corner on; what is left at the far ends is smaller
 *   frames   every frame is a piece
 *   slic     3-D supervoxels: near in place and colour                         (Achanta 2012; SLIC-zero as in skimage)
 *   flow     the same with places taken along the optical flow: a piece goes with what it shows
 *   tubes    cells of a grid in one frame, followed along the optical flow for cell[0] frames
 *
 * Pieces are numbered in the order in which their first voxels come. Same clip, same options, same pieces. */
#ifndef FL_SEGMENTS_H
#define FL_SEGMENTS_H

#include "models/card.h"
#include "tensor/tensor.h"

typedef struct fl_segments {
    int t, h, w, count;
    int32_t *label;              /* T,H,W; of the arena that was given */
} fl_segments;

typedef struct fl_segment_options {
    int cell[3];                 /* grid, tubes: t,h,w of a cell; cut to the clip's size */
    int pieces;                  /* slic, flow: about how many */
    double compactness;          /* slic, flow: the larger, the more place counts against colour; zero: the scale of colours alone */
    double sigma;                /* slic, flow: of a blur before, in voxels; 0: none */
    double spacing[3];           /* slic, flow: length of a step along t,h,w */
    bool zero;                   /* slic, flow: SLIC-zero: colours count relative to their spread in each piece */
    bool stretch_frames;         /* slic, flow: every frame to its own 0..1, as the study does; else the whole clip */
    int rounds;                  /* slic, flow: at most */
} fl_segment_options;

extern const char *const fl_segments_name[];     /* the kinds, up to a NULL */
extern const char *const fl_segments_doc[];

/* cells 4x16x16 (tubes of the whole clip when cell[0] is 0); 100 pieces, compactness 10, no blur, spacing 1, 10 rounds */
fl_segment_options fl_segments_default(void);

/* The pieces of one clip (n = 1, channels last, in network space). card: how colours were normalised, or NULL. Labels live in
 * the arena, scratch is given back. FL_USAGE for a name or a number; FL_FAILED or FL_LIMIT for memory. */
fl_status fl_segments_make(const char *kind, fl_shape clip, const real *x, const fl_card_input *card, const fl_segment_options *,
                           fl_arena *, fl_segments *, fl_error *);

/* size[i]: voxels of piece i. */
void fl_segments_sizes(const fl_segments *, int64_t *size);

#endif
