/* map.h: an op that works element by element is its deriv and one line of forward; the loops are here.
 *
 *     FL_MAP_FORWARD(node, x, y, 20, fl_erf(x[i]));               forward:  y[i] = ...
 *     fl_map_vjp(node, NULL, y, gy, gx, deriv);                   vjp:      gx[i] = gy[i] * deriv(x[i], y[i])
 *
 * Blocks of 4096 elements for the threads. */
#ifndef FL_MAP_H
#define FL_MAP_H

#include "autograd/op.h"
#include "tensor/par.h"

enum { FL_MAP_BLOCK = 4096 };

static inline int64_t fl_map_end(int64_t block, int64_t n)
{
    return (block + 1) * FL_MAP_BLOCK < n ? (block + 1) * FL_MAP_BLOCK : n;
}

/* y = f(x); work: arithmetic operations per element, for the decision to go parallel */
#define FL_MAP_FORWARD(node, x, y, work, expression)                                            \
    do {                                                                                        \
        const int64_t count = fl_shape_count((node)->shape);                                    \
        FL_PARALLEL(block, (count + FL_MAP_BLOCK - 1) / FL_MAP_BLOCK, count * (work)) {         \
            for (int64_t i = block * FL_MAP_BLOCK; i < fl_map_end(block, count); i++) (y)[i] = (expression); \
        }                                                                                       \
    } while (0)

/* The same through a function over runs (tensor/math_runs.h). */
static inline void fl_map_runs(const fl_node *node, const real *x, real *y, double work, void (*f)(const real *, int64_t, real *))
{
    const int64_t count = fl_shape_count(node->shape);
    FL_PARALLEL(block, (count + FL_MAP_BLOCK - 1) / FL_MAP_BLOCK, (double)count * work)
        f(x + block * FL_MAP_BLOCK, fl_map_end(block, count) - block * FL_MAP_BLOCK, y + block * FL_MAP_BLOCK);
}

/* gx = gy * f'(x); x is NULL where deriv looks at y alone. */
static inline void fl_map_vjp(const fl_node *node, const real *x, const real *y, const real *gy, real *gx,
                              real (*deriv)(const fl_node *, real, real))
{
    FL_MAP_FORWARD(node, x, gx, 2, gy[i] * deriv(node, x ? x[i] : 0, y[i]));
}

static inline fl_shape fl_map_infer(fl_graph *g, const fl_node *node)
{
    (void)g;
    return node->in_shape[0];
}

#endif
