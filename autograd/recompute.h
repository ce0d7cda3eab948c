/* recompute.h: where memory is short, values that the walk down computes again instead of keeping them (Griewank and Walther 2000; Chen
 * et al. 2016, "Training deep nets with sublinear memory cost").
 *
 * The nodes are cut into segments whose values take about as much each. What the walk down reads of a segment, all but the topmost,
 * is dropped when the way up is done with it, and computed once more, by the same operations and so to the same bits, when the walk
 * down comes to the segment's top node. What several segments read is kept. One more forward in all; of n segments about 1/n of
 * the values lives at once, beside what leads from segment to segment.
 *
 * For plans whose nodes stand alone (fl_graph.parts). Internal to plan.c and backward.c. */
#ifndef FL_RECOMPUTE_H
#define FL_RECOMPUTE_H

#include "autograd/graph.h"

typedef struct fl_lives {      /* per node, in the planner's times; of its value */
    int *up, *down, *last;     /* last reader on the way up; first and last reader in all, on the way down:
                                  0 and `up` where there is none */
    int *again;                /* when it is computed again; 0: it is not */
    bool *kept;                /* scratch */
} fl_lives;

/* Marks which values are computed again and when, and fills g->segment; lengthens `last` of those that this reads. Values whose `last`
 * is `forever` are left alone. segments < 2: nothing is. */
void fl_recompute_mark(fl_graph *, int segments, int forever, fl_lives *);

/* At node i, before its signal goes down: the segment whose top it is. */
void fl_recompute_run(fl_graph *, fl_id i);

#endif
