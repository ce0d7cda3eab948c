/* erf: y = 2 / sqrt(pi) * integral of exp(-u^2) for u from 0 to x: the heart of GELU (Hendrycks 2016).
 *
 * gx = gy * 2 / sqrt(pi) * exp(-x^2). */
#include "autograd/map.h"
#include "autograd/ops.h"
#include "tensor/math.h"

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const real *x = in[0];
    FL_MAP_FORWARD(node, x, y, 60, fl_erf(x[i]));
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)node, (void)y;
    return (real)(1.12837916709551257390 * fl_exp64(-(double)x * (double)x));
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k;
    fl_map_vjp(node, in[0], y, gy, gx, deriv);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 0) return FL_NONE;
    return fl_node_erf(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 5, 3}));
}

const fl_op fl_op_erf = {
    .name = "erf", .doc = "the error function", .file = "autograd/ops/erf.c",
    .kind = FL_OP_erf, .flags = FL_MAP | FL_READS_IN, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .deriv = deriv, .example = example,
};

fl_id fl_node_erf(fl_graph *g, const char *name, fl_id x) { return fl_graph_add(g, &fl_op_erf, name, NULL, 1, &x); }
