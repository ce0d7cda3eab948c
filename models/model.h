/* model.h: what a network is to the rest of the house: a builder and a card.
 *
 *     const fl_model *m = fl_model_find("r2plus1d_small");
 *     fl_network net = fl_model_build(g, m, &(fl_model_options){.n = 1});    names, parameters, nodes
 *     fl_graph_load(g, bundle);
 *
 * A network sees T as an axis of the clip; a 2-D network is a 3-D network whose kernels have one frame. */
#ifndef FL_MODEL_H
#define FL_MODEL_H

#include "layers/layers.h"
#include "models/card.h"
#include "models/keymap.h"

typedef struct fl_model_options {      /* 0 takes the card's value */
    int n;                             /* clips per pass (batch); 0: 1 */
    int frames, height, width, classes;
    bool training;                     /* batch norm with the statistics of the batch */
    bool exact;                        /* weighted sums in double, and their remainders (fl_graph.exact) */
    fl_bptt bptt;                      /* recurrent networks: whether signals go back through time */
    int lstm_layers, lstm_hidden;      /* cnn_lstm: 1 to 3; units of each */
    bool peepholes;                    /* convlstm */
} fl_model_options;

enum { FL_TAKES_BPTT = 1, FL_TAKES_LSTM = 2, FL_TAKES_PEEPHOLES = 4 };     /* which of bptt, lstm_*, peepholes a network has a use for */

typedef struct fl_network {            /* nodes of the graph */
    fl_id input;                       /* N,C,T,H,W, normalised as the card says */
    fl_id logits;                      /* N,classes,1,1,1 */
    fl_id output;                      /* what the network returns: the logits, or probabilities where it ends in a softmax */
    fl_id cam;                         /* where Grad-CAM and excitation backprop read by default: the last node with places */
    fl_id flow, flow_cam;              /* a second input, N,C,T,H,W of optical flow, and what Grad-CAM reads for it; FL_NONE: none */
} fl_network;

static const fl_network fl_network_none = {FL_NONE, FL_NONE, FL_NONE, FL_NONE, FL_NONE, FL_NONE};   /* where builders begin */

typedef struct fl_model fl_model;
struct fl_model {
    const char *name, *family, *doc, *citation;
    fl_card_input input;               /* frames, size, how a clip becomes a tensor */
    int channels, classes;             /* of the input; of the head */
    unsigned takes;                    /* FL_TAKES_ bits */
    const fl_card_input *flow;         /* of a second input, which is flow; NULL: there is none */
    int flow_channels;
    const char *stream[2];             /* scopes of the parameters of the two streams: each may have a file of its own */
    const char *const *labels;         /* classes names, or NULL */
    const char *weights;               /* file name under weights/ that ships with it, or NULL */
    double gamma;                      /* of the formula weights in the reference numbers; 1 otherwise */
    int64_t parameters;                /* trained values at the card's size */
    const fl_key_map *const *keys;     /* other layouts of its checkpoints, up to a NULL; NULL: none */
    fl_network (*build)(fl_graph *, const fl_model *, const fl_model_options *);
};

extern const fl_model *const fl_model_table[];       /* ends with NULL; in the order of models.def */
const fl_model *fl_model_find(const char *name);     /* NULL when there is none of that name */
const char *fl_model_nearest(const char *name);      /* the most similar name, for a message */

/* Builds under the graph's scope. On failure the ids are FL_NONE and the graph's error names the node. */
fl_network fl_model_build(fl_graph *, const fl_model *, const fl_model_options *);

/* The network of the table whose names a file's tensors have, most of them at least; NULL when none is near. scratch: for
 * building them all, released. found, wanted: tensors of it in the file, and in all. */
const fl_model *fl_model_of_weights(fl_arena *scratch, const fl_bundle *, int *found, int *wanted);

/* Values for all parameters and buffers of a built graph, without a file. */
void fl_model_fill_formula(fl_graph *, double gamma);      /* reference formula: a function of name and index */
void fl_model_formula_clip(const char *name, fl_shape, real *to);      /* the reference clip "input:<name>"; to: channels last */
void fl_model_fill_random(fl_graph *, uint64_t seed);      /* He uniform weights, zero biases, unit norms: where training starts */
void fl_model_fill_random_node(fl_graph *, fl_id, uint64_t seed);     /* of one; touch the graph afterwards */

#endif
