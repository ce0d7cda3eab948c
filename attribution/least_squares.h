/* least_squares.h: weighted least squares from sums that are taken as the rows come.
 *
 *   minimise  sum_k w_k (y_k - sum_i b_i x_ki)^2 + ridge sum_{i < penalised} b_i^2          b: (X'WX + R) b = X'Wy
 *
 * All in double; the sums are one packed triangle, so memory does not grow with the rows, and sums of parts add up. */
#ifndef FL_LEAST_SQUARES_H
#define FL_LEAST_SQUARES_H

#include <stdbool.h>
#include <stdint.h>

/* sums[i (i + 1) / 2 + j], j <= i <= n, of products of the row x_0 .. x_{n-1}, y. */
static inline int64_t fl_squares_size(int n) { return (int64_t)(n + 1) * (n + 2) / 2; }
static inline int64_t fl_squares_at(int i, int j) { return (int64_t)i * (i + 1) / 2 + j; }

/* row: n regressors, then y. */
void fl_squares_add(int n, double *sums, double weight, const double *row);

/* b[n] by Cholesky's decomposition; scratch: fl_squares_size(n) doubles. False: the rows leave some b open; then the nearest to 0
 * are given, by a ridge of 1e-9 of the largest diagonal element. */
bool fl_squares_solve(int n, const double *sums, double ridge, int penalised, double *b, double *scratch);

#endif
