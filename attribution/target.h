/* target.h: the one number that is explained, and its gradient at the network's end.
 *
 *   score                value                     seed_j = d value / d y_j      p = softmax(z), in double
 *   logit                z_c                       [j = c]
 *   probability          p_c                       p_c ([j = c] - p_j)
 *   log_probability      log p_c                   [j = c] - p_j
 *   margin               z_c - z_o                 [j = c] - [j = o]
 *
 *   a unit of a node     mean of y over its places [in the unit] / places         y: the node's values
 *
 * y are the logits z, except where the network ends in probabilities that are not simply the softmax of its logits
 * (a mean over frames of softmaxes): then y = p itself, and the seeds are [j = c] and [j = c] / p_c. */
#ifndef FL_TARGET_H
#define FL_TARGET_H

#include "attribution/attribution.h"

typedef struct fl_end {                          /* where the seed is put; what y is there */
    fl_id node;
    bool probabilities;
    int count;                                   /* values of y per clip */
    bool unit;                                   /* of a node that the target names */
    fl_shape shape;                              /* of that node, n = 1 */
} fl_end;

/* FL_USAGE for a score or a unit that the network does not have. Fills in FL_SCORE_DEFAULT. */
fl_status fl_target_end(const fl_graph *, const fl_network *, fl_target *, fl_end *);

/* Checks the classes, and replaces FL_CLASS_AUTO by what y says. */
fl_status fl_target_resolve(fl_target *, int classes, const real *y, fl_error *);

double fl_target_score(const fl_target *, fl_end, int classes, const real *y);
void   fl_target_seed(const fl_target *, fl_end, int classes, const real *y, real *seed);

/* Multipliers in place of the seed, y0 being y at a reference: what sums to the score's difference where the score is no plain sum. Through
 * a softmax of logits they are of z less the mean of all, on which alone it depends:  m ([j = c] - 1 / classes). Where the class does not
 * differ from the reference, the seed. */
void fl_target_multipliers(const fl_target *, fl_end, int classes, const real *y, const real *y0, real *seed);

/* Where a rule set begins: its own number at the classes that the gradient would begin at, with the gradient's factor there
 * (margin: -1 for the other class; several classes: their share). Returns the sum. */
double fl_target_start(const fl_target *, fl_start, fl_end, int classes, const real *y, real *seed);

double fl_log_softmax(int classes, const real *z, int c);
int    fl_strongest(int classes, const real *y, int except);            /* the first of the largest, not `except` */

#endif
