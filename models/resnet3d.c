/* resnet3d_18, _34, _50: image ResNets with a third dimension (Hara 2018), names of kenshohara's checkpoints, shortcuts by 1x1x1.
 *
 * 3x16x112x112 -> conv 7x7x7 /(1,2,2) 64x16x56x56 -> pool 64x8x28x28 -> 64 -> 128 /2 -> 256 /2 -> 512 /2 -> mean -> classes;
 * resnet3d_50 has bottlenecks, four times as wide. */
#include "models/big.h"

static const double EPS = 1e-5;

static fl_id conv_bn(fl_graph *g, int number, fl_id x, int out, int k, int stride, bool relu)
{
    char conv[24], norm[24], name[24];
    snprintf(conv, sizeof conv, "conv%d", number);
    snprintf(norm, sizeof norm, "bn%d", number);
    snprintf(name, sizeof name, "relu%d", number);
    return fl_layer_conv_bn(g, (fl_conv_bn_names){conv, norm, relu ? name : NULL}, x, out,
                            fl_window_cube(k, k, k, stride, stride, stride), EPS);
}

static fl_id block(fl_graph *g, int number, fl_id x, int width, int stride, bool bottleneck)
{
    const int out = bottleneck ? 4 * width : width;
    size_t mark = fl_graph_enter(g, "%d", number);
    fl_id y, shortcut = x;
    if (bottleneck) {
        y = conv_bn(g, 1, x, width, 1, 1, true);
        y = conv_bn(g, 2, y, width, 3, stride, true);
        y = conv_bn(g, 3, y, out, 1, 1, false);
    } else {
        y = conv_bn(g, 1, x, width, 3, stride, true);
        y = conv_bn(g, 2, y, width, 3, 1, false);
    }
    if (stride > 1 || fl_graph_shape(g, x).c != out)
        shortcut = fl_layer_conv_bn(g, (fl_conv_bn_names){"downsample.0", "downsample.1", NULL}, x, out,
                                    fl_window_cube(1, 1, 1, stride, stride, stride), EPS);
    y = fl_node_relu(g, "relu", fl_node_add(g, "add", y, shortcut));
    fl_graph_leave(g, mark);
    return y;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o, const int blocks[4], bool bottleneck)
{
    static const fl_window stem = {{7, 7, 7}, {1, 2, 2}, {1, 1, 1}, {3, 3, 3}, {3, 3, 3}};
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_big_input(g, m, o);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv1", "bn1", "relu"}, x, 64, stem, EPS);
    x = fl_node_maxpool(g, "maxpool", x, fl_window_cube(3, 3, 3, 2, 2, 2), false);
    for (int s = 0; s < 4; s++) {
        size_t mark = fl_graph_enter(g, "layer%d", s + 1);
        for (int b = 0; b < blocks[s]; b++) x = block(g, b, x, 64 << s, s && !b ? 2 : 1, bottleneck);
        fl_graph_leave(g, mark);
        if (s == 2) net.cam = x;
    }
    if (fl_graph_shape(g, x).t > 1) net.cam = x;         /* 16 frames leave one at the end; layer3 still has two */
    net.output = net.logits = fl_head_average(g, "fc", x, o->classes);
    return net;
}

#define CARD                                                                                                       \
    .citation = "Hara et al. 2018, Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",        \
    .input = {.frames = 16, .height = 112, .width = 112, .fit = FL_FIT_SHORT_SIDE, .fit_height = 112, .white = 1,   \
              .mean = {0.4345, 0.4051, 0.3775}, .std = {0.2768, 0.2713, 0.2737}, .sampling = "stride"},             \
    .channels = 3, FL_KINETICS_HEAD, .gamma = 0.7
#define RESNET3D(depth, text, bottleneck, count, ...)                                                              \
    static fl_network build_##depth(fl_graph *g, const fl_model *m, const fl_model_options *o)                      \
    {                                                                                                              \
        static const int blocks[4] = {__VA_ARGS__};                                                                \
        return build(g, m, o, blocks, bottleneck);                                                                 \
    }                                                                                                              \
    const fl_model fl_model_resnet3d_##depth = {.name = "resnet3d_" #depth, .family = "3-D CNN", .doc = text, CARD,   \
                                                .parameters = count, .build = build_##depth};

RESNET3D(18, "ResNet-18 with 3x3x3 convolutions", false, 33409104, 2, 2, 2, 2)
RESNET3D(34, "ResNet-34 with 3x3x3 convolutions", false, 63718736, 3, 4, 6, 3)
RESNET3D(50, "ResNet-50 with 3x3x3 convolutions", true, 47018576, 3, 4, 6, 3)
