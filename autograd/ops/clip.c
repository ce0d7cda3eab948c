/* clip: y = min(max(x, low), high); either bound may be infinite; NaN stays NaN.
 *
 * gx = gy where low < y < high, else 0: the derivative at a bound is 0, as that of relu; the output alone decides. */
#include "autograd/map.h"
#include "autograd/ops.h"

#include <math.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    if (!(node->attr.clip.low <= node->attr.clip.high))
        return fl_graph_fail(g, node, "the bounds %g and %g leave nothing between them", node->attr.clip.low,
                             node->attr.clip.high);
    return node->in_shape[0];
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const real *x = in[0];
    const real low = (real)node->attr.clip.low, high = (real)node->attr.clip.high;
    FL_MAP_FORWARD(node, x, y, 2, x[i] < low ? low : x[i] > high ? high : x[i]);
}

static real deriv(const fl_node *node, real x, real y)
{
    (void)x;
    return y > (real)node->attr.clip.low && y < (real)node->attr.clip.high ? 1 : 0;
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in;
    fl_map_vjp(node, NULL, y, gy, gx, deriv);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const double bound[][2] = {{-0.5, 0.75}, {-(double)INFINITY, 0.25}};
    if (which >= (int)(sizeof bound / sizeof *bound)) return FL_NONE;
    return fl_node_clip(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 5, 3}), bound[which][0],
                        bound[which][1]);
}

const fl_op fl_op_clip = {
    .name = "clip", .doc = "x, but not below one bound nor above another", .file = "autograd/ops/clip.c",
    .kind = FL_OP_clip, .flags = FL_MAP | FL_READS_OUT, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .deriv = deriv, .example = example,
};

fl_id fl_node_clip(fl_graph *g, const char *name, fl_id x, double low, double high)
{
    fl_attr attr = {.clip = {low, high}};
    return fl_graph_add(g, &fl_op_clip, name, &attr, 1, &x);
}
