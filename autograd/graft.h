/* graft.h: graph -> graph: a network once more, behind a node that takes the place of its input: what changes the clip and what
 * looks at it become one graph, with gradients and batches.
 *
 * Leaves are the old graph's own memory. The node may hold another number of clips than the input did: then all that follows from
 * the input has as many samples, and other inputs (states of recurrent layers) are copies of their first ones, repeated. */
#ifndef FL_GRAFT_H
#define FL_GRAFT_H

#include "autograd/graph.h"

/* Adds the ancestors of `end` in `from` to g, under their names, with x (a node of g; the input's shape but for n) in place of
 * `input`. Returns the end's place in g, or FL_NONE with g's error set: FL_MISFIT where the network does not keep its samples
 * apart along N, and so cannot have another number of them. */
fl_id fl_graft(fl_graph *g, const fl_graph *from, fl_id input, fl_id end, fl_id x);

#endif
