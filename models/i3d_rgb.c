/* i3d_rgb: I3D on frames. */
#include "models/i3d.h"

const fl_model fl_model_i3d_rgb = {
    .name = "i3d_rgb", .family = "inception 3-D CNN", .doc = "inflated Inception on frames", .citation = FL_I3D_CITATION,
    .input = FL_I3D_INPUT, .channels = 3, FL_KINETICS_HEAD, .gamma = 1, .parameters = 12697264, .build = fl_i3d_build,
    .keys = (const fl_key_map *const[]){&fl_keys_i3d_hassony2, NULL},
};
