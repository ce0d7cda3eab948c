/* linear: y[n,o] = b[o] + sum over c of x[n,c] * w[o,c].
 *
 * gx = gy w, gw = gy' x, gb = gy summed over n. A pointwise convolution of one pixel: autograd/weighted.c. */
#include "autograd/ops.h"
#include "autograd/weighted.h"

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0], w = node->in_shape[1];
    fl_shape_text tx, tw;
    fl_shape_print(x, &tx), fl_shape_print(w, &tw);
    if (fl_shape_count(x) != (int64_t)x.n * x.c || fl_shape_count(w) != (int64_t)w.n * w.c || x.c != w.c)
        return fl_graph_fail(g, node, "expected input N,C and weight O,C; got %s and %s (flatten first?)", tx.text,
                             tw.text);
    if (node->n_in == 3 && !fl_shape_equal(node->in_shape[2], fl_shape_vector(1, w.n)))
        return fl_graph_fail(g, node, "expected a bias of shape 1,%d,1,1,1, got %s", w.n,
                             fl_shape_print(node->in_shape[2], &tx));
    return fl_shape_vector(x.n, w.n);
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    if (which > 1) return FL_NONE;
    const int n = which ? 1 : 5, c = which ? 19 : 3, o = which ? 1 : 37;
    fl_id x = fl_example_operand(g, rng, "x", fl_shape_vector(n, c));
    fl_id w = fl_example_operand(g, rng, "w", fl_shape_vector(o, c));
    fl_id b = which ? FL_NONE : fl_example_operand(g, rng, "b", fl_shape_vector(1, o));
    return fl_node_linear(g, "y", x, w, b);
}

const fl_op fl_op_linear = {
    .name = "linear", .doc = "fully connected layer", .file = "autograd/ops/linear.c",
    .kind = FL_OP_linear, FL_WEIGHTED_OP, .finished = fl_weighted_finished, .forward_rest = fl_weighted_forward_rest,
    .infer = infer, .example = example,
};

fl_id fl_node_linear(fl_graph *g, const char *name, fl_id x, fl_id w, fl_id b)
{
    fl_attr attr = {.conv = {fl_window_cube(1, 1, 1, 1, 1, 1), 1, true}};
    return fl_graph_add(g, &fl_op_linear, name, &attr, b == FL_NONE ? 2 : 3, (fl_id[]){x, w, b});
}
