/* mask_build.h: the graph of a search for masks while it is built, as mask_graph.c and mask_terms.c share it. */
#ifndef FL_MASK_BUILD_H
#define FL_MASK_BUILD_H

#include "attribution/mask.h"
#include "autograd/ops.h"

typedef struct fl_mask_build {
    fl_masks *m;
    fl_graph *g;
    const fl_run *r;
    const fl_mask_plan *plan;
    const fl_mask_recipe *q;
    fl_id padded;                        /* DISCS: the mask with its margin */
    fl_id coarse;                        /* cells and the like, as terms see them: sets,1,T,h,w */
    fl_discs discs;
} fl_mask_build;

static inline int fl_at_most(int a, int b) { return a < b ? a : b; }
static inline int fl_at_least(int a, int b) { return a > b ? a : b; }

/* Of axis H or W from begin on; the whole axis is x itself. */
static inline fl_id fl_mask_part(fl_graph *g, const char *name, fl_id x, int axis, int begin, int length)
{
    const fl_shape s = fl_graph_shape(g, x);
    return begin == 0 && length == (axis == FL_AXIS_H ? s.h : s.w) ? x : fl_node_slice(g, name, x, axis, begin, begin + length);
}

static inline fl_id fl_mask_window(fl_graph *g, const char *name, fl_id x, int top, int height, int left, int width)
{
    const size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id rows = fl_mask_part(g, "rows", x, FL_AXIS_H, top, height), y = fl_mask_part(g, "columns", rows, FL_AXIS_W, left, width);
    fl_graph_leave(g, mark);
    return y;
}

void fl_mask_add_terms(fl_mask_build *);

#endif
