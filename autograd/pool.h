/* pool.h: the shape rule and the windows that max and average pools share. */
#ifndef FL_POOL_H
#define FL_POOL_H

#include "autograd/op.h"

/* ceil mode as in PyTorch: one more window where it begins inside the input or its padding in front. */
fl_shape fl_pool_infer(fl_graph *, const fl_node *);

/* Positions of x that the window of output position o covers along an axis: taps first .. last-1 lie inside. */
typedef struct fl_span { int begin, step, first, last, padded; } fl_span;   /* padded: in x or its padding */
fl_span fl_pool_span(const fl_node *, int axis, int o);

#endif
