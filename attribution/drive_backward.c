/* drive_backward.c: one walk down from the score.
 *
 *   plain            a = ds/dx
 *   times_input      a = (x - b) ds/dx        b: the baseline; with zero this is gradient x input */
#include "attribution/driver.h"

#include "tensor/par.h"

#include <string.h>

static fl_status run(fl_run *r)
{
    fl_run_backward(r, 1);
    const real *g = fl_run_signal(r, 0);
    real *a = r->map->data;
    if (r->method->variant == FL_BACKWARD_TIMES_INPUT) {
        FL_EACH(i, r->voxels) a[i] = (real)(((double)r->x[i] - (double)r->baseline[i]) * (double)g[i]);
    } else {
        memcpy(a, g, (size_t)r->voxels * sizeof(real));
    }
    return FL_OK;
}

const fl_driver fl_drive_backward = {
    .name = "backward",
    .uses = {[FL_BACKWARD_PLAIN] = 0, [FL_BACKWARD_TIMES_INPUT] = FL_READS_BASELINE},
    .run = run
};
