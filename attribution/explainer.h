/* explainer.h: a graph that is ready to be explained: its ends, and the plan that it has now. */
#ifndef FL_EXPLAINER_H
#define FL_EXPLAINER_H

#include "attribution/driver.h"

struct fl_explainer {
    fl_graph *g;
    fl_network net;
    const fl_card_input *card;
    int batch, classes;
    real *seed;                   /* batch, classes */
    fl_id root, wrt;              /* of the plan; FL_NONE: forward only */
    const bool *plan;             /* which plan of the graph that is (fl_graph.computed); NULL: none yet */
    fl_mark before;               /* the graph's arena before the plan */
    size_t used;                  /* ... and what was used after it */
};

/* Plans unless the graph has that plan already. root and wrt FL_NONE: forward only. */
fl_status fl_explainer_plan(fl_explainer *, fl_id root, fl_id wrt);

/* The node that options.layer names, or the network's own choice. FL_NONE with the error set when it cannot be. */
fl_id fl_explainer_layer(const fl_explainer *, const char *name);

/* Probability of a class in a row of the pass before. */
double fl_explainer_probability(const fl_explainer *, int row, int class_index);

static inline const real *fl_explainer_row(const fl_explainer *e, fl_id node, int row)
{
    return fl_graph_value(e->g, node) + row * (fl_shape_count(fl_graph_shape(e->g, node)) / e->batch);
}

#endif
