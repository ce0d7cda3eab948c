/* mean: y = mean of x over the axes in the bit set, which become 1.
 *
 * gx = gy / m, repeated along the m elements of each mean. */
#include "autograd/ops.h"
#include "autograd/reduce.h"

static double share(const fl_node *node)
{
    return (double)fl_shape_count(node->shape) / (double)fl_shape_count(node->in_shape[0]);
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    fl_sum_axes(node->in_shape[0], in[0], node->shape, y, share(node));
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    fl_repeat_axes(node->shape, gy, node->in_shape[0], gx, share(node));
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "x", (fl_shape){2, 18, 3, 2, 5});
    return which ? fl_node_mean(g, "y", x, 1u << FL_AXIS_N | 1u << FL_AXIS_H) : fl_node_global_average(g, "y", x);
}

const fl_op fl_op_mean = {
    .name = "mean", .doc = "mean over chosen axes; over T,H,W it is global average pooling",
    .file = "autograd/ops/mean.c", .kind = FL_OP_mean, .flags = FL_LINEAR | FL_POSITIVE, .arity = 1,
    .infer = fl_reduced_shape, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_mean(fl_graph *g, const char *name, fl_id x, unsigned axes)
{
    fl_attr attr = {.reduce = {axes}};
    return fl_graph_add(g, &fl_op_mean, name, &attr, 1, &x);
}

fl_id fl_node_global_average(fl_graph *g, const char *name, fl_id x)
{
    return fl_node_mean(g, name, x, 1u << FL_AXIS_T | 1u << FL_AXIS_H | 1u << FL_AXIS_W);
}
