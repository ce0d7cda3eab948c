/* i3d_small: inception blocks with SAME padding, after I3D (Carreira 2017).
 *
 * 3x16x64x64 -> conv 16x8x32x32 -> pool 16x8x16x16 -> mixed 48 -> pool 48x4x8x8 -> mixed 64 -> mixed 80 -> mean -> classes. */
#include "models/small.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    static const int flat[3] = {1, 3, 3}, flat_stride[3] = {1, 2, 2}, cube[3] = {3, 3, 3}, cube_stride[3] = {2, 2, 2};
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_small_input(g, m, o);
    x = fl_layer_unit3d(g, "Conv3d_1a", x, 16, 5, 2, FL_SMALL_EPS);
    x = fl_layer_same_pool(g, "MaxPool3d_2a", x, flat, flat_stride);
    x = fl_layer_inception(g, "Mixed_3b", x, (fl_inception_widths){12, 12, 20, 4, 8, 8}, FL_SMALL_EPS);
    x = fl_layer_same_pool(g, "MaxPool3d_4a", x, cube, cube_stride);
    x = fl_layer_inception(g, "Mixed_4b", x, (fl_inception_widths){16, 20, 28, 6, 10, 10}, FL_SMALL_EPS);
    net.cam = fl_layer_inception(g, "Mixed_4c", x, (fl_inception_widths){20, 24, 36, 8, 12, 12}, FL_SMALL_EPS);
    net.output = net.logits = fl_head_average(g, "logits", net.cam, o->classes);
    return net;
}

const fl_model fl_model_i3d_small = {
    .name = "i3d_small", .family = "inception 3-D CNN", .doc = "three inception blocks",
    .citation = "after Carreira & Zisserman 2017, Quo Vadis, Action Recognition?",
    FL_SMALL_CARD, .weights = "i3d_small.safetensors", .parameters = 64384, .build = build,
};
