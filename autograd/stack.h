/* stack.h: which convolutions of one input are one convolution, side by side: the gates of a ConvLSTM.
 *
 *   y_q = w_q * x + b_q, q = 0 .. k-1     is     y = [w_0 .. w_k-1] * x + [b_0 .. b_k-1],     y_q = y's q-th k-th along C
 *
 * They have windows and weights of one shape, and what reads them takes a frame of each or adds parts of one number: a part. That is
 * done to the whole too, and the whole is cut only where a part is read by anything else. fold.h makes the new graph. */
#ifndef FL_STACK_H
#define FL_STACK_H

#include "autograd/graph.h"

typedef struct fl_stack {            /* per node of the graph */
    fl_id *first, *next;             /* the first convolution of its stack, by weights, and the one behind it; FL_NONE: of none, the last */
    int *part, *parts;               /* which part of how many it is; 0 of 0: none */
    bool *inner;                     /* nobody reads it but parts */
} fl_stack;

/* apart: nodes that are in no stack. In the graph's arena; false without memory. */
bool fl_stack_find(fl_stack *, const fl_graph *, const bool *apart);

/* Whether all operands but the first are parameters or buffers: what can become another weight. */
bool fl_all_stored(const fl_graph *, const fl_node *);

static inline bool fl_stack_is_part(const fl_stack *s, fl_id i) { return s->parts[i] > 0; }

#endif
