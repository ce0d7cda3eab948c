/* sum: y = sum of x over the axes in the bit set, which become 1.
 *
 * gx = gy, repeated along the summed axes. */
#include "autograd/ops.h"
#include "autograd/reduce.h"

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const unsigned axes[] = {1u << FL_AXIS_C, 1u << FL_AXIS_T | 1u << FL_AXIS_W, 0x1f};
    if (which >= (int)(sizeof axes / sizeof *axes)) return FL_NONE;
    return fl_node_sum(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 4, 3, 5}), axes[which]);
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    fl_sum_axes(node->in_shape[0], in[0], node->shape, y, 1);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    fl_repeat_axes(node->shape, gy, node->in_shape[0], gx, 1);
}

const fl_op fl_op_sum = {
    .name = "sum", .doc = "sum over chosen axes", .file = "autograd/ops/sum.c",
    .kind = FL_OP_sum, .flags = FL_LINEAR | FL_POSITIVE, .arity = 1,
    .infer = fl_reduced_shape, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_sum(fl_graph *g, const char *name, fl_id x, unsigned axes)
{
    fl_attr attr = {.reduce = {axes}};
    return fl_graph_add(g, &fl_op_sum, name, &attr, 1, &x);
}
