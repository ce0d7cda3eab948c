/* tsn_resnet50: ResNet-50 on every segment, and a vote.
 *
 * segment 3x224x224 -> ResNet-50 2048x7x7 -> mean -> classes -> mean over segments. 8 segments; 16 with --frames 16. */
#include "models/segments.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    return fl_segments_resnet50(g, m, o, false);
}

const fl_model fl_model_tsn_resnet50 = {
    .name = "tsn_resnet50", .family = "2-D CNN per frame", .doc = "ResNet-50 per frame; mean of the segments' logits: blind to their order",
    .citation = "Wang et al. 2016, Temporal Segment Networks",
    FL_SEGMENTS_CARD, .build = build,
    .keys = (const fl_key_map *const[]){&fl_keys_resnet50_torchvision, &fl_keys_mmaction_resnet50, NULL},
};
