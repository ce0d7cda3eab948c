/* tsn_resnet50: ResNet-50 on every segment, and a vote.
 *
 * segment 3x224x224 -> ResNet-50 2048x7x7 -> mean -> classes -> mean over segments. 8 segments; 16 with --frames 16. */
#include "models/big.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    net.cam = fl_layer_resnet50(g, "base_model", net.input, (fl_resnet50){.shift = false}).layer4;
    const fl_id x = fl_node_mean(g, "base_model.avgpool", net.cam, 1u << FL_AXIS_H | 1u << FL_AXIS_W);
    net.output = net.logits = fl_head_per_frame(g, "new_fc", x, o->classes);
    return net;
}

const fl_model fl_model_tsn_resnet50 = {
    .name = "tsn_resnet50", .family = "2-D CNN per frame", .doc = "ResNet-50 per frame; mean of the segments' logits: blind to their order",
    .citation = "Wang et al. 2016, Temporal Segment Networks",
    .input = {.frames = 8, .height = 224, .width = 224, .fit = FL_FIT_SHORT_SIDE, .fit_height = 256, .sampling = "segments",
              FL_IMAGENET_STATISTICS},
    .channels = 3, FL_KINETICS_HEAD, .gamma = 0.5, .parameters = 24327632, .build = build,
    .keys = (const fl_key_map *const[]){&fl_keys_resnet50_torchvision, &fl_keys_mmaction_resnet50, NULL},
};
