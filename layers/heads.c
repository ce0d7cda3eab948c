/* heads.c: from features to logits. */
#include "layers/layers.h"

fl_id fl_head_average(fl_graph *g, const char *scope, fl_id x, int classes)
{
    return fl_layer_linear(g, scope, fl_node_global_average(g, "average", x), classes, true);
}

fl_id fl_head_per_frame(fl_graph *g, const char *scope, fl_id x, int classes)
{
    x = fl_layer_dense(g, scope, x, classes, true);
    return fl_node_mean(g, "frames", x, 1u << FL_AXIS_T);
}

fl_id fl_head_last(fl_graph *g, const char *scope, fl_id x, int classes)
{
    const int frames = fl_graph_shape(g, x).t;
    x = fl_node_slice(g, "last", x, FL_AXIS_T, frames - 1, frames);
    return fl_layer_linear(g, scope, fl_node_flatten(g, "features", x), classes, true);
}
