/* i3d_rgb: I3D on frames. */
#include "models/i3d.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    net.output = net.logits = fl_i3d(g, o, net.input, &net.cam);
    return net;
}

const fl_model fl_model_i3d_rgb = {
    .name = "i3d_rgb", .family = "inception 3-D CNN", .doc = "inflated Inception on frames", .citation = FL_I3D_CITATION,
    .input = FL_I3D_INPUT, .channels = 3, FL_KINETICS_HEAD, .gamma = 1, .parameters = 12697264, .build = build,
    .keys = (const fl_key_map *const[]){&fl_keys_i3d_hassony2, NULL},
};
