/* arithmetic.c: what drivers do to whole clips: in double, one rounding at the end, element by element. */
#include "attribution/driver.h"

#include "tensor/par.h"

void fl_mix(int64_t n, double alpha, const real *from, const real *to, real *y)
{
    FL_EACH(i, n) y[i] = (real)((1.0 - alpha) * (double)from[i] + alpha * (double)to[i]);
}

void fl_accumulate(int64_t n, double weight, const real *g, double *sum)
{
    FL_EACH(i, n) sum[i] += weight * (double)g[i];
}

void fl_round(int64_t n, double factor, const double *sum, real *y)
{
    FL_EACH(i, n) y[i] = (real)(factor * sum[i]);
}

void fl_times_difference(int64_t n, const real *x, const real *b, const double *g, real *y)
{
    FL_EACH(i, n) y[i] = (real)(((double)x[i] - (double)b[i]) * g[i]);
}
