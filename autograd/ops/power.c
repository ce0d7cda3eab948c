/* power: y = x^p for a constant p: square, root (1/2), reciprocal (-1). A negative x wants a whole p, else NaN.
 *
 * gx = gy * p * x^(p-1). */
#include "autograd/map.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/math.h"

enum { MOST_FACTORS = 16 };

/* Whole powers by multiplication, exact in their sign; the root by sqrt; the rest through exp and log. */
static double raised(double x, double p)
{
    const bool whole = fabs(p) <= MOST_FACTORS && p == floor(p);
    if (!whole) return p == 0.5 ? sqrt(x) : fl_pow64(x, p);
    double y = 1;
    for (int i = 0; i < (int)fabs(p); i++) y *= x;
    return p < 0 ? 1 / y : y;
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const real *x = in[0];
    const double p = node->attr.power.exponent;
    FL_MAP_FORWARD(node, x, y, 40, (real)raised((double)x[i], p));
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)y;
    const double p = node->attr.power.exponent;
    return (real)(p * raised((double)x, p - 1));
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k;
    fl_map_vjp(node, in[0], y, gy, gx, deriv);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const double exponent[] = {2, 0.5, -1, -0.3, 3, 1};
    if (which >= (int)(sizeof exponent / sizeof *exponent)) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 5, 3});
    for (int i = 0; fl_graph_ok(g) && i < 180; i++) {
        real *value = fl_graph_value(g, x) + i;
        if (which) *value = (which == 4 && i % 2 ? -1 : 1) * (*value * *value + R(0.25));
    }
    return fl_node_power(g, "y", x, exponent[which]);
}

const fl_op fl_op_power = {
    .name = "power", .doc = "x to a constant power", .file = "autograd/ops/power.c",
    .kind = FL_OP_power, .flags = FL_MAP | FL_READS_IN, .arity = 1,
    .infer = fl_map_infer, .forward = forward, .vjp = vjp, .deriv = deriv, .example = example,
};

fl_id fl_node_power(fl_graph *g, const char *name, fl_id x, double exponent)
{
    fl_attr attr = {.power = {exponent}};
    return fl_graph_add(g, &fl_op_power, name, &attr, 1, &x);
}
