/* optimiser.h: SGD with momentum and dampening, and Adam; for training and for masks.
 *
 *   SGD    v = g (first step), then v = momentum v + (1 - dampening) g;   p -= rate v          (PyTorch's semantics)
 *   Adam   m = b1 m + (1-b1) g;  s = b2 s + (1-b2) g^2;  p -= rate (m / (1-b1^t)) / (sqrt(s / (1-b2^t)) + eps)
 *
 * g is the gradient plus decay * p (L2, as in PyTorch). State is one or two arrays per tensor, the arena's. */
#ifndef FL_OPTIMISER_H
#define FL_OPTIMISER_H

#include "tensor/tensor.h"

typedef enum fl_optimiser_kind { FL_SGD, FL_ADAM } fl_optimiser_kind;

typedef struct fl_optimiser {
    fl_optimiser_kind kind;
    double rate, momentum, dampening;
    double beta1, beta2, eps;
    int64_t steps;                       /* taken so far */
    double correction1, correction2;     /* beta^steps, carried along */
} fl_optimiser;

fl_optimiser fl_optimiser_sgd(double rate, double momentum, double dampening);
fl_optimiser fl_optimiser_adam(double rate);          /* 0.9, 0.999, 1e-8 */

int fl_optimiser_states(const fl_optimiser *);                      /* arrays of state per tensor: 1 or 2 */
void fl_optimiser_begin(fl_optimiser *);                            /* once per step, before the tensors */
/* One tensor: n values, their gradient, its state (zero before the first step; state2 for Adam only). */
void fl_optimiser_update(const fl_optimiser *, int64_t n, real *value, const real *gradient,
                         real *state1, real *state2, double decay);

#endif
