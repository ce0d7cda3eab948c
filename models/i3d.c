/* i3d.c: the trunk of I3D. Padding is TensorFlow's SAME: it depends on the size of the input.
 *
 * CxTx224x224 -> 64xT/2x112x112 -> 192 @56 -> 480 @28 -> 832xT/4x14x14 -> 1024xT/8x7x7 -> pool -> logits -> mean */
#include "models/i3d.h"

static const double EPS = 1e-3;

typedef struct block { const char *name; fl_inception_widths w; } block;

static fl_id blocks(fl_graph *g, fl_id x, int count, const block *list)
{
    for (int i = 0; i < count; i++) x = fl_layer_inception(g, list[i].name, x, list[i].w, EPS);
    return x;
}

static int smaller(int a, int b) { return a < b ? a : b; }

/* The average of 2x7x7, or of what there is on a smaller clip; then every place votes. */
static fl_id head(fl_graph *g, fl_id x, int classes)
{
    const fl_shape s = fl_graph_shape(g, x);
    const fl_window win = fl_window_plain(smaller(2, s.t), smaller(7, s.h), smaller(7, s.w), 1, 1, 1);
    x = fl_node_avgpool(g, "avg_pool", x, win, false, true);
    x = fl_layer_conv(g, "logits.conv3d", x, classes, fl_window_cube(1, 1, 1, 1, 1, 1), 1, true);
    return fl_node_global_average(g, "mean", x);
}

fl_id fl_i3d(fl_graph *g, const fl_model_options *o, fl_id x, fl_id *cam)
{
    static const int flat[3] = {1, 3, 3}, flat_stride[3] = {1, 2, 2}, cube[3] = {3, 3, 3}, two[3] = {2, 2, 2};
    static const block mixed3[] = {{"Mixed_3b", {64, 96, 128, 16, 32, 32}}, {"Mixed_3c", {128, 128, 192, 32, 96, 64}}};
    static const block mixed4[] = {{"Mixed_4b", {192, 96, 208, 16, 48, 64}}, {"Mixed_4c", {160, 112, 224, 24, 64, 64}},
                                   {"Mixed_4d", {128, 128, 256, 24, 64, 64}}, {"Mixed_4e", {112, 144, 288, 32, 64, 64}},
                                   {"Mixed_4f", {256, 160, 320, 32, 128, 128}}};
    static const block mixed5[] = {{"Mixed_5b", {256, 160, 320, 32, 128, 128}}, {"Mixed_5c", {384, 192, 384, 48, 128, 128}}};
    x = fl_layer_unit3d(g, "Conv3d_1a_7x7", x, 64, 7, 2, EPS);
    x = fl_layer_same_pool(g, "MaxPool3d_2a_3x3", x, flat, flat_stride);
    x = fl_layer_unit3d(g, "Conv3d_2b_1x1", x, 64, 1, 1, EPS);
    x = fl_layer_unit3d(g, "Conv3d_2c_3x3", x, 192, 3, 1, EPS);
    x = blocks(g, fl_layer_same_pool(g, "MaxPool3d_3a_3x3", x, flat, flat_stride), 2, mixed3);
    x = blocks(g, fl_layer_same_pool(g, "MaxPool3d_4a_3x3", x, cube, two), 5, mixed4);
    *cam = blocks(g, fl_layer_same_pool(g, "MaxPool3d_5a_2x2", x, two, two), 2, mixed5);
    return head(g, *cam, o->classes);
}

fl_network fl_i3d_build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    net.output = net.logits = fl_i3d(g, o, net.input, &net.cam);
    return net;
}
