/* explainer.h: a graph that is ready to be explained: its ends, and the plan that it has now. */
#ifndef FL_EXPLAINER_H
#define FL_EXPLAINER_H

#include "attribution/driver.h"
#include "autograd/fold.h"

typedef struct fl_demand {        /* of a plan */
    fl_id root, wrt;              /* FL_NONE: forward only */
    const fl_ruleset *rules;      /* NULL: gradients */
    double epsilon, gamma, beta;  /* of the rules; 0: their own */
    const fl_id *keep;            /* more values that outlive a pass: borrowed; such a plan is always made anew */
    int n_keep;
    bool all;                     /* forward only, with every value kept: wrt and what is below and above it */
} fl_demand;

struct fl_explainer {
    fl_graph *g;                  /* in use: the network's, or the one with its norms folded */
    fl_network net;               /* nodes of that one */
    fl_graph *whole_g;
    fl_network whole;
    fl_fold *fold;                /* made when first asked for */
    const fl_card_input *card;
    int batch, classes;
    real *seed;                   /* what the signal is at the root, of the plan; NULL: it has none */
    real *low, *high;             /* per channel of the input: bounds, for rules that read them */
    bool keep_all;                /* plans keep every value and signal: for traces */
    fl_demand demand;             /* what the plan was made for */
    const fl_graph *planned;      /* whose plan it is */
    const bool *plan;             /* which plan of that graph (fl_graph.computed); NULL: none yet */
    bool parts;                   /* plans have every node in a pass of its own: for those who look on */
    fl_mark before;               /* the graph's arena before the plan */
    size_t used;                  /* ... and what was used after it */
};

/* Takes the graph with norms folded, or the network's own. Nodes have other numbers there, and the same names. */
fl_status fl_explainer_fold(fl_explainer *, bool folded);
/* Whether a layer (NULL: the network's own choice) is there in the graph with norms folded, which is the one in use. A name that
 * the network does not have either survives: its message is for fl_explainer_layer. */
bool fl_explainer_survives(const fl_explainer *, const char *layer);

/* Plans unless the graph has that plan already. */
fl_status fl_explainer_plan(fl_explainer *, const fl_demand *);

/* The node that options.layer names, or the network's own choice. FL_NONE with the error set when it cannot be. */
fl_id fl_explainer_layer(const fl_explainer *, const char *name);

/* Probability of a class in a row of the pass before. */
double fl_explainer_probability(const fl_explainer *, int row, int class_index);

static inline const real *fl_explainer_row(const fl_explainer *e, fl_id node, int row)
{
    return fl_graph_value(e->g, node) + row * (fl_shape_count(fl_graph_shape(e->g, node)) / e->batch);
}

#endif
