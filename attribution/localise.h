/* localise.h: does a map point at the thing? For clips whose truth is known: one box per frame, or none.
 *
 * map: T,H,W, one value per voxel. box: T boxes. Voxels count in T,H,W order; tolerance enlarges boxes by that many
 * pixels. */
#ifndef FL_LOCALISE_H
#define FL_LOCALISE_H

#include "tensor/tensor.h"

typedef struct fl_box { int x0, y0, x1, y1; } fl_box;    /* pixels, half open: x0 <= x < x1; empty: nothing there */

/* The pointing game (Zhang et al. 2016): whether the largest value lies inside the box of its frame. Of equal values,
 * the first counts. A frame without a box is a miss: nothing was there to point at. */
bool fl_pointing_hit(fl_shape, const real *map, const fl_box *, int tolerance);
int64_t fl_pointing_voxel(fl_shape, const real *map);                             /* where that value is */

/* How often a random map hits: the boxes' share of all voxels, exactly. */
double fl_pointing_chance(fl_shape, const fl_box *, int tolerance);

/* The share of the positive values that lies inside the boxes (Wang et al. 2020); NAN when no value is positive. A
 * constant map has fl_pointing_chance with tolerance 0. */
double fl_energy_inside(fl_shape, const real *map, const fl_box *);

#endif
