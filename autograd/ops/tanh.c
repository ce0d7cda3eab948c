/* tanh: hyperbolic tangent.
 *
 * gx = gy * (1 - y^2). */
#include "autograd/map.h"
#include "autograd/ops.h"
#include "tensor/kernels.h"
#include "tensor/math_runs.h"

static void forward(const fl_node *node, const real *const in[], real *y)
{
    fl_map_runs(node, in[0], y, 4, fl_kernels_now()->math->tanh);
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)node, (void)x;
    return 1 - y * y;
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    fl_map_vjp(node, NULL, y, gy, gx, deriv);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    return fl_node_tanh(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 5, 3}));
}

const fl_op fl_op_tanh = {
    .name = "tanh", .doc = "hyperbolic tangent", .file = "autograd/ops/tanh.c",
    .kind = FL_OP_tanh, .flags = FL_MAP | FL_READS_OUT, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .deriv = deriv, .example = example,
};

fl_id fl_node_tanh(fl_graph *g, const char *name, fl_id x) { return fl_graph_add(g, &fl_op_tanh, name, NULL, 1, &x); }
