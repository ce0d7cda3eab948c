/* random_graph.h: networks that nobody would draw: diamonds, a node with many readers, a ReLU used three times,
 * operands that are the same node twice, weights shared between layers, ops in a row that keep nothing or all. */
#ifndef FL_RANDOM_GRAPH_H
#define FL_RANDOM_GRAPH_H

#include "autograd/graph.h"

enum { RANDOM_GRAPH_PARAMS = 96 };

typedef struct random_graph {
    fl_id x, root;                            /* input 2,3,3,5,4; result 2,5,1,1,1 */
    fl_id wrt[RANDOM_GRAPH_PARAMS];           /* x and every parameter */
    int n_wrt;
} random_graph;

/* The same seed gives the same graph with the same values. `smooth`: no ReLU and no maximum, so that no difference
 * meets a kink. */
random_graph random_graph_build(fl_graph *, uint64_t seed, bool smooth);

#endif
