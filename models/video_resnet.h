/* video_resnet.h: the trunk that r3d_18, mc3_18 and r2plus1d_18 share (Tran 2018); names of torchvision. */
#ifndef FL_VIDEO_RESNET_H
#define FL_VIDEO_RESNET_H

#include "models/big.h"

/* Blocks of layer1 and of layers 2 to 4. The caller has built the input and the stem. */
fl_network fl_video_resnet(fl_graph *, const fl_model_options *, fl_id input, fl_id stem, fl_block_kind first,
                           fl_block_kind rest);

/* conv 3x7x7 /(1,2,2), norm, ReLU: the stem of r3d_18 and mc3_18. */
fl_id fl_video_resnet_stem(fl_graph *, fl_id x);

/* 16 frames of 112x112, cut out of 128x171 as torchvision does; Kinetics-400. */
#define FL_VIDEO_RESNET_CARD                                                                                   \
    .input = {.frames = 16, .height = 112, .width = 112, .fit = FL_FIT_STRETCH, .fit_height = 128, .fit_width = 171, \
              FL_KINETICS_STATISTICS},                                                                         \
    .channels = 3, FL_KINETICS_HEAD, .gamma = 0.7

#endif
