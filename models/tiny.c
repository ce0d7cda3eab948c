/* tiny: the reference network with every kind of op: 8 frames of 24x24, conv3d-bn-relu, max pool, a (2+1)-D residual
 * block, global mean, linear. 1901 parameters; small enough to read a whole trace. */
#include "layers/layers.h"
#include "models/model.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    static const fl_window pool = {{1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    static const double eps = 1e-5;
    fl_network net = fl_network_none;
    fl_id x = net.input = fl_node_input(g, "input", (fl_shape){o->n, m->channels, o->frames, o->height, o->width});
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"stem", "stem_bn", "relus.0"}, x, 8, fl_window_cube(3, 3, 3, 1, 2, 2), eps);
    x = fl_node_maxpool(g, "pool", x, pool, false);
    fl_id y = fl_layer_conv_bn(g, (fl_conv_bn_names){"space", "space_bn", "relus.1"}, x, 12, fl_window_cube(1, 3, 3, 1, 1, 1), eps);
    y = fl_layer_conv_bn(g, (fl_conv_bn_names){"time", "time_bn", NULL}, y, 8, fl_window_cube(3, 1, 1, 1, 1, 1), eps);
    net.cam = fl_node_relu(g, "relus.2", fl_node_add(g, "add", x, y));
    net.output = net.logits = fl_head_average(g, "fc", net.cam, o->classes);
    return net;
}

const fl_model fl_model_tiny = {
    .name = "tiny", .family = "reference", .doc = "every kind of op in 1901 parameters, for tests and teaching",
    .citation = "footlight's reference network",
    .input = {.frames = 8, .height = 24, .width = 24, .white = 1, .mean = {0.5, 0.5, 0.5}, .std = {0.25, 0.25, 0.25}},
    .channels = 3, .classes = 5, .gamma = 1, .parameters = 1901, .build = build,
};
