/* small.h: what the small networks share: 16 frames of 64x64, trained on the synthetic actions. */
#ifndef FL_SMALL_H
#define FL_SMALL_H

#include "layers/layers.h"
#include "models/model.h"
#include "models/synth.h"

#define FL_SMALL_INPUT {.frames = 16, .height = 64, .width = 64, .white = 1, \
                        .mean = {0.5, 0.5, 0.5}, .std = {0.25, 0.25, 0.25}}
#define FL_SMALL_CARD .input = FL_SMALL_INPUT, .channels = 3, .classes = FL_SYNTH_CLASSES, .labels = fl_synth_label, .gamma = 1

static const double FL_SMALL_EPS = 1e-5;

static inline fl_id fl_small_input(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    return fl_node_input(g, "input", (fl_shape){o->n, m->channels, o->frames, o->height, o->width});
}

#endif
