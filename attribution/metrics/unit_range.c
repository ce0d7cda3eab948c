/* unit_range.c: a map from 0 to 1, which similarities of pictures compare (agreement.h). */
#include "attribution/metrics/agreement.h"

double *fl_unit_range(int64_t n, const real *a, fl_arena *arena)
{
    real low, high;
    double *v = FL_NEW(arena, double, n);
    fl_min_max(a, n, &low, &high);
    for (int64_t i = 0; v && i < n; i++) v[i] = high > low ? ((double)a[i] - (double)low) / ((double)high - (double)low) : 0;
    return v;
}
