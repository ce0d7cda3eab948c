/* naive_rows.h: what the files of naive definitions share: operands by logical index, and the shape of a row. */
#ifndef FL_NAIVE_ROWS_H
#define FL_NAIVE_ROWS_H

#include "autograd/naive.h"

/* Element of operand k; 0 outside. */
static inline double at(const fl_node *node, const real *const in[], int k, int n, int c, int t, int h, int w)
{
    const fl_shape s = node->in_shape[k];
    if (n < 0 || c < 0 || t < 0 || h < 0 || w < 0 || n >= s.n || c >= s.c || t >= s.t || h >= s.h || w >= s.w)
        return 0;
    return (double)in[k][fl_at(s, n, c, t, h, w)];
}

/* The same with axes of length 1 standing for all their indices. */
static inline double spread(const fl_node *node, const real *const in[], int k, int n, int c, int t, int h, int w)
{
    const fl_shape s = node->in_shape[k];
    return at(node, in, k, s.n == 1 ? 0 : n, s.c == 1 ? 0 : c, s.t == 1 ? 0 : t, s.h == 1 ? 0 : h, s.w == 1 ? 0 : w);
}

#define VALUE(name) static double name(const fl_node *node, const real *const in[], int n, int c, int t, int h, int w)
#define SHAPE(name) static fl_shape name(const fl_node *node)
#define ROW(op, shape_rule, value_rule, affine_in) const fl_naive fl_naive_##op = {shape_rule, value_rule, affine_in};

enum { EVERY = 0x7fffffff };                           /* affine in each operand, however many there are */

SHAPE(same) { return node->in_shape[0]; }

#endif
