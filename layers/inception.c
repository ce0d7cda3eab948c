/* inception.c: the unit, the block and the pool of I3D, with TensorFlow's SAME padding. */
#include "layers/layers.h"

fl_window fl_window_same(fl_shape x, const int k[3], const int s[3])
{
    const int length[3] = {x.t, x.h, x.w};
    fl_window win = {.d = {1, 1, 1}};
    for (int i = 0; i < 3; i++) {
        const int over = length[i] % s[i], total = k[i] - (over ? over : s[i]);
        win.k[i] = k[i];
        win.s[i] = s[i];
        win.lo[i] = total > 0 ? total / 2 : 0;
        win.hi[i] = total > 0 ? total - total / 2 : 0;
    }
    return win;
}

fl_id fl_layer_unit3d(fl_graph *g, const char *scope, fl_id x, int out, int k, int stride, double eps)
{
    const int kernel[3] = {k, k, k}, strides[3] = {stride, stride, stride};
    size_t mark = fl_graph_enter(g, "%s", scope);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv3d", "bn", "relu"}, x, out, fl_window_same(fl_graph_shape(g, x), kernel, strides), eps);
    fl_graph_leave(g, mark);
    return x;
}

/* The reference pads with zeros before the maximum. Behind a ReLU no input is below zero, so padding with minus infinity,
 * which is what the op does, gives the same values, and no signal can leak into the padding. */
fl_id fl_layer_same_pool(fl_graph *g, const char *name, fl_id x, const int k[3], const int s[3])
{
    return fl_node_maxpool(g, name, x, fl_window_same(fl_graph_shape(g, x), k, s), false);
}

fl_id fl_layer_inception(fl_graph *g, const char *scope, fl_id x, fl_inception_widths o, double eps)
{
    static const int three[3] = {3, 3, 3}, one[3] = {1, 1, 1};
    size_t mark = fl_graph_enter(g, "%s", scope);
    fl_id branch[4];
    branch[0] = fl_layer_unit3d(g, "b0", x, o.b0, 1, 1, eps);
    branch[1] = fl_layer_unit3d(g, "b1b", fl_layer_unit3d(g, "b1a", x, o.b1a, 1, 1, eps), o.b1b, 3, 1, eps);
    branch[2] = fl_layer_unit3d(g, "b2b", fl_layer_unit3d(g, "b2a", x, o.b2a, 1, 1, eps), o.b2b, 3, 1, eps);
    branch[3] = fl_layer_unit3d(g, "b3b", fl_layer_same_pool(g, "b3a", x, three, one), o.b3b, 1, 1, eps);
    fl_id y = fl_node_concat(g, "concat", FL_AXIS_C, 4, branch);
    fl_graph_leave(g, mark);
    return y;
}
