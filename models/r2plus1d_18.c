/* r2plus1d_18: every 3x3x3 convolution is a 1x3x3 and a 3x1x1 with a norm and a ReLU between them.
 *
 * 3x16x112x112 -> stem 64x16x56x56 -> 64x16x56x56 -> 128x8x28x28 -> 256x4x14x14 -> 512x2x7x7 -> mean -> classes. */
#include "models/video_resnet.h"

static fl_id stem(fl_graph *g, fl_id x)
{
    size_t mark = fl_graph_enter(g, "stem");
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"0", "1", "2"}, x, 45, fl_window_cube(1, 7, 7, 1, 2, 2), 1e-5);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"3", "4", "5"}, x, 64, fl_window_cube(3, 1, 1, 1, 1, 1), 1e-5);
    fl_graph_leave(g, mark);
    return x;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    const fl_id x = fl_big_input(g, m, o);
    return fl_video_resnet(g, o, x, stem(g, x), FL_BLOCK_TWO_PLUS_ONE, FL_BLOCK_TWO_PLUS_ONE);
}

const fl_model fl_model_r2plus1d_18 = {
    .name = "r2plus1d_18", .family = "factorised 3-D CNN", .doc = "18 layers of factorised convolutions in residual blocks",
    .citation = "Tran et al. 2018, A Closer Look at Spatiotemporal Convolutions for Action Recognition",
    FL_VIDEO_RESNET_CARD, .parameters = 31505325, .build = build,
};
