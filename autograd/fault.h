/* fault.h: mistakes of the kinds that people make, to be put into a graph on purpose: what a check does not catch, it does not
 * check. One table (fault.c); footlight check --inject NAME puts one in and shows which check finds it. */
#ifndef FL_FAULT_H
#define FL_FAULT_H

#include "autograd/graph.h"

typedef struct fl_fault { /* NOLINT(clang-analyzer-optin.performance.Padding): the order in which a row is read */
    const char *name, *doc;
    fl_op_kind kind;                                           /* whose nodes it strikes */
    bool (*strikes)(const fl_node *);                          /* NULL: all of them */
    void (*forward)(const fl_node *, const real *const in[], real *y);       /* instead of the op's own; NULL: that */
    void (*vjp)(const fl_node *, int k, const real *const in[], const real *y, const real *gy, real *gx);
    size_t (*scratch)(const fl_node *);                        /* if it wants more than the op */
    bool turns_weights;                                        /* vjp reads node->aside: the weights with their taps reversed */
} fl_fault;

extern const fl_fault fl_fault_table[];                        /* ends with a row without name */
const fl_fault *fl_fault_find(const char *name);               /* NULL: there is none of that name */

/* Into all nodes that it strikes; how many, -1 when the graph's arena ran out. The weights have their values. */
int fl_fault_inject(const fl_fault *, fl_graph *);

#endif
