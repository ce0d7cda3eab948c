/* channels.c: a layer's channels, weighted and added up, as all of the CAM family do in the end. */
#include "attribution/driver.h"

#include "tensor/par.h"

void fl_run_weigh_channels(fl_run *r, fl_shape s, const real *a, const double *weight, int64_t pooled, bool keep_negative)
{
    FL_PARALLEL(p, fl_shape_pixels(s), 2 * fl_shape_count(s)) {
        const double *row = weight + p / pooled * s.c;
        double sum = 0;
        for (int k = 0; k < s.c; k++) sum += row[k] * (double)a[p * s.c + k];
        r->map->data[p] = (real)(sum > 0 || keep_negative ? sum : 0.0);
    }
}
