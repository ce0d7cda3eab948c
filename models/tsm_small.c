/* tsm_small: 2-D bottlenecks that look at their neighbours through a temporal shift, after TSM (Lin 2019).
 *
 * 3x16x64x64 -> stem 16x16x32x32 -> pool 16x16x16x16 -> 48x16x16x16 -> 96x16x8x8 twice -> per-frame logits -> mean. */
#include "models/small.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    static const fl_window pool = {{1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}};
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_small_input(g, m, o);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv1", "bn1", "relu"}, x, 16, fl_window_cube(1, 5, 5, 1, 2, 2), FL_SMALL_EPS);
    x = fl_node_maxpool(g, "maxpool", x, pool, false);
    x = fl_layer_bottleneck(g, "layer1.0", x, 12, 1, 16 / 8);
    x = fl_layer_bottleneck(g, "layer2.0", x, 24, 2, 48 / 8);
    net.cam = fl_layer_bottleneck(g, "layer2.1", x, 24, 1, 96 / 8);
    x = fl_node_mean(g, "average", net.cam, 1u << FL_AXIS_H | 1u << FL_AXIS_W);
    net.output = net.logits = fl_head_per_frame(g, "new_fc", x, o->classes);
    return net;
}

const fl_model fl_model_tsm_small = {
    .name = "tsm_small", .family = "2-D CNN with temporal shift", .doc = "three shifted bottlenecks, mean over frames",
    .citation = "after Lin et al. 2019, TSM: Temporal Shift Module for Efficient Video Understanding",
    FL_SMALL_CARD, .weights = "tsm_small.safetensors", .parameters = 28888, .build = build,
};
