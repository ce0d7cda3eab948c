/* c3d_small: plain 3x3x3 convolutions, after C3D (Tran 2015), with batch norm.
 *
 * 3x16x64x64 -> 16x16x32x32 -> 32x8x16x16 -> 48x4x8x8 -> 64x4x8x8 -> mean -> classes. */
#include "models/small.h"

static fl_id stage(fl_graph *g, int number, fl_id x, int out, int stride_time, int stride_space)
{
    size_t mark = fl_graph_enter(g, "conv%d", number);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv", "bn", "relu"}, x, out,
                         fl_window_cube(3, 3, 3, stride_time, stride_space, stride_space), FL_SMALL_EPS);
    fl_graph_leave(g, mark);
    return x;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_small_input(g, m, o);
    x = stage(g, 1, x, 16, 1, 2);
    x = stage(g, 2, x, 32, 2, 2);
    x = stage(g, 3, x, 48, 2, 2);
    net.cam = stage(g, 4, x, 64, 1, 1);
    net.output = net.logits = fl_head_average(g, "fc", net.cam, o->classes);
    return net;
}

const fl_model fl_model_c3d_small = {
    .name = "c3d_small", .family = "3-D CNN", .doc = "four 3x3x3 convolutions and a mean",
    .citation = "after Tran et al. 2015, Learning Spatiotemporal Features with 3D Convolutional Networks",
    FL_SMALL_CARD, .weights = "c3d_small.safetensors", .parameters = 140376, .build = build,
};
