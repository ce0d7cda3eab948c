/* convlstm_small: two ConvLSTM layers on a convolutional stem, after Manttari 2020; the last frame's state decides.
 *
 * 3x16x64x64 -> stem 12x16x32x32 -> ConvLSTM 16x16x16x16 -> pool 16x16x8x8 -> ConvLSTM 24x16x8x8 -> pool -> last -> classes. */
#include "models/small.h"

static fl_id layer(fl_graph *g, const fl_model_options *o, int number, fl_id x, int hidden, int stride, fl_id *states)
{
    static const fl_window pool = {{1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    size_t mark = fl_graph_enter(g, "clstm%d", number);
    *states = fl_layer_convlstm(g, "cell", x, (fl_convlstm){hidden, 3, stride, o->peepholes, o->bptt});
    x = fl_layer_norm(g, "bn", fl_node_maxpool(g, "pool", *states, pool, false), FL_SMALL_EPS);
    fl_graph_leave(g, mark);
    return x;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_small_input(g, m, o);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv1", "bn1", "relu1"}, x, 12, fl_window_cube(1, 3, 3, 1, 2, 2), FL_SMALL_EPS);
    x = layer(g, o, 0, x, 16, 2, &net.cam);
    x = layer(g, o, 1, x, 24, 1, &net.cam);
    net.output = net.logits = fl_head_last(g, "endFC", x, o->classes);
    return net;
}

const fl_model fl_model_convlstm_small = {
    .name = "convlstm_small", .family = "ConvLSTM", .doc = "two ConvLSTM layers, the last state decides",
    .citation = "after Manttari et al. 2020, Interpreting Video Features",
    FL_SMALL_CARD, .weights = "convlstm_small.safetensors", .parameters = 54356,
    .takes = FL_TAKES_BPTT | FL_TAKES_PEEPHOLES, .build = build,
};
