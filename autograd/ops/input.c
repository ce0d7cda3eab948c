/* input: a leaf. Data, a trained parameter or a stored statistic; its value is set from outside. */
#include "autograd/ops.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    (void)g;
    return node->shape;
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    (void)node, (void)in, (void)y;      /* never called: a leaf has no operands to compute from */
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)node, (void)k, (void)in, (void)y, (void)gy, (void)gx;
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    return fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 3, 1});
}

const fl_op fl_op_input = {
    .name = "input", .doc = "a leaf: data, a parameter or a stored statistic", .file = "autograd/ops/input.c",
    .kind = FL_OP_input, .flags = FL_LINEAR, .arity = 0,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};
