/* gradcheck.h: are these gradients right? Finite differences on any planned graph.
 *
 *   s(t) = <seed, root(x + t v) - root(x)>,   ds/dt ~ (s(-2h) - 8 s(-h) + 8 s(h) - s(2h)) / 12h,   seed random normal
 *
 * Element-wise v is one element of a leaf, at sampled places; directional v is random normal over all leaves at
 * once, each at its own size, which sees every element. h is halved again and again, and the estimate counts that
 * agrees best with its neighbour and with itself from either side: the choice knows nothing of the gradient under
 * test. Where even that one differs from side to side, v sits on a kink (ReLU at 0, a tie in a maximum): such a place
 * is counted apart, not passed silently. */
#ifndef FL_GRADCHECK_H
#define FL_GRADCHECK_H

#include "autograd/graph.h"

typedef struct fl_gradcheck_options {
    int samples;              /* elements per leaf; 0: 16 */
    double step;              /* the largest h; 0: a good one for the precision */
    int levels;               /* how often h is halved; 0: often */
    bool hold;                /* switches stay as they are at the point (hold.h): no kinks, and few levels are enough */
    bool no_elements;         /* directions alone */
    int directions;           /* 0: 3 */
    uint64_t seed;
} fl_gradcheck_options;

typedef struct fl_gradcheck {
    double worst;             /* element-wise: |difference - gradient| / largest |gradient| of the leaf, or a small
                               * part of the largest of all (1e-4, float32 1e-2) where a leaf has hardly an effect */
    double directional;       /* worst direction: |difference - <gradient, v>| / root mean square of <gradient, v> */
    double doubt;             /* along directions: how far quotients of two steps and two sides are apart, in the same unit: what the
                               * precision can reach; knows nothing of the gradient */
    int checked, kinks;       /* elements compared; elements left out because they sit on a kink */
    int directions;           /* compared; those on a kink are replaced by others, up to a limit */
    char where[192];          /* leaf, element, difference and gradient of the worst */
} fl_gradcheck;

/* The graph is planned with its root and wrt, all of them leaves that hold the point. Runs forward and backward many
 * times and leaves values, and the signals for this seed, as they belong to the point. Scratch from the graph's
 * arena, released. FL_FAILED when memory ran out; whether the errors are small enough is for the caller to judge. */
fl_status fl_gradcheck_run(fl_graph *, const fl_id *wrt, int n_wrt, const fl_gradcheck_options *, fl_gradcheck *);

#endif
