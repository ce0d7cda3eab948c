/* resample.h: clips and maps at another size: resize over T,H,W, means over blocks, and the transpose of resize.
 *
 * Channels-last arrays as in tensor.h; n and c are the same before and after. With I and O the lengths of an axis
 * before and after, output position o takes its value at the input position
 *
 *   nearest             floor(o I / O)
 *   linear              (o + 1/2) I / O - 1/2, at least 0      (half-pixel centres; align = false)
 *   linear, align       o (I-1) / (O-1), or 0 when O = 1       (first on first, last on last; align = true)
 *
 * and linear interpolates between the two neighbours (at the end of the axis it takes the last one). These are the
 * `nearest`, `bilinear` and `trilinear` of PyTorch; an axis that keeps its length is copied: bilinear keeps T.
 * Positions are computed in integers: no size makes them fall on the wrong side. nearest ignores align. */
#ifndef FL_RESAMPLE_H
#define FL_RESAMPLE_H

#include "tensor/tensor.h"

typedef enum fl_resize_mode { FL_RESIZE_NEAREST, FL_RESIZE_LINEAR } fl_resize_mode;

void fl_resize(fl_shape in, const real *x, fl_shape out, real *y, fl_resize_mode, bool align);

/* gx = A'gy where y = A x is fl_resize with the same shapes; overwrites gx. */
void fl_resize_transpose(fl_shape in, real *gx, fl_shape out, const real *gy, fl_resize_mode, bool align);

/* Mean over blocks of t x h x w elements; the last block of an axis may be smaller and is divided by what it holds.
 * fl_block_shape gives the shape of y: ceil(T/t), ceil(H/h), ceil(W/w). */
fl_shape fl_block_shape(fl_shape x, int t, int h, int w);
void     fl_block_mean(fl_shape, const real *x, int t, int h, int w, real *y);

#endif
