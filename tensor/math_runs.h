/* math_runs.h: what is asked of many numbers at once, one table per instruction set (kernels.h). Nothing is contracted: the same bits from
 * every table. Functions are worked out in double and rounded once, as one by one (math.h, rng.h); sums are of real numbers. */
#ifndef FL_MATH_RUNS_H
#define FL_MATH_RUNS_H

#include "tensor/real.h"

#include <stdint.h>

typedef struct fl_math_runs {
    void (*sigmoid)(const real *x, int64_t n, real *y);       /* y may be x */
    void (*tanh)   (const real *x, int64_t n, real *y);
    /* y[i] = sum over t = 0, 1, .. of k[t] x[t step + i], i < n: a weighted sum of rows. y overlaps nothing */
    void (*weighted)(const real *x, int64_t step, const real *k, int64_t rows, int64_t n, real *y);
    void (*normals)(uint64_t key, uint64_t pair, double *to, int pairs);     /* normal numbers 2*pair .. 2*(pair+pairs)-1 under a key */
} fl_math_runs;

#endif
