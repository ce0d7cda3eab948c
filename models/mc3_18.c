/* mc3_18: a residual network whose first stage sees time and whose others see frames: T stays 16 to the end.
 *
 * 3x16x112x112 -> stem 64x16x56x56 -> 64x16x56x56 -> 128x16x28x28 -> 256x16x14x14 -> 512x16x7x7 -> mean -> classes. */
#include "models/video_resnet.h"

static fl_network build(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    const fl_id x = fl_big_input(g, m, o);
    return fl_video_resnet(g, o, x, fl_video_resnet_stem(g, x), FL_BLOCK_3D, FL_BLOCK_2D);
}

const fl_model fl_model_mc3_18 = {
    .name = "mc3_18", .family = "3-D CNN", .doc = "18 layers, 3x3x3 convolutions first, 1x3x3 later",
    .citation = "Tran et al. 2018, A Closer Look at Spatiotemporal Convolutions for Action Recognition",
    FL_VIDEO_RESNET_CARD, .parameters = 11695440, .build = build,
};
