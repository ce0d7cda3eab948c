/* two_stream: CNN-M-2048 on single frames, and the same on stacks of ten flows; the mean of their softmax scores.
 *
 * 224x224 -> conv 7x7/2 96, LRN, pool -> conv 5x5/2 256, LRN, pool -> 3 x conv 3x3 512 -> pool 6x6 -> 4096 -> 2048 -> classes.
 * The flow stream has 20 input channels and no second LRN. Each of the T places of a clip is a frame and the ten flows
 * that begin there; their scores are averaged. Pools are Caffe's: they round up. */
#include "models/big.h"

enum { STACK = 10 };

static fl_id pool(fl_graph *g, const char *name, fl_id x)
{
    return fl_node_maxpool(g, name, x, fl_window_plain(1, 3, 3, 1, 2, 2), true);
}

/* Krizhevsky's normalisation, over 5 channels. */
static fl_id lrn(fl_graph *g, const char *name, fl_id x) { return fl_node_lrn(g, name, x, 5, 5e-4, 0.75, 2); }

static fl_id stream(fl_graph *g, const char *scope, fl_id x, bool second_lrn, int classes, fl_id *cam)
{
    const fl_window three = fl_window_cube(1, 3, 3, 1, 1, 1);
    const fl_window five = {{1, 5, 5}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}};
    size_t mark = fl_graph_enter(g, "%s", scope);
    x = fl_layer_conv_relu(g, "conv1", x, 96, fl_window_plain(1, 7, 7, 1, 2, 2));
    x = fl_layer_conv_relu(g, "conv2", pool(g, "pool1", lrn(g, "norm1", x)), 256, five);
    x = pool(g, "pool2", second_lrn ? lrn(g, "norm2", x) : x);
    x = fl_layer_conv_relu(g, "conv3", x, 512, three);
    x = fl_layer_conv_relu(g, "conv4", x, 512, three);
    x = *cam = fl_layer_conv_relu(g, "conv5", x, 512, three);
    x = pool(g, "pool5", x);
    x = fl_layer_dense_relu(g, "fc6", x, 4096);
    x = fl_layer_dense_relu(g, "fc7", x, 2048);
    x = fl_node_softmax(g, "probabilities", fl_layer_dense(g, "fc8", x, classes, true));
    x = fl_node_mean(g, "places", x, 1u << FL_AXIS_T);
    fl_graph_leave(g, mark);
    return x;
}

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    net.flow = fl_node_input(g, "flow_input", (fl_shape){o->n, m->flow_channels, o->frames, o->height, o->width});
    const fl_id spatial = stream(g, "spatial", net.input, true, o->classes, &net.cam);
    const fl_id temporal = stream(g, "temporal", net.flow, false, o->classes, &net.flow_cam);
    net.output = fl_node_mean(g, "fusion", fl_node_concat(g, "streams", FL_AXIS_T, 2, (const fl_id[]){spatial, temporal}), 1u << FL_AXIS_T);
    return net;
}

static const fl_card_input flow = {
    .frames = 5, .height = 224, .width = 224, .fit = FL_FIT_SHORT_SIDE, .fit_height = 256, .sampling = "segments", .white = 255,
    .mean = {127.5, 127.5, 127.5}, .std = {1, 1, 1}, .source = FL_SOURCE_FLOW,
    .flow = {.bound = 20, .stack = STACK, .quantise = true, .subtract_mean = true},
};

const fl_model fl_model_two_stream = {
    .name = "two_stream", .family = "two-stream 2-D CNN", .doc = "CNN-M on frames and on stacks of ten flows; mean of their scores",
    .citation = "Simonyan & Zisserman 2014, Two-Stream Convolutional Networks for Action Recognition in Videos",
    .input = {.frames = 5, .height = 224, .width = 224, .fit = FL_FIT_SHORT_SIDE, .fit_height = 256, .sampling = "segments",
              .white = 255, .bgr = true, .mean = {103.939, 116.779, 123.68}, .std = {1, 1, 1}},
    .channels = 3, .flow = &flow, .flow_channels = 2 * STACK, .stream = {"spatial.", "temporal."},
    .classes = 101, .labels = fl_labels_ucf101, .gamma = 1, .parameters = 181335594, .build = build,
};
