/* gradcheck.h: are these gradients right? Finite differences and adjoint tests on any planned graph.
 *
 * Element-wise: the five-point difference (f(x-2h) - 8 f(x-h) + 8 f(x+h) - f(x+2h)) / 12h of s(x) = <seed, root(x)>,
 * against the signal, at sampled elements of each leaf. Directional: the same along a random direction.
 * The step doubles and halves around the given one and the best agreement counts, so that neither rounding
 * nor curvature decides. Elements beside a kink (ReLU, max) are recognised by one-sided differences that
 * disagree and are counted apart, not passed silently. */
#ifndef FL_GRADCHECK_H
#define FL_GRADCHECK_H

#include "autograd/graph.h"

typedef struct fl_gradcheck_options {
    int samples;              /* elements per leaf; 0: 16 */
    double step;              /* 0: a good one for the precision */
    uint64_t seed;
} fl_gradcheck_options;

typedef struct fl_gradcheck {
    double worst;             /* relative error of the worst element: |fd - g| / max(|g|_max of the leaf, tiny) */
    double directional;       /* relative error along random directions, all leaves together */
    int checked, kinks;       /* elements compared; elements left out because they sit on a kink */
    char where[160];          /* leaf and element of the worst */
} fl_gradcheck;

/* The graph is planned with root and wrt, its leaves hold the point. Runs forward and backward; leaves the values as they were.
 * Scratch from the graph's arena, released. FL_FAILED when memory ran out. */
fl_status fl_gradcheck_run(fl_graph *, const fl_id *wrt, int n_wrt, const fl_gradcheck_options *, fl_gradcheck *);

#endif
