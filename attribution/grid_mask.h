/* grid_mask.h: random masks that are smooth: coarse cells of chance, enlarged, shifted (RISE, Petsiuk et al. 2018; in three axes
 * 3D-RISE of REVEX, 2024).
 *
 * A grid of t x h x w cells is 1 with probability keep, else 0, each on its own. With cell = ceil(side / cells) it is enlarged to
 * (cells + 1) cell along every axis, linearly, pixel centres on halves, mirrored beyond the outermost centres; the mask is the clip's
 * size cut out of it at a whole offset, every one of 0 .. cell-1 equally likely. An axis of one cell is constant. The mean of any
 * voxel is keep. */
#ifndef FL_GRID_MASK_H
#define FL_GRID_MASK_H

#include "tensor/tensor.h"

typedef struct fl_grid_mask {
    fl_shape clip;
    int cells[3];
    double keep;
    uint64_t seed;
    double *grid;                /* cells of the mask in hand */
    struct fl_grid_tap *tap;     /* per place of each axis: T, then H, then W */
} fl_grid_mask;

/* Memory of the arena. FL_USAGE: more cells than places along an axis. FL_FAILED: memory. */
fl_status fl_grid_mask_init(fl_grid_mask *, fl_arena *, fl_error *);

/* Mask k into T,H,W: values 0 to 1, a function of seed and k. */
void fl_grid_mask_make(fl_grid_mask *, int64_t k, real *mask);

#endif
