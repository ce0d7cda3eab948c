/* video_resnet.c: stem 64 -> layer1 64 -> layer2 128 /2 -> layer3 256 /2 -> layer4 512 /2 -> mean -> classes. */
#include "models/video_resnet.h"

static fl_id layer(fl_graph *g, int number, fl_id x, fl_block_kind kind)
{
    size_t mark = fl_graph_enter(g, "layer%d", number);
    const int out = 32 << number;
    x = fl_layer_residual(g, "0", x, kind, out, number > 1 ? 2 : 1);
    x = fl_layer_residual(g, "1", x, kind, out, 1);
    fl_graph_leave(g, mark);
    return x;
}

fl_id fl_video_resnet_stem(fl_graph *g, fl_id x)
{
    size_t mark = fl_graph_enter(g, "stem");
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"0", "1", "2"}, x, 64, fl_window_cube(3, 7, 7, 1, 2, 2), 1e-5);
    fl_graph_leave(g, mark);
    return x;
}

fl_network fl_video_resnet(fl_graph *g, const fl_model_options *o, fl_id input, fl_id stem, fl_block_kind first,
                           fl_block_kind rest)
{
    fl_network net = fl_network_none;
    fl_id x = layer(g, 1, stem, first);
    for (int i = 2; i <= 4; i++) x = layer(g, i, x, rest);
    net.input = input;
    net.cam = x;
    net.output = net.logits = fl_head_average(g, "fc", x, o->classes);
    return net;
}
