/* broadcast.h: element-wise ops whose operands may have axes of length 1.
 *
 * fl_steps says how far to move in an operand when an index of the result moves by one: 0 along a broadcast
 * axis. The transpose of a broadcast is a sum; it runs in the order of the result's elements. */
#ifndef FL_BROADCAST_H
#define FL_BROADCAST_H

#include "autograd/op.h"

typedef struct fl_steps { int64_t n, t, h, w, c; } fl_steps;

fl_steps fl_steps_of(fl_shape operand, fl_shape result);

/* The shape that a and b broadcast to; axes of 0 when they do not fit. */
fl_shape fl_broadcast_shape(fl_shape a, fl_shape b);
fl_shape fl_broadcast_infer(fl_graph *, const fl_node *);      /* the shape rule of two-operand ops */

static inline int64_t fl_step_to(fl_steps s, int64_t n, int64_t t, int64_t h, int64_t w)
{
    return n * s.n + t * s.t + h * s.h + w * s.w;
}

#endif
