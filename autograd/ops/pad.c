/* pad: zeros around x: axis i of N,C,T,H,W gets low[i] of them in front and high[i] behind.
 *
 * gx: the part of gy that x became. */
#include "autograd/ops.h"
#include "autograd/runs.h"
#include "tensor/par.h"

#include <limits.h>
#include <string.h>

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    fl_shape y = node->in_shape[0];
    for (int i = 0; i < 5; i++) {
        int *length = fl_shape_axis(&y, i);
        const int low = node->attr.pad.low[i], high = node->attr.pad.high[i];
        if (low < 0 || high < 0 || low > INT_MAX / 4 || high > INT_MAX / 4 || *length > INT_MAX / 4)
            return fl_graph_fail(g, node, "padding of %d and %d along axis %c: expected 0 or more", low, high,
                                 "NCTHW"[i]);
        *length += low + high;
    }
    return y;
}

/* Where row (n, t, h) of x begins in y. */
static int64_t place(const fl_node *node, int64_t row)
{
    const fl_shape x = node->in_shape[0];
    const int *low = node->attr.pad.low;
    const int h = (int)(row % x.h), t = (int)(row / x.h % x.t), n = (int)(row / x.h / x.t);
    return fl_at(node->shape, n + low[FL_AXIS_N], low[FL_AXIS_C], t + low[FL_AXIS_T], h + low[FL_AXIS_H],
                 low[FL_AXIS_W]);
}

/* Copies every element between x and its place in y; back: from y to x. */
static void move(const fl_node *node, const real *from, real *to, bool back)
{
    const fl_shape x = node->in_shape[0], y = node->shape;
    FL_PARALLEL(row, (int64_t)x.n * x.t * x.h, fl_shape_count(x)) {
        for (int w = 0; w < x.w; w++) {
            const int64_t a = (row * x.w + w) * x.c, b = place(node, row) + (int64_t)w * y.c;
            memcpy(to + (back ? a : b), from + (back ? b : a), (size_t)x.c * sizeof(real));
        }
    }
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    memset(y, 0, (size_t)fl_shape_count(node->shape) * sizeof(real));
    move(node, in[0], y, false);
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)k, (void)in, (void)y;
    move(node, gy, gx, true);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const int low[][5] = {{0, 0, 1, 2, 0}, {0, 3, 0, 0, 1}}, high[][5] = {{0, 0, 0, 1, 3}, {0, 1, 2, 0, 0}};
    if (which >= (int)(sizeof low / sizeof *low)) return FL_NONE;
    return fl_node_pad(g, "y", fl_example_operand(g, rng, "x", (fl_shape){2, 3, 2, 3, 4}), low[which], high[which]);
}

const fl_op fl_op_pad = {
    .name = "pad", .doc = "zeros around, along any axis", .file = "autograd/ops/pad.c",
    .kind = FL_OP_pad, .flags = FL_LINEAR | FL_POSITIVE | FL_ROUTE, .arity = 1,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example,
};

fl_id fl_node_pad(fl_graph *g, const char *name, fl_id x, const int low[5], const int high[5])
{
    fl_attr attr = {0};
    memcpy(attr.pad.low, low, sizeof attr.pad.low);
    memcpy(attr.pad.high, high, sizeof attr.pad.high);
    return fl_graph_add(g, &fl_op_pad, name, &attr, 1, &x);
}
