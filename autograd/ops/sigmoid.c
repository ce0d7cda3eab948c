/* sigmoid: 1 / (1 + exp(-x)).
 *
 * gx = gy * y * (1 - y). */
#include "autograd/map.h"
#include "autograd/ops.h"
#include "tensor/kernels.h"
#include "tensor/math_runs.h"

static void forward(const fl_node *node, const real *const in[], real *y)
{
    fl_map_runs(node, in[0], y, 4, fl_kernels_now()->math->sigmoid);
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)node, (void)x;
    return y * (1 - y);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    fl_map_vjp(node, NULL, y, gy, gx, deriv);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    return fl_node_sigmoid(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 5, 3}));
}

const fl_op fl_op_sigmoid = {
    .name = "sigmoid", .doc = "1 / (1 + exp(-x))", .file = "autograd/ops/sigmoid.c",
    .kind = FL_OP_sigmoid, .flags = FL_MAP | FL_FRACTION | FL_READS_OUT, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .deriv = deriv, .example = example,
};

fl_id fl_node_sigmoid(fl_graph *g, const char *name, fl_id x)
{
    return fl_graph_add(g, &fl_op_sigmoid, name, NULL, 1, &x);
}
