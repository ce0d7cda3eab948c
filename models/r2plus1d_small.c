/* r2plus1d_small: factorised convolutions, space then time, in residual blocks, after R(2+1)D (Tran 2018).
 *
 * 3x16x64x64 -> stem 16x16x32x32 -> 24x8x16x16 -> 32x4x8x8 -> 48x4x8x8 -> mean -> classes. */
#include "models/small.h"

static fl_id stem(fl_graph *g, fl_id x)
{
    size_t mark = fl_graph_enter(g, "stem");
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"0", "1", "2"}, x, 12, fl_window_cube(1, 3, 3, 1, 2, 2), FL_SMALL_EPS);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"3", "4", "5"}, x, 16, fl_window_cube(3, 1, 1, 1, 1, 1), FL_SMALL_EPS);
    fl_graph_leave(g, mark);
    return x;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_small_input(g, m, o);
    x = stem(g, x);
    x = fl_layer_residual(g, "layer1", x, FL_BLOCK_TWO_PLUS_ONE, 24, 2);
    x = fl_layer_residual(g, "layer2", x, FL_BLOCK_TWO_PLUS_ONE, 32, 2);
    net.cam = fl_layer_residual(g, "layer3", x, FL_BLOCK_TWO_PLUS_ONE, 48, 1);
    net.output = net.logits = fl_head_average(g, "fc", net.cam, o->classes);
    return net;
}

const fl_model fl_model_r2plus1d_small = {
    .name = "r2plus1d_small", .family = "factorised 3-D CNN", .doc = "three (2+1)D residual blocks; the default network",
    .citation = "after Tran et al. 2018, A Closer Look at Spatiotemporal Convolutions for Action Recognition",
    FL_SMALL_CARD, .weights = "r2plus1d_small.safetensors", .parameters = 172396, .build = build,
};
