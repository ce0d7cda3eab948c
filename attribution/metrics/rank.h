/* rank.h: orders, ranks and correlations of plain numbers, in double, the same on every machine.
 *
 *   order      positions from the largest value to the smallest; of equal values the first place comes first
 *   ranks      1 for the smallest; equal values share the mean of their ranks
 *   Pearson    sum (a - mean a)(b - mean b) / sqrt(sum (a - mean a)^2 sum (b - mean b)^2)
 *   Spearman   Pearson of the ranks
 *
 * A correlation with something constant is not defined: NAN. */
#ifndef FL_RANK_H
#define FL_RANK_H

#include "tensor/tensor.h"

/* order: n positions, largest value first. scratch: n ints. */
void fl_order_descending(int n, const double *value, int *order, int *scratch);

/* rank: n values. order: as above, of the same values. */
void fl_ranks(int n, const double *value, const int *order, double *rank);

double fl_pearson(int64_t n, const double *a, const double *b);

/* NAN also when memory ran out: the arena's error tells. Everything taken is given back. */
double fl_spearman(int n, const double *a, const double *b, fl_arena *);

#endif
