/* c3d: eight 3x3x3 convolutions, five pools, three linear layers.
 *
 * 3x16x112x112 -> 64x16x56x56 -> 128x8x28x28 -> 256x4x14x14 -> 512x2x7x7 -> 512x1x4x4 -> 4096 -> 4096 -> classes.
 * pool5 pads rows and columns by one, which is what makes its output 4x4. Pixels are BGR, 0..255, minus a mean. */
#include "models/big.h"

static fl_id conv(fl_graph *g, const char *name, fl_id x, int out)
{
    return fl_layer_conv_relu(g, name, x, out, fl_window_cube(3, 3, 3, 1, 1, 1));
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    const fl_window flat = fl_window_plain(1, 2, 2, 1, 2, 2), cube = fl_window_plain(2, 2, 2, 2, 2, 2);
    const fl_window padded = {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}};
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_big_input(g, m, o);
    x = fl_node_maxpool(g, "pool1", conv(g, "conv1", x, 64), flat, false);
    x = fl_node_maxpool(g, "pool2", conv(g, "conv2", x, 128), cube, false);
    x = fl_node_maxpool(g, "pool3", conv(g, "conv3b", conv(g, "conv3a", x, 256), 256), cube, false);
    x = fl_node_maxpool(g, "pool4", conv(g, "conv4b", conv(g, "conv4a", x, 512), 512), cube, false);
    net.cam = conv(g, "conv5b", conv(g, "conv5a", x, 512), 512);
    x = fl_node_maxpool(g, "pool5", net.cam, padded, false);
    x = fl_layer_linear_relu(g, "fc6", fl_node_flatten(g, "features", x), 4096);
    x = fl_layer_linear_relu(g, "fc7", x, 4096);
    net.output = net.logits = fl_layer_linear(g, "fc8", x, o->classes, true);
    return net;
}

const fl_model fl_model_c3d = {
    .name = "c3d", .family = "3-D CNN", .doc = "eight 3x3x3 convolutions and three linear layers; Sports-1M",
    .citation = "Tran et al. 2015, Learning Spatiotemporal Features with 3D Convolutional Networks",
    .input = {.frames = 16, .height = 112, .width = 112, .fit = FL_FIT_STRETCH, .fit_height = 128, .fit_width = 171,
              .sampling = "stride", .white = 255, .bgr = true, .mean = {90.25, 97.66, 101.41}, .std = {1, 1, 1}},
    .channels = 3, .classes = 487, .gamma = 1, .parameters = 79991015, .build = build,
    .keys = (const fl_key_map *const[]){&fl_keys_c3d_sequential, &fl_keys_c3d_caffe, NULL},
};
