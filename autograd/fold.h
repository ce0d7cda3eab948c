/* fold.h: graph -> graph: a weight with a norm behind it becomes one weight, and so do convolutions side by side (stack.h).
 *
 *   y = (w x + b - mean) / sqrt(var + eps) * gamma + beta  =  w' x + b',   a = gamma / sqrt(var + eps),
 *   w' = a w,  b' = (b - mean) a + beta
 *
 * where the norm's statistics are stored ones and nobody else reads the product. The new node has the norm's name, since it has
 * its value. All other leaves are the old graph's own memory: an input set in one graph is set in both. */
#ifndef FL_FOLD_H
#define FL_FOLD_H

#include "autograd/stack.h"

typedef struct fl_fold {
    const fl_graph *from;
    fl_graph *g;                     /* the new graph, in the old one's arena */
    fl_id *place;                    /* per old node: the new one; FL_NONE where it is gone */
    fl_id *whole;                    /* per old node: the new one that it is a part of, or FL_NONE */
    fl_stack stack;
    struct fl_folded *folded;        /* the weights that were made */
    int count;
    unsigned version;                /* of the old graph's parameters */
} fl_fold;

/* In the old graph's arena; NULL with its error set when memory ran out. */
fl_fold *fl_fold_new(fl_graph *);
/* Makes the weights again where the old graph's have changed. */
void fl_fold_refresh(fl_fold *);

#endif
