/* i3d.h: Inception-v1 inflated to three dimensions (Carreira 2017), for RGB and for flow; names of piergiaj. */
#ifndef FL_I3D_H
#define FL_I3D_H

#include "models/big.h"

/* A network of one stream: i3d_rgb and i3d_flow. */
fl_network fl_i3d_build(fl_graph *, const fl_model *, const fl_model_options *);

/* Logits of a clip N,C,T,H,W; *cam: Mixed_5c. */
fl_id fl_i3d(fl_graph *, const fl_model_options *, fl_id x, fl_id *cam);

/* 16 frames (any number works), the shorter side 256, the centre 224x224, pixels in -1..1. */
#define FL_I3D_INPUT                                                                                               \
    {.frames = 16, .height = 224, .width = 224, .fit = FL_FIT_SHORT_SIDE, .fit_height = 256, .white = 1,            \
     .mean = {0.5, 0.5, 0.5}, .std = {0.5, 0.5, 0.5}}

/* The same for TV-L1 flow: cut at 20 pixels per frame, in -1..1. */
#define FL_I3D_FLOW_INPUT                                                                                          \
    {.frames = 16, .height = 224, .width = 224, .fit = FL_FIT_SHORT_SIDE, .fit_height = 256, .white = 1,            \
     .mean = {0.5, 0.5, 0.5}, .std = {0.5, 0.5, 0.5}, .source = FL_SOURCE_FLOW, .flow = {.bound = 20, .stack = 1}}

#define FL_I3D_CITATION "Carreira & Zisserman 2017, Quo Vadis, Action Recognition?"

#endif
