/* session.h: the steps that commands share: which network, which weights, which clip; a graph ready to run. */
#ifndef FL_SESSION_H
#define FL_SESSION_H

#include "attribution/attribution.h"
#include "io/cli/input.h"
#include "io/cli/weights.h"
#include "io/result.h"

typedef struct fl_session {
    const fl_model *model;
    fl_weights weights;
    const char *card;                    /* path of the card.json beside them, or NULL */
    fl_input input;
    fl_graph *graph;                     /* in cli->work */
    fl_network net;
    fl_explainer *explainer;
    int classes;
    const char *const *labels;           /* classes texts, or NULL when they are not known */
    const double *logits, *probabilities;    /* classes each; logits NAN where the network has none */
    const fl_prediction *top;            /* filled by fl_session_rank, best first */
    int top_count;
} fl_session;

extern const fl_option_group fl_session_network;      /* --model --classes --bptt ... */
extern const fl_option_group fl_session_simple;       /* the same, by itself the simplest network: c3d_small */
extern const fl_option_group fl_session_weights;      /* --weights --labels */

/* What the options of fl_session_network say, sizes left at 0. */
fl_model_options fl_session_model_options(const fl_cli *);

/* The network that --model names (the command must have that option). NULL: FL_USAGE, with the nearest name. */
const fl_model *fl_session_find_model(fl_cli *);

/* Model, weights, clip, graph, and one forward pass. The command has these two groups, and fl_input_options. */
fl_status fl_session_open(fl_cli *, const char *clip, fl_session *);

/* The clip that is the argument; without one the made clip of fl_input_make. */
fl_status fl_session_open_or_make(fl_cli *, fl_session *);

/* The same in two halves, for a command that brings its own input: between them fill in session->input. */
fl_status fl_session_begin(fl_cli *, fl_session *);
fl_status fl_session_finish(fl_cli *, fl_session *);

/* The count best classes (or all there are) into top; of equal ones the first. */
fl_status fl_session_rank(fl_cli *, fl_session *, int count);

const char *fl_session_label(const fl_session *, int class_index);     /* NULL when there is none */
double fl_session_output(const fl_session *, int class_index);         /* the logit, or where there is none p */

/* A class by name, by index, or "auto" (FL_CLASS_AUTO); where last is not NULL also "A-B": the mean over classes A to B.
 * FL_USAGE with the nearest name. */
fl_status fl_session_class(fl_cli *, const fl_session *, const char *option, const char *text, int *class_index,
                           int *last);

void fl_session_print_top(const fl_session *, FILE *);     /* network, clip and the table of classes, for people */
void fl_session_write(fl_json *, const fl_session *);      /* members "model", "weights", "input", "top" */

#endif
