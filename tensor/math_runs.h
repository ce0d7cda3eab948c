/* math_runs.h: what is asked of many numbers at once, one table per instruction set (kernels.h). Everything is in double, rounded once,
 * nothing is contracted: the same bits from every table, and as one by one (math.h, rng.h). */
#ifndef FL_MATH_RUNS_H
#define FL_MATH_RUNS_H

#include "tensor/real.h"

#include <stdint.h>

typedef struct fl_math_runs {
    void (*sigmoid)(const real *x, int64_t n, real *y);       /* y may be x */
    void (*tanh)   (const real *x, int64_t n, real *y);
    void (*normals)(uint64_t key, uint64_t pair, double *to, int pairs);     /* normal numbers 2*pair .. 2*(pair+pairs)-1 under a key */
} fl_math_runs;

#endif
