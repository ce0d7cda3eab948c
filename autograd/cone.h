/* cone.h: a graph that has run on one input, run again on many inputs that differ from it inside a box each.
 *
 * Above a changed box only a cone of values can change: at every node a box that grows by the windows on the way (region.h). A pass
 * computes these boxes alone, for several variants of the input at a time, in memory of their own: the base, the values of the
 * graph's last forward, stays as it is and supplies what lies around the boxes. An op runs on variants whose boxes are as large as
 * on samples of a batch. Where a box would reach everywhere, and in ops whose places all depend on one another, the whole node is
 * computed: that is always right. What a variant gives is a function of the base, its box and its values, whatever its mates.
 *
 * It is what a full forward gives, and has its bits wherever convolutions sum directly. Winograd's tiles (tensor/winograd.h) round
 * what does not depend on a changed value differently all the same, when it shares a tile with one that does. A cone leaves such
 * values as the base has them: exact results as well, rounded in another way. Asked to be exact, it lets whole tiles differ, has the bits
 * of a full forward everywhere, and takes up to twice as long.
 *
 *     fl_cone *c = fl_cone_new(g, x, root, arena);
 *     fl_graph_plan(g, &(fl_plan){.out = keep, .n_out = fl_cone_keep(c, true, keep)});     set x, run forward
 *     fl_cone_begin(c, count, box);
 *     for each k: write what the input of variant k has in fl_cone_box(c, k) to fl_cone_input(c, k)
 *     fl_cone_run(c, false);
 *     for each k: read the root's values for variant k from fl_cone_result(c, k) */
#ifndef FL_CONE_H
#define FL_CONE_H

#include "autograd/graph.h"
#include "autograd/region.h"

typedef struct fl_cone fl_cone;

/* For variants of `input` and the values of `root`. In the arena, which is borrowed for longer: passes take memory from it, and more
 * when a pass is larger than any before. It is not the graph's. NULL with the graph's error set: memory. */
fl_cone *fl_cone_new(fl_graph *, fl_id input, fl_id root, fl_arena *);

/* Whether tiles differ as a whole (false at first). */
void fl_cone_exact(fl_cone *, bool);

/* Nodes whose values the plan must keep (fl_plan.out), the root among them; returns how many, at most as many as there are nodes. parts:
 * boxes will be smaller than the input; else every variant is a whole input, boxes are not read, and the root is about all. */
int fl_cone_keep(fl_cone *, bool parts, fl_id *keep);

/* Prepares a pass of count >= 1 variants; those with an empty box are the base. The planner's rules for threads hold here too. FL_FAILED,
 * FL_LIMIT: memory. */
fl_status fl_cone_begin(fl_cone *, int count, const fl_region *box);
double    fl_cone_macs(const fl_cone *);         /* multiply-adds of the pass, for all variants */
size_t    fl_cone_bytes(const fl_cone *);        /* of its boxes; scratch of ops not counted */

/* The box of variant k at the input: not smaller than the one asked for, and inside the input. Its values (all of them: where nothing
 * changes, the base's) belong at fl_cone_input: N of the input, box, C; they stay there until the next begin. */
fl_region fl_cone_box(const fl_cone *, int k);
real     *fl_cone_input(const fl_cone *, int k);

/* commit: (count 1) the variant becomes the base: values that the plan keeps are brought up to date, and so is the input. */
void        fl_cone_run(fl_cone *, bool commit);
const real *fl_cone_result(const fl_cone *, int k);      /* the root's values; the cone's, until the next begin */

#endif
