/* broadcast.h: element-wise ops whose operands may have axes of length 1.
 *
 * fl_steps says how far to move in an operand when an index of the result moves by one: 0 along a broadcast
 * axis. The transpose of a broadcast is a sum; it runs in the order of the result's elements. */
#ifndef FL_BROADCAST_H
#define FL_BROADCAST_H

#include "autograd/op.h"
#include "tensor/par.h"

typedef struct fl_steps { int64_t n, t, h, w, c; } fl_steps;

fl_steps fl_steps_of(fl_shape operand, fl_shape result);

/* The shape that a and b broadcast to; axes of 0 when they do not fit. */
fl_shape fl_broadcast_shape(fl_shape a, fl_shape b);
fl_shape fl_broadcast_infer(fl_graph *, const fl_node *);      /* the shape rule of two-operand ops */

static inline int64_t fl_step_to(fl_steps s, int64_t n, int64_t t, int64_t h, int64_t w)
{
    return n * s.n + t * s.t + h * s.h + w * s.w;
}

/* Forward of an op of two operands: y = expression in a and b, the two elements that meet there. Rows for the threads. */
#define FL_BROADCAST_FORWARD(node, in, y, expression)                                                              \
    do {                                                                                                           \
        const fl_shape s = (node)->shape;                                                                          \
        const fl_steps sa = fl_steps_of((node)->in_shape[0], s), sb = fl_steps_of((node)->in_shape[1], s);         \
        FL_PARALLEL(row, (int64_t)s.n * s.t * s.h, fl_shape_count(s)) {                                            \
            const int64_t h = row % s.h, t = row / s.h % s.t, n = row / s.h / s.t;                                 \
            for (int w = 0; w < s.w; w++) {                                                                        \
                const real *from_a = (in)[0] + fl_step_to(sa, n, t, h, w);                                         \
                const real *from_b = (in)[1] + fl_step_to(sb, n, t, h, w);                                         \
                real *to = (y) + (row * s.w + w) * s.c;                                                            \
                for (int c = 0; c < s.c; c++) {                                                                    \
                    const real a = from_a[c * sa.c], b = from_b[c * sb.c];                                         \
                    to[c] = (expression);                                                                          \
                }                                                                                                  \
            }                                                                                                      \
        }                                                                                                          \
    } while (0)

#endif
