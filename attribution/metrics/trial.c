/* trial.c: the map in double, and what is said where a measure is not defined (trial.h). */
#include "attribution/metrics/trial.h"

#include <math.h>

double *fl_trial_doubles(fl_trial *t, int64_t count) { return FL_NEW(t->scratch, double, count); }

static double *copy_in_double(fl_trial *t, const real *a)
{
    double *v = fl_trial_doubles(t, t->voxels);
    for (int i = 0; v && i < t->voxels; i++) v[i] = (double)a[i];
    return v;
}

double *fl_trial_map(fl_trial *t) { return copy_in_double(t, t->judged->map); }
double *fl_trial_signed(fl_trial *t) { return copy_in_double(t, t->judged->signed_map ? t->judged->signed_map : t->judged->map); }

fl_status fl_trial_undefined(fl_measure *m, const char *why)
{
    m->value = (double)NAN;
    m->note = why;
    return FL_OK;
}
