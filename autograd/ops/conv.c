/* conv: y[n,o,t,h,w] = b[o] + sum over i,kt,kh,kw of x[n,i,t*s-lo+kt*d, ...] * w[o,i,kt,kh,kw];  1-D to 3-D, groups.
 *
 * gx: the same sum with flipped taps; gw: the correlation of x and gy; gb: gy summed over n,t,h,w.
 * forward and vjp are shared with linear: autograd/weighted.c. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/weighted.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0], w = node->in_shape[1];
    const fl_window *win = &node->attr.conv.win;
    const int groups = node->attr.conv.groups;
    fl_shape_text tx, tw;
    fl_shape_print(x, &tx), fl_shape_print(w, &tw);
    if (groups < 1 || x.c % groups || w.n % groups || w.c != x.c / groups)
        return fl_graph_fail(
            g, node, "input %s and weight %s do not fit with %d groups: expected a weight with %d input channels",
            tx.text, tw.text, groups, groups > 0 ? x.c / groups : 0);
    if (!fl_weighted_window_fits(g, node, w.n)) return (fl_shape){0, 0, 0, 0, 0};
    fl_shape y = {x.n, w.n, fl_window_extent(win, 0, x.t), fl_window_extent(win, 1, x.h),
                  fl_window_extent(win, 2, x.w)};
    if (y.t < 1 || y.h < 1 || y.w < 1)
        return fl_graph_fail(g, node, "the kernel does not fit into the input %s", tx.text);
    return y;
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; int o, groups; fl_window win; bool bias; } list[] = {
        {{2, 3, 3, 5, 4}, 4, 1, {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, true},
        /* strides, dilation, uneven padding */
        {{1, 4, 5, 7, 6}, 6, 2, {{2, 3, 1}, {2, 2, 3}, {1, 2, 1}, {0, 2, 0}, {1, 1, 0}}, true},
        /* 1-D, depthwise */
        {{2, 5, 1, 1, 9}, 5, 5, {{1, 1, 4}, {1, 1, 2}, {1, 1, 1}, {0, 0, 3}, {0, 0, 0}}, false},
        /* pointwise, odd channels */
        {{3, 17, 2, 2, 2}, 33, 1, {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}}, true},
        {{1, 2, 4, 6, 6}, 3, 1, {{3, 1, 1}, {1, 1, 1}, {2, 1, 1}, {2, 0, 0}, {2, 0, 0}}, false},    /* temporal */
    };
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_window win = list[which].win;
    fl_id x = fl_example_operand(g, rng, "x", list[which].x);
    fl_id w = fl_example_operand(
        g, rng, "w", (fl_shape){list[which].o, list[which].x.c / list[which].groups, win.k[0], win.k[1], win.k[2]});
    fl_id b = list[which].bias ? fl_example_operand(g, rng, "b", fl_shape_vector(1, list[which].o)) : FL_NONE;
    return fl_node_conv(g, "y", x, w, b, win, list[which].groups);
}

const fl_op fl_op_conv = {
    .name = "conv", .doc = "convolution over T,H,W with stride, dilation, padding and groups",
    .file = "autograd/ops/conv.c", .kind = FL_OP_conv, FL_WEIGHTED_OP,
    .finished = fl_weighted_finished, .forward_rest = fl_weighted_forward_rest, .infer = infer, .example = example,
};

static fl_id add(fl_graph *g, const char *name, fl_id x, fl_id w, fl_id b, const fl_attr *attr)
{
    return fl_graph_add(g, &fl_op_conv, name, attr, b == FL_NONE ? 2 : 3, (fl_id[]){x, w, b});
}

fl_id fl_node_conv(fl_graph *g, const char *name, fl_id x, fl_id w, fl_id b, fl_window win, int groups)
{
    return add(g, name, x, w, b, &(fl_attr){.conv = {win, groups, false}});
}

fl_id fl_node_dense(fl_graph *g, const char *name, fl_id x, fl_id w, fl_id b)
{
    const fl_shape k = fl_graph_shape(g, w);
    const fl_window win = {{k.t, k.h, k.w}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    return add(g, name, x, w, b, &(fl_attr){.conv = {win, 1, true}});
}
