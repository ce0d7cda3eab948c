/* log: y = ln x; minus infinity at 0, NaN below.
 *
 * gx = gy / x. */
#include "autograd/map.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/math.h"

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const real *x = in[0];
    FL_MAP_FORWARD(node, x, y, 20, fl_log(x[i]));
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)node, (void)y;
    return 1 / x;
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k;
    fl_map_vjp(node, in[0], y, gy, gx, deriv);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 5, 3});
    for (int i = 0; fl_graph_ok(g) && i < 180; i++) {
        real *value = fl_graph_value(g, x) + i;
        *value = *value * *value + R(0.25);
    }
    return fl_node_log(g, "y", x);
}

const fl_op fl_op_log = {
    .name = "log", .doc = "natural logarithm", .file = "autograd/ops/log.c",
    .kind = FL_OP_log, .flags = FL_MAP | FL_READS_IN, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .deriv = deriv, .example = example,
};

fl_id fl_node_log(fl_graph *g, const char *name, fl_id x) { return fl_graph_add(g, &fl_op_log, name, NULL, 1, &x); }
