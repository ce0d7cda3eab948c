/* input: a leaf. Data, a trained parameter or a stored statistic; its value is set from outside. */
#include "autograd/graph.h"
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

fl_id fl_example_operand(fl_graph *g, fl_rng *rng, const char *name, fl_shape shape)
{
    fl_id id = fl_node_param(g, name, shape);
    real *value = id == FL_NONE ? NULL : fl_graph_value(g, id);
    for (int64_t i = 0; value && i < fl_shape_count(shape); i++)
        value[i] = (real)fl_rng_next_normal(rng);
    return id;
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

fl_id fl_node_input(fl_graph *g, const char *name, fl_shape s) { return fl_graph_add_leaf(g, &fl_op_input, name, s, FL_INPUT); }
fl_id fl_node_param(fl_graph *g, const char *name, fl_shape s) { return fl_graph_add_leaf(g, &fl_op_input, name, s, FL_PARAM); }
fl_id fl_node_buffer(fl_graph *g, const char *name, fl_shape s) { return fl_graph_add_leaf(g, &fl_op_input, name, s, FL_BUFFER); }
