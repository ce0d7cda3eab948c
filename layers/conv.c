/* conv.c: one weight, its norm, its ReLU. */
#include "layers/layers.h"

fl_id fl_layer_conv(fl_graph *g, const char *scope, fl_id x, int out, fl_window win, int groups, bool bias)
{
    size_t mark = fl_graph_enter(g, "%s", scope);
    const int in = fl_graph_shape(g, x).c;
    fl_id w = fl_node_param(g, "weight", (fl_shape){out, in / groups, win.k[0], win.k[1], win.k[2]});
    fl_id b = bias ? fl_node_param(g, "bias", fl_shape_vector(1, out)) : FL_NONE;
    fl_graph_leave(g, mark);
    return fl_node_conv(g, scope, x, w, b, win, groups);
}

fl_id fl_layer_linear(fl_graph *g, const char *scope, fl_id x, int out, bool bias)
{
    size_t mark = fl_graph_enter(g, "%s", scope);
    fl_id w = fl_node_param(g, "weight", fl_shape_vector(out, fl_graph_shape(g, x).c));
    fl_id b = bias ? fl_node_param(g, "bias", fl_shape_vector(1, out)) : FL_NONE;
    fl_graph_leave(g, mark);
    return fl_node_linear(g, scope, x, w, b);
}

/* For training, the statistics are those of x: nodes scope.moments, .mean, .var; the stored ones wait for training to move them. */
fl_id fl_layer_norm(fl_graph *g, const char *scope, fl_id x, double eps)
{
    const fl_shape v = fl_shape_vector(1, fl_graph_shape(g, x).c);
    size_t mark = fl_graph_enter(g, "%s", scope);
    fl_id gamma = fl_node_param(g, "weight", v), beta = fl_node_param(g, "bias", v);
    fl_id mean = fl_node_buffer(g, "running_mean", v), var = fl_node_buffer(g, "running_var", v);
    if (g->batch_statistics) {
        fl_id moments = fl_node_moments(g, "moments", x);
        mean = fl_node_slice(g, "mean", moments, FL_AXIS_N, 0, 1);
        var = fl_node_slice(g, "var", moments, FL_AXIS_N, 1, 2);
    }
    fl_graph_leave(g, mark);
    return fl_node_batchnorm(g, scope, x, gamma, beta, mean, var, eps);
}

fl_id fl_layer_conv_bn(fl_graph *g, fl_conv_bn_names names, fl_id x, int out, fl_window win, double eps)
{
    x = fl_layer_conv(g, names.conv, x, out, win, 1, false);
    x = fl_layer_norm(g, names.bn, x, eps);
    return names.relu ? fl_node_relu(g, names.relu, x) : x;
}
