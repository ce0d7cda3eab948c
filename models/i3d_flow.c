/* i3d_flow: I3D on optical flow: channel 0 to the right, channel 1 down. */
#include "models/i3d.h"

const fl_model fl_model_i3d_flow = {
    .name = "i3d_flow", .family = "inception 3-D CNN", .doc = "inflated Inception on optical flow", .citation = FL_I3D_CITATION,
    .input = FL_I3D_FLOW_INPUT, .channels = 2, FL_KINETICS_HEAD, .gamma = 1, .parameters = 12675312, .build = fl_i3d_build,
    .keys = (const fl_key_map *const[]){&fl_keys_i3d_hassony2, NULL},
};
