/* axpy.h: y += k x, the inner loop of everything that adds weighted rows.
 *
 * Eight at a time: a loop of known length becomes vector code at -O2 too. Elements are independent, so the bits do not
 * depend on how they are grouped. x and y do not overlap. */
#ifndef FL_AXPY_H
#define FL_AXPY_H

#include "tensor/real.h"

#include <stdint.h>

static inline void fl_axpy(int64_t n, real k, const real *restrict x, real *restrict y)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int lane = 0; lane < 8; lane++) y[i + lane] += k * x[i + lane];
    for (; i < n; i++) y[i] += k * x[i];
}

#endif
