/* segments.h: ResNet-50 on every segment and a vote, with or without a temporal shift in its blocks: TSM and TSN. */
#ifndef FL_SEGMENTS_H
#define FL_SEGMENTS_H

#include "models/big.h"

static inline fl_network fl_segments_resnet50(fl_graph *g, const fl_model *m, const fl_model_options *o, bool shift)
{
    fl_network net = fl_network_none;
    net.input = fl_big_input(g, m, o);
    net.cam = fl_layer_resnet50(g, "base_model", net.input, (fl_resnet50){.shift = shift}).layer4;
    const fl_id x = fl_node_mean(g, "base_model.avgpool", net.cam, 1u << FL_AXIS_H | 1u << FL_AXIS_W);
    net.output = net.logits = fl_head_per_frame(g, "new_fc", x, o->classes);
    return net;
}

/* 8 segments of 224x224 out of a shorter side of 256. */
#define FL_SEGMENTS_CARD                                                                                           \
    .input = {.frames = 8, .height = 224, .width = 224, .fit = FL_FIT_SHORT_SIDE, .fit_height = 256,                \
              .sampling = "segments", FL_IMAGENET_STATISTICS},                                                     \
    .channels = 3, FL_KINETICS_HEAD, .gamma = 0.5, .parameters = 24327632

#endif
