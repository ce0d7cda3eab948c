/* residual.c: residual blocks: y = relu(F(x) + shortcut(x)). */
#include "layers/layers.h"

static const double EPS = 1e-5;

int fl_two_plus_one_mid(int in, int out)
{
    return (int)(27LL * in * out / (9LL * in + 3LL * out));
}

fl_id fl_layer_two_plus_one(fl_graph *g, const char *scope, fl_id x, int mid, int out, int stride_space, int stride_time)
{
    size_t mark = fl_graph_enter(g, "%s", scope);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"0", "1", "2"}, x, mid, fl_window_cube(1, 3, 3, 1, stride_space, stride_space), EPS);
    x = fl_layer_conv(g, "3", x, out, fl_window_cube(3, 1, 1, stride_time, 1, 1), 1, false);
    fl_graph_leave(g, mark);
    return x;
}

/* One of the two convolutions of a block. mid is the (2+1)D width, the same for both: it comes from the block's own in and out. */
static fl_id one_conv(fl_graph *g, const char *scope, fl_id x, fl_block_kind kind, int mid, int out, int stride)
{
    if (kind == FL_BLOCK_TWO_PLUS_ONE) return fl_layer_two_plus_one(g, scope, x, mid, out, stride, stride);
    const bool flat = kind == FL_BLOCK_2D;
    return fl_layer_conv(g, scope, x, out, fl_window_cube(flat ? 1 : 3, 3, 3, flat ? 1 : stride, stride, stride), 1, false);
}

static fl_id shortcut(fl_graph *g, fl_id x, int out, int stride_time, int stride)
{
    if (stride == 1 && fl_graph_shape(g, x).c == out) return x;
    return fl_layer_conv_bn(g, (fl_conv_bn_names){"downsample.0", "downsample.1", NULL}, x, out,
                            fl_window_cube(1, 1, 1, stride_time, stride, stride), EPS);
}

fl_id fl_layer_residual(fl_graph *g, const char *scope, fl_id x, fl_block_kind kind, int out, int stride)
{
    size_t mark = fl_graph_enter(g, "%s", scope);
    const int mid = fl_two_plus_one_mid(fl_graph_shape(g, x).c, out);
    fl_id y = one_conv(g, "conv1.0", x, kind, mid, out, stride);
    y = fl_node_relu(g, "conv1.2", fl_layer_norm(g, "conv1.1", y, EPS));
    y = fl_layer_norm(g, "conv2.1", one_conv(g, "conv2.0", y, kind, mid, out, 1), EPS);
    y = fl_node_add(g, "add", y, shortcut(g, x, out, kind == FL_BLOCK_2D ? 1 : stride, stride));
    y = fl_node_relu(g, "relu", y);
    fl_graph_leave(g, mark);
    return y;
}

fl_id fl_layer_bottleneck(fl_graph *g, const char *scope, fl_id x, int width, int stride, int shift_fold)
{
    size_t mark = fl_graph_enter(g, "%s", scope);
    fl_id y = shift_fold > 0 ? fl_node_shift(g, "shift", x, shift_fold) : x;
    y = fl_layer_conv_bn(g, (fl_conv_bn_names){shift_fold > 0 ? "conv1.net" : "conv1", "bn1", "relu1"}, y, width,
                         fl_window_cube(1, 1, 1, 1, 1, 1), EPS);
    y = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv2", "bn2", "relu2"}, y, width, fl_window_cube(1, 3, 3, 1, stride, stride), EPS);
    y = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv3", "bn3", NULL}, y, 4 * width, fl_window_cube(1, 1, 1, 1, 1, 1), EPS);
    y = fl_node_relu(g, "relu", fl_node_add(g, "add", y, shortcut(g, x, 4 * width, 1, stride)));
    fl_graph_leave(g, mark);
    return y;
}
