/* cnn_lstm: ResNet-50 on every frame, an ordinary LSTM of one to three layers, the last frame's state decides (LRCN, Donahue 2015).
 *
 * frame 3x224x224 -> ResNet-50 2048x7x7 -> mean -> LSTM 512 (x layers) -> last frame -> classes.
 * Layer k of the LSTM is lstm.k here and weight_ih_lk ... in an nn.LSTM: a key map knows both. */
#include "models/big.h"

enum { LAYERS = 1, HIDDEN = 512, MOST_LAYERS = 3 };

static fl_id lstm(fl_graph *g, fl_id x, const fl_model_options *o)
{
    const int layers = o->lstm_layers ? o->lstm_layers : LAYERS;
    if (layers > MOST_LAYERS) {
        fl_error_set(g->error, FL_USAGE, "LSTM: expected 1 to %d layers, got %d", MOST_LAYERS, layers);
        return FL_NONE;
    }
    for (int i = 0; i < layers; i++) {
        char scope[24];
        snprintf(scope, sizeof scope, "lstm.%d", i);
        x = fl_layer_lstm(g, scope, x, o->lstm_hidden ? o->lstm_hidden : HIDDEN, FL_LSTM_TANH, o->bptt);
    }
    return x;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    net.cam = fl_layer_resnet50(g, "cnn", net.input, (fl_resnet50){0}).layer4;
    const fl_id x = fl_node_mean(g, "average", net.cam, 1u << FL_AXIS_H | 1u << FL_AXIS_W);
    net.output = net.logits = fl_head_last(g, "fc", lstm(g, x, o), o->classes);
    return net;
}

const fl_model fl_model_cnn_lstm = {
    .name = "cnn_lstm", .family = "CNN-LSTM", .doc = "ResNet-50 per frame and an ordinary LSTM of 1 to 3 layers (--lstm-layers)",
    .citation = "after Donahue et al. 2015, Long-term Recurrent Convolutional Networks",
    .input = {.frames = 16, .height = 224, .width = 224, .fit = FL_FIT_SHORT_SIDE, .fit_height = 256, FL_IMAGENET_STATISTICS},
    .channels = 3, .classes = 101, .labels = fl_labels_ucf101, .gamma = 0.5, .parameters = 28806821,
    .takes = FL_TAKES_BPTT | FL_TAKES_LSTM, .build = build,
    .keys = (const fl_key_map *const[]){&fl_keys_lstm_torch, NULL},
};
