/* tsm_resnet50: ResNet-50 whose blocks look at the neighbouring segments, after a shift of an eighth of the channels each way.
 *
 * segment 3x224x224 -> ResNet-50 2048x7x7 -> mean -> classes -> mean over segments. 8 segments; 16 with --frames 16. */
#include "models/segments.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    return fl_segments_resnet50(g, m, o, true);
}

const fl_model fl_model_tsm_resnet50 = {
    .name = "tsm_resnet50", .family = "2-D CNN with temporal shift",
    .doc = "ResNet-50 with a temporal shift in every block; mean of the segments' logits",
    .citation = "Lin et al. 2019, TSM: Temporal Shift Module for Efficient Video Understanding",
    FL_SEGMENTS_CARD, .build = build,
    .keys = (const fl_key_map *const[]){&fl_keys_resnet50_shifted, &fl_keys_mmaction_resnet50, NULL},
};
