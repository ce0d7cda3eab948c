/* op_cases.h: every op, every example, planned and ready: what all op tests loop over. */
#ifndef FL_OP_CASES_H
#define FL_OP_CASES_H

#include "autograd/graph.h"

typedef struct op_case {
    const fl_op *op;
    int which;                    /* example number */
    fl_error error;
    fl_arena arena;
    fl_graph *g;                  /* the operands are leaves; wrt are all of them, root and out are y */
    fl_id y;
    const fl_node *node;          /* g's node y */
    const real *const *in;        /* its operands' values */
    char label[64];               /* "conv example 2", for messages */
} op_case;

/* Builds an example with `factor` times as many samples (1: as it is). False when the op has no such example. */
bool op_case_open(op_case *, const fl_op *, int which, int factor);
void op_case_close(op_case *);

/* Sample n of a case alone; only where op_case_splits says that samples do not meet. */
bool op_case_splits(const op_case *);
void op_case_open_sample(op_case *, const op_case *from, int n);

bool op_case_batched(const fl_node *, int k);       /* operand k has one part per sample (a weight has not) */
int64_t op_case_count(const op_case *, int k);      /* values of operand k; k = -1: of y */
real *op_case_array(op_case *, int64_t count);      /* from the arena, full of NaN, between two guards */
bool op_case_guarded(const real *array, int64_t count);      /* nobody wrote past its ends */

/* Calls check for every example of every op that has operands, `factor` times as large. */
void op_cases_each(int factor, void (*check)(op_case *));

#endif
