/* resize: x at another size along T,H,W, nearest or linear (tensor/resample.h).
 *
 * gx: the transpose of the interpolation. */
#include "autograd/ops.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    (void)g;
    const fl_shape x = node->in_shape[0], to = node->attr.resize.to;
    return (fl_shape){x.n, x.c, to.t, to.h, to.w};
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    fl_resize(node->in_shape[0], in[0], node->shape, y, node->attr.resize.mode, node->attr.resize.align);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    fl_resize_transpose(node->in_shape[0], gx, node->shape, gy, node->attr.resize.mode, node->attr.resize.align);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x, to; fl_resize_mode mode; bool align; } list[] = {
        {{2, 3, 2, 3, 4}, {1, 1, 5, 2, 7}, FL_RESIZE_LINEAR, false},
        {{1, 1, 1, 4, 4}, {1, 1, 3, 9, 1}, FL_RESIZE_LINEAR, true},
        {{1, 2, 4, 3, 5}, {1, 1, 2, 7, 5}, FL_RESIZE_NEAREST, false},
    };
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    return fl_node_resize(g, "y", fl_example_operand(g, rng, "x", list[which].x), list[which].to, list[which].mode,
                          list[which].align);
}

const fl_op fl_op_resize = {
    .name = "resize", .doc = "nearest or linear interpolation over T,H,W", .file = "autograd/ops/resize.c",
    .kind = FL_OP_resize, .flags = FL_LINEAR | FL_POSITIVE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_resize(fl_graph *g, const char *name, fl_id x, fl_shape to, fl_resize_mode mode, bool align)
{
    fl_attr attr = {.resize = {to, mode, align}};
    return fl_graph_add(g, &fl_op_resize, name, &attr, 1, &x);
}
