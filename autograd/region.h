/* region.h: which places of a node see which places of an operand.
 *
 * Along an axis of t, h, w, place p of the node reads the operand's places  p*step - lo .. p*step - lo + reach, those that exist.
 * Element by element that is p alone; an axis that is joined, summed or stretched is read whole (step 0). */
#ifndef FL_REGION_H
#define FL_REGION_H

#include "autograd/op.h"

typedef struct fl_sight { int step, lo, reach; } fl_sight;

void fl_node_sight(const fl_node *, int k, fl_sight axis[3]);          /* of operand k */
bool fl_node_place_by_place(const fl_node *, int k);                   /* each place reads that place of operand k and no other */

static inline bool fl_region_empty(fl_region r) { return r.hi[0] <= r.lo[0] || r.hi[1] <= r.lo[1] || r.hi[2] <= r.lo[2]; }
static inline void fl_shape_lengths(fl_shape s, int length[3]) { length[0] = s.t, length[1] = s.h, length[2] = s.w; }
fl_region fl_region_whole(fl_shape);
fl_region fl_region_hull(fl_region, fl_region);                        /* of two boxes; an empty one does not count */
fl_region fl_region_common(fl_region, fl_region);

/* Places of the node that see something in a box of operand k. */
fl_region fl_region_up(const fl_node *, int k, fl_region);
/* First place of operand k that place p of the node sees along an axis, and how many `places` of the node see between them; both
 * may lie partly outside the operand. */
static inline int fl_sight_first(fl_sight s, int p) { return p * s.step - s.lo; }
static inline int fl_sight_length(fl_sight s, int places) { return (places - 1) * s.step + s.reach + 1; }

/* Whether the node treats every sample by itself: with m times as many of them, one behind the other, it gives m results. */
bool fl_node_samples_apart(const fl_node *);
/* Whether operand k has a part for every sample: weights and statistics have not. */
bool fl_node_sampled(const fl_node *, int k);

#endif
