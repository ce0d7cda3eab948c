/* resnet50_lstm: ResNet-50 on every frame, two linear layers, the study's ReLU-LSTM, a head for every frame.
 *
 * frame 3x112x112 -> ResNet-50 2048x4x4 -> mean -> fc6 1024 -> fc7 512 -> LSTM 256 -> classes -> mean over frames.
 * Grad-CAM and excitation backprop read layer3 (1024x7x7), as the study does. */
#include "models/big.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    const fl_resnet50_ends end = fl_layer_resnet50(g, "resnet", net.input, (fl_resnet50){.numbered = true});
    net.cam = end.layer3;
    fl_id x = fl_node_mean(g, "resnet.8", end.layer4, 1u << FL_AXIS_H | 1u << FL_AXIS_W);
    x = fl_layer_dense_relu(g, "fc6", x, 1024);
    x = fl_layer_dense_relu(g, "fc7", x, 512);
    x = fl_layer_lstm(g, "lstm1", x, 256, FL_LSTM_RELU, o->bptt);
    net.output = net.logits = fl_head_per_frame(g, "fc8_final", x, o->classes);
    return net;
}

const fl_model fl_model_resnet50_lstm = {
    .name = "resnet50_lstm", .family = "CNN-LSTM", .doc = "ResNet-50 per frame and a ReLU-LSTM; mean of the frames' logits",
    .citation = "Li et al. 2020, A Comprehensive Study on Visual Explanations for Spatio-temporal Networks",
    .input = {.frames = 16, .height = 112, .width = 112, FL_KINETICS_STATISTICS},
    .channels = 3, FL_UCF24_HEAD, .gamma = 0.5, .parameters = 26924632, .takes = FL_TAKES_BPTT, .build = build,
};
