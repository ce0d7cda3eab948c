/* vgg16_lstm, vgg16_lstm_small: VGG-16 on every frame, two linear layers, the study's ReLU-LSTM, a head for every frame.
 *
 * frame 3x224x224 -> 64 @112 -> 128 @56 -> 256 @28 -> 512 @14 -> 512 @7 -> fc6 4096 -> fc7 4096 -> LSTM 256 -> classes -> softmax;
 * the output is the mean of the frames' probabilities. Small: no block 5, fc7 2048, and the mean of the frames' logits. */
#include "models/big.h"

/* conv<b>_1 .. conv<b>_n, each with its ReLU, and the pool. */
static fl_id block(fl_graph *g, int number, int convs, fl_id x, int out)
{
    char name[32];
    for (int i = 1; i <= convs; i++) {
        snprintf(name, sizeof name, "conv%d_%d", number, i);
        x = fl_layer_conv_relu(g, name, x, out, fl_window_cube(1, 3, 3, 1, 1, 1));
    }
    snprintf(name, sizeof name, "pool%d", number);
    return fl_node_maxpool(g, name, x, fl_window_plain(1, 2, 2, 1, 2, 2), false);
}

static fl_network trunk(fl_graph *g, const fl_model *m, const fl_model_options *o, int blocks, int fc7, fl_id *scores)
{
    static const int convs[] = {2, 2, 3, 3, 3}, widths[] = {64, 128, 256, 512, 512};
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_big_input(g, m, o);
    for (int b = 0; b < blocks; b++) x = block(g, b + 1, convs[b], x, widths[b]);
    net.cam = x;
    x = fl_layer_dense_relu(g, "fc6", x, 4096);
    x = fl_layer_dense_relu(g, "fc7", x, fc7);
    x = fl_layer_lstm(g, "lstm1", x, 256, FL_LSTM_RELU, o->bptt);
    *scores = fl_layer_dense(g, "fc8_final", x, o->classes, true);
    return net;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_id scores;
    fl_network net = trunk(g, m, o, 5, 4096, &scores);
    net.output = fl_node_mean(g, "frames", fl_node_softmax(g, "probabilities", scores), 1u << FL_AXIS_T);
    return net;
}

static fl_network build_small(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_id scores;
    fl_network net = trunk(g, m, o, 4, 2048, &scores);
    net.output = net.logits = fl_node_mean(g, "frames", scores, 1u << FL_AXIS_T);
    return net;
}

/* As Caffe would have it, but RGB: minus the mean of the data set, times 255. */
#define STATISTICS .white = 255, .mean = {255 * 0.50463, 255 * 0.45796, 255 * 0.4076}, .std = {1, 1, 1}
#define CITATION "Li et al. 2020, A Comprehensive Study on Visual Explanations for Spatio-temporal Networks"

const fl_model fl_model_vgg16_lstm = {
    .name = "vgg16_lstm", .family = "CNN-LSTM", .doc = "VGG-16 per frame and a ReLU-LSTM; mean of the frames' probabilities",
    .citation = CITATION,
    .input = {.frames = 16, .height = 224, .width = 224, .fit = FL_FIT_STRETCH, .fit_height = 240, .fit_width = 320, STATISTICS},
    .channels = 3, FL_UCF24_HEAD, .gamma = 1, .parameters = 138724184, .takes = FL_TAKES_BPTT, .build = build,
};

const fl_model fl_model_vgg16_lstm_small = {
    .name = "vgg16_lstm_small", .family = "CNN-LSTM", .doc = "four blocks of VGG-16 per frame and a ReLU-LSTM; mean of the logits",
    .citation = CITATION,
    .input = {.frames = 16, .height = 112, .width = 112, .fit = FL_FIT_STRETCH, .fit_height = 120, .fit_width = 160, STATISTICS},
    .channels = 3, FL_UCF24_HEAD, .gamma = 1, .parameters = 121156952, .takes = FL_TAKES_BPTT, .build = build_small,
};
