/* naive.h: every op once more, from its definition: one output element at a time, in double, through logical indices.
 * Shares no code with the op. What a forward pass is held against, by tests and by footlight check. A new op needs a row,
 * and does not link without one. */
#ifndef FL_NAIVE_H
#define FL_NAIVE_H

#include "autograd/op.h"

typedef struct fl_naive {
    fl_shape (*shape)(const fl_node *);                                                        /* of the result */
    double (*value)(const fl_node *, const real *const in[], int n, int c, int t, int h, int w);
    unsigned affine;              /* bit k: y is affine in operand k */
} fl_naive;

#define FL_OP(name) extern const fl_naive fl_naive_##name;
#include "autograd/ops.def"
#undef FL_OP
extern const fl_naive *const fl_naive_ops[FL_OPS];

/* Element i (as it lies in memory) of the node's result, of these operands. */
double fl_naive_at(const fl_node *, const real *const in[], int64_t i);

#endif
