/* quadrature.h: points and weights on [0,1] for the integral of integrated gradients. Weights of every rule sum to 1.
 *
 *   left             a_k = k/n                  w_k = 1/n                       k = 0 .. n-1
 *   right            a_k = (k+1)/n              w_k = 1/n
 *   middle           a_k = (k+1/2)/n            w_k = 1/n
 *   trapezoid        a_k = k/(n-1)              w_k = 1/(n-1), ends half of it  n >= 2 (Captum's sum to (n-1)/n)
 *   gauss_legendre   a_k = (1+z_k)/2            w_k = 1/((1-z_k^2) P_n'(z_k)^2) z_k: the zeros of P_n, ascending
 *
 * Gauss-Legendre is exact for polynomials of degree 2n-1 along the path. */
#ifndef FL_QUADRATURE_H
#define FL_QUADRATURE_H

#include "tensor/error.h"

typedef enum fl_quadrature {
    FL_QUADRATURE_DEFAULT, FL_QUADRATURE_LEFT, FL_QUADRATURE_RIGHT, FL_QUADRATURE_MIDDLE, FL_QUADRATURE_TRAPEZOID,
    FL_QUADRATURE_GAUSS_LEGENDRE
} fl_quadrature;

extern const char *const fl_quadrature_name[];           /* by value; "default" first, ends with NULL */

enum { FL_MAX_GAUSS = 4096 };                            /* points of gauss_legendre: its cost is quadratic */

/* n values each, ascending. FL_USAGE when the rule cannot have n points. rule is not DEFAULT. */
fl_status fl_quadrature_fill(fl_quadrature rule, int n, double *alpha, double *weight, fl_error *);

#endif
