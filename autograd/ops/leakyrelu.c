/* leakyrelu: y = x where x > 0, else slope * x (Maas 2013); NaN stays NaN.
 *
 * gx = gy where x > 0, else slope * gy: at 0 the slope, as relu has 0 there. */
#include "autograd/map.h"
#include "autograd/ops.h"

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const real *x = in[0];
    const real slope = (real)node->attr.leak.slope;
    FL_MAP_FORWARD(node, x, y, 2, x[i] > 0 ? x[i] : slope * x[i]);
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)y;
    return x > 0 ? 1 : (real)node->attr.leak.slope;
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k;
    fl_map_vjp(node, in[0], y, gy, gx, deriv);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    return fl_node_leakyrelu(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 5, 3}), which ? 1.5 : 0.1);
}

const fl_op fl_op_leakyrelu = {
    .name = "leakyrelu", .doc = "x, or slope * x below 0", .file = "autograd/ops/leakyrelu.c",
    .kind = FL_OP_leakyrelu, .flags = FL_MAP | FL_READS_IN, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .deriv = deriv, .example = example,
};

fl_id fl_node_leakyrelu(fl_graph *g, const char *name, fl_id x, double slope)
{
    fl_attr attr = {.leak = {slope}};
    return fl_graph_add(g, &fl_op_leakyrelu, name, &attr, 1, &x);
}
