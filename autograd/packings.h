/* packings.h: which weights of a plan are packed for good and which whenever they are used, and where they lie.
 *
 * Internal to plan.c. */
#ifndef FL_PACKINGS_H
#define FL_PACKINGS_H

#include "autograd/graph.h"

/* Whether a parameter's signal is wanted. */
bool fl_plan_trains(const fl_graph *, const fl_plan *);

/* Whether nothing but packed weights will be read of operand 1 of the weighted nodes: no rule puts others in their place, no check
 * compares them, nobody trains them. */
bool fl_packings_settle(const fl_graph *, const fl_plan *);

/* Packings lie one behind the other from `memory` on; NULL: they are counted. passing: per node, parameters that are packed whenever they
 * are used. */
void fl_packings_list(fl_graph *, const bool *passing, bool settled, real *memory);
/* Of the weights that are packed for good the one that takes most is packed whenever it is used from now on; false: there is none. */
bool fl_packings_pass_largest(fl_graph *, bool *passing);
size_t fl_packings_scratch(const fl_graph *);          /* bytes that the largest takes while it is made */

/* Parameters still without values (source.h) that this plan reads as they are, and not only packed. missing: the bytes that their values
 * will take; wake: makes them. wanted: per node, leaves that the caller reads; room: as many entries. */
size_t fl_packings_missing(const fl_graph *, const bool *wanted, bool settled, bool *room);
void   fl_packings_wake   (const fl_graph *, const bool *wanted, bool settled, bool *room);

#endif
