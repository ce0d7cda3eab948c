/* reduce.h: sums over axes and their transposes, with one fixed order whatever the thread count. */
#ifndef FL_REDUCE_H
#define FL_REDUCE_H

#include "autograd/op.h"

/* Per channel, over n,t,h,w: sum = sum of a, product = sum of a*b. b and product may be NULL. Scratch:
 * fl_sum_pixels_scratch bytes. */
size_t fl_sum_pixels_scratch(fl_shape);
void   fl_sum_pixels(fl_shape, const real *a, const real *b, double *sum, double *product, double *scratch);

/* y = factor * sum of x over the axes that are 1 in `small` and longer in `big`, in the memory order of x, in
 * double. */
void fl_sum_axes(fl_shape big, const real *x, fl_shape small, real *y, double factor);
/* The transpose: gx = factor * gy, repeated. */
void fl_repeat_axes(fl_shape small, const real *gy, fl_shape big, real *gx, double factor);

fl_shape fl_reduced_shape(fl_graph *, const fl_node *);     /* the shape rule of sum and mean */

#endif
