/* fuse.h: what a plan does in one pass. Decided once per plan, from the graph's shape alone; same bits as in passes of their own.
 *
 *   up     a weight's result, or a shift's, is finished where it is made (tensor/finish.h): a sum with a second operand, a ReLU, or both
 *   notes  one byte per element that forward leaves, for a vjp that then reads no values (op.h)
 *   home   a signal that is handed on as it is, or element by element, lies where it lay; a value may take its operand's place
 *   early  a ReLU's gate is closed while its signal is made
 *   shut   a ReLU that a maximum alone reads leaves nothing: where the maximum is 0 its notes say that nobody won
 *
 * Plans with rules or exact sums, plans that train and plans that keep all have none of this: their parts are read. (Exact plans
 * leave notes all the same: remainder.h.) */
#ifndef FL_FUSE_H
#define FL_FUSE_H

#include "autograd/graph.h"

typedef struct fl_homes { fl_id *value, *signal; } fl_homes;       /* per node: whose buffer it uses; itself or another node */

/* Marks head, beside, into and noted of the nodes. kept: values that the caller reads, per node. */
fl_status fl_fuse_up(fl_graph *, const bool *kept);
/* Marks early and shut; fills homes->signal and g->arrivals. wanted: signals that the caller reads. */
void fl_fuse_down(fl_graph *, const bool *wanted, fl_homes *);
/* Fills homes->value. last_use: as the planner's, of values. */
void fl_fuse_values(const fl_graph *, const bool *kept, const int *last_use, fl_homes *);

/* The time at which a node's value is made: its own index, or that of the weight that makes it. */
static inline int fl_fuse_time(const fl_graph *g, fl_id i) { return g->node[i].into != FL_NONE ? g->node[i].into : i; }
/* Whether the vjp of operand k hands the signal on as it is. */
bool fl_fuse_hands_on(const fl_node *, int k);
/* Whether what comes to operand 0 after others is added where it belongs, without an array of its own. */
bool fl_fuse_adds(const fl_graph *, fl_id);

#endif
