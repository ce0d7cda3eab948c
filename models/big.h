/* big.h: what the published networks share: inputs, statistics of the data sets, windows. */
#ifndef FL_BIG_H
#define FL_BIG_H

#include "layers/layers.h"
#include "models/labels.h"
#include "models/model.h"

#include <stdio.h>

#define FL_KINETICS_STATISTICS .white = 1, .mean = {0.43216, 0.394666, 0.37645}, .std = {0.22803, 0.22145, 0.216989}
#define FL_IMAGENET_STATISTICS .white = 1, .mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}
#define FL_KINETICS_HEAD .classes = 400, .labels = fl_labels_kinetics400
#define FL_UCF24_HEAD    .classes = 24, .labels = fl_labels_ucf101_24

static inline fl_id fl_big_input(fl_graph *g, const fl_model *m, const fl_model_options *o)
{
    return fl_node_input(g, "input", (fl_shape){o->n, m->channels, o->frames, o->height, o->width});
}

/* A window without padding. */
static inline fl_window fl_window_plain(int kt, int kh, int kw, int st, int sh, int sw)
{
    return (fl_window){{kt, kh, kw}, {st, sh, sw}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
}

#endif
