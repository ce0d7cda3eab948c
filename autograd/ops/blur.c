/* blur: separable Gaussian over T,H,W (tensor/blur.h).
 *
 * gx: the transposed blur; the same blur where the border is zero. */
#include "autograd/ops.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    (void)g;
    return node->in_shape[0];
}

static size_t scratch(const fl_node *node) { return fl_blur_scratch(node->shape, &node->attr.blur); }

static void forward(const fl_node *node, const real *const in[], real *y)
{
    fl_blur_forward(node->shape, &node->attr.blur, in[0], y, node->work);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    fl_blur_transpose(node->shape, &node->attr.blur, gy, gx, node->work);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    const fl_blur blur = which ? (fl_blur){{0.7, 1.5, 0.4}, {2, 3, 1}, FL_BORDER_REFLECT}
                               : fl_blur_frames(0.8, FL_BORDER_ZERO);
    return fl_node_blur(
        g, "y", fl_example_operand(g, rng, "x", which ? (fl_shape){1, 3, 4, 5, 3} : (fl_shape){2, 1, 2, 6, 5}), blur);
}

const fl_op fl_op_blur = {
    .name = "blur", .doc = "Gaussian blur over T,H,W", .file = "autograd/ops/blur.c",
    .kind = FL_OP_blur, .flags = FL_LINEAR | FL_POSITIVE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example, .scratch = scratch,
};

fl_id fl_node_blur(fl_graph *g, const char *name, fl_id x, fl_blur blur)
{
    fl_attr attr = {.blur = blur};
    return fl_graph_add(g, &fl_op_blur, name, &attr, 1, &x);
}
