/* gather.h: gradients of many passes, added up where that costs least.
 *
 *   sum over k of w_k J_k' s_k  =  A' (sum over k of w_k B_k' s_k)          where the network is B after the linear A
 *
 * A map that is linear in the gradients of its passes needs their sum only. Where the network begins with a convolution (and a
 * norm that stayed), A is that: signals are added up behind it, and go down through it once. Driver and method have no part in
 * it: where A ends is a fact of the graph (fl_graph_linear_end), and whether it pays one of its shapes.
 *
 * The result differs from the sum of whole gradients by the rounding of A's transpose, which happens once instead of for every
 * pass: by less than the rounding of a single gradient. Sums are in double; rows are added in their order. */
#ifndef FL_GATHER_H
#define FL_GATHER_H

#include "attribution/driver.h"

typedef struct fl_gather {
    fl_run *run;
    fl_id at;                /* whose signals are added up: the run's wrt, or where its linear part ends */
    int64_t count;           /* values of a row there */
    double *sum;             /* in scratch; the driver's to keep in a state */
} fl_gather;

/* FL_FAILED: memory. */
fl_status   fl_gather_begin(fl_gather *, fl_run *);
/* After a forward: fl_run_backward as far as `at`. */
void        fl_gather_backward(const fl_gather *, int rows);
const real *fl_gather_signal(const fl_gather *, int row);
/* The sum at wrt, in place of what was in `sum`: one value per value of wrt. No forward between the last backward and this. */
void        fl_gather_finish(const fl_gather *);

#endif
