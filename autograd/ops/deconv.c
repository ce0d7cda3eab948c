/* deconv: the transposed convolution: every x[n,c,t,h,w] spreads x * w[c,o,kt,kh,kw] over y[n,o, t*s-lo+kt*d, ...], plus b[o].
 *
 * gx: the convolution of gy with w; gw: the correlation of gy and x; gb: gy summed over n,t,h,w.
 * A convolution walked backwards: forward and vjp are shared with conv, autograd/weighted.c. */
#include "autograd/ops.h"
#include "autograd/weighted.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0], w = node->in_shape[1];
    const fl_window *win = &node->attr.conv.win;
    const int groups = node->attr.conv.groups;
    fl_shape_text tx, tw;
    fl_shape_print(x, &tx), fl_shape_print(w, &tw);
    if (groups < 1 || x.c % groups || w.n != x.c)
        return fl_graph_fail(g, node, "input %s and weight %s do not fit with %d groups: expected a weight with %d input "
                             "channels first", tx.text, tw.text, groups, x.c);
    if (!fl_weighted_window_fits(g, node, w.c * groups)) return (fl_shape){0, 0, 0, 0, 0};
    const fl_shape y = {x.n, w.c * groups, fl_window_spread(win, 0, x.t), fl_window_spread(win, 1, x.h), fl_window_spread(win, 2, x.w)};
    if (y.t < 1 || y.h < 1 || y.w < 1)
        return fl_graph_fail(g, node, "of the input %s the padding leaves nothing, or it becomes too long", tx.text);
    return y;
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; int o, groups; fl_window win; bool bias; } list[] = {
        {{2, 3, 2, 3, 2}, 4, 1, {{3, 3, 3}, {1, 2, 2}, {1, 1, 1}, {1, 1, 0}, {1, 0, 1}}, true},
        {{1, 4, 5, 1, 1}, 6, 2, {{4, 1, 1}, {2, 1, 1}, {1, 1, 1}, {1, 0, 0}, {1, 0, 0}}, false},      /* doubles the frames */
        {{1, 2, 1, 3, 4}, 3, 1, {{1, 2, 3}, {1, 3, 1}, {1, 1, 2}, {0, 0, 2}, {0, 1, 1}}, true},       /* gaps, dilation */
    };
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_window win = list[which].win;
    const int groups = list[which].groups;
    fl_id x = fl_example_operand(g, rng, "x", list[which].x);
    fl_id w = fl_example_operand(g, rng, "w", (fl_shape){list[which].x.c, list[which].o / groups, win.k[0], win.k[1], win.k[2]});
    fl_id b = list[which].bias ? fl_example_operand(g, rng, "b", fl_shape_vector(1, list[which].o)) : FL_NONE;
    return fl_node_deconv(g, "y", x, w, b, win, groups);
}

const fl_op fl_op_deconv = {
    .name = "deconv", .doc = "transposed convolution over T,H,W", .file = "autograd/ops/deconv.c",
    .kind = FL_OP_deconv, FL_WEIGHTED_OP, .infer = infer, .example = example,
};

fl_id fl_node_deconv(fl_graph *g, const char *name, fl_id x, fl_id w, fl_id b, fl_window win, int groups)
{
    fl_attr attr = {.conv = {win, groups, false}};
    return fl_graph_add(g, &fl_op_deconv, name, &attr, b == FL_NONE ? 2 : 3, (fl_id[]){x, w, b});
}
