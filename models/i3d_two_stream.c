/* i3d_two_stream: I3D on frames and I3D on their flow; the logits are added (Carreira 2017, section 2.5).
 *
 * Parameters rgb.* and flow.*: two published files, --weights RGB and --flow-weights FLOW. */
#include "models/i3d.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    net.flow = fl_node_input(g, "flow_input", (fl_shape){o->n, 2, o->frames, o->height, o->width});
    size_t mark = fl_graph_enter(g, "rgb");
    const fl_id rgb = fl_i3d(g, o, net.input, &net.cam);
    fl_graph_leave(g, mark);
    mark = fl_graph_enter(g, "flow");
    const fl_id flow = fl_i3d(g, o, net.flow, &net.flow_cam);
    fl_graph_leave(g, mark);
    net.output = net.logits = fl_node_add(g, "sum", rgb, flow);
    return net;
}

static const fl_card_input flow = FL_I3D_FLOW_INPUT;

const fl_model fl_model_i3d_two_stream = {
    .name = "i3d_two_stream", .family = "two-stream 3-D CNN", .doc = "I3D on frames and on flow; the sum of their logits",
    .citation = FL_I3D_CITATION,
    .input = FL_I3D_INPUT, .channels = 3, .flow = &flow, .flow_channels = 2, .stream = {"rgb.", "flow."}, FL_KINETICS_HEAD, .gamma = 1,
    .parameters = 12697264 + 12675312, .build = build,
    .keys = (const fl_key_map *const[]){&fl_keys_i3d_hassony2, NULL},
};
