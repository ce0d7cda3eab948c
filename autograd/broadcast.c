/* broadcast.c: the arithmetic of shapes with axes of length 1. */
#include "autograd/broadcast.h"

fl_steps fl_steps_of(fl_shape x, fl_shape y)
{
    fl_steps s = {(int64_t)x.t * x.h * x.w * x.c, (int64_t)x.h * x.w * x.c, (int64_t)x.w * x.c, x.c, 1};
    if (x.n != y.n) s.n = 0;
    if (x.t != y.t) s.t = 0;
    if (x.h != y.h) s.h = 0;
    if (x.w != y.w) s.w = 0;
    if (x.c != y.c) s.c = 0;
    return s;
}

static int common(int a, int b) { return a == b || b == 1 ? a : a == 1 ? b : 0; }

fl_shape fl_broadcast_shape(fl_shape a, fl_shape b)
{
    return (fl_shape){common(a.n, b.n), common(a.c, b.c), common(a.t, b.t), common(a.h, b.h), common(a.w, b.w)};
}

fl_shape fl_broadcast_infer(fl_graph *g, const fl_node *node)
{
    fl_shape s = fl_broadcast_shape(node->in_shape[0], node->in_shape[1]);
    if (fl_shape_valid(s)) return s;
    fl_shape_text a, b;
    return fl_graph_fail(g, node, "shapes %s and %s do not broadcast to one", fl_shape_print(node->in_shape[0], &a),
                         fl_shape_print(node->in_shape[1], &b));
}
