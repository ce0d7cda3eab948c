/* bench_nodes.h: where the time of a pass goes, node by node. */
#ifndef FL_BENCH_NODES_H
#define FL_BENCH_NODES_H

#include "autograd/graph.h"
#include "io/cli/stopwatch.h"
#include "io/json.h"

typedef struct fl_node_cost {
    fl_id node;                          /* with all that is fused into it (fuse.h) */
    bool down;                           /* its signal handed on; false: its value made */
    double seconds, gflop;               /* the best of the runs; 2 per multiply-add */
} fl_node_cost;

typedef struct fl_node_costs { fl_node_cost *cost; int count; } fl_node_costs;      /* the dearest first */

/* Runs a planned graph, forward and with a seed back: once to warm up, then repeat times (1 or more) with a clock on every node.
 * times: of whole passes. costs lie in the arena. */
fl_status fl_nodes_time(fl_arena *, fl_graph *, const real *seed_or_null, int repeat, fl_times *, fl_node_costs *);

/* A line for each; as "nodes" of the object that is open. peak: multiply-adds per second times two (tensor/peak.h). */
void fl_nodes_print(const fl_graph *, const fl_node_costs *, double peak);
void fl_nodes_write(fl_json *, const fl_graph *, const fl_node_costs *, double peak);

#endif
