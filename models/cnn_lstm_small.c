/* cnn_lstm_small: a 2-D CNN for each frame, then an LSTM over the frames, after LRCN (Donahue 2015) and the study's networks.
 *
 * 3x16x64x64 -> 16x16x32x32 -> 24x16x16x16 -> 32x16x8x8 -> fc6 96x16 -> LSTM 64x16 -> per-frame logits -> mean. */
#include "models/small.h"

static fl_id stage(fl_graph *g, int number, fl_id x, int out)
{
    size_t mark = fl_graph_enter(g, "conv%d", number);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv", "bn", "relu"}, x, out, fl_window_cube(1, 3, 3, 1, 2, 2), FL_SMALL_EPS);
    fl_graph_leave(g, mark);
    return x;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_small_input(g, m, o);
    x = stage(g, 1, x, 16);
    x = stage(g, 2, x, 24);
    net.cam = x = stage(g, 3, x, 32);
    x = fl_layer_norm(g, "fc6_bn", fl_layer_dense(g, "fc6", x, 96, false), FL_SMALL_EPS);
    x = fl_node_relu(g, "fc6_relu", x);
    x = fl_layer_lstm(g, "lstm1", x, 64, FL_LSTM_TANH, o->bptt);
    net.output = net.logits = fl_head_per_frame(g, "fc8_final", x, o->classes);
    return net;
}

const fl_model fl_model_cnn_lstm_small = {
    .name = "cnn_lstm_small", .family = "CNN-LSTM", .doc = "a CNN per frame and an LSTM over frames",
    .citation = "after Donahue et al. 2015, Long-term Recurrent Convolutional Networks",
    FL_SMALL_CARD, .weights = "cnn_lstm_small.safetensors", .parameters = 249736, .takes = FL_TAKES_BPTT, .build = build,
};
