/* conv.c: one weight, its norm, its ReLU. */
#include "layers/layers.h"

#include <stdio.h>

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

fl_id fl_layer_dense(fl_graph *g, const char *scope, fl_id x, int out, bool bias)
{
    const fl_shape s = fl_graph_shape(g, x);
    size_t mark = fl_graph_enter(g, "%s", scope);
    fl_id w = fl_node_param(g, "weight", (fl_shape){out, s.c, 1, s.h, s.w});
    fl_id b = bias ? fl_node_param(g, "bias", fl_shape_vector(1, out)) : FL_NONE;
    fl_graph_leave(g, mark);
    return fl_node_dense(g, scope, x, w, b);
}

typedef struct norm { fl_id gamma, beta, mean, var; } norm;

/* For training, the statistics are those of x: nodes name.moments, .mean, .var; the stored ones wait for training to move them. */
static fl_id add_norm(fl_graph *g, const char *name, fl_id x, norm p, double eps)
{
    if (g->batch_statistics) {
        size_t mark = fl_graph_enter(g, "%s", name);
        fl_id moments = fl_node_moments(g, "moments", x);
        p.mean = fl_node_slice(g, "mean", moments, FL_AXIS_N, 0, 1);
        p.var = fl_node_slice(g, "var", moments, FL_AXIS_N, 1, 2);
        fl_graph_leave(g, mark);
    }
    return fl_node_batchnorm(g, name, x, p.gamma, p.beta, p.mean, p.var, eps);
}

fl_id fl_layer_norm(fl_graph *g, const char *scope, fl_id x, double eps)
{
    const fl_shape v = fl_shape_vector(1, fl_graph_shape(g, x).c);
    size_t mark = fl_graph_enter(g, "%s", scope);
    norm p;
    p.gamma = fl_node_param(g, "weight", v);
    p.beta = fl_node_param(g, "bias", v);
    p.mean = fl_node_buffer(g, "running_mean", v);
    p.var = fl_node_buffer(g, "running_var", v);
    fl_graph_leave(g, mark);
    return add_norm(g, scope, x, p, eps);
}

static fl_id find_below(const fl_graph *g, const char *scope, const char *name)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s.%s", g->scope, scope, name);
    return fl_graph_find(g, full);
}

fl_id fl_layer_norm_again(fl_graph *g, const char *name, const char *scope, fl_id x, double eps)
{
    const norm p = {find_below(g, scope, "weight"), find_below(g, scope, "bias"), find_below(g, scope, "running_mean"),
                    find_below(g, scope, "running_var")};
    return add_norm(g, name, x, p, eps);
}

fl_id fl_layer_conv_bn(fl_graph *g, fl_conv_bn_names names, fl_id x, int out, fl_window win, double eps)
{
    x = fl_layer_conv(g, names.conv, x, out, win, 1, false);
    x = fl_layer_norm(g, names.bn, x, eps);
    return names.relu ? fl_node_relu(g, names.relu, x) : x;
}

static fl_id add_relu(fl_graph *g, const char *scope, fl_id x)
{
    size_t mark = fl_graph_enter(g, "%s", scope);
    x = fl_node_relu(g, "relu", x);
    fl_graph_leave(g, mark);
    return x;
}

fl_id fl_layer_conv_relu(fl_graph *g, const char *scope, fl_id x, int out, fl_window win)
{
    return add_relu(g, scope, fl_layer_conv(g, scope, x, out, win, 1, true));
}

fl_id fl_layer_linear_relu(fl_graph *g, const char *scope, fl_id x, int out)
{
    return add_relu(g, scope, fl_layer_linear(g, scope, x, out, true));
}

fl_id fl_layer_dense_relu(fl_graph *g, const char *scope, fl_id x, int out)
{
    return add_relu(g, scope, fl_layer_dense(g, scope, x, out, true));
}
