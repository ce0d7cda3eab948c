/* fcsn: SUM-FCN: a fully convolutional network along time that says for every frame whether it belongs to the summary.
 *
 * features 1024xT -> five blocks of temporal convolutions 64 128 256 512 512, each halving T -> 4096 -> 4096 -> 2 -> x2,
 * plus 1x1 of block 4 -> x16 -> 2xT -> softmax; score of a frame = probability of "in the summary".
 * Its input is a vector per frame (GoogLeNet's pool5 in the paper), its outputs are frames: the class to explain is a frame. */
#include "models/big.h"

/* count convolutions of 3 frames with norm and ReLU. */
static fl_id block(fl_graph *g, int number, int count, fl_id x, int out)
{
    size_t mark = fl_graph_enter(g, "block%d", number);
    for (int i = 1; i <= count; i++) {
        char conv[24], norm[24], relu[24];
        snprintf(conv, sizeof conv, "conv%d", i);
        snprintf(norm, sizeof norm, "bn%d", i);
        snprintf(relu, sizeof relu, "relu%d", i);
        x = fl_layer_conv_bn(g, (fl_conv_bn_names){conv, norm, relu}, x, out, fl_window_cube(3, 1, 1, 1, 1, 1), 1e-5);
    }
    fl_graph_leave(g, mark);
    return x;
}

/* factor times as many frames: kernel twice the factor, so that neighbours overlap. */
static fl_id upsample(fl_graph *g, const char *name, fl_id x, int factor)
{
    const fl_window win = {{2 * factor, 1, 1}, {factor, 1, 1}, {1, 1, 1}, {factor / 2, 0, 0}, {factor / 2, 0, 0}};
    const int c = fl_graph_shape(g, x).c;
    size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id w = fl_node_param(g, "weight", (fl_shape){c, c, 2 * factor, 1, 1});
    fl_graph_leave(g, mark);
    return fl_node_deconv(g, name, x, w, FL_NONE, win, 1);
}

/* 1x1 to the two scores, with a norm. */
static fl_id score(fl_graph *g, const char *conv, const char *norm, fl_id x)
{
    return fl_layer_norm(g, norm, fl_layer_conv(g, conv, x, 2, fl_window_plain(1, 1, 1, 1, 1, 1), 1, true), 1e-5);
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    static const int convs[] = {2, 2, 3, 3, 3}, widths[] = {64, 128, 256, 512, 512}, frames_first[5] = {0, 2, 1, 3, 4};
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_big_input(g, m, o), pool4 = FL_NONE;
    if (o->frames % 32) {
        fl_error_set(g->error, FL_USAGE, "expected a number of frames that 32 divides, got %d: pad or cut the features", o->frames);
        return net;
    }
    for (int b = 0; b < 5; b++) {
        char name[16];
        snprintf(name, sizeof name, "pool%d", b + 1);
        x = fl_node_maxpool(g, name, block(g, b + 1, convs[b], x, widths[b]), fl_window_plain(2, 1, 1, 2, 1, 1), false);
        if (b == 3) pool4 = x;
    }
    x = fl_layer_conv_relu(g, "conv6", x, 4096, fl_window_plain(1, 1, 1, 1, 1, 1));
    x = fl_layer_conv_relu(g, "conv7", x, 4096, fl_window_plain(1, 1, 1, 1, 1, 1));
    net.cam = x;
    x = upsample(g, "deconv1", score(g, "conv8", "bn8", x), 2);
    x = upsample(g, "deconv2", fl_node_add(g, "merged", x, score(g, "score_pool4", "bn_pool4", pool4)), 16);
    x = fl_node_slice(g, "chosen", fl_node_softmax(g, "probabilities", x), FL_AXIS_C, 1, 2);
    net.output = fl_node_permute(g, "scores", x, frames_first);
    return net;
}

const fl_model fl_model_fcsn = {
    .name = "fcsn", .family = "video summarisation",
    .doc = "a score for every frame from a vector per frame (--tensor); the class is a frame",
    .citation = "Rochan et al. 2018, Video Summarization Using Fully Convolutional Sequence Networks",
    .input = {.frames = 320, .height = 1, .width = 1, .white = 1, .mean = {0, 0, 0}, .std = {1, 1, 1}, .features = true},
    .channels = 1024, .classes = 320, .gamma = 1, .parameters = 23999900, .build = build,
};
