/* naive_ops.h: every op once more, from its definition: one output element at a time, in double, through logical
 * indices. Shares no code with the op. A new op needs a row here; test_ops fails until it has one. */
#ifndef FL_NAIVE_OPS_H
#define FL_NAIVE_OPS_H

#include "autograd/op.h"

typedef struct fl_naive {
    fl_shape (*shape)(const fl_node *);                                                        /* of the result */
    double (*value)(const fl_node *, const real *const in[], int n, int c, int t, int h, int w);
    unsigned linear;              /* bit k: y is affine in operand k; LINEAR_ALL: in each, however many there are */
} fl_naive;

extern const fl_naive fl_naive_ops[FL_OPS];

#endif
