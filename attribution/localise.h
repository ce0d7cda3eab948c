/* localise.h: does a map point at the thing? For clips whose truth is known: masks, or boxes made into masks.
 *
 * map: T,H,W, one value per voxel; voxels count in this order. Of equal values, the first counts. */
#ifndef FL_LOCALISE_H
#define FL_LOCALISE_H

#include "tensor/tensor.h"

typedef struct fl_box { int x0, y0, x1, y1; } fl_box;    /* pixels, half open: x0 <= x < x1; empty: nothing there */

typedef struct fl_truth {
    const unsigned char *mask;       /* T,H,W: not 0 where the thing is */
    const bool *known;               /* T: frames that somebody looked at; NULL: all. The others neither hit nor miss */
    const bool *moment;              /* T: frames in which it happens; NULL: those that show the thing */
} fl_truth;

/* Boxes, one per frame, added to a mask; edges beyond the frame are cut. */
void fl_truth_add_boxes(fl_shape, const fl_box *, unsigned char *mask);
/* The mask with every pixel of it grown to a square of tolerance pixels on each side, within its frame. NULL: memory. */
const unsigned char *fl_truth_enlarge(fl_shape, const unsigned char *mask, int tolerance, fl_arena *);

/* The pointing game (Zhang et al. 2016): whether the largest value lies on the thing. A frame without it is a miss: nothing was
 * there to point at. */
bool fl_pointing_hit(fl_shape, const real *map, const fl_truth *);
int64_t fl_pointing_voxel(fl_shape, const real *map, const bool *known);           /* where that value is; -1: no frame is known */

/* How often a random map hits: the thing's share of all voxels, exactly. NAN: no frame is known. */
double fl_pointing_chance(fl_shape, const fl_truth *);

/* The share of the positive values that lies on the thing (Wang et al. 2020); NAN when no value is positive. A constant
 * map has fl_pointing_chance. */
double fl_energy_inside(fl_shape, const real *map, const fl_truth *);

/* The pointing game frame by frame, in frames that show the thing (Li et al. 2021); and the frame with the largest sum, which must be
 * one in which it happens (theirs for time). hits and frames count; chance: of a random map, as a share. */
typedef struct fl_pointing { int hits, frames; double chance; } fl_pointing;
fl_pointing fl_pointing_frames(fl_shape, const real *map, const fl_truth *);
fl_pointing fl_pointing_time(fl_shape, const real *map, const fl_truth *);

#endif
