/* convlstm: two ConvLSTM layers of 32 units, kernel 5, stride 2; the last frame's state decides (Manttari 2020).
 *
 * 3x32x160x160 -> cell0 32x80x80 -> pool 40 -> norm -> cell1 32x20x20 -> pool 10 -> norm -> last frame -> classes.
 * Both layers share one norm, as the published code does. Peepholes are zero there; --peepholes adds them. */
#include "models/big.h"

enum { UNITS = 32 };

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    const fl_convlstm cell = {UNITS, 5, 2, o->peepholes, o->bptt};
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_big_input(g, m, o);
    size_t mark = fl_graph_enter(g, "clstm");
    x = net.cam = fl_layer_convlstm(g, "cell0", x, cell);
    x = fl_node_maxpool(g, "pool0", x, fl_window_plain(1, 2, 2, 1, 2, 2), false);
    x = fl_layer_norm(g, "bn", x, 1e-5);
    x = net.cam = fl_layer_convlstm(g, "cell1", x, cell);
    x = fl_node_maxpool(g, "pool1", x, fl_window_plain(1, 2, 2, 1, 2, 2), false);
    x = fl_layer_norm_again(g, "bn1", "bn", x, 1e-5);
    fl_graph_leave(g, mark);
    net.output = net.logits = fl_head_last(g, "endFC", x, o->classes);
    return net;
}

const fl_model fl_model_convlstm = {
    .name = "convlstm", .family = "ConvLSTM", .doc = "two ConvLSTM layers, the last state decides",
    .citation = "Manttari et al. 2020, Interpreting Video Features: a Comparison of 3D Convolutional Networks and "
                "Convolutional LSTM Networks",
    .input = {.frames = 32, .height = 160, .width = 160, .fit = FL_FIT_STRETCH, FL_IMAGENET_STATISTICS},
    .channels = 3, .classes = 6, .gamma = 1, .parameters = 336326, .takes = FL_TAKES_BPTT | FL_TAKES_PEEPHOLES, .build = build,
};
