/* hold.h: holds a network's switches where they are, so that finite differences see the piece that the gradient is of.
 *
 * A network of ReLUs and maxima is made of smooth pieces. A gradient belongs to the piece at the point; a difference quotient
 * of a large network crosses into others at any step that is large enough to be measured. Held, every ReLU multiplies by the 0 or
 * 1 that it has at the point, every maximum takes the element that it takes there, and what stops a signal is a constant: the
 * differences are then exact but for rounding, and a kink can neither hide a mistake nor look like one.
 *
 * Which way a switch stands is read from the operands, in forward order, by no code of any vjp. */
#ifndef FL_HOLD_H
#define FL_HOLD_H

#include "autograd/graph.h"

/* Of a plan in parts (graph.h). Runs forward at the values that the leaves have, and holds from there on: forward passes of the
 * graph are those of the piece. Backward is unchanged. Memory from the arena, which may be the graph's; NULL: it ran out. */
typedef struct fl_hold fl_hold;
fl_hold *fl_hold_new(fl_graph *, fl_arena *);
int64_t fl_hold_switches(const fl_hold *);       /* elements held */
void fl_hold_end(fl_hold *);                     /* the graph is as it was */

#endif
