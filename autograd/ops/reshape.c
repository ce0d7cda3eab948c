/* reshape: the same elements in file order (row-major N,C,T,H,W) under another shape.
 *
 * gx: gy under the old shape. Memory is channels last, so elements move unless C stays and T,H,W are 1,1,1. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/par.h"

#include <limits.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape_text a, b;
    if (fl_shape_count(node->in_shape[0]) != fl_shape_count(node->attr.reshape.to))
        return fl_graph_fail(g, node, "shape %s has another number of elements than %s",
                             fl_shape_print(node->attr.reshape.to, &b), fl_shape_print(node->in_shape[0], &a));
    return node->attr.reshape.to;
}

/* Place in memory of element i of the file order. */
static int64_t place(fl_shape s, int64_t i)
{
    const int64_t plane = (int64_t)s.t * s.h * s.w, p = i % plane, c = i / plane % s.c, n = i / plane / s.c;
    return (n * plane + p) * s.c + c;
}

static void move(fl_shape from, const real *x, fl_shape to, real *y)
{
    enum { BLOCK = 4096 };
    const int64_t count = fl_shape_count(to);
    FL_PARALLEL(block, (count + BLOCK - 1) / BLOCK, count * 10) {
        const int64_t end = (block + 1) * BLOCK < count ? (block + 1) * BLOCK : count;
        for (int64_t i = block * BLOCK; i < end; i++) y[place(to, i)] = x[place(from, i)];
    }
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    move(node->in_shape[0], in[0], node->shape, y);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    move(node->shape, gy, node->in_shape[0], gx);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    fl_id x = fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 3, 4});
    return which ? fl_node_reshape(g, "y", x, (fl_shape){1, 8, 3, 1, 6}) : fl_node_flatten(g, "y", x);
}

const fl_op fl_op_reshape = {
    .name = "reshape", .doc = "the same elements, in file order, under another shape",
    .file = "autograd/ops/reshape.c", .kind = FL_OP_reshape, .flags = FL_LINEAR | FL_POSITIVE | FL_ROUTE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_reshape(fl_graph *g, const char *name, fl_id x, fl_shape to)
{
    fl_attr attr = {.reshape = {to}};
    return fl_graph_add(g, &fl_op_reshape, name, &attr, 1, &x);
}

fl_id fl_node_flatten(fl_graph *g, const char *name, fl_id x)
{
    const fl_shape s = fl_graph_shape(g, x);
    const int64_t features = fl_shape_count(s) / s.n;
    return fl_node_reshape(g, name, x,
                           fl_shape_vector(s.n, features <= INT_MAX ? (int)features : 0)); /* 0: refused by infer */
}
