/* pick: y[n] = x[n,c,t,h,w], one element per sample: the score that is explained.
 *
 * gx = gy at that element, 0 elsewhere. */
#include "autograd/ops.h"

#include <string.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    if (node->attr.pick.c < 0 || node->attr.pick.c >= x.c || node->attr.pick.t < 0 || node->attr.pick.t >= x.t ||
        node->attr.pick.h < 0 || node->attr.pick.h >= x.h || node->attr.pick.w < 0 || node->attr.pick.w >= x.w)
        return fl_graph_fail(g, node, "element c=%d t=%d h=%d w=%d lies outside C,T,H,W = %d,%d,%d,%d",
                             node->attr.pick.c, node->attr.pick.t, node->attr.pick.h, node->attr.pick.w, x.c, x.t,
                             x.h, x.w);
    return fl_shape_vector(x.n, 1);
}

static int64_t place(const fl_node *node, int n)
{
    return fl_at(node->in_shape[0], n, node->attr.pick.c, node->attr.pick.t, node->attr.pick.h, node->attr.pick.w);
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    for (int n = 0; n < node->shape.n; n++) y[n] = in[0][place(node, n)];
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    memset(gx, 0, (size_t)fl_shape_count(node->in_shape[0]) * sizeof(real));
    for (int n = 0; n < node->shape.n; n++) gx[place(node, n)] = gy[n];
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "x", (fl_shape){3, 4, 2, 3, 2});
    return which ? fl_node_pick(g, "y", x, 2, 1, 0, 1) : fl_node_pick(g, "y", x, 0, 0, 2, 0);
}

const fl_op fl_op_pick = {
    .name = "pick", .doc = "one element per sample", .file = "autograd/ops/pick.c",
    .kind = FL_OP_pick, .flags = FL_LINEAR | FL_POSITIVE | FL_ROUTE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_pick(fl_graph *g, const char *name, fl_id x, int c, int t, int h, int w)
{
    fl_attr attr = {.pick = {c, t, h, w}};
    return fl_graph_add(g, &fl_op_pick, name, &attr, 1, &x);
}
